"""How exactly calls are heard: words, turns, phantoms, languages and speakers, beside
faster-whisper's own batched pipeline.

    python -m tests.accuracy.hearing [--only words|phantoms|language|speakers] [--seed N]

Everything is made from seeds or read from ../shared/data: every recording in `calls` and
`diarization`, every sentence of `speech/librispeech.tsv`. Takes some fifteen minutes on two cores.
The last line printed is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import soundfile
from scipy.signal import resample_poly

from settings import Settings
from speech.conversation import Conversation
from speech.listen import Ears, listen
from speech.transcribe import Transcriber
from tests.accuracy.der import SpeakerErrors, Spoken, read_rttm, speaker_errors
from tests.accuracy.noises import NOISES, Noise, hold
from tests.accuracy.turn_times import BorderErrors, border_errors, true_turns
from tests.accuracy.word_errors import WordErrors, rate_of, ratio_of, ratio_spread, word_errors
from tests.peer import Peer
from tests.simulated import (
    DATA,
    RATE_HZ,
    SIDES,
    Samples,
    mu_law,
    simulate_call,
    simulate_dialogue,
    spoken_in,
)

CALLS, SENTENCES = 24, 6
DIALOGUES, MONOLOGUES = 24, 6
NOISE_S = 30.0  # of each noise: twenty of them are 10 min
PRELUDE_S = 40.0
PRELUDES = ("white noise", "band", "room", "hold", "hummed", "ringing, Russia", "flute", "piano")
BESIDE_SPEECH = ("hold", "flute", "hummed", "breaths", "dialling", "room")
SHORT_S, LONG_S = 5.0, 30.0  # parts of a recording that become calls
SOUNDS: dict[str, Noise] = {**NOISES, "hold": hold}


def say(line: str) -> None:
    """Progress and details; only the last line is the result."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@dataclass(frozen=True, slots=True)
class Bench:
    """What every measurement needs: both hearings over one model, a folder, a first seed."""

    ears: Ears
    peer: Peer
    folder: Path
    seed: int

    def listen(self, path: Path) -> Conversation:
        return listen(path, self.ears)

    def write(self, name: str, sound: Samples) -> Path:
        """A sound of shape (channels, samples) as a call's recording."""
        path = self.folder / f"{name}.wav"
        soundfile.write(path, sound.T, RATE_HZ, subtype="ULAW")
        return path


def measure_words(bench: Bench) -> dict[str, float]:
    """Word errors of both, and the borders of our turns, on simulated stereo calls."""
    ours: list[WordErrors] = []
    theirs: list[WordErrors] = []
    borders = BorderErrors((), (), 0, 0)
    for number in range(CALLS):
        call = simulate_call(bench.seed + number, sentences=SENTENCES)
        path = bench.folder / f"words-{number}.wav"
        call.write(path)
        heard, peer = bench.listen(path), bench.peer.hear(path, 2)
        turns = true_turns(call)
        own = other = WordErrors(0)
        for side, channel in zip(SIDES, peer, strict=True):
            own += word_errors(call.text(side), _text(heard, side))
            other += word_errors(call.text(side), channel.text)
            spans = [(turn.start_s, turn.end_s) for turn in heard.of(side)]
            borders += border_errors(turns[side], spans)
        ours.append(own)
        theirs.append(other)
        say(f"  call {number} ({call.duration_s:.0f} s): ours {own}; peer {other}")
    low, high = ratio_spread(ours, theirs)
    say(f"WER ours {sum(ours, WordErrors(0))}; peer {sum(theirs, WordErrors(0))}")
    middle = [statistics.median(count.rate for count in counts) for counts in (ours, theirs)]
    say(f"median WER of a call: ours {middle[0]:.4f}, peer {middle[1]:.4f}")
    say(
        f"WER ratio {rate_of(ours):.4f} / {rate_of(theirs):.4f}, "
        f"95 of 100 draws of calls between {low:.3f} and {high:.3f}"
    )
    _say_borders(borders)
    _measure_recordings(bench)
    return {
        "wer_ratio": round(ratio_of(ours, theirs), 3),
        "turn_start_error_s": round(_median_size(borders.starts_s), 3),
        "turn_end_error_s": round(_median_size(borders.ends_s), 3),
    }


def _say_borders(borders: BorderErrors) -> None:
    pairs = len(borders.starts_s)
    say(f"turns: {borders.true_turns} true, {borders.heard_turns} heard, {pairs} pairs")
    for name, errors_s in (("starts", borders.starts_s), ("ends", borders.ends_s)):
        if errors_s:
            quartiles = ", ".join(f"{q:+.2f}" for q in np.percentile(errors_s, (5, 25, 50, 75, 95)))
            say(f"  {name}: 5, 25, 50, 75, 95 of 100 below {quartiles} s (positive: late)")


