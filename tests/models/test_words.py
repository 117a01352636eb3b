"""What the query language finds in calls, on both databases, and what comes first."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine

from lexicons.text import analyze
from models.db import connect, migrate, reading
from models.marks import spans_of
from models.query import Near, Phrase, Query, Word, parse
from models.search import Finder, Page
from tests.fakes import turn
from tests.records import asked, store_call

CALLS: dict[str, tuple[tuple[str, str], ...]] = {
    "together": (
        ("agent", "Good morning, parts department."),
        ("customer", "I need a bearing 204 for the gearbox, and a price please."),
    ),
    "apart": (
        ("customer", "I need a bearing for the gearbox."),
        ("agent", "Of which number?"),
        ("customer", "204 I think, but I want a refund for the old one."),
    ),
    "misheard": (("customer", "I need a baering 204 today."),),
    "agent": (("agent", "We have bearing 204 in stock, the price is ten pounds."),),
    "refund": (("customer", "I was promised a refund."), ("agent", "No refund without a bill.")),
    "russian": (("customer", "Мне нужен подшипник двести четыре и коробка передач."),),
    "nobody": (("speaker_1", "Hello, connection department?"), ("speaker_2", "Connecting you.")),
}


def fill(engine: Engine) -> None:
    for name, turns in CALLS.items():
        said = [turn(who, 1.0 + 9 * at, text) for at, (who, text) in enumerate(turns)]
        store_call(engine, name, *said)


@pytest.fixture
def calls(engine: Engine) -> Engine:
    """Calls about a bearing, told apart by who said what where."""
    fill(engine)
    return engine


def find(engine: Engine, q: str, **query: Any) -> Page:
    with reading(engine) as session:
        return Finder().find(session, asked(q=q, **query), limit=50)


def names(page: Page) -> list[str]:
    return [found.call.external_id for found in page.items]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("bearing 204", {"together", "apart", "agent"}),
        ("bearing no 204", {"together", "apart", "agent"}),
        ("204 bearings", {"together", "apart", "agent"}),
        ("подшипники № 204", {"russian"}),
        ('"bearing 204"', {"together", "agent"}),
        ('"need a bearing"', {"together", "apart"}),
        ('"a bearing for the gearbox"', {"apart"}),
        ('"department need"', set()),  # not over the end of a turn
        ("bearing -refund", {"together", "agent"}),
        ('204 -"bearing 204"', {"apart", "misheard", "russian"}),
        ("-204", {"refund", "nobody"}),
        ("-customer:refund refund", set()),
        ("customer:bearing", {"together", "apart"}),
        ("agent:bearing", {"agent"}),
        ("agent:refund customer:promised", {"refund"}),
        ('customer:"bearing 204"', {"together"}),
        ('-customer:"bearing 204" bearing', {"apart", "agent"}),
        ("клиент:подшипник", {"russian"}),
        ("bear*", {"together", "apart", "agent"}),
        ("connecti*", {"nobody"}),
        ("agent:bear* price", {"agent"}),
        ("bearing NEAR/3 gearbox", {"together", "apart"}),
        ("gearbox NEAR/2 bearing", {"apart"}),
        ("bearing NEAR/1 gearbox", set()),
        ("204 NEAR/2 gearbox", {"together"}),
        ('"for the" NEAR/1 204', {"together"}),
        ("customer:price NEAR/9 bearing", {"together"}),
        ("-gearbox NEAR/9 bearing 204", {"agent", "misheard", "russian"}),
        ("bearing speaker", set()),
    ],
)
def test_what_a_query_finds(calls: Engine, q: str, found: set[str]) -> None:
    assert set(names(find(calls, q, fuzzy=False))) == found


def test_misheard_words_are_found_after_the_others_unless_switched_off(calls: Engine) -> None:
    page = find(calls, "bearing 204")
    assert names(page)[-1] == "misheard"
    (snippet,) = page.items[-1].snippets
    assert [snippet.text[start:end] for start, end in snippet.marks] == ["baering", "204"]
    assert "misheard" not in names(find(calls, "bearing 204", fuzzy=False))
    assert "misheard" not in names(find(calls, '"bearing" 204'))


def test_a_misspelt_query_finds_what_was_said(calls: Engine) -> None:
    assert set(names(find(calls, "gearbocks"))) == {"together", "apart"}


def test_all_words_in_one_turn_come_first(calls: Engine) -> None:
    assert names(find(calls, "bearing 204", fuzzy=False)) == ["agent", "together", "apart"]
    newest = names(find(calls, "bearing 204", fuzzy=False, sort="-started_at"))
    assert newest == ["agent", "apart", "together"]


def test_pages_by_relevance_hold_every_call_once(calls: Engine) -> None:
    whole = names(find(calls, "bearing 204"))
    paged: list[str] = []
    cursor = None
    with reading(calls) as session:
        while True:
            page = Finder().find(session, asked(q="bearing 204"), limit=1, cursor=cursor)
            paged += names(page)
            cursor = page.next_cursor
            if cursor is None:
                break
    assert paged == whole


def test_a_speaker_narrows_every_clause_that_names_none(calls: Engine) -> None:
    assert names(find(calls, "bearing", speaker="agent")) == ["agent"]
    assert names(find(calls, "connection", speaker="speaker_1")) == ["nobody"]
    assert names(find(calls, "connection you", speaker="speaker_1")) == []


def test_snippets_show_the_turn_with_most_of_the_words(calls: Engine) -> None:
    by_name = {found.call.external_id: found for found in find(calls, "bearing 204").items}
    first, second = by_name["apart"].snippets
    assert (first.start_s, second.text[:3]) == (pytest.approx(1.0 + 3 * 0.4), "204")
    (near,) = find(calls, "204 NEAR/2 gearbox").items[0].snippets
    assert [near.text[start:end] for start, end in near.marks] == ["204", "gearbox"]


WORDS = "bearing gearbox price refund order 204 6204 late help morning the a of to".split()  # noqa: SIM905


def slow_match(query: Query, turns: list[tuple[str, list[str]]]) -> bool:
    """The meaning of a query, turn by turn and call by call."""

    def said(term: Word | Phrase | Near, speaker: str | None) -> bool:
        clause = next(one for one in query.clauses if one.term == term and one.speaker == speaker)
        voices = [keys for who, keys in turns if speaker in (None, who)]
        return any(spans_of(clause, keys, {}) for keys in voices)

    return all(said(one.term, one.speaker) != one.without for one in query.clauses)


def some_query(chance: Random) -> str:
    def word() -> str:
        return chance.choice(WORDS)

    def clause() -> str:
        kind = chance.randrange(8)
        side = chance.choice(("", "", "", "customer:", "agent:"))
        minus = "-" if chance.random() < 0.2 else ""
        if kind == 0:
            return f'{minus}{side}"{word()} {word()}"'
        if kind == 1:
            return f'{minus}{side}"{word()} {word()} {word()}"'
        if kind == 2:
            return f"{minus}{side}{word()} NEAR/{chance.randrange(1, 4)} {word()}"
        if kind == 3:
            return f"{minus}{side}{word()[:3]}*"
        return f"{minus}{side}{word()}"

    return " ".join(clause() for _ in range(chance.choice((1, 1, 2, 2, 3))))


@pytest.fixture(scope="module")
def both(postgresql_url: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The same 60 calls on both engines, with the keys of their turns."""
    chance = Random(4)
    made: dict[str, list[tuple[str, str]]] = {}
    for number in range(60):
        turns = [
            (
                ("agent", "customer")[at % 2],
                " ".join(chance.choice(WORDS) for _ in range(chance.randrange(2, 8))),
            )
            for at in range(chance.randrange(1, 5))
        ]
        made[f"call-{number}"] = turns
    engines = [
        connect(f"sqlite:///{tmp_path_factory.mktemp('both') / 'both.db'}"),
        connect(postgresql_url),
    ]
    for engine in engines:
        migrate(engine, "base")
        migrate(engine)
        for name, turns in made.items():
            said = [turn(who, 1.0 + 9 * at, text) for at, (who, text) in enumerate(turns)]
            store_call(engine, name, *said)
    keys = {
        name: [(who, [token.key for token in analyze(text)]) for who, text in turns]
        for name, turns in made.items()
    }
    yield engines, keys
    for engine in engines:
        engine.dispose()


@pytest.mark.parametrize("seed", range(300))
def test_both_databases_find_what_the_query_means(both: Any, seed: int) -> None:
    engines, keys = both
    q = some_query(Random(seed))
    query = parse(q)
    meant = {name for name, turns in keys.items() if slow_match(query, turns)}
    with reading(engines[0]) as one, reading(engines[1]) as other:
        pages = [
            Finder().find(session, asked(q=q, fuzzy=False), limit=100) for session in (one, other)
        ]
    assert [set(names(page)) for page in pages] == [meant, meant], q
    assert names(pages[0]) == names(pages[1]), q
