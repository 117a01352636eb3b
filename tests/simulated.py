"""Telephone calls with known truth: read sentences placed on two channels at known times.

The sentences are LibriSpeech's (CC BY 4.0), read from ../shared/data and never copied into the
project.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain, pairwise, zip_longest
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.signal import resample_poly

Samples = NDArray[np.float32]
Stretch = tuple[float, float]
"""(start_s, end_s) of speech."""

DATA = Path(__file__).parents[2] / "shared" / "data"
RATE_HZ = 8000
MU = 255.0
SIDES = ("agent", "customer")
FRAME = RATE_HZ // 100
# Speech is what is louder than this share of the way, in dB, from a clip's quietest frames to its
# loud ones: readers' rooms differ by 40 dB. Nothing so far below the loudest frame is speech.
LOUD_SHARE, QUIETEST_DB = 0.3, -35.0
# Pauses from here on part two stretches of speech: the rule of NIST's Rich Transcription
# evaluations (RT-09 plan, 2009) for segments of one speaker.
PAUSE_S = 0.3
CLICK_S = 0.05  # shorter sounds between pauses are no speech
# A reader with fewer utterances than this has them cut at their pauses, into pieces no shorter.
PLENTY, SHORTEST_PIECE_S = 4, 1.5


@dataclass(frozen=True, slots=True)
class Utterance:
    """One sentence, or a piece of one (`text` None: unknown), as placed on the call's clock.

    `stretches` is where it is spoken, in order: pauses of PAUSE_S and longer are left out.
    """

    speaker: str
    text: str | None
    stretches: tuple[Stretch, ...]

    @property
    def start_s(self) -> float:
        return self.stretches[0][0]

    @property
    def end_s(self) -> float:
        return self.stretches[-1][1]


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedCall:
    """`samples` of shape (2, n) at 8 kHz, agent left; every utterance in order of its start."""

    samples: Samples
    utterances: tuple[Utterance, ...]

    @property
    def duration_s(self) -> float:
        return self.samples.shape[1] / RATE_HZ

    def of(self, speaker: str) -> tuple[Utterance, ...]:
        """One speaker's utterances."""
        return tuple(said for said in self.utterances if said.speaker == speaker)

    def text(self, speaker: str) -> str:
        """All that one speaker says; pieces of unknown text are left out."""
        return " ".join(said.text for said in self.of(speaker) if said.text)

    def write(self, path: Path, *, mono: bool = False) -> None:
        """Write as mu-law WAV, as a telephone system would."""
        sound = self.samples.mean(axis=0) if mono else self.samples.T
        soundfile.write(path, sound, RATE_HZ, subtype="ULAW")


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A reader's sentence at 8 kHz and one loudness; stretches on the clip's own clock."""

    reader: str
    text: str | None
    sound: Samples
    stretches: tuple[Stretch, ...]

    @property
    def speech_s(self) -> float:
        return sum(end_s - start_s for start_s, end_s in self.stretches)


def simulate_call(
    seed: int, *, sentences: int = 8, overlap_share: float = 0.15, noise_db: float = -55.0
) -> SimulatedCall:
    """A call of two sides who take turns, `sentences` each, every text known.

    Gaps last 0.3 to 20 s (mostly short), some sentences begin before the other's end. A side's
    sentences come from as few readers as have enough; no reader is heard on both sides.
    """
    chance = np.random.default_rng(seed)
    readers = _readers()
    order = chance.permutation(sorted(readers))
    sides = [
        [clip for reader in order[side::2] for clip in _shuffled(readers[reader], chance)]
        for side in (0, 1)
    ]
    return _place(
        [side[:sentences] for side in sides], chance, overlap_share=overlap_share, noise_db=noise_db
    )


def simulate_dialogue(
    seed: int, *, sentences: int = 8, overlap_share: float = 0.15, noise_db: float = -55.0
) -> SimulatedCall:
    """The same between two real readers, for telling voices apart: up to `sentences` each.

    Where a reader has few utterances, they are cut at their pauses into pieces of unknown text.
    """
    chance = np.random.default_rng(seed)
    speakers = {reader: _parts(clips) for reader, clips in _readers().items()}
    able = sorted(reader for reader, parts in speakers.items() if len(parts) > 2)
    sides = [_shuffled(speakers[reader], chance) for reader in chance.permutation(able)[:2]]
    return _place(
        [side[:sentences] for side in sides], chance, overlap_share=overlap_share, noise_db=noise_db
    )


def mu_law(samples: Samples) -> Samples:
    """G.711 mu-law there and back (ITU-T G.711, the continuous companding curve at 8 bits)."""
    squeezed = np.sign(samples) * np.log1p(MU * np.abs(np.clip(samples, -1, 1))) / np.log1p(MU)
    coarse = np.round(squeezed * 127) / 127
    wide = np.sign(coarse) * np.expm1(np.abs(coarse) * np.log1p(MU)) / MU
    return wide.astype(np.float32)


def _place(
    sides: Sequence[Sequence[Clip]],
    chance: np.random.Generator,
    *,
    overlap_share: float,
    noise_db: float,
) -> SimulatedCall:
    placed: list[tuple[int, float, Clip]] = []
    free_s = [0.0, 0.0]  # from when on a side may speak again
    now_s = float(chance.uniform(0.3, 3.0))
    in_turn = chain.from_iterable(zip_longest(*([(n, c) for c in s] for n, s in enumerate(sides))))
    for channel, clip in filter(None, in_turn):
        if placed and chance.random() < overlap_share:
            now_s = max(now_s - float(chance.uniform(0.2, 1.2)), free_s[channel])
        elif placed:
            now_s += float(0.3 + min(chance.exponential(2.0), 19.7))
        first_s, last_s = clip.stretches[0][0], clip.stretches[-1][1]
        placed.append((channel, now_s - first_s, clip))
        free_s[channel] = now_s + last_s - first_s + 0.3
        now_s = max(free_s) - 0.3
    total = int((now_s + 3.0) * RATE_HZ)
    samples = chance.normal(0.0, 10 ** (noise_db / 20), (2, total)).astype(np.float32)
    utterances = []
    for channel, offset_s, clip in placed:
        begin = round(offset_s * RATE_HZ)
        piece = clip.sound[max(0, -begin) :][: total - max(0, begin)]
        samples[channel, max(0, begin) : max(0, begin) + len(piece)] += piece
        stretches = tuple((offset_s + first, offset_s + last) for first, last in clip.stretches)
        utterances.append(Utterance(SIDES[channel], clip.text, stretches))
    return SimulatedCall(mu_law(samples), tuple(sorted(utterances, key=lambda u: u.start_s)))


@cache
def _readers() -> dict[str, tuple[Clip, ...]]:
    """Every reader's sentences."""
    readers: dict[str, list[Clip]] = defaultdict(list)
    with (DATA / "speech" / "librispeech.tsv").open(encoding="utf-8") as table:
        for row in csv.DictReader(table, delimiter="\t"):
            sound, rate = soundfile.read(DATA / "speech" / row["path"], dtype="float32")
            low = resample_poly(sound, RATE_HZ, rate).astype(np.float32)
            low *= 0.06 / max(float(np.sqrt(np.mean(low**2))), 1e-6)
            low = np.clip(low, -0.98, 0.98)
            clip = Clip(row["speaker"], row["text"], low, tuple(spoken_in(low)))
            readers[clip.reader].append(clip)
    return {reader: tuple(clips) for reader, clips in readers.items()}