def _measure_recordings(bench: Bench) -> None:
    """Details: word errors on recordings that have their text beside them."""
    for path in _recordings("calls"):
        text = path.with_suffix(".txt")
        if text.is_file():
            language = _language_of(path)
            # A line may begin with who says it.
            lines = [re.sub(r"^\w+:\s", "", line) for line in _read(text).splitlines()]
            heard = bench.listen(path)
            said = " ".join(turn.text for turn in heard.turns)
            peer = bench.peer.hear(path, heard.channels)
            words = sorted((word.start, word.word) for side in peer for word in side.words)
            own = word_errors(" ".join(lines), said, language)
            other = word_errors(" ".join(lines), "".join(word for _, word in words), language)
            say(f"  {path.stem}: ours {own}; peer {other}")


def measure_phantoms(bench: Bench) -> dict[str, float]:
    """Words heard in 10 min without a word, and beside somebody who speaks."""
    ours = theirs = dropped = 0
    silent_s = 0.0
    for number, (name, sound) in enumerate(NOISES.items()):
        chance = np.random.default_rng((bench.seed, number))
        sides = [sound(NOISE_S, chance)]
        if number % 2:  # every other one in stereo, beside the hiss of a line
            sides.append(chance.normal(0, 0.001, len(sides[0])).astype(np.float32))
        path = bench.write(f"noise-{number}", np.stack(sides))
        heard, peer = bench.listen(path), bench.peer.hear(path, len(sides))
        own = sum(len(turn.words) for turn in heard.turns)
        other = sum(len(side.words) for side in peer)
        silent_s += heard.duration_s
        ours, theirs, dropped = ours + own, theirs + other, dropped + heard.dropped_words
        if own or other or heard.dropped_words:
            say(f"  {name}: ours {_texts(heard)}, {heard.dropped_words} dropped; peer {other}")
    beside = others_beside = 0
    for number, name in enumerate(BESIDE_SPEECH):
        call = simulate_call(bench.seed + number, sentences=2)
        chance = np.random.default_rng((bench.seed, 100 + number))
        noise = mu_law(SOUNDS[name](call.duration_s, chance))[: call.samples.shape[1]]
        path = bench.write(f"beside-{number}", np.stack([call.samples[0], noise]))
        heard, peer = bench.listen(path), bench.peer.hear(path, 2)
        own = sum(len(turn.words) for turn in heard.of("customer"))
        beside, others_beside = beside + own, others_beside + len(peer[1].words)
        if own or peer[1].words:
            said = [turn.text for turn in heard.of("customer")]
            say(f"  {name} beside speech: ours {said}; peer {len(peer[1].words)}")
    say(
        f"phantoms in {silent_s:.0f} s: ours {ours} ({dropped} dropped), peer {theirs}; "
        f"beside speech: ours {beside}, peer {others_beside}"
    )
    return {"phantom_words": ours + beside}


def measure_language(bench: Bench) -> dict[str, float]:
    """The share of calls, begun with 40 s of noise or music, whose language is found."""
    right = asked = peer_right = 0
    preludes = cycle(PRELUDES)
    for number, (name, language, sound) in enumerate(_spoken_calls(bench.seed)):
        for _ in range(3):
            prelude = next(preludes)
            chance = np.random.default_rng((bench.seed, number))
            noise = mu_law(SOUNDS[prelude](PRELUDE_S, chance))
            before = np.stack([noise] * len(sound))
            path = bench.write(f"language-{number}", np.hstack([before, sound]))
            heard, peer = bench.listen(path), bench.peer.hear(path, len(sound))
            found = [side.language for side in peer if side.words] or ["-"]
            asked += 1
            right += heard.language == language
            # The peer is asked channel by channel: each that has words must be right.
            peer_right += set(found) == {language}
            if heard.language != language or set(found) != {language}:
                say(f"  {name} after {prelude}: ours {heard.language}, peer {found}")
    say(f"language of {asked} calls: ours {right} right, peer {peer_right} right")
    return {"language_accuracy": round(right / asked, 4)}


def _spoken_calls(seed: int) -> Iterator[tuple[str, str, Samples]]:
    """(name, language, sound at 8 kHz of shape (channels, samples)): short calls and long ones."""
    for number in range(2):
        yield "simulated call", "en", simulate_call(seed + number, sentences=2).samples
        yield "one sentence", "en", simulate_call(seed + 10 + number, sentences=1).samples[:1]
    for path in _recordings("calls"):
        sound, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
        call = resample_poly(sound, RATE_HZ, rate_hz).T.astype(np.float32)
        length_s = call.shape[1] / RATE_HZ
        chance = np.random.default_rng(seed)
        for part_s in (SHORT_S, SHORT_S, LONG_S, LONG_S):
            # It begins where somebody does.
            starts_s = [start_s for start_s, _ in spoken_in(call.mean(axis=0))]
            able = [start_s for start_s in starts_s if start_s < length_s - part_s] or [0.0]
            begin_s = max(0.0, float(chance.choice(able)) - 0.1)
            part = call[:, round(begin_s * RATE_HZ) : round((begin_s + part_s) * RATE_HZ)]
            yield f"{path.stem} from {begin_s:.0f} s, {part_s:.0f} s", _language_of(path), part


