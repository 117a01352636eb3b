"""`make bench NAME=hearing`: our hearing beside faster-whisper's own batched pipeline, one per
channel.

Same model, beam, compute type, in one process, in turn, over simulated calls; medians of the
ratios. The lines before the last say how fast, with how much memory, and where the time went.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import soundfile

from speech.listen import Ears, listen
from speech.mood import EncoderMood
from speech.transcribe import Transcriber
from tests.bench.encoder_arithmetic import EncoderWork, measure_rates
from tests.peer import Peer
from tests.simulated import RATE_HZ, simulate_call

ROUNDS = 3
SEEDS = (11, 12, 13)
HOURS = 3.0
# What the transcriber asks of faster-whisper's model, of CTranslate2's below it, and their steps.
MODEL_STEPS = {"encode": "encoder", "find_alignment": "alignment"}
INNER_STEPS = {
    "encode": "encoder",
    "generate": "decoder",
    "align": "alignment",
    "detect_language": "language",
}


def say(line: str) -> None:
    """Progress and details; only the last line is the result."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Clocked:
    """Stands for an object; the calls named in `steps` add their wall time to `spent`."""

    def __init__(
        self, real: Any, steps: Mapping[str, str], spent: Counter[str], **instead: Any
    ) -> None:
        self._real, self._steps, self._spent, self._instead = real, steps, spent, instead

    def __getattr__(self, name: str) -> Any:
        value = self._instead.get(name, getattr(self._real, name))
        return self._timed(value, self._steps[name]) if name in self._steps else value

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self._timed(self._real, self._steps["__call__"])(*arguments, **options)

    def _timed(self, function: Callable[..., Any], step: str) -> Callable[..., Any]:
        def timed(*arguments: Any, **options: Any) -> Any:
            since = perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                self._spent[step] += perf_counter() - since

        return timed


class ClockedTranscriber(Transcriber):
    """Hears as the given one does, over the same model; `spent` holds seconds by step."""

    def __init__(self, like: Transcriber) -> None:
        self.spent: Counter[str] = Counter()
        self.work = EncoderWork()
        self.shape = (0, 0, 0, 0)
        model: Any = Clocked(
            like.model,
            MODEL_STEPS,
            self.spent,
            encode=self._encode_with(like.model.encode),
            model=Clocked(like.model.model, INNER_STEPS, self.spent),
            feature_extractor=Clocked(
                like.model.feature_extractor, {"__call__": "features"}, self.spent
            ),
        )
        super().__init__(model, like.name, beam_size=like.beam_size, batch_size=like.batch_size)

    def _encode_with(self, encode: Callable[..., Any]) -> Callable[..., Any]:
        def encode_and_count(features: np.ndarray) -> Any:
            encoded = encode(features)
            shape = (*features.shape, encoded.shape[-1])
            self.work += EncoderWork.of(*shape)
            self.shape = max(self.shape, shape, key=lambda one: one[0] * one[2])
            return encoded

        return encode_and_count


def measure_time(folder: Path) -> float:
    """The median over calls and rounds of our time / the peer's."""
    transcriber = Transcriber.load("base", folder / "models")
    plain, peer = Ears(transcriber, None), Peer(transcriber)
    paths = []
    for seed in SEEDS:
        paths.append(folder / f"{seed}.wav")
        simulate_call(seed).write(paths[-1])
    # First uses load code and data that later ones find there.
    listen(paths[0], plain)
    peer.hear(paths[0], 2)
    ratios: list[float] = []
    for number in range(ROUNDS):
        for path in paths:
            laps_s = {"ours": 0.0, "peer": 0.0}
            # Who goes first changes, so that neither always finds the machine warm.
            for name in sorted(laps_s, reverse=bool(number % 2)):
                since = perf_counter()
                listen(path, plain) if name == "ours" else peer.hear(path, 2)
                laps_s[name] = perf_counter() - since
            ratios.append(laps_s["ours"] / laps_s["peer"])
            say(
                f"round {number + 1} {path.stem}: ours {laps_s['ours']:.1f} s, "
                f"peer {laps_s['peer']:.1f} s, ratio {ratios[-1]:.3f}"
            )
    say(f"ratios from {min(ratios):.3f} to {max(ratios):.3f}")
    explain_time(transcriber, paths)
    return statistics.median(ratios)


def explain_time(transcriber: Transcriber, paths: list[Path]) -> None:
    """Say where the time goes, mood included, and how long the encoder's arithmetic needs."""
    clocked = ClockedTranscriber(transcriber)
    ears = Ears(clocked, EncoderMood.shipped(transcriber.name))
    spent: Counter[str] = Counter()
    sound_s = total_s = 0.0
    for path in paths:
        since = perf_counter()
        heard = listen(path, ears)
        total_s += perf_counter() - since
        sound_s += heard.duration_s
        spent["decode"] += heard.effort.decode_s
        spent["activity"] += heard.effort.activity_s
        spent["speakers"] += heard.effort.speakers_s
        spent["mood"] += heard.effort.mood_s
    spent += clocked.spent
    spent["rest"] = total_s - sum(spent.values())
    say(f"{sound_s:.0f} s of sound in {total_s:.1f} s, {sound_s / total_s:.1f} s a second:")
    for step, seconds in spent.most_common():
        say(f"  {step:10} {seconds:6.2f} s  {seconds / total_s:6.1%}")
    work, (batch, _mels, frames, width) = clocked.work, clocked.shape
    rates = measure_rates(batch, frames, width, os.cpu_count() or 1)
    needed_s = rates.seconds(work)
    say(
        f"encoder: {work.total / 1e9:.0f} G multiply-adds ({work.linear / work.total:.0%} linear, "
        f"{work.attention / work.total:.0%} attention, {work.convolution / work.total:.0%} "
        f"convolution), {work.total / spent['encoder'] / 1e9:.0f} G/s"
    )
    say(
        f"  this machine multiplies its matrices at {rates.int8 / 1e9:.0f} G/s in int8 and "
        f"{rates.float32 / 1e9:.0f} G/s in float32: {needed_s:.2f} s are needed, "
        f"{needed_s / spent['encoder']:.0%} of what the encoder took"
    )


def measure_memory(folder: Path) -> float:
    """Peak resident memory, in MB, of a process that hears a 3 h stereo recording."""
    call = simulate_call(21).samples
    path = folder / "long.wav"
    with soundfile.SoundFile(path, "w", RATE_HZ, 2, subtype="ULAW") as out:
        # A fifth of it is speech: the length costs the memory, the speech only time.
        pause = np.random.default_rng(0).normal(0, 0.001, (4 * call.shape[1], 2))
        for _ in range(int(HOURS * 3600 * RATE_HZ / (5 * call.shape[1]))):
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