def spoken_in(sound: Samples) -> list[Stretch]:
    """Where a clip of one voice at 8 kHz is spoken: by level, in order, at least one stretch."""
    frames = sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME)
    power = np.convolve((frames**2).mean(axis=1), np.ones(3) / 3, "same")
    level_db = 10 * np.log10(power + 1e-12)
    quiet_db, loud_db = np.percentile(level_db, (5, 95))
    limit_db = max(quiet_db + LOUD_SHARE * (loud_db - quiet_db), level_db.max() + QUIETEST_DB)
    loud = np.flatnonzero(level_db > limit_db)
    groups = np.split(loud, np.flatnonzero(np.diff(loud) > PAUSE_S * 100) + 1)
    found = [(int(group[0]) / 100, int(group[-1] + 1) / 100) for group in groups if len(group)]
    longest = max(end_s - start_s for start_s, end_s in found)
    return [(s, e) for s, e in found if e - s >= min(CLICK_S, longest)]


def _parts(clips: Sequence[Clip]) -> list[Clip]:
    """A reader's utterances, or, where these are few, the pieces between their pauses."""
    return list(clips) if len(clips) >= PLENTY else [p for clip in clips for p in _pieces(clip)]


def _pieces(clip: Clip) -> Iterator[Clip]:
    """The clip cut in the middle of pauses, each piece with SHORTEST_PIECE_S of speech or more."""
    groups: list[list[Stretch]] = [[]]
    for stretch in clip.stretches:
        if sum(end_s - start_s for start_s, end_s in groups[-1]) >= SHORTEST_PIECE_S:
            groups.append([])
        groups[-1].append(stretch)
    if len(groups) > 1 and sum(e - s for s, e in groups[-1]) < SHORTEST_PIECE_S:
        last = groups.pop()
        groups[-1] += last
    borders_s = [(a[-1][1] + b[0][0]) / 2 for a, b in pairwise(groups)]
    cuts_s = [0.0, *borders_s, len(clip.sound) / RATE_HZ]
    for group, (begin_s, end_s) in zip(groups, pairwise(cuts_s), strict=True):
        sound = clip.sound[round(begin_s * RATE_HZ) : round(end_s * RATE_HZ)]
        own = tuple((first - begin_s, last - begin_s) for first, last in group)
        yield replace(clip, text=None, sound=sound, stretches=own)


def _shuffled(clips: Sequence[Clip], chance: np.random.Generator) -> list[Clip]:
    return [clips[i] for i in chance.permutation(len(clips))]
