"""The schema: made, unmade, and the same as the tables in the code."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, MetaData, Table, event, inspect, text
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlmodel import Session, SQLModel, col, select

from lexicons.text import index_text
from models import Call, CallEvent, DoomedRecording, Key, MoodVerdict, Speaker, Turn
from models.call import Review
from models.call_number import CallNumber
from models.columns import now
from models.comment import add_comment
from models.db import QueryTooSlow, connect, giving_up_after, is_current, migrate, reading, writing
from models.filters import CallQuery
from models.indexing import index_missing
from models.review import Changes, change_calls
from models.search import Finder
from tests.fakes import turn
from tests.records import store_call

ROOT = Path(__file__).parents[2]


def a_call(**fields: object) -> Call:
    known: dict[str, object] = {
        "external_id": "a",
        "started_at": datetime(2026, 11, 2, 9, tzinfo=UTC),
        "agent_channel": "left",
        "recording": "upload:a.wav",
        "details": {},
        "warnings": [],
    }
    return Call(**(known | fields))


def test_migrations_make_exactly_the_tables_of_the_code(engine: Engine) -> None:
    def ours(_object: object, name: str, _kind: str, _reflected: bool, _other: object) -> bool:
        return not name.startswith(("turn_index", "call_text"))

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours})
        assert compare_metadata(context, SQLModel.metadata) == []
    assert is_current(engine)


def test_migrations_go_down_and_up_again_with_data(engine: Engine) -> None:
    with writing(engine) as session:
        session.add(a_call())
        session.commit()
    migrate(engine, "base")
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    assert not is_current(engine)
    migrate(engine)
    with Session(engine) as session:
        assert session.exec(select(Call)).all() == []


def heard_before(engine: Engine) -> int:
    """A call with all its rows, written into the tables of revision 0001."""
    moment = datetime(2026, 11, 2, 9, tzinfo=UTC)
    moment = moment if engine.dialect.name == "postgresql" else moment.replace(tzinfo=None)
    moments = dict.fromkeys(("started_at", "created_at", "updated_at", "heard_at"), moment)
    rows: list[tuple[str, dict[str, Any]]] = [
        (
            "call",
            {"id": 7, "external_id": "a", "agent_channel": "left", "urgent": False, "details": {}}
            | {"recording": "upload:a.wav", "status": "done", "attempts": 1, "failures": 0}
            | {"warnings": [], "anger": 0.5, "duration_s": 60.0}
            | moments,
        ),
        ("speaker", {"call_id": 7, "name": "agent", "talk_s": 1.5, "mood": "happy"}),
        (
            "turn",
            {"id": 9, "call_id": 7, "position": 0, "speaker": "agent", "start_s": 1.0}
            | {"end_s": 2.5, "text": "bearing", "keys": index_text("bearing")}
            | {"words": [["bearing", 1.0, 2.5, 0.9]], "moods": {"happy": 1.0}},
        ),
    ]
    with engine.begin() as connection:
        for name, row in rows:
            table = Table(name, MetaData(), autoload_with=connection, resolve_fks=False)
            connection.execute(table.insert().values(row))
    return 7


def columns(engine: Engine) -> dict[str, set[str]]:
    tables = ("call", "speaker", "turn")
    return {name: {one["name"] for one in inspect(engine).get_columns(name)} for name in tables}


def test_calls_heard_before_stay_as_they_were_and_know_not_how_they_went(engine: Engine) -> None:
    newest = columns(engine)
    migrate(engine, "base")
    migrate(engine, "0001")
    first = columns(engine)
    number = heard_before(engine)

    migrate(engine)
    index_missing(engine)

    assert is_current(engine)
    assert columns(engine) == newest
    with reading(engine) as session:
        call, [said] = session.get_one(Call, number), session.exec(select(Turn)).all()
        speaker = session.get_one(Speaker, (number, "agent"))
        [found] = Finder().find(session, CallQuery(q="bearing"), limit=5).items
    assert (call.external_id, call.anger, call.warnings) == ("a", 0.5, [])
    assert (speaker.talk_s, speaker.mood) == (1.5, "happy")
    assert (said.text, said.words, said.moods) == (
        "bearing",
        [["bearing", 1.0, 2.5, 0.9]],
        {"happy": 1.0},
    )
    assert found.call.id == number
    rows = {"call": call.model_dump(), "speaker": speaker.model_dump(), "turn": said.model_dump()}
    assert rows["call"].pop("utc_offset_min") == 0
    assert rows["call"].pop("facets")  # made when the call was indexed
    assert rows["call"].pop("place")
    assert (rows["call"].pop("review"), rows["call"].pop("legal_hold")) == ("new", False)
    since = [(table, name) for table, names in newest.items() for name in names - first[table]]
    assert {rows[table].get(name) for table, name in since} == {None}
    assert len(since) == 29
    assert said.uncertain is None


def test_going_back_one_revision_keeps_the_rows_and_the_search(engine: Engine) -> None:
    number = store_call(engine, "a", turn("customer", 3.0, "Where is my bearing?"))

    migrate(engine, "0001")

    assert not is_current(engine)
    assert "confidence" not in columns(engine)["turn"]
    assert "silences" not in columns(engine)["call"]
    migrate(engine)
    index_missing(engine)
    with reading(engine) as session:
        [found] = Finder().find(session, CallQuery(q="bearing"), limit=5).items
        [said] = session.exec(select(Turn)).all()
    assert found.call.id == number
    assert [speaker.talk_s for speaker in found.speakers] == [pytest.approx(1.6)]
    assert (said.text, said.confidence) == ("Where is my bearing?", None)
    with writing(engine) as session:
        session.delete(session.get_one(Call, number))
        session.commit()
    with reading(engine) as session:
        assert session.exec(select(Turn)).all() == []
        assert not Finder().find(session, CallQuery(q="bearing"), limit=5).items


def test_going_back_before_verdicts_takes_only_them_and_what_explains_anger(
    engine: Engine,
) -> None:
    number = store_call(engine, "a", turn("customer", 3.0, "Where is my bearing?"))
    with writing(engine) as session:
        session.add(MoodVerdict(call_id=number, speaker="customer", angry=True))
        speaker = session.get_one(Speaker, (number, "customer"))
        speaker.anger_mean = speaker.anger_share = speaker.anger_trend = 0.25
        speaker.anger_at_s = 3.0
        session.exec(select(Turn)).one().anger_parts = {"voice": 1.0}
        session.commit()

    migrate(engine, "0002")

    assert "mood_verdict" not in inspect(engine).get_table_names()
    assert not columns(engine)["speaker"] & {"anger_mean", "anger_share", "anger_trend"}
    assert "anger_parts" not in columns(engine)["turn"]
    migrate(engine)
    index_missing(engine)
    with reading(engine) as session:
        assert session.exec(select(MoodVerdict)).all() == []
        speaker = session.get_one(Speaker, (number, "customer"))
        assert (speaker.anger, speaker.anger_mean, speaker.anger_at_s) == (0.05, None, None)
        [said] = session.exec(select(Turn)).all()
        assert (said.text, said.anger_parts) == ("Where is my bearing?", None)
        [found] = Finder().find(session, CallQuery(q="bearing"), limit=5).items
    assert found.call.id == number


def test_going_back_before_reviews_takes_only_them(engine: Engine) -> None:
    number = store_call(engine, "a", turn("customer", 3.0, "Where is my bearing?"))
    with writing(engine) as session:
        change_calls(session, [number], Changes(Review.RESOLVED, tags_added=("refund",)), by="Al")
        add_comment(session, number, text="Hm.", by="Al", key_name="Al")

    migrate(engine, "0005")

    assert not {"call_label", "comment", "call_event"} & set(inspect(engine).get_table_names())
    assert not columns(engine)["call"] & {"review", "assignee", "legal_hold"}
    migrate(engine)
    index_missing(engine)
    with reading(engine) as session:
        assert session.get_one(Call, number).review == "new"
        assert session.exec(select(CallEvent)).all() == []
        [found] = Finder().find(session, CallQuery(q="bearing"), limit=5).items
    assert found.call.id == number


def test_doomed_recordings_stay_doomed_on_the_way_there_and_back(engine: Engine) -> None:
    with writing(engine) as session:
        session.add(DoomedRecording(id=5, call_id=7, recording="upload:aa/a.wav"))
        session.commit()

    migrate(engine, "0011")
    assert "call_id" not in {one["name"] for one in inspect(engine).get_columns("doomed_recording")}
    migrate(engine)

    with reading(engine) as session:
        [doomed] = session.exec(select(DoomedRecording)).all()
    assert (doomed.id, doomed.call_id, doomed.recording) == (5, None, "upload:aa/a.wav")
    assert doomed.deleted_at.tzinfo is not None
    with writing(engine) as session:
        session.delete(session.get_one(DoomedRecording, 5))
        session.commit()
        if engine.dialect.name == "sqlite":
            session.add(DoomedRecording(recording="upload:bb/b.wav"))
            session.commit()
            assert session.exec(select(DoomedRecording.id)).one() == 6


def test_calls_of_before_get_the_numbers_that_erasure_finds_them_by(engine: Engine) -> None:
    pushes: list[dict[str, Any]] = [
        {"caller": "+7 495 123-45-67", "line": "205"},
        {"line": "84951234567", "direction": "outbound"},
        {"metadata": {"ani": "8 495 123-45-67", "ok": True}},
        {},
    ]
    a, b, c, _ = (store_call(engine, str(n), **push) for n, push in enumerate(pushes))
    with reading(engine) as session:
        numbered = session.exec(select(CallNumber).order_by(col(CallNumber.call_id))).all()

    migrate(engine, "0011")
    assert "call_number" not in inspect(engine).get_table_names()
    migrate(engine)

    with reading(engine) as session:
        again = session.exec(select(CallNumber).order_by(col(CallNumber.call_id))).all()
    assert again == numbered
    assert [(one.call_id, one.number) for one in again] == [
        (number, "74951234567") for number in (a, b, c)
    ]


def test_revoked_keys_get_the_names_back_that_they_were_used_with(engine: Engine) -> None:
    migrate(engine, "0011")
    stamp = "(revoked 2026-11-02 09:15:00)"
    names = [f"wallboard {stamp}", f"old {stamp}", "old", f"twice {stamp}", f"twice {stamp[:-2]}1)"]
    with writing(engine) as session:
        for name in names:
            session.add(Key(name=name, hash=name, scopes=["read"], revoked_at=now()))
        session.commit()
    migrate(engine)
    with reading(engine) as session:
        found = session.exec(select(Key.name).order_by(col(Key.id))).all()
    assert found == ["wallboard", f"old {stamp}", "old", "twice", f"twice {stamp[:-2]}1)"]


def test_revisions_come_all_together_or_not_at_all(engine: Engine) -> None:
    migrate(engine, "base")

    def break_off(*call: Any) -> None:
        if "overlap_s" in call[2]:
            raise RuntimeError("half-way")

    event.listen(engine, "before_cursor_execute", break_off)
    with pytest.raises(RuntimeError, match="half-way"):
        migrate(engine)
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    event.remove(engine, "before_cursor_execute", break_off)
    migrate(engine)
    assert is_current(engine)


def test_many_processes_may_migrate_at_once(database_url: str) -> None:
    code = "import sys; from models.db import connect, migrate; migrate(connect(sys.argv[1]))"
    racing = [
        subprocess.Popen([sys.executable, "-c", code, database_url], cwd=ROOT) for _ in range(3)
    ]
    assert [process.wait() for process in racing] == [0, 0, 0]
    engine = connect(database_url)
    assert is_current(engine)
    engine.dispose()


def test_connecting_waits_for_whoever_writes_to_a_file_that_is_not_yet_wal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "test.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waited: list[float] = []

    def finish(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            other.execute("COMMIT")

    monkeypatch.setattr("models.db.sleep", finish)
    engine = connect(f"sqlite:///{path}")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    engine.dispose()
    other.close()
    assert len(waited) == 3


def test_connecting_waits_no_longer_than_for_any_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "test.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr("models.db.BUSY_TIMEOUT_MS", 0)
    engine = connect(f"sqlite:///{path}")
    with pytest.raises(OperationalError, match="locked"):
        engine.connect()
    engine.dispose()
    other.close()


def test_what_is_no_database_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "test.db"
    path.write_text("this is no database" * 100)
    monkeypatch.setattr("models.db.sleep", lambda _seconds: pytest.fail("it waited"))
    with pytest.raises(Exception, match="not a database"):
        connect(f"sqlite:///{path}").connect()


def test_moments_come_back_aware_and_in_utc(engine: Engine) -> None:
    there = timezone(timedelta(hours=3))
    with writing(engine) as session:
        session.add(a_call(started_at=datetime(2026, 11, 2, 12, 30, tzinfo=there)))
        session.commit()
    with Session(engine) as session:
        call = session.exec(select(Call)).one()
    assert call.started_at == datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
    assert call.started_at.utcoffset() == timedelta(0)


def test_a_moment_without_a_time_zone_is_refused(engine: Engine) -> None:
    with writing(engine) as session:
        session.add(a_call(started_at=datetime(2026, 11, 2)))
        with pytest.raises(Exception, match="time zone"):
            session.commit()


def test_rows_of_a_call_go_with_it(engine: Engine) -> None:
    with writing(engine) as session:
        call = a_call()
        session.add(call)
        session.flush()
        session.add(
            Turn(
                call_id=call.id,
                position=0,
                speaker="agent",
                start_s=0,
                end_s=1,
                text="hello",
                keys="hello",
                words=[["hello", 0, 1, 1]],
            )
        )
        session.commit()
        session.delete(call)
        session.commit()
        assert session.exec(select(Turn)).all() == []


def test_a_query_that_takes_too_long_is_given_up(engine: Engine) -> None:
    forever = text(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    )
    with (
        reading(engine) as session,
        pytest.raises(QueryTooSlow, match="longer than 0 s"),
        giving_up_after(session, 0.2),
    ):
        session.execute(forever)
    with reading(engine) as session:
        assert session.execute(text("SELECT 1")).scalar_one() == 1


def test_other_errors_of_a_bounded_query_stay_what_they_are(engine: Engine) -> None:
    with (
        reading(engine) as session,
        pytest.raises(DatabaseError, match="nothing"),
        giving_up_after(session, 5),
    ):
        session.execute(text("SELECT * FROM nothing"))
