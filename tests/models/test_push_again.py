"""A push of a call that is there brings it up to date, and makes nothing new."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from threading import Barrier, Thread
from time import monotonic, sleep
from typing import Any

import pytest
from sqlalchemy import Engine, delete, event, text
from sqlmodel import col, select

from models import Call, CallEvent, CallNumber, DoomedRecording
from models.call import CallPush, Status
from models.db import reading, writing
from models.push_again import NamedPush
from models.pushes import add_call, add_calls
from models.search import Finder
from tests.fakes import turn
from tests.records import asked, store_call

SAID = turn("customer", 1.0, "Where is my bearing?")
BEGAN = datetime(2026, 11, 2, 9, 15, tzinfo=UTC)


def push(engine: Engine, *, recording: str = "upload:b.wav", **fields: Any) -> Call:
    with writing(engine) as session:
        one = CallPush.model_validate({"external_id": "a"} | fields)
        call, created = add_call(
            session, one, recording, external_id="a", agent_channel="left", by="pipe"
        )
        assert not created
        return call


def events(engine: Engine) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    with reading(engine) as session:
        found = session.exec(select(CallEvent).order_by(col(CallEvent.id))).all()
    assert {(event.kind, event.given_by) for event in found} <= {("pushed", "pipe")}
    return [(json.loads(event.before or ""), json.loads(event.after or "")) for event in found]


def found(engine: Engine, **wanted: Any) -> list[int | None]:
    with reading(engine) as session:
        return [one.call.id for one in Finder().find(session, asked(**wanted), limit=9).items]


def test_what_is_said_otherwise_is_written_found_and_told_in_the_history(engine: Engine) -> None:
    number = store_call(engine, "a", SAID, agent="Al", line="205", metadata={"site": "x", "n": 1})
    call = push(engine, agent="Bob", caller="8 495 123-45-67", metadata={"site": "y"})
    assert (call.id, call.agent, call.line) == (number, "Bob", "205")
    assert (call.details, call.recording) == ({"site": "y"}, "upload:none.wav")
    assert found(engine, agent="Bob", site="y", q="bearing") == [number]
    assert found(engine, agent="Al") == found(engine, site="x") == []
    with reading(engine) as session:
        assert session.exec(select(CallNumber.number)).all() == ["74951234567"]
    assert events(engine) == [
        (
            {"agent": "Al", "caller": None, "metadata": {"site": "x", "n": 1}},
            {"agent": "Bob", "caller": "8 495 123-45-67", "metadata": {"site": "y"}},
        )
    ]


def test_the_same_push_once_more_changes_nothing(engine: Engine) -> None:
    fields = {"agent": "Al", "metadata": {"n": 1.5, "ok": True}, "started_at": BEGAN}
    number = store_call(engine, "a", SAID, **fields)
    for again in (fields, {}, {"agent": None, "outcome": None}):
        assert push(engine, **again).id == number
    assert events(engine) == []


def test_a_beginning_that_becomes_known_moves_the_call(engine: Engine) -> None:
    first = store_call(engine, "a", SAID, started_at=BEGAN)
    second = store_call(engine, "b", SAID, started_at=BEGAN - timedelta(hours=1))
    assert found(engine, q="bearing", sort="started_at") == [second, first]
    there = timezone(timedelta(hours=3))
    push(engine, started_at=(BEGAN - timedelta(hours=2)).astimezone(there))
    assert found(engine, q="bearing", sort="started_at") == [first, second]
    assert found(engine, hour=10) == [first]
    [(before, after)] = events(engine)
    assert before == {"started_at": "2026-11-02T09:15:00+00:00"}
    assert after == {"started_at": "2026-11-02T10:15:00+03:00"}
    push(engine, started_at=BEGAN - timedelta(hours=2))
    assert found(engine, hour=7) == [first]
    assert events(engine)[1][1] == {"started_at": "2026-11-02T07:15:00+00:00"}


def test_words_are_indexed_anew_only_where_a_call_moves(engine: Engine) -> None:
    number = store_call(engine, "a", SAID, started_at=BEGAN)
    written: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "call_text" in statement:
            written.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    push(engine, agent="Bob", started_at=BEGAN)
    assert written == []
    assert found(engine, q="bearing", agent="Bob") == [number]
    written.clear()
    push(engine, started_at=BEGAN - timedelta(hours=2))
    assert written
    event.remove(engine, "before_cursor_execute", note)


def test_a_call_that_an_upgrade_left_without_an_index_gets_one(engine: Engine) -> None:
    number = store_call(engine, "a", SAID)
    with writing(engine) as session:
        session.execute(text("DELETE FROM call_text"))
        session.execute(text("DELETE FROM call_facet"))
        session.execute(text("UPDATE call SET place = NULL, facets = NULL"))
        session.commit()
    push(engine, agent="Bob")
    assert found(engine, q="bearing", agent="Bob") == [number]


def test_how_it_is_heard_stays_as_it_was_first(engine: Engine) -> None:
    store_call(engine, "a", SAID, language="ru")
    call = push(engine, language="en", agent_channel="right", urgent=True)
    assert (call.language_wanted, call.agent_channel, call.urgent) == ("ru", "left", False)
    assert events(engine) == []


def test_a_call_under_hold_stays_as_it_is(engine: Engine) -> None:
    number = store_call(engine, "a", SAID, agent="Al")
    with writing(engine) as session:
        session.get_one(Call, number).legal_hold = True
        session.commit()
    assert push(engine, agent="Bob").agent == "Al"
    assert events(engine) == []


def missed(engine: Engine, **fields: Any) -> None:
    """A call without a recording, whose rules were judged."""
    with writing(engine) as session:
        one = CallPush(outcome="missed")
        call, _ = add_call(session, one, "", external_id="a", agent_channel="left")
        call.status = Status.DONE
        call.sqlmodel_update(fields)
        session.add(call)
        session.commit()


def test_a_call_without_a_recording_stays_one_in_which_nobody_spoke(engine: Engine) -> None:
    missed(engine)
    assert push(engine, recording="", outcome="answered").outcome == "missed"
    assert push(engine, recording="", outcome="failed").outcome == "failed"


@pytest.mark.parametrize("held", [False, True])
def test_a_recording_that_comes_later_is_taken_and_waits_to_be_heard(
    engine: Engine, held: bool
) -> None:
    missed(engine, legal_hold=held)
    call = push(engine, outcome="answered", language="ru", agent_channel="right")
    assert (call.recording, call.status) == ("upload:b.wav", "queued")
    assert (call.language_wanted, call.agent_channel) == ("ru", "right")
    assert call.outcome == ("missed" if held else "answered")
    was, said = {"recording": False}, {"recording": True}
    if not held:
        was, said = was | {"outcome": "missed"}, said | {"outcome": "answered"}
    assert events(engine) == [(was, said)]
    assert push(engine, recording="upload:c.wav").recording == "upload:b.wav"


def failed(engine: Engine, **fields: Any) -> None:
    """A call whose recording is rubbish."""
    with writing(engine) as session:
        call, _ = add_call(
            session, CallPush(agent="Al"), "upload:aa/a.wav", external_id="a", agent_channel="left"
        )
        known = {"status": Status.FAILED, "error": "why", "failures": 3, "duration_s": 9.0}
        call.sqlmodel_update(known | {"warnings": ["clipped"]} | fields)
        session.add(call)
        session.commit()


def doomed(engine: Engine) -> list[tuple[int | None, str]]:
    with reading(engine) as session:
        return [(one.call_id, one.recording) for one in session.exec(select(DoomedRecording))]


def test_a_recording_that_cannot_be_heard_is_replaced_by_another(engine: Engine) -> None:
    failed(engine)
    call = push(engine, language="ru", agent="Bob")
    assert (call.recording, call.status, call.failures) == ("upload:b.wav", "queued", 0)
    assert (call.language_wanted, call.agent) == ("ru", "Bob")
    assert (call.error, call.duration_s, call.warnings) == (None, None, [])
    assert doomed(engine) == [(call.id, "upload:aa/a.wav")]
    assert events(engine) == [
        ({"agent": "Al", "recording": True, "error": "why"}, {"agent": "Bob", "recording": True})
    ]
    # The next one comes too late: this one may be good.
    assert push(engine, recording="upload:c.wav").recording == "upload:b.wav"
    assert len(doomed(engine)) == 1


def test_a_recording_in_the_store_of_another_is_replaced_and_left_there(engine: Engine) -> None:
    failed(engine, recording="file:/store/a.wav")
    assert push(engine).recording == "upload:b.wav"
    assert doomed(engine) == []


@pytest.mark.parametrize(
    "known",
    [
        {"status": Status.QUEUED},
        {"status": Status.HEARING},
        {"heard_at": BEGAN},
        {"legal_hold": True},
        {"recording": "upload:b.wav"},
    ],
)
def test_no_other_recording_is_replaced(engine: Engine, known: dict[str, Any]) -> None:
    failed(engine, **known)
    call = push(engine)
    assert call.recording == known.get("recording", "upload:aa/a.wav")
    assert (call.status, call.error) == (known.get("status", "failed"), "why")
    assert events(engine) == doomed(engine) == []


def test_a_copy_of_what_failed_is_not_heard_again(engine: Engine) -> None:
    failed(engine)
    for copy_of, status in (("upload:aa/a.wav", "failed"), ("upload:cc/c.wav", "queued")):
        with writing(engine) as session:
            call, _ = add_call(
                session,
                CallPush(external_id="a"),
                "upload:b.wav",
                external_id="a",
                agent_channel="left",
                copy_of=copy_of,
            )
        assert call.status == status


def test_of_many_pushes_of_a_call_that_is_there_the_last_counts(engine: Engine) -> None:
    store_call(engine, "a", SAID)
    pushes = [
        NamedPush(CallPush(agent=agent), "upload:b.wav", name)
        for agent, name in (("Al", "a"), ("Cleo", "new"), ("Bob", "a"))
    ]
    with writing(engine) as session:
        stored = add_calls(session, pushes, agent_channel="left", by="pipe")
    assert [(call.agent, created) for call, created in stored] == [
        ("Bob", False),
        ("Cleo", True),
        ("Bob", False),
    ]


@pytest.mark.parametrize("there", [False, True])
def test_many_pushes_of_one_call_are_taken_one_after_the_other(engine: Engine, there: bool) -> None:
    if there:
        store_call(engine, "a", SAID, agent="Al")
    said: list[dict[str, Any]] = [{"agent": "Al"}, {"agent": "Bob", "line": "205"}, {"agent": "Al"}]
    pushes = [NamedPush(CallPush(**fields), "upload:b.wav", "a") for fields in said]
    with writing(engine) as session:
        stored = add_calls(session, pushes, agent_channel="left", by="pipe")
    assert [created for _call, created in stored] == [not there, False, False]
    assert {(call.agent, call.line) for call, _created in stored} == {("Al", "205")}
    assert len(events(engine)) == 2
    assert len(found(engine, agent="Al", line="205")) == 1
    assert found(engine, agent="Bob") == []


def await_lock(engine: Engine) -> None:
    """Return when somebody waits for a lock: a session for a row, or on SQLite anybody to begin."""
    if engine.dialect.name == "sqlite":
        return
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    until = monotonic() + 30
    while monotonic() < until:
        with engine.connect() as connection:
            if connection.execute(waiting).scalar_one():
                return
        sleep(0.01)
    raise AssertionError("nobody waits for a lock")


def test_a_call_that_is_deleted_while_it_is_pushed_again_is_a_new_one(engine: Engine) -> None:
    old = store_call(engine, "a", SAID, agent="Al")
    stored: list[tuple[Call, bool]] = []
    pushes = [NamedPush(CallPush(agent="Bob"), "upload:b.wav", name) for name in ("a", "b")]

    def push_again() -> None:
        with writing(engine) as session:
            stored.extend(add_calls(session, pushes, agent_channel="left"))

    with writing(engine) as deleting:
        deleting.execute(delete(Call).where(col(Call.id) == old))
        pushing = Thread(target=push_again)
        pushing.start()
        await_lock(engine)
        deleting.commit()
    pushing.join(60)
    assert [created for _call, created in stored] == [True, True]
    with reading(engine) as session:
        there = session.exec(select(Call.id, Call.recording).order_by(col(Call.id))).all()
    assert there == [(call.id, "upload:b.wav") for call, _created in stored]
    assert old not in {call.id for call, _created in stored}


@pytest.mark.parametrize("there", [0, 10, 20])
def test_pushes_of_the_same_calls_at_once_and_in_any_order_all_succeed(
    engine: Engine, there: int
) -> None:
    names = [str(number) for number in range(20)]
    for name in names[:there]:
        store_call(engine, name)
    barrier = Barrier(4)
    done: list[int] = []

    def push_all(pusher: int) -> None:
        order = names if pusher % 2 else names[::-1]
        for turn_ in range(3):
            one = CallPush(agent=f"{pusher} {turn_}", metadata={"n": turn_})
            pushes = [NamedPush(one, "upload:b.wav", name) for name in order]
            barrier.wait(60)
            with writing(engine) as session:
                done.append(len(add_calls(session, pushes, agent_channel="left")))

    threads = [Thread(target=push_all, args=(pusher,)) for pusher in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert done == [20] * 12
    with reading(engine) as session:
        agents = session.exec(select(Call.agent)).all()
    assert len(agents) == 20
    assert len(set(agents)) == 1
