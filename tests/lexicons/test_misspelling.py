"""The vocabulary finds exactly the words that a comparison with every word would find."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from lexicons.families import family, lookups, singular
from lexicons.misspelling import (
    MISHEARD,
    MISSPELT,
    Vocabulary,
    edits_allowed,
    fuzzy_length,
)
from lexicons.sounds import base_sound, sound


@st.composite
def near_words(draw: st.DrawFn) -> str:
    """The beginning of one and the same word, with up to three edits in it."""
    word = "qwkzvxjqwkzvx"[: draw(st.integers(4, 13))]
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(word) - 1))
        inserted = draw(st.sampled_from(["", "a", "x", word[place] * 2]))
        word = word[:place] + inserted + word[place + 1 :]
    return word


NEAR_WORDS = near_words().filter(lambda word: len(word) > 2)


def test_short_words_numbers_and_codes_allow_no_edits() -> None:
    assert [edits_allowed(key) for key in ("duck", "20400", "2rs2rs", "x" * 40)] == [0] * 4
    assert [edits_allowed(key) for key in ("wrench", "перфоратор")] == [1, 2]


def test_a_misspelt_word_is_found_with_its_edits() -> None:
    vocabulary = Vocabulary()
    wrench = vocabulary.add("wrench", fuzzy=True)
    assert list(vocabulary.alike("wrench")) == [(wrench, 0, 0)]
    assert list(vocabulary.alike("wernch")) == [(wrench, 1, MISSPELT)]
    assert list(vocabulary.alike("hammer")) == []


def test_a_word_that_everybody_knows_is_no_misspelling_unless_it_was_heard_badly() -> None:
    vocabulary = Vocabulary()
    wrench = vocabulary.add("wrench", fuzzy=True)
    assert list(vocabulary.alike("french")) == []
    assert list(vocabulary.alike("french", sure=False)) == [(wrench, 1, MISSPELT)]


@pytest.mark.parametrize(
    ("heard", "word"),
    [("skrudriver", "screwdriver"), ("baring", "bearing"), ("перфаратор", "перфоратор")],
)
def test_a_word_that_sounds_the_same_is_found_even_where_it_is_a_word(
    heard: str, word: str
) -> None:
    vocabulary = Vocabulary()
    number = vocabulary.add(word, fuzzy=True)
    assert list(vocabulary.alike(heard)) == [(number, 0, MISHEARD)]


@pytest.mark.parametrize(("one", "other"), [("bearing", "boring"), ("count", "cunt")])
def test_words_of_another_sound_are_told_apart(one: str, other: str) -> None:
    assert sound(one) != sound(other)


def test_words_that_are_not_fuzzy_are_found_as_they_are_alone() -> None:
    vocabulary = Vocabulary()
    number = vocabulary.add("bastard", fuzzy=False)
    assert list(vocabulary.alike("bastards")) == [(number, 0, 0)]
    assert list(vocabulary.alike("bastrd")) == []


@pytest.mark.parametrize(
    ("word", "same", "other"),
    [
        ("bearing", "bearings", "bear"),
        ("generous", "generous", "general"),
        ("drill", "drills", "grill"),
        ("battery", "batteries", "batter"),
        ("молоток", "молотка", "моток"),
        ("подшипник", "подшипниками", "подшип"),
    ],
)
def test_a_family_holds_inflections_and_no_other_words(word: str, same: str, other: str) -> None:
    vocabulary = Vocabulary()
    number = vocabulary.add(word, fuzzy=False)
    assert vocabulary.exact(same) == (number,)
    assert vocabulary.exact(other) == ()


@pytest.mark.parametrize(
    ("plural", "one"),
    [("batteries", "battery"), ("wrenches", "wrench"), ("glass", "glass"), ("bus", "bus")],
)
def test_plurals_become_singular(plural: str, one: str) -> None:
    assert singular(plural) == one


@given(st.lists(NEAR_WORDS, max_size=12, unique=True), NEAR_WORDS)
def test_agrees_with_comparing_every_word(words: list[str], key: str) -> None:
    vocabulary = Vocabulary()
    ids = {word: vocabulary.add(word, fuzzy=True) for word in words}
    families = {family(word): word for word in reversed(words)}
    exact = {ids[families[k]] for k in lookups(key) if k in families}
    expected = {(number, 0, 0) for number in exact}
    for word in families.values():
        if ids[word] in exact:
            continue
        if len(word) > 3 and len(key) > 2 and base_sound(word) in (base_sound(key), sound(key)):
            expected.add((ids[word], 0, MISHEARD))
        elif not exact and fuzzy_length(key):
            edits = OSA.distance(key, family(word))
            if edits <= min(edits_allowed(word), len(family(word)) // 3):
                expected.add((ids[word], edits, MISSPELT))
    found = list(vocabulary.alike(key, sure=False))
    assert set(found) == expected
    assert len(found) == len(expected)
