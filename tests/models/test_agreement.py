"""Agreement of anger with verdicts, against a slow and obvious count."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.agreement import Pair, Reached, binned, calibration_error, lowest_threshold, reached

# Few values, so that speakers are often equally angry; and any, so that they seldom are.
ANGERS = st.one_of(
    st.integers(0, 20).map(lambda i: i / 20), st.floats(0, 1), st.sampled_from([0.5, 0.5000001])
)
PAIRS = st.lists(st.builds(Pair, ANGERS, st.booleans()), max_size=40)


def pairs(*known: tuple[float, int]) -> list[Pair]:
    return [Pair(anger, bool(angry)) for anger, angry in known]


def slow_lowest(known: Sequence[Pair], precision: float) -> tuple[set[int], int, int] | None:
    """Who is flagged, and how many of them rightly, at the lowest threshold that will do."""
    for threshold in sorted({pair.anger for pair in known if pair.anger > 0}):
        flagged = {i for i, pair in enumerate(known) if pair.anger >= threshold}
        right = sum(1 for i in flagged if known[i].angry)
        if right / len(flagged) >= precision:
            return flagged, len(flagged), right
    return None


def slow_error(known: Sequence[Pair]) -> float:
    error = 0.0
    for i in range(10):
        low, high = i / 10, (i + 1) / 10
        inside = [p for p in known if low <= p.anger < high or (i == 9 and p.anger == 1)]
        if inside:
            mean = sum(p.anger for p in inside) / len(inside)
            share = sum(p.angry for p in inside) / len(inside)
            error += len(inside) / len(known) * abs(mean - share)
    return error


def test_precision_and_recall_at_a_threshold() -> None:
    known = pairs((0.9, 1), (0.6, 0), (0.6, 1), (0.59, 1), (0.1, 0))
    found = reached(known, 0.6)
    assert found == Reached(0.6, flagged=3, right=2, angry=3)
    assert (found.precision, found.recall) == (pytest.approx(2 / 3), pytest.approx(2 / 3))


def test_what_cannot_be_counted_is_none() -> None:
    assert reached([], 0.6).precision is None
    assert reached(pairs((0.9, 0)), 0.6).recall is None
    assert reached(pairs((0.1, 1)), 0.6).precision is None
    assert reached(pairs((0.1, 1)), 0.6).recall == 0
    assert calibration_error(binned([])) is None
    assert lowest_threshold([], 0.9) is None


def test_bins_are_ten_of_equal_width_and_the_last_holds_one() -> None:
    bins = binned(pairs((0.0, 0), (0.1, 1), (0.3, 0), (0.39, 1), (0.95, 1), (1.0, 1)))
    assert [one.count for one in bins] == [1, 1, 0, 2, 0, 0, 0, 0, 0, 2]
    assert (bins[3].low, bins[3].high) == (0.3, 0.4)
    assert (bins[3].mean_anger, bins[3].share_angry) == (pytest.approx(0.345), 0.5)
    assert (bins[2].mean_anger, bins[2].share_angry) == (None, None)


def test_the_calibration_error_weighs_bins_by_their_speakers() -> None:
    known = pairs((0.05, 0), (0.05, 0), (0.05, 0), (0.85, 1))
    assert calibration_error(binned(known)) == pytest.approx(0.75 * 0.05 + 0.25 * 0.15)


def test_the_lowest_threshold_may_lie_below_one_that_will_not_do() -> None:
    known = pairs((0.9, 0), (0.8, 1), (0.7, 1), (0.6, 1), (0.5, 0))
    found = lowest_threshold(known, 0.75)
    assert found == Reached(0.6, flagged=4, right=3, angry=3)
    assert lowest_threshold(known, 0.8) is None


@pytest.mark.parametrize(
    ("angers", "threshold"),
    [
        ((0.734512, 0.2), 0.73),
        ((0.734512, 0.7341), 0.7345),
        ((0.734512, 0.734511), 0.734512),
        ((1.0, 0.999), 1.0),
        ((0.004, 0.0), 0.004),
    ],
)
def test_a_threshold_has_as_few_digits_as_flag_the_same(
    angers: tuple[float, float], threshold: float
) -> None:
    found = lowest_threshold(pairs((angers[0], 1), (angers[1], 0)), 1.0)
    assert found is not None
    assert found.threshold == threshold


@given(PAIRS, st.sampled_from([0.0, 0.5, 2 / 3, 0.9, 1.0]))
def test_the_threshold_is_that_of_trying_all(known: list[Pair], precision: float) -> None:
    slow, found = slow_lowest(known, precision), lowest_threshold(known, precision)
    if slow is None or found is None:
        assert slow is found
        return
    flagged, count, right = slow
    assert {i for i, pair in enumerate(known) if pair.anger >= found.threshold} == flagged
    assert (found.flagged, found.right) == (count, right)
    assert found == reached(known, found.threshold)
    assert 0 < found.threshold <= 1
    assert float(str(found.threshold)) == found.threshold


@given(PAIRS)
def test_the_calibration_error_is_that_of_the_definition(known: list[Pair]) -> None:
    bins = binned(known)
    assert sum(one.count for one in bins) == len(known)
    error = calibration_error(bins)
    assert error == (pytest.approx(slow_error(known), abs=1e-12) if known else None)
