"""The words of the index: learned once by many writers, read as they come, and near ones found."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import OSA
from sqlalchemy import Engine
from sqlmodel import select

from lexicons.text import analyze, stem
from models.db import reading, writing
from models.query import Word
from models.vocabulary import MOST_NEAR, IndexWord, Vocabulary, learn

LETTERS = "abcdefghijklmnopqrstuvwxyz"
SAID = (
    *("bearing", "hearing", "wearing", "boring", "baering", "bering", "baring", "bar", "beard"),
    *("screw", "skrew", "fone", "break", "receit", "philter", "delivary", "makitta", "conection"),
    *("204", "205", "6204rs", "подшипник", "подшибник", "потшипник", "компресор", "стол", "стал"),
)


@pytest.fixture
def words(engine: Engine) -> Engine:
    """A database that knows no word yet."""
    return engine


def learned(engine: Engine, *keys: str) -> None:
    with writing(engine) as session:
        learn(session, keys)
        session.commit()


def stored(engine: Engine) -> list[str]:
    with reading(engine) as session:
        return list(session.exec(select(IndexWord.key)))


def refreshed(engine: Engine, vocabulary: Vocabulary | None = None) -> Vocabulary:
    vocabulary = Vocabulary() if vocabulary is None else vocabulary
    with reading(engine) as session:
        vocabulary.refresh(session)
    return vocabulary


def word(written: str) -> Word:
    [token] = analyze(written)
    return Word((token.key,), False, token.word)


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    """A vocabulary of words as the analyzer keeps them."""
    vocabulary = Vocabulary()
    vocabulary.add(map(stem, SAID))
    return vocabulary


def test_words_are_learned_once(words: Engine) -> None:
    learned(words, "bear", "grinder", "bear")
    learned(words, "grinder", "подшипник")
    assert sorted(stored(words)) == ["bear", "grinder", "подшипник"]


def test_numbers_codes_and_short_words_are_not_kept(words: Engine) -> None:
    learned(words, "204", "4479460100", "6204rs", "m8", "bea", "a" * 33, "bear")
    assert stored(words) == ["bear"]


def test_more_words_than_one_statement_takes_are_learned(words: Engine) -> None:
    many = {
        f"{stem}{one}{two}{three}"
        for stem in "bs"
        for one in LETTERS
        for two in LETTERS
        for three in "abcdefgh"
    }
    learned(words, *many)
    assert set(stored(words)) == many


def test_known_words_use_no_numbers_up(words: Engine) -> None:
    for _time in range(5):
        learned(words, "bear", "grinder")
    learned(words, "clutch")
    with reading(words) as session:
        ids = list(session.exec(select(IndexWord.id)))
    assert max(ids) - min(ids) == 2


def test_what_is_not_committed_is_not_known(words: Engine) -> None:
    with writing(words) as session:
        learn(session, ["bear"])
    assert stored(words) == []
    learned(words, "bear")
    assert stored(words) == ["bear"]


def test_many_writers_learn_the_same_words_at_once(words: Engine) -> None:
    many = [f"{one}{two}{three}bear" for one in "abcde" for two in "abcde" for three in "abcde"]
    together = Barrier(4)

    def write(seed: int) -> None:
        shuffled = random.Random(seed).sample(many, len(many))
        for at in range(0, len(shuffled), 25):
            together.wait()
            learned(words, *shuffled[at : at + 50])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert sorted(stored(words)) == sorted(many)


def test_a_vocabulary_reads_what_came_since(words: Engine) -> None:
    vocabulary = refreshed(words)
    assert vocabulary.near(word("grinder")) == ()
    learned(words, "grindr")
    assert refreshed(words, vocabulary).near(word("grinder")) == ("grindr",)
    learned(words, "grnder")
    assert refreshed(words, vocabulary).near(word("grinder")) == ("grindr", "grnder")
    assert len(refreshed(words, vocabulary)) == 2


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_word_that_is_committed_late_is_read(words: Engine) -> None:
    with writing(words) as late:
        learn(late, ["grindr"])
        learned(words, "clutch")
        vocabulary = refreshed(words)
        assert len(vocabulary) == 1
        late.commit()
    assert len(refreshed(words, vocabulary)) == 2
    learned(words, "bearing")
    assert len(refreshed(words, vocabulary)) == 3


def test_threads_refresh_and_ask_at_once(words: Engine) -> None:
    vocabulary = Vocabulary()
    names = [f"grinde{one}{two}" for one in LETTERS for two in LETTERS]

    def work(number: int) -> None:
        learned(words, *names[number::8])
        refreshed(words, vocabulary)
        assert len(vocabulary.near(word("grinderr"))) == MOST_NEAR

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(8)))
    assert len(vocabulary) == len(names)


@pytest.mark.parametrize(
    ("written", "near"),
    [
        ("bearing", ("bare", "bere", "baer")),
        ("bearings", ("bare", "bere", "baer")),
        ("screws", ("skrew",)),
        ("phone", ("fone",)),
        ("brakes", ("break",)),
        ("receipt", ("receit",)),
        ("filter", ("philter",)),
        ("delivery", ("delivari",)),
        ("Makita", ("makitta",)),
        ("connection", ("conect",)),
        ("conections", ()),
        ("подшипника", ("потшипник", "подшибник")),
        ("компрессор", ("компресор",)),
    ],
)
def test_misspelt_and_misheard_words_are_near(
    vocabulary: Vocabulary, written: str, near: tuple[str, ...]
) -> None:
    assert vocabulary.near(word(written)) == near


def test_a_misspelt_query_finds_the_word(vocabulary: Vocabulary) -> None:
    assert "bear" in vocabulary.near(word("baering"))
    assert "подшипник" in vocabulary.near(word("подшипнек"))
    assert "screw" in vocabulary.near(word("scruw"))


@pytest.mark.parametrize(
    ("written", "said"),
    [("cordles", "cordless"), ("warehous", "warehouse"), ("mondy", "Monday"), ("drils", "drills")],
)
def test_a_letter_that_is_missing_at_the_end_changes_the_stem_and_finds_the_word(
    written: str, said: str
) -> None:
    vocabulary = Vocabulary()
    vocabulary.add([word(said).keys[0]])
    query = word(written)
    assert word(said).keys[0] in (*query.keys, *vocabulary.near(query))


@pytest.mark.parametrize("written", ["hearing", "стол", "wearing", "stall"])
def test_another_word_that_everybody_knows_is_not_near(
    vocabulary: Vocabulary, written: str
) -> None:
    assert not {"bear", "стал", "wear"} & set(vocabulary.near(word(written)))


@pytest.mark.parametrize("written", ["204", "6204rs", "bar", "a" * 40, "дом"])
def test_numbers_codes_and_short_words_have_no_near_ones(
    vocabulary: Vocabulary, written: str
) -> None:
    assert vocabulary.near(word(written)) == ()


def test_a_prefix_has_no_near_ones(vocabulary: Vocabulary) -> None:
    assert vocabulary.near(replace(word("bearing"), prefix=True)) == ()


def test_the_list_is_short_and_nearest_first() -> None:
    vocabulary = Vocabulary()
    vocabulary.add(f"compressor{letter}" for letter in "bcdfghjklmn")
    vocabulary.add(["compressor", "kompressor"])
    found = vocabulary.near(word("compressor"))
    assert len(found) == MOST_NEAR
    assert "compressor" not in found
    assert found[0] == "kompressor"


LIKELY = st.text(st.sampled_from("abк"), min_size=4, max_size=9)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.sets(LIKELY, max_size=30), LIKELY)
def test_near_words_of_unknown_ones_are_those_a_slow_search_finds(
    keys: set[str], wanted: str
) -> None:
    vocabulary = Vocabulary()
    vocabulary.add(keys)
    most = 1 if len(wanted) < 8 else 2
    slow = {
        key for key in keys - {wanted} if key[0] == wanted[0] and OSA.distance(key, wanted) <= most
    }
    found = vocabulary.near(Word((wanted,), False, f"{wanted}x"))
    assert len(set(found)) == len(found)
    assert wanted not in found
    assert slow <= set(found) or len(found) == MOST_NEAR
    assert set(found) <= {key for key in keys if OSA.distance(key, wanted) <= most + 1}
