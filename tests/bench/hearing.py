"""`make bench NAME=hearing`: our hearing beside faster-whisper's own batched pipeline, one per
channel.

Same model, beam, compute type, in one process, in turn, over simulated calls; medians of the
ratios. The lines before the last say how fast, with how much memory, and where the time went.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import soundfile
from faster_whisper import BatchedInferencePipeline, decode_audio

from speech.listen import Ears, listen
from speech.mood import EncoderMood
from speech.transcribe import Transcriber
from tests.simulated import simulate_call

ROUNDS = 3
SEEDS = (11, 12, 13)
HOURS = 3.0


def say(line: str) -> None:
    """Progress and details; only the last line is the result."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def measure_time(folder: Path) -> float:
    """The median over calls and rounds of our time / the peer's."""
    transcriber = Transcriber.load("base", folder / "models")
    ears = Ears(transcriber, EncoderMood.shipped(transcriber.name))
    plain = Ears(transcriber, None)
    pipeline = BatchedInferencePipeline(transcriber.model)
    paths = []
    for seed in SEEDS:
        paths.append(folder / f"{seed}.wav")
        simulate_call(seed).write(paths[-1])
    # First uses load code and data that later ones find there.
    listen(paths[0], ears)
    _peer(pipeline, paths[0])
    ratios, speeds, shares = [], [], []
    for number in range(ROUNDS):
        for path in paths:
            since = perf_counter()
            listen(path, plain)
            ours_s = perf_counter() - since
            since = perf_counter()
            _peer(pipeline, path)
            peer_s = perf_counter() - since
            heard = listen(path, ears)
            effort = asdict(heard.effort)
            total_s = sum(effort.values())
            ratios.append(ours_s / peer_s)
            speeds.append(heard.duration_s / total_s)
            shares.append(effort["mood_s"] / total_s)
            say(
                f"round {number + 1} {path.stem}: ours {ours_s:.1f} s, peer {peer_s:.1f} s, "
                f"with mood {total_s:.1f} s {effort}"
            )
    say(
        f"with mood: {statistics.median(speeds):.1f} s of sound a second, "
        f"mood {statistics.median(shares):.1%} of the time"
    )
    return statistics.median(ratios)


def _peer(pipeline: BatchedInferencePipeline, path: Path) -> None:
    for channel in decode_audio(str(path), split_stereo=True):
        segments, _info = pipeline.transcribe(channel, word_timestamps=True, beam_size=5)
        for _segment in segments:
            pass


def measure_memory(folder: Path) -> float:
    """Peak resident memory, in MB, of a process that hears a 3 h stereo recording."""
    call = simulate_call(21).samples
    path = folder / "long.wav"
    with soundfile.SoundFile(path, "w", 8000, 2, subtype="ULAW") as out:
        # A fifth of it is speech: the length costs the memory, the speech only time.
        pause = np.random.default_rng(0).normal(0, 0.001, (4 * call.shape[1], 2))
        for _ in range(int(HOURS * 3600 * 8000 / (5 * call.shape[1]))):
            out.write(call.T)
            out.write(pause)
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.hearing", "--hear", str(path), str(folder / "models")],
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout.strip().splitlines()[-1])


def hear_alone(path: Path, models: Path) -> None:
    """What the process measured by `measure_memory` does."""
    transcriber = Transcriber.load("base", models, beam_size=1)
    listen(path, Ears(transcriber, EncoderMood.shipped(transcriber.name)))
    say(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000))


def main() -> None:
    """Print one JSON object on the last line."""
    with TemporaryDirectory(prefix="ovt-") as name:
        folder = Path(name)
        result = {"time_ratio": round(measure_time(folder), 3)}
        result["peak_rss_mb"] = round(measure_memory(folder))
    say(json.dumps(result))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--hear"]:
        hear_alone(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main()
