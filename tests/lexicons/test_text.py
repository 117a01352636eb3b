"""The analyzer: what becomes of words, spans and whatever else a text may hold."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexicons.text import MAX_KEY_CHARS, Token, analyze, index_text

VOCABULARY = (
    "bearing grinders no number № # 204 62 04 2rs 2.5 7:30 two oh four twenty hundred thousand and "
    "a one double seven zero fourth point first подшипники номер двести четвёртый ноль два тысяч "
    "204-й ещё раз 1st 204th m8 oh, four, -"
)
WORDS = st.sampled_from(VOCABULARY.split())
SENTENCES = st.lists(st.tuples(WORDS, st.sampled_from([" ", ", ", ". ", "-"])), max_size=14).map(
    lambda parts: "".join(word + gap for word, gap in parts)
)
ANYTHING = st.text(st.characters())


def keys(text: str) -> list[str]:
    return [token.key for token in analyze(text)]


def shown(text: str) -> list[str]:
    return [text[token.start : token.end] for token in analyze(text)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Connections", "connected"),
        ("BEARING", "bearings"),
        ("подшипник", "ПОДШИПНИКАМИ"),
        ("ещё", "еще"),
        ("don't", "don\u2019t"),
        ("don't", "dont"),
        ("café", "cafe"),
        ("cafe\u0301", "café"),
        ("за\u0301мок", "замок"),
        ("и\u0306од", "йод"),
        ("Straße", "strasse"),
        ("ＮＳＫ", "nsk"),
        ("soft\u00adware", "software"),
        ("٢٠٤", "204"),
        ("I'll call", "I will call"),
        ("we\u2019re", "we are"),
        ("You've", "you have"),
        ("high-speed", "high speed"),
        ("high\u2011speed", "high speed"),
        ("1st", "first"),
        ("2nd", "second"),
    ],
)
def test_spellings_of_one_thing_have_the_same_keys(one: str, other: str) -> None:
    assert keys(one) == keys(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("duck", "fuck"),
        ("shut", "shit"),
        ("class", "ass"),
        ("count", "cunt"),
        ("he'll", "hell"),
        ("we're", "were"),
        ("товар", "тварь"),
        ("сук", "сукно"),
    ],
)
def test_different_words_stay_different(one: str, other: str) -> None:
    assert keys(one) != keys(other)


def test_words_with_digits_are_kept_whole() -> None:
    assert keys("6204-2RS, M8 and 10mm") == ["6204", "2rs", "m8", "and", "10mm"]


def test_a_negative_contraction_is_one_token() -> None:
    assert keys("I don't know") == ["i", "dont", "know"]


def test_the_word_is_kept_beside_its_stem() -> None:
    assert analyze("Grinders!") == [Token("grinder", 0, 8, "grinders")]


def test_punctuation_alone_leaves_nothing() -> None:
    assert analyze(" -- ... «» # ! ") == []


def test_spans_are_those_of_the_displayed_text() -> None:
    text = "Ah! The bearing number two oh four\u2026 и «ПОДШИПНИК № 204-й», I'll wait."
    assert shown(text) == [
        *("Ah", "The", "bearing", "number two oh four", "и", "ПОДШИПНИК", "№ 204-й"),
        *("I", "'ll", "wait"),
    ]


def test_spans_hold_where_folding_changes_the_length() -> None:
    text = "ﬁne Straße cafe\u0301 ½ 204"
    assert shown(text) == ["ﬁne", "Straße", "cafe\u0301", "½", "204"]


def test_the_index_holds_the_keys() -> None:
    assert index_text("Bearing No. 204, please!") == "bear 204 pleas"


def test_very_long_words_are_cut() -> None:
    assert keys("щ" * 5000) == ["щ" * MAX_KEY_CHARS]
    assert keys("7" * 5000) == ["7" * MAX_KEY_CHARS]


@pytest.mark.parametrize(
    "text",
    [
        *("oh " * 5000, "one " * 5000, "no. " * 5000, "1-" * 5000, "a hundred " * 5000),
        *("x" + "'ll" * 5000, "1." * 5000, "\u0301" * 5000, "two hundred and " * 3000, "# " * 9000),
        *("5, " * 5000, "\ud800", "\x00", "１２" * 100, "፩", "²", "㏂"),
    ],
)
def test_strange_texts_are_read_without_a_fuss(text: str) -> None:
    assert all(token.key for token in analyze(text))


@given(ANYTHING)
def test_any_text_gives_ordered_spans_and_clean_keys(text: str) -> None:
    before = 0
    for token in analyze(text):
        assert before <= token.start < token.end <= len(text)
        assert token.key.isalnum()
        assert token.key == token.key.lower()
        assert token.word.replace(".", "").isalnum()  # a decimal keeps its point
        before = token.start
    assert index_text(text).split() == keys(text)


@given(SENTENCES)
def test_what_a_token_covers_reads_as_that_token(text: str) -> None:
    end = 0
    for token in analyze(text):
        assert token.start >= end
        assert keys(text[token.start : token.end]) == [token.key]
        end = token.end


@given(SENTENCES)
def test_numbers_in_an_index_are_final(text: str) -> None:
    for key in keys(text):
        if key.isdigit():
            assert keys(key) == [key]


@given(SENTENCES)
def test_case_and_typography_change_nothing(text: str) -> None:
    typographic = text.replace("-", "\u2010").replace(" ", "\u00a0").replace("ё", "е")
    assert keys(text.upper()) == keys(text) == keys(typographic)


@given(st.text(st.characters(max_codepoint=0x4FF)))
def test_sqlite_takes_every_key_as_one_token(text: str) -> None:
    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE VIRTUAL TABLE words USING fts5(text, tokenize='unicode61')")
        database.execute("INSERT INTO words VALUES (?)", (index_text(text),))
        database.execute("CREATE VIRTUAL TABLE seen USING fts5vocab(words, 'instance')")
        count = database.execute("SELECT count(*) FROM seen").fetchone()[0]
        assert count == len(analyze(text))
    database.close()


def test_threads_do_not_disturb_each_other() -> None:
    texts = [f"connections{'abcdefghij'[n % 10]}ing подшипниками{n % 7}" for n in range(400)]
    texts = [text.replace(str(n % 7), "абвгдеж"[n % 7]) for n, text in enumerate(texts)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(index_text, texts)) == [index_text(text) for text in texts]
