"""Set A is what it says it is: seeded, with spans in the right place and decoys that are none."""

from __future__ import annotations

import re
from collections import Counter
from random import Random

import pytest

from lexicons.lexicon import problems
from tests.accuracy.letter_errors import misspell, sound_alike
from tests.accuracy.planted import DECOYS, PLANTED, SENTENCES, lexicons, sentences
from tests.accuracy.read_aloud import (
    Language,
    cardinal,
    number_styles,
    ordinal,
    pieces,
    read_number,
)

both = pytest.mark.parametrize("language", ["en", "ru"])


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower().replace("ё", "е"))


def holds(text: str, term: str) -> bool:
    return f" {' '.join(words(term))} " in f" {' '.join(words(text))} "


@both
def test_a_seed_makes_the_same_sentences_and_another_seed_others(language: Language) -> None:
    made = sentences(language, 1)
    assert made == sentences(language, 1)
    assert {one.text for one in made} != {one.text for one in sentences(language, 2)}


@both
@pytest.mark.parametrize("seed", range(3))
def test_there_are_600_sentences_and_no_two_are_alike(language: Language, seed: int) -> None:
    made = sentences(language, seed)
    assert len(made) == len({one.text.lower() for one in made}) == SENTENCES
    kinds = Counter(one.kind for one in made)
    assert {kind: kinds[kind] for kind in PLANTED} == PLANTED
    assert sum(one.gold is not None for one in made) == SENTENCES // 2
    assert all(kinds[kind] <= count for kind, count in DECOYS.items())
    assert kinds["near miss"] == DECOYS["near miss"]


@both
def test_every_term_is_planted_and_its_lexicon_has_no_problem(language: Language) -> None:
    bases = lexicons(language)
    assert [problem for base in bases for problem in problems(base)] == []
    terms = {term.text for base in bases for term in base.terms}
    assert len(terms) >= 60
    golds = {one.gold.term for seed in range(3) for one in sentences(language, seed) if one.gold}
    assert golds == terms


@both
@pytest.mark.parametrize("seed", range(3))
def test_a_span_is_where_the_form_of_the_term_stands(language: Language, seed: int) -> None:
    for one in sentences(language, seed):
        if one.gold is None:
            continue
        said = one.text[one.gold.start : one.gold.end]
        assert said == said.strip()
        assert re.search(r"\w", said)
        assert not re.search(r"\w$", one.text[: one.gold.start])
        assert not re.match(r"\w", one.text[one.gold.end :])
        if one.kind == "written":
            assert said.lower() == one.gold.term.lower()
        if one.kind in ("misspelt", "sound-alike"):
            assert said.lower() != one.gold.term.lower()


@both
@pytest.mark.parametrize("seed", range(3))
def test_no_decoy_contains_a_term_unless_it_is_denied_or_excluded(
    language: Language, seed: int
) -> None:
    terms = [term.text for base in lexicons(language) for term in base.terms]
    for one in sentences(language, seed):
        if one.gold is None and one.kind not in ("negated", "excluded"):
            assert [term for term in terms if holds(one.text, term)] == [], one.text
        elif one.gold:
            outside = one.text[: one.gold.start] + " | " + one.text[one.gold.end :]
            assert [term for term in terms if holds(outside, term)] == [], one.text


def test_a_slip_of_the_pen_is_one_letter_wrong_or_two_swapped() -> None:
    chance = Random(1)
    for _ in range(200):
        assert edits("spanner", misspell("spanner", 1, language="en", chance=chance)) <= 1
        assert edits("пылесос", misspell("пылесос", 1, language="ru", chance=chance)) <= 1
        assert edits("carburettor", misspell("carburettor", 2, language="en", chance=chance)) <= 2


@both
def test_only_words_of_five_letters_and_more_are_misspelt(language: Language) -> None:
    for one in sentences(language, 4):
        if one.gold and one.kind == "misspelt":
            assert max(map(len, words(one.gold.term))) >= 5


def test_russian_vowels_lose_their_colour_only_where_they_are_not_stressed() -> None:
    heard = {sound_alike("подш+ипник", language="ru", chance=Random(n)) for n in range(50)}
    assert {"падшипник", "потшипник", "подшибник"} <= heard
    assert not any(word and word[4] != "и" for word in heard)


def test_numbers_are_read_out_as_people_do() -> None:
    chance = Random(1)
    assert cardinal(204, "en") == "two hundred and four"
    assert cardinal(6204, "ru") == "шесть тысяч двести четыре"
    assert [ordinal(204, end) for end in ("ый", "ого")] == ["двести четвёртый", "двести четвёртого"]
    assert [ordinal(3, end) for end in ("ый", "ая")] == ["третий", "третья"]
    assert ordinal(300, "ый") == "трёхсотый"
    reads = {
        style: read_number("6204", style, language="en", chance=chance)
        for style in ("digits", "zero", "pairs", "dashed")
    }
    assert reads == {
        "digits": "six two oh four",
        "zero": "six two zero four",
        "pairs": "sixty-two oh four",
        "dashed": "6-2-0-4",
    }
    assert read_number("3077", "double", language="en", chance=chance) == "three oh double seven"
    assert read_number("3077", "double", language="ru", chance=chance) == "три ноль две семёрки"
    assert (
        read_number("6204", "pairs", language="ru", chance=chance) == "шестьдесят два ноль четыре"
    )
    assert number_styles("8", "en") == ["cardinal"]
    assert pieces("SKF 6204-2RS") == ["SKF", "6204", "2", "RS"]


def edits(one: str, other: str) -> int:
    """Letters put in, left out, taken for others or swapped with their neighbours."""
    rows: list[list[int]] = [list(range(len(other) + 1))]
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            cost = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, rows[-2][j - 2] + 1)
            row.append(cost)
        rows.append(row)
    return rows[-1][-1]
