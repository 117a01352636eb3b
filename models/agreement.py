"""How well anger agrees with what people say: precision, recall, calibration, the threshold to set.

Arithmetic only: knows no tables and no models.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from itertools import groupby
from math import fsum

BINS = 10
EDGES = tuple(i / BINS for i in range(BINS + 1))
# Of 30, a share that is truly 0.9 is measured as anything from 0.8 to 1.
FEW_VERDICTS = 30


@dataclass(frozen=True, slots=True)
class Pair:
    """The anger of one speaker, 0 to 1, and whether a person found them angry."""

    anger: float
    angry: bool


@dataclass(frozen=True, slots=True)
class Reached:
    """What a threshold reaches: `flagged` speakers at or above it, `right` of them angry."""

    threshold: float
    flagged: int
    right: int
    angry: int

    @property
    def precision(self) -> float | None:
        """Share of the flagged that are angry; None where none is flagged."""
        return self.right / self.flagged if self.flagged else None

    @property
    def recall(self) -> float | None:
        """Share of the angry that are flagged; None where nobody is angry."""
        return self.right / self.angry if self.angry else None


@dataclass(frozen=True, slots=True)
class Bin:
    """Speakers whose anger is at least `low` and below `high`; the last bin holds 1 as well."""

    low: float
    high: float
    count: int
    mean_anger: float | None
    share_angry: float | None


def reached(pairs: Sequence[Pair], threshold: float) -> Reached:
    """What an anger of at least `threshold` finds."""
    flagged = [pair.angry for pair in pairs if pair.anger >= threshold]
    return Reached(threshold, len(flagged), sum(flagged), sum(pair.angry for pair in pairs))


def binned(pairs: Sequence[Pair]) -> tuple[Bin, ...]:
    """Ten bins of equal width, the empty ones too."""
    members: list[list[Pair]] = [[] for _ in range(BINS)]
    for pair in pairs:
        members[bisect_right(EDGES, pair.anger, 1, BINS) - 1].append(pair)
    return tuple(_bin(i, inside) for i, inside in enumerate(members))


def calibration_error(bins: Sequence[Bin]) -> float | None:
    """Expected calibration error: the mean of |mean anger - share angry| over bins, each weighed
    by its share of all speakers. None where there are none.

    Guo and others, "On Calibration of Modern Neural Networks", ICML 2017, equation 3.
    """
    total = sum(one.count for one in bins)
    gaps = [
        one.count * abs(one.mean_anger - one.share_angry)
        for one in bins
        if one.mean_anger is not None and one.share_angry is not None
    ]
    return fsum(gaps) / total if total else None


def lowest_threshold(pairs: Sequence[Pair], precision: float) -> Reached | None:
    """The lowest threshold above 0 at which at least this share of the flagged is angry, written
    with as few digits as flag the same speakers. None where no threshold gives it.
    """
    found: Reached | None = None
    for here, lower in _steps(pairs):
        if here.precision is not None and here.precision >= precision:
            found = Reached(
                _rounded(here.threshold, above=lower), here.flagged, here.right, here.angry
            )
    return found


def _bin(i: int, inside: Sequence[Pair]) -> Bin:
    count = len(inside)
    return Bin(
        EDGES[i],
        EDGES[i + 1],
        count,
        fsum(pair.anger for pair in inside) / count if count else None,
        sum(pair.angry for pair in inside) / count if count else None,
    )


def _steps(pairs: Sequence[Pair]) -> Iterator[tuple[Reached, float]]:
    """What each anger above 0 reaches as a threshold, from the highest down, with the anger below
    it.
    """
    angry = sum(pair.angry for pair in pairs)
    ordered = sorted((pair for pair in pairs if pair.anger > 0), key=lambda pair: -pair.anger)
    groups = [(anger, [*same]) for anger, same in groupby(ordered, key=lambda pair: pair.anger)]
    flagged = right = 0
    below = [*(anger for anger, _same in groups[1:]), 0.0]
    for (anger, same), lower in zip(groups, below, strict=False):
        flagged += len(same)
        right += sum(pair.angry for pair in same)
        yield Reached(anger, flagged, right, angry), lower


def _rounded(threshold: float, *, above: float) -> float:
    """The threshold rounded down to two digits, or as many more as keep it above `above`."""
    written = Decimal(str(threshold))
    for digits in range(2, 17):
        short = float(written.quantize(Decimal(1).scaleb(-digits), ROUND_FLOOR))
        if short > above:
            return short
    return threshold
