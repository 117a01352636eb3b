"""Keys from the command line, and when they were used."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, select
from typer.testing import CliRunner

from api.local import LOCAL_KEY, local_key
from models.columns import now
from models.db import reading, writing
from models.key import Key, create_key, note_use
from overtone import app
from settings import Settings
from tests.fakes import turn
from tests.records import store_call


@pytest.fixture
def overtone(settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """Runs commands over the test's own database."""
    assert engine
    monkeypatch.setenv("OVERTONE_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("OVERTONE_DATABASE_URL", settings.database)
    return CliRunner()


def used(engine: Engine, name: str) -> object:
    with reading(engine) as session:
        return session.exec(select(Key).where(Key.name == name)).one().last_used_at


def test_a_key_is_made_listed_and_revoked(overtone: CliRunner, engine: Engine) -> None:
    made = overtone.invoke(app, ["key", "create", "wallboard", "--scope", "read"])
    assert made.exit_code == 0, made.output
    assert made.stdout.startswith("ovt_")
    overtone.invoke(app, ["key", "create", "all"])
    with writing(engine) as session:
        session.exec(select(Key).where(Key.name == "wallboard")).one().last_used_at = now().replace(
            year=2026, month=11, day=2, hour=9, minute=15
        )
        session.commit()
    first, second = overtone.invoke(app, ["key", "list"]).stdout.splitlines()
    assert first.endswith("  wallboard  read  last used 2026-11-02 09:15")
    assert second.endswith("  all  push, read, review, admin  never used")

    revoked = overtone.invoke(app, ["key", "revoke", "wallboard"])
    assert revoked.exit_code == 0, revoked.output
    assert revoked.stdout == "wallboard is revoked: that key works no more\n"
    [first, _] = overtone.invoke(app, ["key", "list"]).stdout.splitlines()
    assert first.endswith("last used 2026-11-02 09:15, revoked")
    again = overtone.invoke(app, ["key", "revoke", "wallboard"])
    assert (again.exit_code, again.stdout) == (1, "")
    assert "no live key named wallboard" in again.stderr
    taken = overtone.invoke(app, ["key", "create", "wallboard "])
    assert (taken.exit_code, taken.stdout) == (1, "")
    assert "the name stays with what was done with it" in taken.stderr


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a" * 101])
def test_a_key_needs_a_name_that_people_can_read(overtone: CliRunner, name: str) -> None:
    refused = overtone.invoke(app, ["key", "create", name])
    assert (refused.exit_code, refused.stdout) == (2, "")


def test_a_local_key_that_was_lost_is_revoked_and_the_next_has_another_name(
    overtone: CliRunner, engine: Engine, settings: Settings
) -> None:
    assert overtone
    settings.data_dir.mkdir(exist_ok=True)
    texts = []
    for _ in range(3):
        text, new = local_key(settings)
        assert new
        assert local_key(settings) == (text, False)
        texts.append(text)
        (settings.data_dir / LOCAL_KEY).unlink()
    with reading(engine) as session:
        keys = session.exec(select(Key).order_by(col(Key.id))).all()
    assert [(key.name, key.revoked_at is None) for key in keys] == [
        ("local-key", False),
        ("local-key-2", False),
        ("local-key-3", True),
    ]
    assert len(set(texts)) == 3


def test_the_use_of_a_key_is_written_once_a_minute(
    api: TestClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert used(engine, "test") is None
    api.get("/calls")
    first = used(engine, "test")
    assert first is not None
    noted: list[int] = []

    def note(session: Session, key_id: int) -> None:
        noted.append(key_id)
        note_use(session, key_id)

    monkeypatch.setattr("api.deps.note_use", note)
    api.get("/calls")
    assert (used(engine, "test"), noted) == (first, [])
    with writing(engine) as session:
        session.exec(select(Key)).one().last_used_at = now() - timedelta(seconds=61)
        session.commit()
    api.get("/calls")
    assert len(noted) == 1
    assert used(engine, "test") > first  # type: ignore[operator]


def test_what_a_route_reads_after_it_wrote_does_not_hold_that_up(
    api: TestClient, engine: Engine
) -> None:
    number = store_call(engine, "a", turn("agent", 1.0, "Good morning."))
    assert api.put(f"/calls/{number}/tags/refund").status_code == 200
    assert used(engine, "test") is not None


def test_uses_that_race_are_written_once(engine: Engine) -> None:
    with writing(engine) as session:
        create_key(session, "wallboard")
        key = session.exec(select(Key)).one()
        assert key.id is not None
        note_use(session, key.id)
        first = used(engine, "wallboard")
        note_use(session, key.id)
    assert used(engine, "wallboard") == first


def test_a_request_does_not_fail_because_of_it(
    api: TestClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_session: Session, _key_id: int) -> None:
        raise OperationalError("locked", None, Exception("locked"))

    monkeypatch.setattr("api.deps.note_use", fail)
    assert api.get("/calls").status_code == 200
    assert used(engine, "test") is None
