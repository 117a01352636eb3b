"""One speaker's mood over all their turns: how angry at most, on the whole, and with which course.

Told from turns and their moods; knows nothing of audio. A turn without a mood says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from speech.conversation import Turn

# Anger counts for a speaker when it lasts: one odd moment is not a mood.
SUSTAINED_S = 2.0
# A course is told from no fewer turns with a mood, and no fewer seconds of them.
TREND_TURNS = 3
TREND_S = 6.0
# Differences of times are off by rounding.
_CLOCK_S = 1e-6

_MOODS = ("angry", "happy", "neutral", "sad")


@dataclass(frozen=True, slots=True)
class SpeakerMood:
    """The four moods of a speaker's turns, averaged by their seconds, and their anger, 0 to 1.

    `peak` is the anger sustained over 2 s of speech (:func:`sustained_anger`), `mean` the anger of
    all of it by seconds, `share` the share of it in turns at or above a threshold. `trend` is the
    mean anger of its last third less that of its first (None: too little to tell), `at_s` where
    the angriest turn begins: the second to play.
    """

    angry: float
    happy: float
    neutral: float
    sad: float
    peak: float
    mean: float
    share: float
    trend: float | None
    at_s: float

    @property
    def label(self) -> str:
        """The most probable of the four moods."""
        return max(_MOODS, key=lambda name: float(getattr(self, name)))


@dataclass(frozen=True, slots=True)
class _Felt:
    """A turn that has a mood: its anger, where it begins and how long it is."""

    start_s: float
    duration_s: float
    anger: float


def speaker_mood(turns: Iterable[Turn], threshold: float) -> SpeakerMood | None:
    """The mood of one speaker from their turns; None where no turn has one.

    `threshold` is the anger from which a turn counts for `share`.
    """
    felt = sorted(
        (turn for turn in turns if turn.mood and turn.duration_s > 0),
        key=lambda turn: (turn.start_s, turn.end_s),
    )
    peak = sustained_anger(felt)
    if peak is None:
        return None
    total_s = sum(turn.duration_s for turn in felt)

    def mean(name: str) -> float:
        whole = sum(getattr(turn.mood, name) * turn.duration_s for turn in felt)
        return float(whole / total_s)

    angers = [_Felt(turn.start_s, turn.duration_s, turn.mood.anger) for turn in felt if turn.mood]
    angry_s = sum(turn.duration_s for turn in angers if turn.anger >= threshold)
    return SpeakerMood(
        angry=mean("angry"),
        happy=mean("happy"),
        neutral=mean("neutral"),
        sad=mean("sad"),
        peak=peak,
        mean=mean("anger"),
        share=angry_s / total_s,
        trend=_trend(angers, total_s),
        at_s=max(angers, key=lambda turn: turn.anger).start_s,
    )


def sustained_anger(turns: Iterable[Turn], at_least_s: float = SUSTAINED_S) -> float | None:
    """The highest anger that these turns reach or pass for `at_least_s` seconds of speech in all.

    None where no turn has a mood; where they are shorter altogether, their lowest anger.
    """
    angers = sorted(
        ((turn.mood.anger, turn.duration_s) for turn in turns if turn.mood and turn.duration_s > 0),
        reverse=True,
    )
    lasted_s = 0.0
    for anger, duration_s in angers:
        lasted_s += duration_s
        if lasted_s > at_least_s - _CLOCK_S:
            return anger
    return angers[-1][0] if angers else None


def _trend(felt: Sequence[_Felt], total_s: float) -> float | None:
    """The mean anger of the last third of these turns' seconds less that of the first third; what
    lies across a border is divided.
    """
    if len(felt) < TREND_TURNS or total_s < TREND_S - _CLOCK_S:
        return None
    third_s = total_s / 3
    return _mean_anger(reversed(felt), third_s) - _mean_anger(felt, third_s)


def _mean_anger(felt: Iterable[_Felt], first_s: float) -> float:
    """The mean anger of the first `first_s` seconds of these turns."""
    left_s, whole = first_s, 0.0
    for turn in felt:
        taken_s = min(turn.duration_s, left_s)
        whole += turn.anger * taken_s
        left_s -= taken_s
    return whole / first_s
