"""Events by a cursor: in order, filtered, and none missed, however many write at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from time import sleep

from sqlalchemy import Engine

from models.alert import Alert
from models.alert_event import (
    AlertEvent,
    EventFilters,
    events_after,
    events_of,
    last_event_before,
    last_event_id,
)
from models.alert_life import acknowledge, mark_overdue
from models.columns import now
from models.db import connect, migrate, reading, writing
from tests.alerting import a_draft, all_events, analysed, push_call, raise_alert

WRITERS = 6
CALLS_EACH = 25


def read(engine: Engine, after: int, limit: int = 100, **filters: tuple[str, ...]) -> list[int]:
    with reading(engine) as session:
        found = events_after(session, after, limit=limit, filters=EventFilters(**filters))
    return [event.id or 0 for event in found]


def test_events_are_read_on_from_a_cursor(engine: Engine) -> None:
    with reading(engine) as session:
        assert last_event_id(session) == 0
    assert read(engine, 0) == []
    for name in "abcd":
        raise_alert(engine, name)
    assert read(engine, 0, limit=3) == [1, 2, 3]
    assert read(engine, 3) == [4]
    assert read(engine, 4) == []
    with reading(engine) as session:
        assert last_event_id(session) == 4


def test_filters_are_by_the_alert_as_it_was_then(engine: Engine) -> None:
    raise_alert(engine, "a", a_draft(rule="one", severity="low"), agent="Alice", line="100")
    second = raise_alert(engine, "b", a_draft(rule="two", severity="high"), agent="Bob")
    raise_alert(engine, "c", a_draft(rule="two", severity="low"), agent="Алиса")
    with writing(engine) as session:
        acknowledge(session, second, by="Carol")
    cases: list[tuple[dict[str, tuple[str, ...]], list[int]]] = [
        ({"severities": ("low",)}, [1, 3]),
        ({"severities": ("low", "high")}, [1, 2, 3, 4]),
        ({"rules": ("two",)}, [2, 3, 4]),
        ({"kinds": ("acknowledged",)}, [4]),
        ({"agents": ("Алиса", "Alice")}, [1, 3]),
        ({"lines": ("100",)}, [1]),
        ({"rules": ("two",), "severities": ("low",)}, [3]),
        ({"rules": ("two' OR 1=1 --",)}, []),
    ]
    everything = all_events(engine)
    for filters, expected in cases:
        assert read(engine, 0, **filters) == expected, filters
        wanted = EventFilters(**filters)
        assert [event.id for event in everything if wanted.matches(event)] == expected


def test_events_of_one_alert(engine: Engine) -> None:
    first, second = raise_alert(engine, "a"), raise_alert(engine, "b")
    with writing(engine) as session:
        acknowledge(session, first, by="Bob")
        assert [event.id for event in events_of(session, first, 0, limit=9)] == [1, 3]
        assert [event.id for event in events_of(session, first, 1, limit=9)] == [3]
        assert [event.id for event in events_of(session, second, 0, limit=9)] == [2]


def test_the_last_event_of_before_a_moment(engine: Engine) -> None:
    raise_alert(engine, "a")
    between = now()
    raise_alert(engine, "b")
    with reading(engine) as session:
        assert last_event_before(session, between) == 1
        assert last_event_before(session, between - timedelta(days=1)) == 0
        assert last_event_before(session, now()) == 2


def test_a_reader_by_cursor_misses_nothing_that_many_write_at_once(
    engine: Engine, database_url: str
) -> None:
    """Calls with alerts are written, and alerts acknowledged and found overdue, all at once."""
    written = Event()

    def write(writer: int) -> None:
        own = connect(database_url)
        for number in range(CALLS_EACH):
            with writing(own) as session:
                call_id = push_call(session, f"{writer}-{number}")
            drafts = [a_draft(rule=rule, acknowledge_within_s=-1) for rule in ("one", "two")]
            first, _second = analysed(own, call_id, *drafts)
            with writing(own) as session:
                acknowledge(session, first, by="Bob")
            with writing(own) as session:
                mark_overdue(session, now())
        own.dispose()

    def follow() -> Iterator[AlertEvent]:
        cursor = 0
        while True:
            ended = written.is_set()
            with reading(engine) as session:
                new = events_after(session, cursor, limit=7)
            yield from new
            if new:
                cursor = new[-1].id or 0
            elif ended:
                return
            sleep(0.01)  # a reader that asks all the time would keep the writers waiting

    with ThreadPoolExecutor(WRITERS + 1) as pool:
        reader = pool.submit(lambda: list(follow()))
        try:
            for done in [pool.submit(write, number) for number in range(WRITERS)]:
                done.result()
        finally:
            written.set()
        seen = reader.result()
    there = all_events(engine)
    assert [event.id for event in seen] == [event.id for event in there]
    counts = {kind: sum(event.kind == kind for event in there) for kind in ("raised", "overdue")}
    alerts = 2 * WRITERS * CALLS_EACH
    assert counts["raised"] == alerts
    assert counts["overdue"] >= alerts / 2
    # Alerts are numbered in the order of their commits too: `GET /alerts?cursor=N` relies on it.
    raised = [event.alert_id for event in there if event.kind == "raised"]
    assert raised == sorted(raised)


def test_going_back_takes_the_feed_and_leaves_the_alerts(engine: Engine) -> None:
    alert_id = raise_alert(engine, "a", a_draft(severity="critical"))
    migrate(engine, "0008")
    migrate(engine)
    with reading(engine) as session:
        alert = session.get_one(Alert, alert_id)
        assert (alert.status, alert.severity, alert.due_at) == ("new", "high", None)
        assert last_event_id(session) == 0
