"""What goes by itself: old calls, and recordings that a crash left behind."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import select
from typer.testing import CliRunner

import workers.record_commands
import workers.retention
from models import Audit, Call, DoomedRecording
from models.call import CallPush
from models.columns import now
from models.db import reading, writing
from models.deletion import Order, Why, delete_call
from models.pushes import add_call
from models.stores import Stores
from overtone import app
from settings import Settings
from workers.queue import CallQueue
from workers.reconciler import Reconciler
from workers.retention import sweep, tidy

DELETIONS = select(Audit).where(Audit.action == "deletion")


@pytest.fixture
def stores(settings: Settings) -> Stores:
    return Stores(settings.recordings, settings.stores)


@pytest.fixture
def overtone(settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """Runs commands over the test's own database."""
    assert engine
    monkeypatch.setenv("OVERTONE_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("OVERTONE_DATABASE_URL", settings.database)
    return CliRunner()


def call_of(engine: Engine, stores: Stores, *, days: int, **fields: object) -> int:
    """A call that began so many days ago, with an uploaded recording."""
    with writing(engine) as session:
        call, _ = add_call(
            session,
            CallPush(started_at=now() - timedelta(days=days), caller="+44 20 7946 0100"),
            stores.save([b"sound"], name="a.wav", max_bytes=100).recording,
            external_id=f"{days} {fields}",
            agent_channel="left",
        )
        call.status = "done"
        for name, value in fields.items():
            setattr(call, name, value)
        session.add(call)
        session.commit()
        assert call.id is not None
        return call.id


def left(engine: Engine) -> list[int]:
    with reading(engine) as session:
        return sorted(number for number in session.exec(select(Call.id)) if number)


def files(stores: Stores) -> list[Path]:
    return [path for path in stores.uploads.rglob("*") if path.is_file()]


def test_without_a_setting_calls_are_kept_for_ever(
    engine: Engine, stores: Stores, settings: Settings
) -> None:
    old = call_of(engine, stores, days=30_000)
    tidy(engine, stores, settings)
    assert left(engine) == [old]


def test_calls_older_than_the_retention_go_and_held_ones_stay(
    engine: Engine,
    stores: Stores,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(workers.retention, "BATCH", 2)
    old = [call_of(engine, stores, days=days) for days in (31, 32, 33, 34, 35)]
    held = call_of(engine, stores, days=36, legal_hold=True)
    heard = call_of(engine, stores, days=37, status="hearing")
    young = call_of(engine, stores, days=29)
    with caplog.at_level(logging.INFO):
        tidy(engine, stores, settings.model_copy(update={"retention_days": 30}))
    assert left(engine) == [held, heard, young]
    assert len(files(stores)) == 3
    with reading(engine) as session:
        trail = [(one.call_id, one.detail["why"]) for one in session.exec(DELETIONS)]
    assert sorted(trail, key=str) == sorted([(number, "retention") for number in old], key=str)
    assert "5 calls were too old" in caplog.text
    assert "7946" not in caplog.text


def test_one_round_deletes_no_more_than_it_may(
    engine: Engine, stores: Stores, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers.retention, "BATCH", 2)
    monkeypatch.setattr(workers.retention, "BATCHES_AT_ONCE", 2)
    for days in range(40, 45):
        call_of(engine, stores, days=days)
    strict = settings.model_copy(update={"retention_days": 30})
    tidy(engine, stores, strict)
    assert len(left(engine)) == 1
    tidy(engine, stores, strict)
    assert left(engine) == []


def test_what_a_crash_left_is_removed(
    engine: Engine, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (call_of(engine, stores, days=days) for days in (1, 2))

    class Crash(BaseException):
        pass

    def crash(*_: object) -> int:
        raise Crash

    with monkeypatch.context() as patch, writing(engine) as session:
        patch.setattr("models.deletion.remove_doomed", crash)
        for number in (first, second):
            with pytest.raises(Crash):
                delete_call(session, stores, number, Order(Why.ASKED))
    files(stores)[0].unlink()  # that crash came after the file
    assert left(engine) == []
    assert len(files(stores)) == 1
    assert sweep(engine, stores, now() - timedelta(hours=1)) == 0
    assert sweep(engine, stores, now() + timedelta(seconds=1)) == 2
    assert files(stores) == []
    with reading(engine) as session:
        assert session.exec(select(DoomedRecording)).all() == []


def test_a_machine_without_the_uploads_leaves_them_to_others(
    engine: Engine, stores: Stores, tmp_path: Path
) -> None:
    with writing(engine) as session:
        session.add(DoomedRecording(recording="upload:aa/a.wav"))
        session.commit()
    assert sweep(engine, Stores(tmp_path / "elsewhere"), now() + timedelta(seconds=1)) == 0
    stores.uploads.mkdir(parents=True)
    assert sweep(engine, stores, now() + timedelta(seconds=1)) == 1


def test_the_reconciler_tidies_also_while_the_queue_is_away(
    engine: Engine, stores: Stores, settings: Settings, valkey_url: str
) -> None:
    call_of(engine, stores, days=40)
    quick = settings.model_copy(update={"retention_days": 30, "reconcile_s": 0.01})
    from redis import from_url

    away = CallQueue(from_url("unix:///nowhere/v.sock"))
    call_of(engine, stores, days=1, status="queued", updated_at=now() - timedelta(hours=1))
    assert valkey_url
    thread = Reconciler(engine, away, stores=stores, settings=quick)
    thread.start()
    for _ in range(1000):
        if len(left(engine)) == 1:
            break
        thread.join(0.01)
    thread.stop()
    thread.join(5)
    assert len(left(engine)) == 1


def test_purge_says_how_many_and_does_it(
    overtone: CliRunner, engine: Engine, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers.record_commands, "BATCH", 2)
    for days in (31, 32, 33):
        call_of(engine, stores, days=days)
    stay = [call_of(engine, stores, days=34, legal_hold=True), call_of(engine, stores, days=29)]

    tried = overtone.invoke(app, ["purge", "--older-than", "30", "--dry-run"])
    assert tried.exit_code == 0, tried.output
    assert tried.stdout.startswith("3 calls began before ")
    assert tried.stdout.endswith("; under legal hold and kept: 1\n")
    assert len(left(engine)) == 5

    done = overtone.invoke(app, ["purge", "--older-than", "30"])
    assert done.exit_code == 0, done.output
    assert done.stdout == "3 calls deleted; under legal hold and kept: 1\n"
    assert left(engine) == stay
    assert len(files(stores)) == 2
    with reading(engine) as session:
        trail = session.exec(DELETIONS).all()
    assert [one.detail["why"] for one in trail] == ["purge"] * 3
    assert {one.detail["by"] for one in trail} == {"command line"}


@pytest.mark.parametrize("command", [["purge", "--older-than", "30"], ["erase", "442079460100"]])
def test_commands_say_what_is_still_on_the_disk_and_try_it_again(
    overtone: CliRunner,
    engine: Engine,
    stores: Stores,
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
) -> None:
    call_of(engine, stores, days=31)

    def refuse(_stores: Stores, _recording: str) -> None:
        raise PermissionError

    with monkeypatch.context() as patch:
        patch.setattr(Stores, "remove", refuse)
        done = overtone.invoke(app, command)
    assert done.exit_code == 0, done.output
    assert "recordings of deleted calls that are still on the disk: 1; " in done.stdout
    assert len(files(stores)) == 1

    again = overtone.invoke(app, command)
    assert "still on the disk" not in again.stdout
    assert files(stores) == []
    with reading(engine) as session:
        assert session.exec(select(Audit).where(Audit.action == "removal")).one()


@pytest.mark.parametrize("days", ["-1", "x", "99999999"])
def test_purge_refuses_what_are_no_days(overtone: CliRunner, days: str) -> None:
    assert overtone.invoke(app, ["purge", f"--older-than={days}"]).exit_code == 2


def test_erase_deletes_the_calls_of_a_caller(
    overtone: CliRunner, engine: Engine, stores: Stores
) -> None:
    call_of(engine, stores, days=1)
    held = call_of(engine, stores, days=2, legal_hold=True)
    heard = call_of(engine, stores, days=3, status="hearing")
    stay = [
        f"under legal hold and not erased: {held}",
        f"being heard and not erased, ask again: {heard}",
    ]
    tried = overtone.invoke(app, ["erase", "0044 20 7946 0100", "--dry-run"])
    assert tried.exit_code == 0, tried.output
    assert tried.stdout.splitlines() == ["1 call would be erased", *stay]
    assert len(left(engine)) == 3
    at_home = overtone.invoke(app, ["erase", "020 7946 0100", "--dry-run"])
    assert at_home.stdout == "0 calls would be erased\n"
    assert "with its country's code" in at_home.stderr
    assert overtone.invoke(app, ["erase", "+44 20 7946 0999"]).stderr == ""
    done = overtone.invoke(app, ["erase", "442079460100"])
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == ["1 call erased", *stay]
    assert left(engine) == [held, heard]
    assert overtone.invoke(app, ["erase", " "]).exit_code == 2
