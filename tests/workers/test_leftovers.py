"""What killed processes leave of uploads goes; what a call names, or is being pushed, stays."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlmodel import col, select

import workers.leftovers
from models import Call, Key
from models.call import UPLOADED, CallPush
from models.columns import now
from models.db import reading, writing
from models.key import create_key
from models.pushes import add_call
from models.stores import Incoming, Stores
from settings import Settings
from workers.leftovers import SAFE_AGE, Leftovers
from workers.queue import CallQueue
from workers.reconciler import Reconciler

ROOT = Path(__file__).parents[2]
OLD = now() - SAFE_AGE - timedelta(hours=1)
KILLED = """
import os, signal, sys
from pathlib import Path
from models.stores import Stores
incoming = Stores(Path(sys.argv[1])).receive(name="a.wav", max_bytes=100)
incoming.write(b"sound")
if sys.argv[2] == "kept":
    incoming.keep()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def stores(settings: Settings, engine: Engine) -> Stores:
    """An upload folder of a database that is older than all that tests put there."""
    with writing(engine) as session:
        create_key(session, "pipeline")
        session.exec(select(Key)).one().created_at = OLD - timedelta(days=1)
        session.commit()
    settings.recordings.mkdir(parents=True)
    return Stores(settings.recordings, settings.stores)


@pytest.fixture
def leftovers(engine: Engine, stores: Stores, monkeypatch: pytest.MonkeyPatch) -> Leftovers:
    monkeypatch.setattr(workers.leftovers, "MISSED_S", 0.0)
    return Leftovers(engine, stores.uploads)


def killed(stores: Stores, when: str) -> Path:
    """What a process leaves that is killed while it takes an upload, or once it has kept it."""
    before = set(files(stores))
    code = [sys.executable, "-c", KILLED, str(stores.uploads), when]
    assert subprocess.run(code, cwd=ROOT, check=False).returncode == -9
    [left] = set(files(stores)) - before
    return left


def incoming(stores: Stores) -> Incoming:
    upload = stores.receive(name="a.wav", max_bytes=100)
    upload.write(b"sound")
    return upload


def call_of(engine: Engine, recording: str) -> None:
    with writing(engine) as session:
        push = CallPush(external_id=recording)
        add_call(session, push, recording, external_id="", agent_channel="left")


def age(path: Path, written: datetime = OLD) -> Path:
    os.utime(path, (written.timestamp(), written.timestamp()))
    return path


def files(stores: Stores) -> list[Path]:
    return sorted(path for path in stores.uploads.rglob("*") if path.is_file())


def test_what_killed_processes_left_goes_and_what_calls_name_stays(
    engine: Engine, stores: Stores, leftovers: Leftovers, caplog: pytest.LogCaptureFixture
) -> None:
    orphan, partial = age(killed(stores, "kept")), age(killed(stores, "broken off"))
    assert partial.name.endswith(".wav.partial")
    named = [
        stores.save([b"sound"], name=name, max_bytes=9).recording for name in ("a", "b.partial")
    ]
    for recording in named:
        call_of(engine, recording)
    kept = [age(path) for path in files(stores) if path not in (orphan, partial)]
    with caplog.at_level(logging.INFO):
        assert leftovers.sweep() == 2
    assert files(stores) == kept
    assert "2 uploads without a call were left behind and are deleted" in caplog.text
    assert orphan.name not in caplog.text


def test_where_an_older_database_was_put_back_there_is_a_day_to_notice(
    engine: Engine, stores: Stores, leftovers: Leftovers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers.leftovers, "PAUSE_S", 0.0)
    monkeypatch.setattr(workers.leftovers, "MISSED_S", 86_400.0)
    clock = [5.0]
    monkeypatch.setattr(workers.leftovers, "monotonic", lambda: clock[0])
    known, unknown = (stores.save([b"sound"], name="a", max_bytes=9).recording for _ in range(2))
    for path in files(stores):
        age(path)
    assert leftovers.sweep() == 0
    call_of(engine, known)  # it was pushed again, by its name
    clock[0] += 86_399
    assert leftovers.sweep() == 0
    clock[0] += 2
    assert leftovers.sweep() == 1
    assert [path.name for path in files(stores)] == [known.rpartition("/")[2]]
    assert unknown != known


def test_what_is_young_is_left_alone(stores: Stores, leftovers: Leftovers) -> None:
    age(killed(stores, "kept"), now() - SAFE_AGE + timedelta(minutes=1))
    killed(stores, "broken off")
    assert leftovers.sweep() == 0
    assert len(files(stores)) == 2


def test_a_push_in_progress_is_never_swept(
    engine: Engine, stores: Stores, leftovers: Leftovers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers.leftovers, "PAUSE_S", 0.0)
    with incoming(stores) as upload:
        age(files(stores)[0])
        assert leftovers.sweep() == 0
        recording = upload.keep().recording
        age(files(stores)[0])
        assert leftovers.sweep() == 0  # its call is not stored yet
        call_of(engine, recording)
    assert leftovers.sweep() == 0
    assert len(files(stores)) == 1


