"""Product codes in every way in which they are read out, and near misses that are another code."""

from __future__ import annotations

import pytest

from lexicons.codes import codes_of
from lexicons.lexicon import Lexicon, Term
from lexicons.matcher import Matcher
from lexicons.text import analyze

SEALED = Term("SKF 6204 2RS")


def found(text: str, *terms: Term) -> list[str]:
    matcher = Matcher([Lexicon("tools", "product", 1, terms)])
    return [match.matched for match in matcher.find(text)]


@pytest.mark.parametrize(
    "text",
    [
        "SKF 6204 2RS",
        "skf 6204-2rs",
        "SKF 62 04 2RS",
        "skf sixty two oh four two r s",
        "s k f six two zero four two R S",
        "эс ка эф шестьдесят два ноль четыре два эр эс",
        "скф 6204 2рс",
    ],
)
def test_a_code_is_found_however_it_is_read_out(text: str) -> None:
    assert found(f"yes, {text}.", SEALED) == [text]


@pytest.mark.parametrize(
    "text", ["SKF 6205 2RS", "SKF 6204 2RZ", "SKF 6204", "six two oh four two", "skf 62 and 04 2rs"]
)
def test_another_code_is_not_it(text: str) -> None:
    assert found(text, SEALED) == []


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("n u two oh five", "NU 205"),
        ("a drill of eighteen volts", "18V"),
        ("m eight", "M8"),
        ("болты эм восемь", "болт М8"),
        ("double z", "ZZ"),
        ("double u d forty", "WD-40"),
        ("R S", "RS"),
        ("six two oh four zed zed", "6204 zz"),
        ("шесть два ноль четыре зет зет", "6204 zz"),
        ("восемнадцать вольт", "18 В"),
    ],
)
def test_letters_and_units_are_found_by_their_names(text: str, term: str) -> None:
    assert len(found(text, Term(term))) == 1


@pytest.mark.parametrize("mode", ["exact", "stem", "fuzzy"])
def test_how_a_code_is_read_out_does_not_matter_in_any_mode(mode: str) -> None:
    assert found("6204 2 R S", Term("6204 2RS", mode=mode)) == ["6204 2 R S"]  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["204", "two oh four", "20-4", "2 and 04", "20, 4"])
def test_a_number_may_be_read_out_in_parts(text: str) -> None:
    expected = [] if text == "2 and 04" else [f"pump {text}"]
    assert found(f"a pump {text}", Term("pump 204")) == expected


def test_ordinary_words_are_no_code() -> None:
    for text in ("drill", "bearing 20", "the old one", "подшипник 20", "no, thanks"):
        assert list(codes_of(text, analyze(text))) == []


def test_a_term_says_which_of_its_words_are_a_code() -> None:
    text = "bearing SKF 6204 2RS sealed"
    assert list(codes_of(text, analyze(text))) == [(1, 4, "skf62042rs")]


def test_many_repetitions_do_not_take_long() -> None:
    assert found("s k f " * 3000, SEALED) == []
