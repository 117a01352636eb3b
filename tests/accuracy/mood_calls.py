"""Simulated calls whose turns have known moods: two actors, one on each side, in telephone band.

Made from labelled clips of a corpus that the measured head was not trained on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.signal import resample_poly

from speech.audio import decode
from speech.mood_clips import Clip
from tests.simulated import RATE_HZ

TURNS = 8
"""Turns of each of the two."""

CALM = ("happy", "neutral", "sad")
OUTBURST = 3  # angry turns of a customer who loses patience at the end

Kind = Literal["angry", "outburst", "changing", "calm"]


@dataclass(frozen=True, slots=True)
class MoodTurn:
    """One clip as placed on the call's clock."""

    speaker: str
    mood: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, eq=False)
class MoodCall:
    """`samples` of shape (2, n) at 8 kHz, agent left, and every turn in order."""

    kind: Kind
    samples: NDArray[np.float32]
    turns: tuple[MoodTurn, ...]

    @property
    def angry(self) -> bool:
        """Whether anger is in the customer's voice."""
        return any(turn.mood == "angry" for turn in self.turns if turn.speaker == "customer")

    def write(self, path: Path) -> None:
        """A WAV file as a telephone system would keep it: 8 kHz, mu-law, stereo."""
        soundfile.write(path, self.samples.T, RATE_HZ, subtype="ULAW", format="WAV")


def mood_calls(clips: Sequence[Clip], kinds: Sequence[Kind], *, seed: int) -> Iterator[MoodCall]:
    """One call of each kind, each with another actor as agent. The calls of every kind take their
    customers in turn, so that none of them leans on a few actors.

    A customer of kind `angry` is so in all turns; of `outburst`, in the last three; of
    `changing`, in any, at random among all four moods; of `calm`, in none. Agents are calm.
    """
    random = np.random.default_rng(seed)
    actors = sorted({clip.speaker for clip in clips})
    order = random.permutation(actors)
    for number, kind in enumerate(kinds):
        customer = str(order[kinds[:number].count(kind) % len(order)])
        agent = str(random.choice([actor for actor in actors if actor != customer]))
        moods: list[str] = list(random.choice(CALM, TURNS, p=(0.25, 0.6, 0.15)))
        if kind == "angry":
            moods = ["angry"] * TURNS
        elif kind == "outburst":
            moods[-OUTBURST:] = ["angry"] * OUTBURST
        elif kind == "changing":
            moods = list(random.choice(("angry", *CALM), TURNS))
        calm = list(random.choice(CALM, TURNS, p=(0.3, 0.7, 0.0)))
        chosen = zip(
            _drawn(clips, agent, calm, random=random),
            _drawn(clips, customer, moods, random=random),
            strict=True,
        )
        yield _placed(kind, [clip for pair in chosen for clip in pair], agent, random=random)


def _drawn(
    clips: Sequence[Clip], actor: str, moods: Sequence[str], *, random: np.random.Generator
) -> list[Clip]:
    """A clip of the actor for each mood; none twice before all were taken."""
    left: dict[str, list[Clip]] = {}
    drawn: list[Clip] = []
    for mood in moods:
        if not left.get(mood):
            own = [clip for clip in clips if clip.speaker == actor and clip.mood == mood]
            left[mood] = [own[i] for i in random.permutation(len(own))]
        drawn.append(left[mood].pop())
    return drawn


def _placed(
    kind: Kind, clips: Sequence[Clip], agent: str, *, random: np.random.Generator
) -> MoodCall:
    pieces: list[tuple[int, int, NDArray[np.float32]]] = []
    turns: list[MoodTurn] = []
    at_s = 1.0
    for clip in clips:
        recording = decode(clip.path)
        whole = resample_poly(recording.samples(0, 0.0, recording.duration_s), 1, 2)
        loud = np.flatnonzero(np.abs(whole) > 0.03 * np.abs(whole).max())
        sound = whole[max(loud[0] - 800, 0) : loud[-1] + 800]
        speaker = "agent" if clip.speaker == agent else "customer"
        end_s = at_s + len(sound) / RATE_HZ
        pieces.append((0 if speaker == "agent" else 1, round(at_s * RATE_HZ), sound))
        turns.append(MoodTurn(speaker, clip.mood, at_s, end_s))
        at_s = end_s + random.uniform(0.3, 1.2)
    samples = random.normal(0.0, 3e-4, (2, round((at_s + 1.0) * RATE_HZ))).astype(np.float32)
    for side, start, sound in pieces:
        samples[side, start : start + len(sound)] += sound
    return MoodCall(kind, np.clip(samples, -1.0, 1.0), tuple(turns))
