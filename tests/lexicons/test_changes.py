"""What differs between two versions, and a phrase excluded from a term."""

from __future__ import annotations

import pytest

from lexicons.changes import NoSuchTermError, compare, exclude
from lexicons.matcher import Matcher
from lexicons.terms import ConditionError, Lexicon, Place, Term, TermError


def shop(*terms: Term, version: int = 1) -> Lexicon:
    return Lexicon("shop", "custom", version, terms)


def test_terms_are_the_same_where_their_texts_are() -> None:
    before = shop(Term("refund"), Term("drill"), Term("bearing", mode="stem"))
    after = shop(
        Term("bearing", forms=("bearings",), place=Place.read("last 30 s")),
        Term("refund"),
        Term("saw"),
        version=2,
    )
    changes = compare(before, after)
    assert [term.text for term in changes.added] == ["saw"]
    assert [term.text for term in changes.removed] == ["drill"]
    (changed,) = changes.changed
    assert changed.text == "bearing"
    assert changed.fields == {
        "mode": ("stem", None),
        "forms": (None, ["bearings"]),
        "place": (None, "last 30 s"),
    }
    assert changes
    assert changes.purpose is None


def test_a_lexicon_does_not_differ_from_itself() -> None:
    assert not compare(shop(Term("refund")), shop(Term("refund"), version=9))
    assert compare(shop(), Lexicon("shop", "praise", 1, ())).purpose == ("custom", "praise")


def test_an_excluded_phrase_speaks_against_the_term() -> None:
    before = shop(Term("bearing"), Term("drill"))
    after = exclude(before, "bearing", " in mind ")
    assert after.terms == (Term("bearing", unless=("in mind",)), Term("drill"))
    assert before.terms[0].unless == ()
    assert exclude(after, "bearing", "in mind") == after
    said = "bearing in mind what you said"
    assert Matcher([before]).find(said)
    assert not Matcher([after]).find(said)
    assert Matcher([after]).find("a bearing for my drill")


def test_a_phrase_that_cannot_work_is_refused() -> None:
    with pytest.raises(NoSuchTermError, match="'saw' is not in it"):
        exclude(shop(Term("drill")), "saw", "seen")
    with pytest.raises(ConditionError, match="would never be found"):
        exclude(shop(Term("ball bearing")), "ball bearing", "Bearings")
    for phrase in ("", "?!", "x" * 10_000, "a\0b"):
        with pytest.raises(TermError):
            exclude(shop(Term("drill")), "drill", phrase)
