"""How often terms are right by verdicts, and what is proposed."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexicons.matcher import Matcher
from lexicons.precision import LexiconPrecision, TermPrecision, measure, wilson_lower
from lexicons.terms import Lexicon, Term


@dataclass(frozen=True)
class Judged:
    right: bool
    before: str = ""
    after: str = ""
    term: str = "bearing"
    matched: str = "bearing"
    found: bool = True
    score: float | None = 1.0
    parts: dict[str, float] | None = field(default_factory=dict)


def measured(*hits: Judged, term: Term | None = None, wanted: float = 0.9) -> LexiconPrecision:
    terms = (term or Term("bearing"), Term("drill"))
    return measure(Lexicon("shop", "product", 3, terms), hits, wanted=wanted)


def the_term(*hits: Judged, term: Term | None = None, wanted: float = 0.9) -> TermPrecision:
    (one,) = measured(*hits, term=term, wanted=wanted).terms
    return one


RIGHT = Judged(True, "do you have a", "in stock")
WRONG = Judged(False, "that he was", "a grudge today")


def test_precision_is_the_share_of_right_hits_found_now() -> None:
    told = measured(*[RIGHT] * 3, WRONG, Judged(False, found=False), Judged(True, found=False))
    (one,) = told.terms
    assert (one.confirmed, one.rejected, one.gone, one.lost) == (3, 1, 1, 1)
    assert one.precision == told.precision == 0.75
    assert one.at_least == pytest.approx(0.3006, abs=1e-3)
    assert (told.lexicon, told.version, told.unjudged) == ("shop", 3, 1)
    assert one.wrong == (WRONG,)


def test_few_verdicts_change_nothing() -> None:
    one = the_term(WRONG, WRONG, RIGHT)
    assert (one.action, one.way) == ("keep", None)
    assert "too few" in one.why


def test_a_term_that_is_right_often_enough_is_kept() -> None:
    hits = [RIGHT] * 8 + [WRONG] * 2
    assert the_term(*hits, wanted=0.8).action == "keep"
    assert the_term(*hits, wanted=0.9).action == "tighten"


def test_the_word_that_stands_only_near_wrong_hits_is_proposed() -> None:
    hits = [RIGHT] * 5 + [WRONG] * 3 + [Judged(False, "they were", "the grudges of years")]
    one = the_term(*hits)
    assert (one.action, one.way and one.way.unless) == ("tighten", "grudge")
    assert one.way is not None
    assert (one.way.rejected_gone, one.way.confirmed_lost) == (4, 0)
    assert one.why == "add “grudge” to its unless: 4 of 4 wrong hits go"


def test_a_word_that_stands_near_a_right_hit_too_is_not_proposed() -> None:
    also = Judged(True, "a bearing", "without a grudge")
    one = the_term(*[RIGHT] * 4, also, *[Judged(False, "", "grudge")] * 4)
    assert one.way is None
    assert one.action == "keep"


@pytest.mark.parametrize("within", [0, 1, 3])
@pytest.mark.parametrize("apart", range(6))
def test_what_is_proposed_is_what_the_matcher_excludes(within: int, apart: int) -> None:
    other = " ".join(["um", "well", "so", "then", "now", "please"][:apart])
    for before, after in ((f"grudge {other}", ""), ("", f"{other} grudge")):
        term = Term("bearing", unless_within=within)
        one = the_term(*[RIGHT] * 5, *[Judged(False, before, after)] * 5, term=term)
        proposed = one.way is not None and one.way.unless == "grudge"
        excluding = Term("bearing", unless=("grudge",), unless_within=within)
        matcher = Matcher([Lexicon("shop", "product", 1, (excluding,))])
        assert proposed == (not matcher.find(f"{before} bearing {after}"))


def test_what_it_was_misheard_for_is_proposed() -> None:
    wrong = Judged(False, "the", "", matched="baring", score=0.8, parts={"sound": 0.9})
    exact = Term("bearing", mode="near")
    one = the_term(*[RIGHT] * 4, *[wrong] * 4, term=exact)
    assert one.way is not None
    assert one.way.unless == "baring"


def test_fewer_ways_to_be_said_are_proposed_where_wrong_hits_are_fuzzy() -> None:
    wrong = [
        Judged(False, word, "", matched=word, score=0.8, parts={"spelling": 0.8})
        for word in ("herring", "hearing", "bering", "baring")
    ]
    one = the_term(*[RIGHT] * 5, *wrong)
    assert (one.action, one.way and one.way.mode) == ("tighten", "stem")
    assert one.why == "take stem for fuzzy: 4 of 4 wrong hits go"
    assert the_term(*[RIGHT] * 5, *wrong, term=Term("bearing", mode="stem")).way is None


def test_a_score_below_one_is_fuzzy_where_its_parts_are_not_known() -> None:
    words = ("herring", "hearing", "bering", "baring")
    old = [Judged(False, word, matched=word, score=0.8, parts=None) for word in words]
    one = the_term(*[RIGHT] * 5, *old)
    assert one.way is not None
    assert one.way.mode == "stem"


def test_a_term_that_nothing_can_mend_is_dropped() -> None:
    one = the_term(*[Judged(False)] * 6, Judged(True))
    assert (one.action, one.way) == ("drop", None)


def test_a_word_is_not_taken_for_a_sign_where_it_may_be_luck() -> None:
    hits = [Judged(True), *[Judged(False)] * 6, *[Judged(False, "the grudge")] * 2]
    assert the_term(*hits).way is None


def test_a_term_that_is_not_published_any_more_is_left_alone() -> None:
    one = the_term(*[Judged(False, term="saw")] * 9)
    assert (one.term, one.action) == ("saw", "keep")
    assert "not in what is published" in one.why


def test_terms_with_most_wrong_hits_come_first() -> None:
    told = measured(RIGHT, RIGHT, WRONG, *[Judged(False, term="drill")] * 2)
    assert [one.term for one in told.terms] == ["drill", "bearing"]
    assert (told.confirmed, told.rejected, told.precision) == (2, 3, 0.4)


def test_nothing_judged_is_nothing_known() -> None:
    told = measured()
    assert (told.terms, told.precision, told.at_least, told.unjudged) == ((), None, None, 2)


@given(st.integers(0, 60), st.integers(1, 60))
def test_the_lower_bound_is_where_the_share_is_just_within_the_error(
    right: int, judged: int
) -> None:
    right = min(right, judged)
    bound = wilson_lower(right, judged)
    assert bound is not None
    assert 0.0 <= bound <= right / judged
    off, error = right / judged - bound, sqrt(bound * (1 - bound) / judged)
    assert off == pytest.approx(1.96 * error, abs=1e-6)
