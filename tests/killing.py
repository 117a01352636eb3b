"""Workers killed in mid-call, at random moments: real processes, real models, a real queue."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from models.call import Call, CallPush, Status
from models.db import connect, migrate, writing
from models.pushes import add_call
from models.stores import Stores, stream_blocks
from models.turn import Turn
from settings import Settings
from workers.queue import open_queue, timeout_for

ROOT = Path(__file__).parents[1]
PATIENCE_S = 180
HEARTBEAT_S = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the calls."""

    kills: int
    done: int
    calls: int
    attempts: int
    doubled_turns: int
    seconds: float


def kill_workers(folder: Path, redis_url: str, *, kills: int, seed: int) -> Outcome:
    """Push the sample calls, kill the worker `kills` times while it hears, and let the rest
    finish.
    """
    since = time.monotonic()
    settings = Settings(data_dir=folder, redis_url=redis_url)
    engine = connect(settings.database)
    migrate(engine)
    numbers = _push_samples(settings, engine)
    chance = random.Random(seed)
    for _ in range(kills):
        # Hearing takes seconds here: a kill falls into decoding, hearing, feeling or writing alike.
        worker = _worker(folder, redis_url)
        try:
            _wait(lambda: _any_being_heard(engine, settings), worker)
            time.sleep(chance.uniform(0.0, 3.0))
        finally:
            worker.kill()
            worker.wait()
        if _finished(engine) == len(numbers):
            _ask_all_again(settings, engine, numbers)
    worker = _worker(folder, redis_url)
    try:
        _wait(lambda: _finished(engine) == len(numbers), worker)
    finally:
        worker.kill()
        worker.wait()
    outcome = _look(engine, len(numbers), kills, since)
    engine.dispose()
    return outcome


def _push_samples(settings: Settings, engine: Engine) -> list[int]:
    stores = Stores(settings.recordings)
    queue = open_queue(settings.redis)
    numbers = []
    for path in sorted((ROOT / "samples").glob("*.wav")):
        with path.open("rb") as file:
            saved = stores.save(stream_blocks(file), name=path.name, max_bytes=10**8)
        with writing(engine) as session:
            call, _ = add_call(
                session,
                CallPush(external_id=path.stem),
                saved.recording,
                external_id=path.stem,
                agent_channel="left",
            )
        assert call.id is not None
        queue.enqueue(call.id, timeout_s=timeout_for(path.stat().st_size, settings.max_audio_s))
        numbers.append(call.id)
    return numbers


def _ask_all_again(settings: Settings, engine: Engine, numbers: list[int]) -> None:
    from models.waiting import ask_again

    queue = open_queue(settings.redis)
    for number in numbers:
        with writing(engine) as session:
            ask_again(session, number)
        queue.enqueue_again(number, timeout_s=600)


def _worker(folder: Path, redis_url: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {
        "OVERTONE_DATA_DIR": str(folder),
        "OVERTONE_REDIS_URL": redis_url,
        "OVERTONE_HEARTBEAT_S": str(HEARTBEAT_S),
        "OVERTONE_RECONCILE_S": "1",
    }
    with (folder / "worker.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "overtone", "worker"],
            env=environment,
            cwd=ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def _wait(ready: object, worker: subprocess.Popen[bytes]) -> None:
    assert callable(ready)
    until = time.monotonic() + PATIENCE_S
    while not ready():
        assert worker.poll() is None, "the worker ended by itself"
        assert time.monotonic() < until, "nothing happened for too long"
        time.sleep(0.05)


def _any_being_heard(engine: Engine, settings: Settings) -> bool:
    """Whether a living worker is at a call (a row may still say so of a dead one)."""
    from rq.registry import StartedJobRegistry

    started = StartedJobRegistry(queue=open_queue(settings.redis).rq)
    return bool(started.get_job_ids()) or _finished(engine) == _count(engine)


def _count(engine: Engine) -> int:
    with Session(engine) as session:
        return len(session.exec(select(Call.id)).all())


def _finished(engine: Engine) -> int:
    ended = [Status.DONE, Status.FAILED]
    with Session(engine) as session:
        return len(session.exec(select(Call.id).where(col(Call.status).in_(ended))).all())


def _look(engine: Engine, calls: int, kills: int, since: float) -> Outcome:
    with Session(engine) as session:
        rows = session.exec(select(Call)).all()
        turns = session.exec(select(Turn.call_id, Turn.speaker, Turn.start_s, Turn.text)).all()
    return Outcome(
        kills=kills,
        done=sum(row.status == Status.DONE for row in rows),
        calls=calls,
        attempts=sum(row.attempts for row in rows),
        doubled_turns=len(turns) - len(set(turns)),
        seconds=round(time.monotonic() - since, 1),
    )
