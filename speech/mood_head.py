"""The arithmetic of a mood head: what it reads of a turn, how it weighs the speaker.

Plain numpy on plain arrays. Knows no files and not how its numbers were found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speech.conversation import Mood
from speech.frames import FrameStats
from speech.prosody import STATISTICS, Prosody

Floats = NDArray[np.float64]

MOODS = ("angry", "happy", "neutral", "sad")

PARTS = ("encoder", "loudness", "tempo", "pitch", "colour")
"""What a head reads, by name: the encoder's frames, and four kinds of prosody."""

_FARTHEST = 4.0  # a feature counts no farther from ordinary speech than this many deviations
_MOST_OF_BASELINE = 0.5  # a mood that only varies in strength looks like one that changes
_BASELINE_TURNS = 1.3  # of fewer turns (weighed by their seconds) nothing is known of a change


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A linear head and what it was made for.

    With F features (see :func:`features`), `center` and `spread` of shape (F,) are ordinary speech,
    `weights` is (F, 4). `change_center` and `change_width` say from which change between a
    speaker's turns their own baseline counts (see :func:`baselines`), `baseline_s` from how many
    seconds of other turns it counts by half.
    """

    whisper: str
    width: int
    center: Floats
    spread: Floats
    weights: Floats
    bias: Floats
    baseline_s: float
    change_center: float = 0.0
    change_width: float = 1.0
    temperature: float = 1.0
    anger_slope: float = 1.0
    anger_offset: float = 0.0

    def absolute(self, turns: Floats) -> Floats:
        """Logits (n, 4) of turns (n, F) against ordinary speech alone."""
        return standardize(turns, self.center, spread=self.spread) @ self.weights + self.bias

    def logits(self, turns: Floats, speakers: Sequence[str], *, seconds: Floats) -> Floats:
        """(n, 4) for the turns of one call: features (n, F) and seconds of speech (n,)."""
        absolute = self.absolute(turns)
        return absolute - baselines(absolute, speakers, seconds=seconds, head=self)

    def moods(self, logits: Floats) -> list[Mood]:
        """Calibrated probabilities for each row of logits (n, 4)."""
        shares = softmax(logits / self.temperature)
        anger = 1.0 / (1.0 + np.exp(-self.anger_slope * anger_odds(logits) - self.anger_offset))
        return [
            Mood(angry=row[0], happy=row[1], neutral=row[2], sad=row[3], anger=one)
            for row, one in zip(shares.tolist(), anger.tolist(), strict=True)
        ]

    def evidence(self, turns: Floats, logits: Floats) -> list[dict[str, float]]:
        """What speaks for anger in each turn, in log odds by part (:data:`PARTS`).

        Each part is how far the turn's features of that kind move the odds of anger against the
        turn's next mood, from ordinary speech. Shapes as for :meth:`logits`.
        """
        ordinary = standardize(turns, self.center, spread=self.spread)
        next_mood = 1 + logits[:, 1:].argmax(axis=1)
        moved = self.anger_slope * ordinary * (self.weights[:, :1] - self.weights[:, next_mood]).T
        parts = np.array(["encoder"] * self.width + [_part(name) for name in STATISTICS])
        sums = {part: moved[:, parts == part].sum(axis=1) for part in PARTS}
        return [{part: float(sums[part][i]) for part in PARTS} for i in range(len(turns))]


def features(frames: FrameStats, prosody: Prosody) -> Floats:
    """What a head reads of one turn, (width + statistics,): the mean frame, then the prosody.

    The frames' deviations are left out: from voice to voice they mislead more than they tell.
    """
    return np.concatenate([frames.mean(), prosody.statistics])


def standardize(turns: Floats, center: Floats, *, spread: Floats) -> Floats:
    """Features in deviations from ordinary speech; what was not measured counts as ordinary."""
    return np.clip(np.nan_to_num((turns - center) / spread), -_FARTHEST, _FARTHEST)


def baselines(logits: Floats, speakers: Sequence[str], *, seconds: Floats, head: Head) -> Floats:
    """What to take off each turn's logits (n, 4) for its speaker's own way of speaking.

    A speaker's mean over the call is their voice and line where their mood changes, and is their
    mood where it does not: who is angry from the first word to the last must not become ordinary.
    So the mean is taken off in so far as the turns differ from each other (:func:`change`), more
    than a constant mood's turns do, and as there are other turns than the one judged; and never
    more than half of it, for one mood comes in many strengths.
    """
    taken = np.zeros_like(logits)
    names = np.asarray(speakers)
    for speaker in np.unique(names):
        own = names == speaker
        weights = seconds[own]
        changed = change(logits[own], weights)
        if changed is None:
            continue
        doubt = np.exp((head.change_center - np.log(changed + 1e-9)) / head.change_width)
        others_s = weights.sum() - weights
        known = others_s / (others_s + head.baseline_s)
        share = _MOST_OF_BASELINE * known / (1.0 + doubt)
        taken[own] = share[:, None] * np.average(logits[own], axis=0, weights=weights)
    return taken


def change(logits: Floats, seconds: Floats) -> float | None:
    """How much one speaker's turns differ: the variance of their logits (n, 4), weighed by seconds
    and without the bias of few turns, summed over the moods. None for what is hardly one turn.
    """
    weights = seconds / seconds.sum()
    turns = 1.0 / np.square(weights).sum()
    if turns <= _BASELINE_TURNS:
        return None
    mean = np.average(logits, axis=0, weights=weights)
    around = (weights[:, None] * np.square(logits - mean)).sum()
    return float(around * turns / (turns - 1.0))


def _part(statistic: str) -> str:
    kind = statistic.split("_")[0]
    if kind in ("loudness", "pitch"):
        return kind
    return "tempo" if kind in ("onsets", "active") else "colour"


def softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def anger_odds(logits: Floats) -> Floats:
    """The log odds of anger against the three other moods together, shape (n,)."""
    others = logits[:, 1:]
    top = others.max(axis=1)
    return np.asarray(logits[:, 0] - top - np.log(np.exp(others - top[:, None]).sum(axis=1)))
