"""Conditions on terms: words near each other, what speaks against a term, who and where."""

from __future__ import annotations

import pytest

from lexicons.lexicon import ConditionError, Lexicon, Term, validate
from lexicons.matcher import Matcher
from lexicons.terms import Place, Purpose


def found(text: str, *terms: Term, purpose: Purpose = "custom") -> list[str]:
    return [m.matched for m in Matcher([Lexicon("tools", purpose, 1, terms)]).find(text)]


BEARING = Term("bearing 204", mode="near", within=2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bearing 204", ["bearing 204"]),
        ("the 204 bearing", ["204 bearing"]),
        ("bearings, two of the 204", ["bearings, two of the 204"][:0]),
        ("bearings, the 204", ["bearings, the 204"]),
        ("a bearing of number two oh four", ["bearing of number two oh four"]),
        ("a 204 and two sealed big bearings", []),
        ("bearing 205, pulley 204", ["bearing 205, pulley 204"]),
        ("bearing", []),
    ],
)
def test_words_near_each_other_are_found_in_any_order(text: str, expected: list[str]) -> None:
    assert found(text, BEARING) == expected


def test_the_farther_apart_the_lower_the_score() -> None:
    matcher = Matcher([Lexicon("tools", "custom", 1, (BEARING,))])
    together, turned, apart = (
        matcher.find(text)[0] for text in ("bearing 204", "204 bearing", "bearing in size 204")
    )
    assert together.score == 1.0
    assert turned.score > apart.score
    assert turned.parts == {"order": turned.score}


def test_one_word_is_not_two_of_a_near_term() -> None:
    assert found("bearing", Term("bearing bearings", mode="near")) == []


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("you idiot", 1),
        ("idiot proof manual", 0),
        ("this is idiot-proof", 0),
        ("what an idiot I am", 0),
        ("idiot! The roof is idiot and far away from the proof", 2),
    ],
)
def test_a_phrase_near_it_speaks_against_a_term(text: str, count: int) -> None:
    term = Term("idiot", unless=("idiot proof", "I am"), unless_within=1)
    assert len(found(text, term)) == count


@pytest.mark.parametrize(
    ("term", "purpose", "count"),
    [
        (Term("happy"), "praise", 0),
        (Term("happy"), "custom", 1),
        (Term("happy", negatable=False), "praise", 1),
        (Term("happy", negatable=True), "custom", 0),
    ],
)
def test_denial_counts_where_a_term_minds_it(term: Term, purpose: Purpose, count: int) -> None:
    assert len(found("I am not happy", term, purpose=purpose)) == count


@pytest.mark.parametrize(
    ("place", "at_s", "holds"),
    [
        ("first 30 s", 29.9, True),
        ("first 30 s", 30.0, False),
        ("last 20 %", 79.9, False),
        ("last 20 %", 80.0, True),
        ("first 100 %", 99.9, True),
    ],
)
def test_a_place_holds_its_part_of_a_call(place: str, at_s: float, holds: bool) -> None:
    assert Place.read(place).holds(at_s, call_s=100.0) is holds
    assert str(Place.read(place)) == place


@pytest.mark.parametrize(
    "text", ["", "first", "first 0 s", "last 101 %", "middle 3 s", "first x s"]
)
def test_a_place_that_is_none_says_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="first 30 s"):
        Place.read(text)


def test_a_term_may_belong_to_one_side_of_the_call() -> None:
    term = Term("thanks", speaker="customer", place=Place("last", 10.0, "s"))
    assert term.allows("customer", 95.0, call_s=100.0)
    assert not term.allows("agent", 95.0, call_s=100.0)
    assert not term.allows("customer", 5.0, call_s=100.0)
    assert term.allows("speaker_1", 95.0, call_s=100.0)  # who that is nobody knows


def test_a_word_heard_with_certainty_scores_lower_where_it_is_another() -> None:
    matcher = Matcher([Lexicon("tools", "custom", 1, (Term("bearing"),))])
    sure, unsure = (matcher.find("baring", heard=[(0, 6, p)])[0] for p in (1.0, 0.3))
    assert sure.score < unsure.score == 0.9
    assert sure.parts == {"sound": 0.9, "hearing": 0.75}


def test_a_word_heard_without_certainty_may_have_been_another() -> None:
    matcher = Matcher([Lexicon("tools", "custom", 1, (Term("torque wrench"),))])
    heard = [(0, 6, 0.9), (7, 13, 0.2)]
    assert matcher.find("torque french") == []
    assert [m.term for m in matcher.find("torque french", heard=heard)] == ["torque wrench"]


def test_a_filler_may_stand_in_a_phrase() -> None:
    assert found("a torque, uh, wrench", Term("torque wrench")) == ["torque, uh, wrench"]


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("play station", "PlayStation"),
        ("a playstation", "play station"),
        ("skrew driver", "screwdriver"),
        ("шурупа верт", "шуруповёрт"),
        ("wi fi", "WiFi"),
        ("anglegrinder", "angle grinder"),
    ],
)
def test_words_that_were_split_or_joined_are_found(text: str, term: str) -> None:
    assert len(found(text, Term(term))) == 1


def test_a_near_term_of_many_words_is_refused() -> None:
    lexicon = Lexicon("tools", "custom", 1, (Term("one big red old tin box", mode="near"),))
    with pytest.raises(ConditionError, match="over 5 words"):
        validate(lexicon)


def test_a_near_term_is_found_each_time_it_is_said() -> None:
    assert len(found("the 204 bearing. " * 50, BEARING)) == 50


def test_words_of_a_near_term_said_again_and_again_do_not_take_long() -> None:
    term = Term("alpha beta gamma delta omega", mode="near", within=20)
    assert found("alpha beta gamma delta " * 500, term) == []


def test_phrases_that_speak_against_a_term_count_up_to_their_own_reach() -> None:
    term = Term("idiot", unless=("proof", "test made by some"), unless_within=1)
    assert found("a test made by some big idiot", term) == []
    assert len(found("a test made by some very big idiot", term)) == 1
    assert len(found("proof for some big idiot", term)) == 1


def test_a_term_that_its_own_exclusion_rules_out_is_refused() -> None:
    never = Lexicon("talk", "custom", 1, (Term("cancel orders", unless=("order",)),))
    with pytest.raises(ConditionError, match="would never be found"):
        validate(never)
    otherwise = Term("cancel order", forms=("stop it",), unless=("order",))
    validate(Lexicon("talk", "custom", 1, (otherwise,)))


@pytest.mark.parametrize(
    ("text", "count"), [("Park", 1), ("parks", 1), ("park's", 1), ("parking", 0), ("parked", 0)]
)
def test_a_name_has_a_plural_and_no_other_forms(text: str, count: int) -> None:
    assert len(found(text, Term("Park"))) == count
    assert len(found(text, Term("park"))) == 1


def test_a_near_term_takes_a_word_farther_off_where_the_nearest_is_too_wrong() -> None:
    term = Term("calibrator gearbox", mode="near", within=6)
    text = "gearbocx, calibbratoor, and a gearbox"
    assert found("calibrator " + text, term)
