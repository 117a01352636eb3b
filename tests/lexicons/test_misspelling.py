"""The vocabulary finds exactly the words that a comparison with every word would find."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from lexicons.misspelling import Vocabulary, edits_allowed


@st.composite
def near_words(draw: st.DrawFn) -> str:
    """The beginning of one and the same word, with up to three edits in it."""
    word = "abcdefghijklm"[: draw(st.integers(4, 13))]
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
    drill, wrench = vocabulary.add("drill", fuzzy=True), vocabulary.add("wrench", fuzzy=True)
    assert vocabulary.alike("wrench") == ((wrench, 0),)
    assert vocabulary.alike("wernch") == ((wrench, 1),)
    assert vocabulary.alike("grill") == ((drill, 1),)
    assert vocabulary.alike("hammer") == ()


def test_words_that_are_not_fuzzy_are_found_as_they_are_alone() -> None:
    vocabulary = Vocabulary()
    number = vocabulary.add("bastard", fuzzy=False)
    assert vocabulary.alike("bastard") == ((number, 0),)
    assert vocabulary.alike("bustard") == ()


def test_a_word_added_later_is_found() -> None:
    vocabulary = Vocabulary()
    assert vocabulary.alike("wrench") == ()
    number = vocabulary.add("wrench", fuzzy=True)
    assert vocabulary.alike("wrench") == ((number, 0),)


@given(st.lists(NEAR_WORDS, max_size=12, unique=True), NEAR_WORDS)
def test_agrees_with_comparing_every_word(words: list[str], key: str) -> None:
    vocabulary = Vocabulary()
    for word in words:
        vocabulary.add(word, fuzzy=True)
    expected = {
        (number, OSA.distance(key, word))
        for number, word in enumerate(words)
        if key == word or (edits_allowed(key) and OSA.distance(key, word) <= edits_allowed(word))
    }
    found = vocabulary.alike(key)
    assert set(found) == expected
    assert len(found) == len(expected)
