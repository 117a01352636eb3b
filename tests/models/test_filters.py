"""Every filter, alone, negated and with others; and what is counted of the calls that are found."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Engine, func, select
from sqlmodel import Session
from sqlmodel import select as select_objects

from models import search, selection
from models.call import Call, CallPush, Review
from models.db import reading, writing
from models.facets import CALL_FACET, FACET, as_pair, forget, packed, refresh, unpacked
from models.indexing import index_calls, index_missing
from models.pushes import add_call
from models.review import Changes, change_calls
from models.search import FACETS, Finder, Page
from tests.fakes import ANGRY, turn
from tests.records import FIRST, asked, store_call

LONDON = timezone(timedelta(hours=1))


@pytest.fixture
def calls(engine: Engine) -> Engine:
    """Three calls that differ in everything."""
    store_call(
        engine,
        "angry",
        turn("agent", 1.0, "Good morning."),
        turn("customer", 3.0, "My order is late again, this is bullshit.", ANGRY),
        turn("customer", 9.0, "You are useless idiots, all of you, I am so tired of it.", ANGRY),
        agent="Bob",
        line="100",
        caller="+44 1",
        direction="inbound",
        outcome="answered",
        started_at=datetime(2026, 11, 2, 0, 30, tzinfo=LONDON),
        metadata={"utm_source": "google", "visits": 3, "new": True, "site": "a.example"},
    )
    praise = store_call(
        engine,
        "praise",
        turn("customer", 2.0, "Thank you so much, you have been very helpful."),
        turn("agent", 9.0, "You are welcome."),
        agent="Alice",
        line="200",
        caller="+44 2",
        direction="outbound",
        outcome="voicemail",
        metadata={"utm_source": "bing", "visits": 4, "region": "Leeds"},
    )
    store_call(engine, "plain", turn("speaker_1", 2.0, "Is anybody there?"))
    given = Changes(review=Review.IN_REVIEW, assignee="Eve", tags_added=("call back",))
    with writing(engine) as session:
        change_calls(session, [praise], given, by="Eve")
    return engine


def find(engine: Engine, facets: tuple[str, ...] = (), **filters: Any) -> Page:
    with reading(engine) as session:
        return Finder().find(session, asked(**filters), limit=20, facets=facets)


def names(page: Page) -> set[str]:
    return {found.call.external_id for found in page.items}


@pytest.mark.parametrize("written", ["+7 495 123-45-67", "84951234567", "8 (495) 123 45 67"])
def test_a_caller_is_found_however_the_number_is_written(engine: Engine, written: str) -> None:
    for name, caller in (
        ("one", "+74951234567"),
        ("other", "8 495 123-45-67"),
        ("else", "+74951234568"),
        ("hidden", "anonymous"),
    ):
        store_call(engine, name, turn("customer", 1.0, "Hello?"), caller=caller)
    page = find(engine, facets=("caller",), caller=written)
    assert names(page) == {"one", "other"}
    assert dict(page.facets["caller"]) == {"+74951234567": 1, "8 495 123-45-67": 1}
    assert names(find(engine, not_caller=written)) == {"else", "hidden"}
    assert names(find(engine, caller="anonymous")) == {"hidden"}


ALL = {"angry", "praise", "plain"}


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("external_id", "praise", {"praise"}),
        ("mood", "angry", {"angry"}),
        ("customer_mood", "angry", {"angry"}),
        ("agent_mood", "neutral", {"angry", "praise"}),
        ("lexicon", "abusive", {"angry"}),
        ("lexicon", ["abusive", "praise"], {"angry", "praise"}),
        ("grade", "strong", {"angry"}),
        ("term", "bullshit", {"angry"}),
        ("said_by", "customer", {"angry", "praise"}),
        ("tag", "praise", {"praise"}),
        ("agent", "Bob", {"angry"}),
        ("agent", ["Bob", "Alice", "Nobody"], {"angry", "praise"}),
        ("line", "200", {"praise"}),
        ("caller", "+44 1", {"angry"}),
        ("direction", "inbound", {"angry"}),
        ("outcome", "voicemail", {"praise"}),
        ("status", "done", ALL),
        ("status", "failed", set()),
        ("review", "in_review", {"praise"}),
        ("assignee", "Eve", {"praise"}),
        ("tag", "call back", {"praise"}),
        ("language", "en", ALL),
        ("language", "ru", set()),
        ("hour", 0, {"angry"}),
        ("utm_source", "google", {"angry"}),
        ("site", "a.example", {"angry"}),
        ("region", "Leeds", {"praise"}),
        ("meta.visits", "3", {"angry"}),
        ("meta.visits", ["3", "4"], {"angry", "praise"}),
        ("meta.new", "true", {"angry"}),
        ("meta.nothing", "x", set()),
    ],
)
def test_a_value_selects_and_its_negation_the_others(
    calls: Engine, name: str, value: Any, found: set[str]
) -> None:
    assert names(find(calls, **{name: value})) == found
    assert names(find(calls, **{f"not_{name}": value})) == ALL - found


@pytest.mark.parametrize(
    ("name", "low", "high", "found"),
    [
        ("anger", 0.5, None, {"angry"}),
        ("anger", None, 0.5, {"praise", "plain"}),
        ("anger", 0.9, 0.95, {"angry"}),
        ("duration", 59, 61, ALL),
        ("duration", 61, None, set()),
        ("interruptions", None, 0, ALL),
        ("silence", 40, None, ALL),
        ("talk_ratio", 0.0, 0.5, {"angry", "praise"}),
    ],
)
def test_a_range_selects_and_outside_of_it_are_the_others(
    calls: Engine, name: str, low: float | None, high: float | None, found: set[str]
) -> None:
    limits = {f"min_{name}": low, f"max_{name}": high}
    limits = {key: value for key, value in limits.items() if value is not None}
    assert names(find(calls, **limits)) == found
    known = ALL - ({"plain"} if name == "talk_ratio" else set())
    assert names(find(calls, **limits, outside=[name])) == known - found


def test_what_is_not_known_is_neither_within_a_range_nor_outside(calls: Engine) -> None:
    assert "plain" not in names(find(calls, min_talk_ratio=0.0))
    assert "plain" not in names(find(calls, min_talk_ratio=0.0, outside=["talk_ratio"]))


def test_time_is_a_range_too(calls: Engine) -> None:
    later = {"started_from": FIRST}
    assert names(find(calls, **later)) == {"praise", "plain"}
    assert names(find(calls, **later, outside=["started"])) == {"angry"}
    assert names(find(calls, started_to=FIRST + timedelta(hours=2, seconds=1))) == {
        "angry",
        "praise",
    }
    assert names(find(calls, started_to=FIRST + timedelta(hours=2))) == {"angry"}


def test_the_hour_is_that_of_the_zone_the_call_was_pushed_with(calls: Engine) -> None:
    # 0:30 in London's summer is 23:30 of the day before in UTC.
    assert names(find(calls, hour=23)) == set()
    assert find(calls, ("day",), agent="Bob").facets == {"day": [("2026-11-02", 1)]}


def test_a_speaker_narrows_what_lexicons_and_moods_found(calls: Engine) -> None:
    assert names(find(calls, term="bullshit", speaker="customer")) == {"angry"}
    assert names(find(calls, term="bullshit", speaker="agent")) == set()
    assert names(find(calls, not_lexicon="abusive", speaker="customer")) == {"praise"}
    assert names(find(calls, min_anger=0.5, speaker="agent")) == set()
    assert names(find(calls, max_anger=0.5, speaker="agent")) == {"angry", "praise"}


def test_filters_go_together_with_words(calls: Engine) -> None:
    assert names(find(calls, q="you", agent="Alice", not_tag="angry")) == {"praise"}
    assert names(find(calls, q="you", agent="Bob", not_tag="angry")) == set()
    assert names(find(calls, q="-you", not_direction="inbound")) == {"plain"}


def test_facets_count_what_was_found(calls: Engine) -> None:
    page = find(calls, ("agent", "tag", "mood", "status", "anger", "meta.visits"))
    assert page.facets["agent"] == [("Alice", 1), ("Bob", 1)]
    assert dict(page.facets["tag"]) == {"abusive": 1, "angry": 1, "praise": 1, "call back": 1}
    assert dict(page.facets["mood"]) == {"angry": 1, "neutral": 2}
    assert page.facets["status"] == [("done", 3)]
    assert page.facets["anger"] == [
        ("..0.2", 2),
        ("0.2..0.4", 0),
        ("0.4..0.6", 0),
        ("0.6..0.8", 0),
        ("0.8..", 1),
    ]
    assert page.facets["meta.visits"] == [("3", 1), ("4", 1)]
    assert find(calls, ("agent",), q="bullshit").facets == {"agent": [("Bob", 1)]}
    assert find(calls, ("agent",), agent="Nobody").facets == {"agent": []}


def test_facets_of_a_speaker_count_what_that_speaker_said(calls: Engine) -> None:
    page = find(calls, ("lexicon", "mood"), speaker="agent")
    assert page.facets == {"lexicon": [], "mood": [("neutral", 2)]}


def test_every_facet_can_be_counted(calls: Engine) -> None:
    assert find(calls, FACETS).facets.keys() == set(FACETS)


def test_the_total_is_of_all_pages(calls: Engine) -> None:
    with reading(calls) as session:
        page = Finder().find(session, asked(), limit=1)
        rest = Finder().find(session, asked(), limit=1, cursor=page.next_cursor)
    assert (page.total, page.more, rest.total) == (3, False, 3)


def test_a_queued_call_is_found_by_what_was_pushed(engine: Engine) -> None:
    with writing(engine) as session:
        push = CallPush(agent="Alice", metadata={"site": "a.example"})
        add_call(session, push, "upload:a.wav", external_id="a", agent_channel="left")
    assert names(find(engine, agent="Alice", site="a.example", status="queued")) == {"a"}


def named(session: Session, external_id: str) -> Call:
    return session.exec(select_objects(Call).where(Call.external_id == external_id)).one()


def test_refreshing_twice_changes_nothing_and_follows_what_changed(calls: Engine) -> None:
    def linked() -> int:
        with reading(calls) as session:
            return session.execute(
                select(func.count()).select_from(CALL_FACET.place.table)
            ).scalar_one()

    before = linked()
    with writing(calls) as session:
        call = named(session, "angry")
        refresh(session, [call.id or 0])
        session.commit()
    assert linked() == before
    with writing(calls) as session:
        session.get_one(Call, call.id).agent = "Carol"
        refresh(session, [call.id or 0])
        session.commit()
    assert linked() == before
    assert names(find(calls, agent="Bob")) == set()
    assert names(find(calls, agent="Carol")) == {"angry"}


def test_a_call_that_began_at_another_time_moves(calls: Engine) -> None:
    with writing(calls) as session:
        call = named(session, "angry")
        call.started_at = FIRST + timedelta(days=30)
        session.add(call)
        index_calls(session, [call.id or 0])
        session.commit()
    with reading(calls) as session:
        found = Finder().find(session, asked(), limit=3).items
    assert [one.call.external_id for one in found] == ["angry", "plain", "praise"]
    assert names(find(calls, q="bullshit")) == names(find(calls, agent="Bob")) == {"angry"}
    assert find(calls, ("agent",), q="bullshit").total == 1


def test_forgetting_takes_facets_that_no_other_call_has(calls: Engine) -> None:
    with writing(calls) as session:
        call = named(session, "angry")
        forget(session, [call.id or 0])
        session.delete(call)
        session.commit()
    with reading(calls) as session:
        left = set(session.execute(select(FACET.name, FACET.value)).all())
    assert ("caller", "+44 1") not in left
    assert ("caller", "+44 2") in left
    assert ("status", "done") not in left
    assert ("language", "en") in left
    assert names(find(calls)) == {"praise", "plain"}


def test_calls_without_an_index_get_one(calls: Engine) -> None:
    with writing(calls) as session:
        for table in ("call_text", "call_facet", "facet"):
            session.connection().exec_driver_sql(f"DELETE FROM {table}")
        session.connection().exec_driver_sql("UPDATE call SET facets = NULL")
        session.commit()
    assert names(find(calls, agent="Bob")) == names(find(calls, q="bullshit")) == set()
    assert index_missing(calls) == 3
    assert index_missing(calls) == 0
    assert names(find(calls, agent="Bob")) == names(find(calls, q="bullshit")) == {"angry"}


def test_facets_are_cut_to_what_an_index_holds() -> None:
    assert as_pair("meta." + "k" * 600, "v" * 600) == ("meta." + "k" * 95, "v" * 200)
    assert [as_pair("n", value)[1] for value in (True, 3, 3.0, 2.5, "x")] == [
        *("true", "3", "3", "2.5", "x")
    ]
    assert unpacked(packed({70_000, 3})) == {3, 70_000}
    assert unpacked(None) == set()


@pytest.fixture
def _counts_to_three(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than three calls are many."""
    for module in (selection, search):
        monkeypatch.setattr(module, "COUNTED", 3)
    monkeypatch.setattr(selection, "FEW", 1)
    monkeypatch.setattr(selection, "SIZED", 6)


