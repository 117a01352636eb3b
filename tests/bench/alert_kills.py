"""Alerts while everything is killed: workers, API processes and Valkey end at random moments and
come back, and readers that come back with their last event id must have been told of every alert
once.
"""

from __future__ import annotations

import os
import subprocess
import sys
import wave
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from threading import Event, Thread
from time import monotonic, sleep

import httpx
import numpy as np
from sqlalchemy import Engine
from sqlmodel import Session, col, func, select

from models.alert import Alert
from models.alert_event import AlertEvent
from models.call import Call, CallPush, Status
from models.db import connect, migrate, reading, writing
from models.key import create_key
from models.pushes import add_call
from settings import Settings
from tests.serving import free_port
from workers.queue import QueueDown, open_queue, timeout_for

ROOT = Path(__file__).parents[2]
PUSH_EVERY_S = 0.05
KILL_EVERY_S = (1.0, 4.0)
PATIENCE_S = 300.0
READERS = 3
FAST = {"OVERTONE_HEARTBEAT_S": "3", "OVERTONE_RECONCILE_S": "1", "OVERTONE_RATE_LIMIT": "0"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the alerts: `lost` are calls without one, and events that a reader was not
    told of; `doubled` are events that a reader was told of twice, and second alerts of a call.
    """

    kills: int
    lost: int
    doubled: int
    seconds: float


@dataclass(slots=True)
class _Part:
    """One process, started again whenever it is killed."""

    command: list[str]
    environment: dict[str, str]
    log: Path
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as out:
            self.running = subprocess.Popen(
                [sys.executable, "-m", *self.command],
                cwd=ROOT,
                env=os.environ | self.environment,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def kill(self) -> None:
        if self.running is not None:
            self.running.kill()
            self.running.wait()


@dataclass
class _Reader:
    """Reads the feed from one API or another, and goes on where it was."""

    urls: list[str]
    key: str
    last: int = 0
    seen: list[int] = field(default_factory=list)
    done: Event = field(default_factory=Event)

    def read(self) -> None:
        turn = 0
        while not self.done.is_set():
            url = self.urls[turn % len(self.urls)]
            turn += 1
            with suppress(httpx.HTTPError):
                self._read_from(url)
            self.done.wait(0.2)

    def _read_from(self, url: str) -> None:
        headers = {"X-API-Key": self.key, "Last-Event-ID": str(self.last)}
        with httpx.stream("GET", f"{url}/alerts/stream", headers=headers, timeout=5) as answer:
            place = self.last
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                if name == "id":
                    place = int(value)
                elif name == "data":
                    self.seen.append(place)
                elif not line:
                    self.last = place
                if self.done.is_set():
                    return


def measure_kills(calls: int = 500, *, seed: int = 7) -> Outcome:
    """Push calls while parts are killed; returns once all calls are done and all readers are told,
    or nothing came for too long.
    """
    since = monotonic()
    with TemporaryDirectory(prefix="ovt-kills-") as name, ExitStack() as stack:
        settings = Settings(data_dir=Path(name), stores=(name,))
        engine = connect(settings.database)
        migrate(engine)
        with writing(engine) as session:
            key = create_key(session, "bench", ("read",))
        parts = _parts(settings)
        for part in parts:
            stack.callback(part.kill)
            part.start()
        urls = [f"http://127.0.0.1:{part.environment['OVERTONE_API_PORT']}" for part in parts[3:]]
        readers = [_Reader(urls, key) for _ in range(READERS)]
        for reader in readers:
            Thread(target=reader.read, daemon=True).start()
            stack.callback(reader.done.set)
        kills = _push_and_kill(settings, engine, parts, calls, Random(seed))
        _wait(lambda: _is_over(engine, readers, calls))
        lost, doubled = _count(engine, readers, calls)
        engine.dispose()
        return Outcome(kills, lost, doubled, monotonic() - since)


def _parts(settings: Settings) -> list[_Part]:
    """Valkey, two workers, two API processes."""
    folder = settings.data_dir
    common = FAST | {"OVERTONE_DATA_DIR": str(folder), "OVERTONE_STORES": str(folder)}
    parts = [_Part(["overtone", "queue"], common, folder / "queue.log")]
    for number in range(2):
        parts.append(_Part(["tests.bench.told_worker"], common, folder / f"worker{number}.log"))
    for number in range(2):
        port = {"OVERTONE_API_PORT": str(free_port())}
        parts.append(_Part(["overtone", "api"], common | port, folder / f"api{number}.log"))
    return parts


def _push_and_kill(
    settings: Settings, engine: Engine, parts: list[_Part], calls: int, chance: Random
) -> int:
    """Push calls at an even pace, and meanwhile kill parts; all of them run at the end."""
    sound = settings.data_dir / "call.wav"
    _write_noise(sound)
    stop, kills = Event(), Counter[str]()

    def kill() -> None:
        while not stop.wait(chance.uniform(*KILL_EVERY_S)):
            part = chance.choice(parts)
            part.kill()
            kills[part.log.stem] += 1
            sleep(chance.uniform(0.0, 1.0))
            part.start()

    killer = Thread(target=kill)
    killer.start()
    try:
        for number in range(calls):
            _push(settings, engine, number, sound)
            sleep(PUSH_EVERY_S)
        _wait(lambda: _done(engine) >= calls * 0.9)
    finally:
        stop.set()
        killer.join()
    sys.stdout.write(f"killed: {dict(kills)}\n")
    return kills.total()


def _push(settings: Settings, engine: Engine, number: int, sound: Path) -> None:
    """As the API does: the row, and then the job, which may get lost."""
    with writing(engine) as session:
        push = CallPush(external_id=f"call-{number}")
        call, _created = add_call(
            session, push, f"file:{sound}", external_id="", agent_channel="left"
        )
    with suppress(QueueDown):
        open_queue(settings.redis).enqueue(call.id or 0, timeout_s=timeout_for(None, 60))


def _done(engine: Engine) -> int:
    with reading(engine) as session:
        done = select(func.count()).select_from(Call).where(col(Call.status) == Status.DONE)
        return session.exec(done).one()


def _raised(session: Session) -> set[int]:
    return set(session.exec(select(AlertEvent.id).where(AlertEvent.kind == "raised")))


def _is_over(engine: Engine, readers: list[_Reader], calls: int) -> bool:
    if _done(engine) < calls:
        return False
    with reading(engine) as session:
        raised = _raised(session)
    return all(raised <= set(reader.seen) for reader in readers)


def _count(engine: Engine, readers: list[_Reader], calls: int) -> tuple[int, int]:
    with reading(engine) as session:
        raised = _raised(session)
        alerts = Counter(session.exec(select(Alert.call_id)))
    lost = calls - len(alerts)
    doubled = sum(count - 1 for count in alerts.values())
    for reader in readers:
        times = Counter(reader.seen)
        lost += len(raised - times.keys())
        doubled += sum(count - 1 for count in times.values())
    return lost, doubled


def _wait(ready: Callable[[], bool]) -> None:
    until = monotonic() + PATIENCE_S
    while not ready() and monotonic() < until:
        sleep(0.2)


def _write_noise(path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 500, 8000).astype("<i2")
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(noise.tobytes())


if __name__ == "__main__":
    sys.stdout.write(f"{measure_kills()}\n")
