"""The query language: what each way of writing asks for, and that no text breaks it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexicons.text import analyze
from models.prefix import whole_keys
from models.query import (
    MAX_CHARACTERS,
    MAX_WITHIN,
    MAX_WORDS,
    BadQuery,
    Clause,
    Near,
    Phrase,
    Query,
    Side,
    Word,
    parse,
)


def word(written: str) -> Word:
    [token] = analyze(written)
    return Word((token.key,), False, token.word)


def said(*written: str) -> list[Clause]:
    return [Clause(word(one)) for one in written]


def phrase(text: str) -> Phrase:
    return Phrase(tuple(token.key for token in analyze(text)))


def near(left: str, right: str, within: int = 10) -> Near:
    return Near(phrase(left).keys, phrase(right).keys, within)


def clauses(q: str) -> list[Clause]:
    return list(parse(q).clauses)


def only(q: str) -> Clause:
    [clause] = clauses(q)
    return clause


def test_no_query_asks_for_nothing() -> None:
    assert parse(None) == Query()


@pytest.mark.parametrize(
    "q",
    [
        "bearing 204",
        "Bearings no 204",
        "bearing number two oh four",
        "bearing, № 204",
        "bearing AND 204",
        "bearing\n\t204",
        "(bearing) (204)",
        "bearing 204 bearing",
    ],
)
def test_words_and_numbers_are_the_analyzers(q: str) -> None:
    assert [_keys(clause) for clause in clauses(q)] == [("bear",), ("204",)]


def test_a_word_knows_how_it_was_written() -> None:
    assert only("Подшипниками") == Clause(Word(("подшипник",), False, "подшипниками"))
    assert only("номер двести четыре") == Clause(Word(("204",), False, "204"))


def test_words_in_quotes_stay_together() -> None:
    expected = [Clause(phrase("of another kind")), *said("bearing")]
    assert clauses('"of another kind" bearing') == expected
    assert clauses("«of another kind» bearing") == expected
    assert clauses("\u201cof another kind\u201d bearing") == expected
    assert only('"number two oh four"') == Clause(Phrase(("204",)))


def test_one_word_in_quotes_is_meant_exactly() -> None:
    assert only('"bearing"') == Clause(Phrase(("bear",)))


@pytest.mark.parametrize(
    "q", ['"bearing kind', 'bearing "kind', 'bearing kind"', 'bearing "" kind']
)
def test_a_quote_that_is_never_closed_is_not_there(q: str) -> None:
    assert clauses(q) == said("bearing", "kind")


def test_a_word_of_several_tokens_is_a_phrase() -> None:
    assert only("play-station") == Clause(phrase("play station"))
    assert only("state-of-the-art") == Clause(phrase("state of the art"))
    assert only("I'll") == Clause(phrase("I will"))
    assert clauses("play,station") == said("play", "station")


@pytest.mark.parametrize(
    ("q", "term"),
    [
        ("-refund", word("refund")),
        ("\u2013refund", word("refund")),
        ('-"call back"', phrase("call back")),
        ("-play-station", phrase("play station")),
        ("-204", word("204")),
        ("-#204", word("204")),
        ("-a NEAR/3 b", near("a", "b", 3)),
        ('-"refund', word("refund")),
    ],
)
def test_a_minus_in_front_asks_for_calls_without(q: str, term: Word | Phrase | Near) -> None:
    query = parse(f"bearing {q}")
    assert query.positive == tuple(said("bearing"))
    assert query.negative == (Clause(term, without=True),)
    assert parse(q).clauses == query.negative


@pytest.mark.parametrize(
    "q", ["a - b", "a -- b", "a --b", "a - -- b -", "a- b", "- a b", "a (-) b"]
)
def test_a_hyphen_elsewhere_is_no_operator(q: str) -> None:
    assert clauses(q) == said("a", "b")


@pytest.mark.parametrize(
    ("q", "keys", "start"),
    [
        ("bearing*", ("bear",), "bearing"),
        ("be*", ("be",), "be"),
        ("Café*", ("cafe",), "cafe"),
        ("Ёлки*", ("елк",), "елки"),
        ("connecti*", ("connecti", "connect"), "connecti"),
        ("62*", ("62",), "62"),
        ("no 62*", ("62",), "62"),
        ("2.5*", ("25",), "25"),
        ("ten*", ("10",), "ten"),
        ("сто*", ("100",), "сто"),
    ],
)
def test_a_star_asks_for_words_that_begin_so(q: str, keys: tuple[str, ...], start: str) -> None:
    assert only(q) == Clause(Word(keys, True, start))


@pytest.mark.parametrize("q", ["b*", "b *", "*b", "b**", "two oh*four"])
def test_a_star_elsewhere_is_no_operator(q: str) -> None:
    assert not any(isinstance(one.term, Word) and one.term.prefix for one in clauses(q))


def test_a_star_parts_a_word_from_what_it_hangs_on() -> None:
    assert clauses("play-stat*") == [*said("play"), Clause(Word(("stat",), True, "stat"))]


@pytest.mark.parametrize(
    ("written", "from_character"), [("connection", 8), ("bearings", 5), ("работающий", 7)]
)
def test_a_word_is_found_by_its_beginnings_however_short_its_stem(
    written: str, from_character: int
) -> None:
    [token] = analyze(written)
    assert len(token.key) < from_character
    for end in range(from_character, len(written) + 1):
        start = written[:end]
        assert token.key.startswith(start) or token.key in whole_keys(start)


def test_near_takes_the_words_or_phrases_on_its_sides() -> None:
    assert clauses("my price NEAR/5 bearing no 204") == [
        *said("my"),
        Clause(near("price", "bearing", 5)),
        *said("204"),
    ]
    assert only('"best price" NEAR number two oh four') == Clause(near("best price", "204"))
    assert only("bear* NEAR price*") == Clause(near("bear", "price"))
    assert clauses("price NEAR price") == clauses("price")
    assert clauses('"good price" NEAR price') == clauses('"good price" price')
    assert clauses("a NEAR b NEAR/2 c") == [Clause(near("a", "b")), Clause(near("b", "c", 2))]


@pytest.mark.parametrize(("written", "within"), [("0", 1), ("1", 1), ("50", 50), ("9" * 500, 50)])
def test_near_has_bounds(written: str, within: int) -> None:
    assert only(f"a NEAR/{written} b") == Clause(near("a", "b", within))


@pytest.mark.parametrize(
    ("q", "words"),
    [
        ("a near b", ["a", "near", "b"]),
        ("a NEAR", ["a", "near"]),
        ("NEAR b", ["near", "b"]),
        ("NEAR(a b)", ["near", "a", "b"]),
        ("a NEARBY b", ["a", "nearby", "b"]),
    ],
)
def test_a_near_without_words_on_both_sides_is_a_word(q: str, words: list[str]) -> None:
    assert clauses(q) == said(*words)


def test_near_does_not_join_what_cannot_be_in_one_turn() -> None:
    assert clauses("agent:a NEAR customer:b") == [
        Clause(word("a"), "agent"),
        *said("near"),
        Clause(word("b"), "customer"),
    ]
    assert parse("a NEAR -b").negative == (Clause(word("b"), without=True),)


@pytest.mark.parametrize(
    ("q", "speaker"),
    [
        ("customer:", "customer"),
        ("customer: ", "customer"),
        ("Customer:", "customer"),
        ("клиент:", "customer"),
        ("agent:", "agent"),
        ("ОПЕРАТОР: ", "agent"),
    ],
)
def test_a_speaker_in_front_is_who_said_it(q: str, speaker: Side) -> None:
    assert only(f"{q}bearing") == Clause(word("bearing"), speaker)
    assert only(f'{q}"call back"') == Clause(phrase("call back"), speaker)
    assert only(f"{q}bear*") == Clause(Word(("bear",), True, "bear"), speaker)
    assert only(f"{q}a NEAR b") == Clause(near("a", "b"), speaker)
    assert only(f"-{q}a NEAR b") == Clause(near("a", "b"), speaker, without=True)
    assert only(f"{q}-bearing") == Clause(word("bearing"), speaker, without=True)
    assert clauses(f"{q}number two oh four now") == [Clause(word("204"), speaker), *said("now")]


def test_a_speaker_on_one_side_of_near_is_that_of_both() -> None:
    assert only("a NEAR customer:b") == Clause(near("a", "b"), "customer")
    assert only("customer:a NEAR customer:b") == Clause(near("a", "b"), "customer")


@pytest.mark.parametrize(
    "q", ["customer", "customer:", "customer: -", "(customer:)", "-customer :"]
)
def test_a_speaker_in_front_of_nothing_is_a_word(q: str) -> None:
    assert [clause.term for clause in clauses(q)] == [word("customer")]


def test_and_is_dropped_between_words_alone() -> None:
    assert clauses('a AND b AND AND "c d"') == [*said("a", "b"), Clause(phrase("c d"))]
    assert only("TWO HUNDRED AND FOUR") == only("204")
    assert clauses("a AND") == said("a", "and")
    assert clauses("a and b OR c NOT d") == said("a", "and", "b", "or", "c", "not", "d")


@pytest.mark.parametrize(
    "q", ["OR 1=1; --", "'; DROP TABLE call", "^a", "keys:x", "a\0b", "\ud800 a", "a)) OR ((b"]
)
def test_operators_of_databases_are_text(q: str) -> None:
    assert all(key.isalnum() for clause in clauses(q) for key in _keys(clause))


@pytest.mark.parametrize("q", ["", " ", "?!", '""', "-", "*", "🎉", "\0"])
def test_a_query_without_a_word_is_refused(q: str) -> None:
    with pytest.raises(BadQuery, match="no word or number"):
        parse(q)


def test_queries_have_bounds() -> None:
    words = [f"w{number}x" for number in range(MAX_WORDS + 1)]
    assert len(clauses(" ".join(words[1:]))) == MAX_WORDS
    for q in (" ".join(words), f'"{" ".join(words)}"', " NEAR ".join(words)):
        with pytest.raises(BadQuery, match="at most 32 words"):
            parse(q)
    assert only("a" * MAX_CHARACTERS)
    with pytest.raises(BadQuery, match="q: at most 1,000 characters"):
        parse("bearing " * 10_000)


@given(st.text(st.characters()) | st.text(st.sampled_from('-*"«:()/ aB5нAND\0\n'), max_size=60))
def test_no_text_breaks_the_language(q: str) -> None:
    try:
        query = parse(q)
    except BadQuery:
        return
    assert query.clauses
    assert len(set(query.clauses)) == len(query.clauses)
    for clause in query.clauses:
        assert all(key.isalnum() for key in _keys(clause))
        if isinstance(clause.term, Word) and clause.term.prefix:
            assert len(clause.term.written) >= 2
            assert clause.term.written.isalnum()


WORDS = st.sampled_from(
    ["bearing", "refund", "price", "подшипник", "завтра", "204", "customer", "NOT"]
)
PHRASES = st.lists(WORDS, min_size=1, max_size=3).map(" ".join)


@st.composite
def written_clauses(draw: st.DrawFn) -> tuple[str, Clause]:
    """A clause and a way to write it."""
    one, two, within = draw(PHRASES), draw(WORDS), draw(st.integers(1, MAX_WITHIN))
    written, term = draw(
        st.sampled_from(
            [
                (two, word(two)),
                (f'"{one}"', phrase(one)),
                (f"«{one}»", phrase(one)),
                ("bear*", Word(("bear",), True, "bear")),
                (f'"{one}" NEAR/{within} gearbox', near(one, "gearbox", within)),
            ]
        )
    )
    clause = Clause(term)
    speaker: Side | None = draw(st.sampled_from([None, "agent", "customer"]))
    if speaker:
        written = f"{speaker}:{draw(st.sampled_from(['', ' ']))}{written}"
        clause = replace(clause, speaker=speaker)
    if draw(st.booleans()):
        written, clause = f"-{written}", replace(clause, without=True)
    return written, clause


@given(st.lists(written_clauses(), min_size=1, max_size=4))
def test_what_is_written_is_what_is_read(written: list[tuple[str, Clause]]) -> None:
    # A full stop between them: neighbouring numbers are no phone number.
    expected = list(dict.fromkeys(clause for _text, clause in written))
    assert clauses(" . ".join(text for text, _clause in written)) == expected


def _keys(clause: Clause) -> tuple[str, ...]:
    term = clause.term
    return (*term.left, *term.right) if isinstance(term, Near) else term.keys