@pytest.mark.usefixtures("_counts_to_three")
@pytest.mark.parametrize("sort", [None, "started_at", "-anger", "duration"])
@pytest.mark.parametrize("facets", [(), ("agent",)])
@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"q": "bearing"},
        {"q": '"my bearing"'},
        {"q": "bearing", "agent": "Alice"},
        {"q": "-nothing"},
        {"agent": "Alice"},
        {"agent": ["Alice", "Bob"]},
        {"agent": "Alice", "not_tag": "angry"},
        {"not_agent": "Bob"},
        {"min_duration": 1, "agent": "Alice"},
        {"max_anger": 0.9},
        {"q": "where NEAR/2 bearing", "status": "done"},
    ],
)
def test_of_more_calls_than_are_counted_none_is_left_out(
    engine: Engine, filters: dict[str, Any], facets: tuple[str, ...], sort: str | None
) -> None:
    for number in range(9):
        said = turn("customer", 1.0, "Where is my bearing?")
        agent = "Bob" if number % 4 == 0 else "Alice"
        store_call(engine, f"call-{number}", said, agent=agent, line="1")
    wanted = asked(**filters) if sort is None else asked(**filters, sort=sort)
    found: list[str] = []
    cursor = None
    for _ in range(20):
        with reading(engine) as session:
            page = Finder().find(session, wanted, limit=2, cursor=cursor, facets=facets)
        found += [one.call.external_id for one in page.items]
        assert (page.total, page.more) == (3, True)
        cursor = page.next_cursor
        if cursor is None:
            break
    alice = {f"call-{number}" for number in range(9) if number % 4}
    everybody = {f"call-{number}" for number in range(9)}
    expected = alice if filters.get("agent") == "Alice" or "not_agent" in filters else everybody
    assert set(found) == expected
    assert len(found) == len(expected)


def test_calls_that_are_not_indexed_yet_are_not_found_and_break_nothing(calls: Engine) -> None:
    with writing(calls) as session:
        session.connection().exec_driver_sql("UPDATE call SET place = NULL, facets = NULL")
        session.commit()
    for filters in ({}, {"min_anger": 0.1}, {"not_agent": "Bob"}, {"sort": "-anger"}):
        assert names(find(calls, ("agent",), **filters)) == set()
