"""Word error rates, checked by hand and against a slow reference."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.accuracy.word_errors import (
    WordErrors,
    rate_of,
    ratio_of,
    ratio_spread,
    word_errors,
)


def test_each_kind_of_error_is_counted() -> None:
    assert word_errors("alpha bravo delta", "alpha echo delta") == WordErrors(3, substituted=1)
    assert word_errors("alpha bravo delta", "alpha delta") == WordErrors(3, deleted=1)
    assert word_errors("alpha bravo", "alpha bravo golf") == WordErrors(2, inserted=1)


def test_writing_is_no_error() -> None:
    assert word_errors("it is twenty three pounds mister smith", "It's £23, Mr. Smith.").errors == 0
    assert word_errors("the grey colour", "The gray color!").errors == 0


def test_russian_is_compared_word_by_word() -> None:
    assert word_errors("Добрый день, банк!", "добрый день банк", "ru").errors == 0
    assert word_errors("Добрый день", "добрый дань", "ru") == WordErrors(2, substituted=1)


def test_words_where_none_were_said_are_invented_and_silence_is_all_missing() -> None:
    assert word_errors("", "thank you") == WordErrors(0, inserted=2)
    assert word_errors("thank you", "") == WordErrors(2, deleted=2)
    assert word_errors("", "") == WordErrors(0)


def test_texts_are_pooled_by_their_words() -> None:
    assert rate_of([WordErrors(90), WordErrors(10, deleted=10)]) == pytest.approx(0.1)


def test_the_ratio_compares_errors_on_the_same_texts() -> None:
    ours, theirs = [WordErrors(10, 1), WordErrors(10, 0)], [WordErrors(10, 1), WordErrors(10, 1)]
    assert ratio_of(ours, theirs) == pytest.approx(0.5)
    assert ratio_of([WordErrors(10)], [WordErrors(10)]) == 1.0
    assert ratio_of([WordErrors(10, 3)], [WordErrors(10)]) > 1.0
    with pytest.raises(ValueError, match="different texts"):
        ratio_of([WordErrors(10)], [WordErrors(11)])


def test_the_spread_holds_the_ratio_and_closes_where_all_calls_agree() -> None:
    theirs = [WordErrors(100, 10)] * 8
    low, high = ratio_spread([WordErrors(100, n) for n in (2, 14, 5, 9, 8, 3, 12, 7)], theirs)
    assert low < 0.75 < high
    assert ratio_spread([WordErrors(100, 5)] * 8, theirs) == pytest.approx((0.5, 0.5))


NAMES = st.lists(st.sampled_from(["alpha", "bravo", "delta", "golf"]), min_size=1, max_size=8)


@given(NAMES, NAMES)
def test_the_edits_are_the_fewest(truth: list[str], heard: list[str]) -> None:
    errors = word_errors(" ".join(truth), " ".join(heard)).errors
    assert errors == _distance(tuple(truth), tuple(heard))


def _distance(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """Levenshtein's distance, row by row."""
    row = list(range(len(other) + 1))
    for i, word in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, found in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != found))
    return row[-1]