def measure_speakers(bench: Bench) -> dict[str, float]:
    """Diarization errors on mono mixes of two real speakers and on labelled recordings."""
    simulated = recorded = SpeakerErrors(0.0)
    found: dict[int, int] = {}
    for number in range(DIALOGUES):
        call = simulate_dialogue(bench.seed + number)
        path = bench.folder / f"dialogue-{number}.wav"
        call.write(path, mono=True)
        truth = [(said.speaker, *stretch) for said in call.utterances for stretch in said.stretches]
        heard = bench.listen(path)
        errors = speaker_errors(truth, _who_spoke(heard), call.duration_s)
        found[len(heard.speakers)] = found.get(len(heard.speakers), 0) + 1
        simulated += errors
        say(f"  dialogue {number}: {errors}, {len(heard.speakers)} speakers heard")
    say(f"DER of simulated dialogues: {simulated}; calls by speakers heard: {found}")
    for path in _recordings("diarization"):
        labels = path.with_suffix(".rttm")
        if labels.is_file():
            heard = bench.listen(path)
            errors = speaker_errors(read_rttm(labels), _who_spoke(heard), heard.duration_s)
            recorded += errors
            say(f"  {path.stem}: {errors}, {len(heard.speakers)} speakers heard")
    say(f"DER of recordings: {recorded}")
    alone = 0
    for number in range(MONOLOGUES):
        sound = simulate_dialogue(bench.seed + number).samples[:1]
        alone += len(bench.listen(bench.write(f"alone-{number}", sound)).speakers) == 1
    say(f"one speaker stayed one in {alone} of {MONOLOGUES} monologues")
    return {"der": round(max(simulated.rate, recorded.rate), 4)}


def _who_spoke(heard: Conversation) -> list[Spoken]:
    return [(turn.speaker, turn.start_s, turn.end_s) for turn in heard.turns]


def _text(heard: Conversation, speaker: str) -> str:
    return " ".join(turn.text for turn in heard.of(speaker))


def _texts(heard: Conversation) -> list[str]:
    return [turn.text for turn in heard.turns]


def _recordings(folder: str) -> list[Path]:
    return sorted(
        path for path in (DATA / folder).glob("*") if path.suffix in {".flac", ".wav", ".mp3"}
    )


def _language_of(path: Path) -> str:
    """The language of a recording: by the script of its text, else by a name such as `ru-...`."""
    text = path.with_suffix(".txt")
    if text.is_file():
        return "ru" if re.search("[а-яё]", _read(text), re.IGNORECASE) else "en"
    prefix = re.match(r"([a-z]{2})-", path.name)
    return prefix.group(1) if prefix else "en"


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _median_size(errors_s: tuple[float, ...]) -> float:
    return statistics.median(abs(error_s) for error_s in errors_s)


PARTS: dict[str, Callable[[Bench], dict[str, float]]] = {
    "words": measure_words,
    "phantoms": measure_phantoms,
    "speakers": measure_speakers,
    "language": measure_language,
}
KEYS = (
    "wer_ratio",
    "turn_start_error_s",
    "turn_end_error_s",
    "phantom_words",
    "der",
    "language_accuracy",
)


def main() -> None:
    """Print one JSON object on the last line."""
    parser = argparse.ArgumentParser(description="Measure how exactly calls are heard.")
    parser.add_argument("--only", choices=PARTS, action="append", help="measure this part alone")
    parser.add_argument("--seed", type=int, default=1000, help="first seed of all that is made up")
    asked = parser.parse_args()
    if not DATA.is_dir():
        sys.exit(f"skipped: no recordings in {DATA}")
    transcriber = Transcriber.load("base", Settings().models)
    result: dict[str, float] = {}
    with TemporaryDirectory(prefix="ovt-") as folder:
        bench = Bench(Ears(transcriber, None), Peer(transcriber), Path(folder), asked.seed)
        for name in asked.only or PARTS:
            since = perf_counter()
            say(f"{name} ...")
            result |= PARTS[name](bench)
            say(f"{name} took {perf_counter() - since:.0f} s")
    say(json.dumps({key: result[key] for key in KEYS if key in result}))


if __name__ == "__main__":
    main()