def test_a_call_that_is_stored_while_leftovers_are_looked_for_keeps_its_recording(
    engine: Engine, stores: Stores, leftovers: Leftovers, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = stores.save([b"sound"], name="a.wav", max_bytes=9).recording
    age(files(stores)[0])
    look = workers.leftovers.unnamed
    looked: list[set[str]] = []

    def commit_between(*asked: object) -> set[str]:
        looked.append(look(*asked))  # type: ignore[arg-type]
        if len(looked) == 1:
            call_of(engine, recording)
        return looked[-1]

    monkeypatch.setattr(workers.leftovers, "unnamed", commit_between)
    assert leftovers.sweep() == 0
    assert looked == [{recording}, set()]
    assert len(files(stores)) == 1


def test_nothing_is_deleted_that_is_older_than_the_database(
    engine: Engine, stores: Stores, leftovers: Leftovers
) -> None:
    age(killed(stores, "kept"), OLD - timedelta(days=2))
    assert leftovers.sweep() == 0
    with writing(engine) as session:
        session.delete(session.exec(select(Key)).one())
        session.commit()
    assert Leftovers(engine, stores.uploads).sweep() == 0
    assert len(files(stores)) == 1


def test_nothing_outside_the_uploads_and_no_other_names_are_touched(
    stores: Stores, leftovers: Leftovers, tmp_path: Path
) -> None:
    name = f"{'a' * 32}.wav"
    outside = tmp_path / "aa"
    outside.mkdir()
    linked = outside / name
    linked.write_bytes(b"x")
    age(linked)
    (stores.uploads / "aa").symlink_to(outside)
    for path in ("ab/notes.txt", f"ab/{name}", f"other/{name}", name, f"ac/{'ac' * 16}.wav/a.wav"):
        (stores.uploads / path).parent.mkdir(parents=True, exist_ok=True)
        (stores.uploads / path).write_bytes(b"x")
        age(stores.uploads / path)
    (stores.uploads / "ab" / f"{'ab' * 16}.wav").symlink_to(linked)
    assert leftovers.sweep() == 0
    assert linked.is_file()
    assert len(files(stores)) == 6


def test_a_round_is_bounded_and_all_are_looked_at_once_an_hour(
    stores: Stores, leftovers: Leftovers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers.leftovers, "FILES_AT_ONCE", 2)
    for letter in "abcdef":
        folder = stores.uploads / (letter * 2)
        folder.mkdir()
        for digit in "12":
            path = folder / f"{letter * 31}{digit}"
            path.write_bytes(b"x")
            age(path)
    assert [leftovers.sweep() for _ in range(8)] == [2] * 6 + [0, 0]
    age(killed(stores, "kept"))
    assert leftovers.sweep() == 0
    monkeypatch.setattr(workers.leftovers, "monotonic", lambda: 1e12)
    assert leftovers.sweep() == 1


def test_a_machine_without_the_uploads_has_nothing_to_sweep(
    engine: Engine, stores: Stores, tmp_path: Path
) -> None:
    assert stores
    assert Leftovers(engine, tmp_path / "elsewhere").sweep() == 0


def test_what_cannot_be_deleted_now_stops_nothing(
    stores: Stores,
    leftovers: Leftovers,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    paths = [age(killed(stores, "kept")) for _ in range(2)]
    unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path == paths[0]:
            raise PermissionError
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    assert leftovers.sweep() == 1
    assert files(stores) == paths[:1]
    assert "an upload cannot be deleted now: PermissionError" in caplog.text


def test_the_reconciler_sweeps(
    engine: Engine,
    stores: Stores,
    settings: Settings,
    queue: CallQueue,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workers.leftovers, "MISSED_S", 0.0)
    age(killed(stores, "kept"))
    quick = settings.model_copy(update={"reconcile_s": 0.01})
    thread = Reconciler(engine, queue, stores=stores, settings=quick)
    thread.start()
    for _ in range(1000):
        if not files(stores):
            break
        thread.join(0.01)
    thread.stop()
    thread.join(5)
    assert files(stores) == []


def test_uploads_are_looked_up_in_an_index(engine: Engine) -> None:
    wanted = select(Call.recording).where(
        col(Call.recording).in_(["upload:a", "upload:b"]), UPLOADED
    )
    plain = str(wanted.compile(engine, compile_kwargs={"literal_binds": True}))
    with reading(engine) as session:
        if engine.dialect.name == "sqlite":
            plan = session.execute(text(f"EXPLAIN QUERY PLAN {plain}"))
        else:
            session.execute(text("SET LOCAL enable_seqscan = off"))
            plan = session.execute(text(f"EXPLAIN {plain}"))
        assert "call_by_upload" in str(plan.all())
