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
from speech.prosody import Prosody

Floats = NDArray[np.float64]

MOODS = ("angry", "happy", "neutral", "sad")

_FARTHEST = 4.0  # a feature counts no farther from ordinary speech than this many deviations


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A linear head and what it was made for.

    With F features (see :func:`features`), `center` and `spread` of shape (F,) are ordinary speech.
    `weights` is (2F, 4): first for a turn against ordinary speech, then against its speaker's
    baseline. `baseline_s` seconds of ordinary speech are mixed into every baseline.
    """

    whisper: str
    width: int
    center: Floats
    spread: Floats
    weights: Floats
    bias: Floats
    baseline_s: float
    temperature: float = 1.0
    anger_slope: float = 1.0
    anger_offset: float = 0.0

    def logits(self, turns: Floats, speakers: Sequence[str], *, seconds: Floats) -> Floats:
        """(n, 4) for the turns of one call: features (n, F) and seconds of speech (n,)."""
        ordinary = standardize(turns, self.center, spread=self.spread)
        seen = views(ordinary, speakers, seconds=seconds, baseline_s=self.baseline_s)
        return seen @ self.weights + self.bias

    def moods(self, logits: Floats) -> list[Mood]:
        """Calibrated probabilities for each row of logits (n, 4)."""
        shares = softmax(logits / self.temperature)
        anger = 1.0 / (1.0 + np.exp(-self.anger_slope * anger_odds(logits) - self.anger_offset))
        return [Mood(*map(float, (*row, one))) for row, one in zip(shares, anger, strict=True)]


def features(frames: FrameStats, prosody: Prosody) -> Floats:
    """What a head reads of one turn, (width + statistics,): the mean frame, then the prosody.

    The frames' deviations are left out: from voice to voice they mislead more than they tell.
    """
    return np.concatenate([frames.mean(), prosody.statistics])


def standardize(turns: Floats, center: Floats, *, spread: Floats) -> Floats:
    """Features in deviations from ordinary speech; what was not measured counts as ordinary."""
    return np.clip(np.nan_to_num((turns - center) / spread), -_FARTHEST, _FARTHEST)


def views(
    ordinary: Floats, speakers: Sequence[str], *, seconds: Floats, baseline_s: float
) -> Floats:
    """Each turn of one call seen twice: (n, F) standardized features become (n, 2F).

    A speaker's baseline is the mean of their *other* turns, weighed by seconds and drawn to
    ordinary speech (0) as if `baseline_s` seconds of it had been heard: a speaker with one turn
    has none, and one who is angry throughout still stands out in the first view.
    """
    relative = ordinary.copy()
    names = np.asarray(speakers)
    for speaker in np.unique(names):
        own = names == speaker
        weighed = ordinary[own] * seconds[own, None]
        others_s = seconds[own].sum() - seconds[own]
        relative[own] -= (weighed.sum(axis=0) - weighed) / (others_s + baseline_s)[:, None]
    return np.hstack([ordinary, relative])


def softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def anger_odds(logits: Floats) -> Floats:
    """The log odds of anger against the three other moods together, shape (n,)."""
    others = logits[:, 1:]
    top = others.max(axis=1)
    return np.asarray(logits[:, 0] - top - np.log(np.exp(others - top[:, None]).sum(axis=1)))
