"""The schema: made, unmade, and the same as the tables in the code."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect
from sqlmodel import Session, SQLModel, select

from models import Call, Turn
from models.db import connect, is_current, migrate, writing

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
    def ours(_object: object, name: str, kind: str, _reflected: bool, _other: object) -> bool:
        return not (kind == "table" and name.startswith("turn_index")) and name != "turn_index"

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


def test_many_processes_may_migrate_at_once(database_url: str) -> None:
    code = "import sys; from models.db import connect, migrate; migrate(connect(sys.argv[1]))"
    racing = [
        subprocess.Popen([sys.executable, "-c", code, database_url], cwd=ROOT) for _ in range(3)
    ]
    assert [process.wait() for process in racing] == [0, 0, 0]
    engine = connect(database_url)
    assert is_current(engine)
    engine.dispose()


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
