"""How fast the feed tells: from the commit of an analysed call to the event at each client, over
real HTTP from an API process of its own. Clients have a process too, and read what comes as it
comes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from urllib.parse import urlsplit

import numpy as np

from models.call import CallPush
from models.db import connect, migrate, writing
from models.key import create_key
from models.pushes import add_call
from settings import Settings
from tests.fakes import ANGRY, CALM, conversation, turn
from tests.records import MATCHER, RULE
from tests.serving import api_process
from workers.embedded import embedded_valkey
from workers.pipeline import analyse, record
from workers.queue import open_queue

TURNS = 20
EVERY_S = 0.05
PATIENCE_S = 120.0


def main() -> None:
    """Measure, print a line and JSON at the end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--alerts", type=int, default=500)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--database", help="SQLAlchemy URL; SQLite when left out")
    asked = parser.parse_args()
    times = measure_feed(asked.alerts, asked.clients, database_url=asked.database)
    half, most, worst = np.percentile(times, [50, 95, 100])
    line = f"median {half:.1f} ms, p95 {most:.1f} ms, most {worst:.1f} ms"
    sys.stdout.write(f"{asked.alerts} alerts, {asked.clients} clients: {line}\n")
    sys.stdout.write(json.dumps({"sse_p95_ms": round(float(most), 1)}) + "\n")


def measure_feed(
    alerts: int = 500, clients: int = 20, *, database_url: str | None = None
) -> list[float]:
    """Milliseconds from commit to event, for each alert at each client; 20 alerts a second."""
    with TemporaryDirectory(prefix="overtone-bench-") as name:
        folder = Path(name)
        settings = Settings(
            data_dir=folder / "data",
            database_url=database_url,
            redis_url=f"unix://{folder / 'v.sock'}",
        )
        with (
            embedded_valkey(folder / "v.sock", folder / "queue"),
            api_process(_prepared(settings), folder / "api.log") as api,
        ):
            engine = connect(settings.database)
            with writing(engine) as session:
                key = create_key(session, f"bench {monotonic()}", ("read",))
            engine.dispose()
            here, there = get_context("spawn").Pipe()
            readers = get_context("spawn").Process(
                target=_read_all, args=(there, api.url, key, clients, alerts)
            )
            readers.start()
            try:
                _next(here)  # all are connected
                committed = _write_all(settings, alerts)
                came: list[tuple[int, float]] = _next(here)
            finally:
                readers.kill()
                readers.join()
    return [(at - committed[call_id]) * 1000 for call_id, at in came]


def _prepared(settings: Settings) -> Settings:
    engine = connect(settings.database)
    migrate(engine)
    engine.dispose()
    return settings


def _next(pipe: Connection) -> list[tuple[int, float]]:
    if not pipe.poll(PATIENCE_S):
        raise RuntimeError("the readers are not told of all alerts")
    said: list[tuple[int, float]] = pipe.recv()
    return said


def _write_all(settings: Settings, alerts: int) -> dict[int, float]:
    """Store calls as a worker does; returns when each was committed."""
    engine, queue = connect(settings.database), open_queue(settings.redis)
    said = "where is my order and why does nobody ever call me back"
    turns = [turn(("agent", "customer")[i % 2], i * 6.0, said, CALM) for i in range(TURNS - 1)]
    turns.append(turn("customer", TURNS * 6.0, f"you idiots {said}", ANGRY))
    analysis = analyse(conversation(*turns), MATCHER, [RULE])
    committed: dict[int, float] = {}
    for number in range(alerts):
        began = monotonic()
        name = f"{began} {number}"
        with writing(engine) as session:
            push = CallPush(external_id=name)
            call, _created = add_call(
                session, push, "upload:none.wav", external_id=name, agent_channel="left"
            )
        assert call.id is not None
        with writing(engine) as session:
            record(session, call.id, analysis)
            committed[call.id] = monotonic()
        queue.wake_alerts()
        sleep(max(0.0, EVERY_S - (monotonic() - began)))
    engine.dispose()
    return committed


def _read_all(pipe: Connection, url: str, key: str, clients: int, alerts: int) -> None:
    """Sends an empty list once all clients are connected, then what all of them were told: the
    call, and when.
    """

    async def read_together() -> list[tuple[int, float]]:
        connected = [await _connect(url, key) for _ in range(clients)]
        pipe.send([])
        told = await asyncio.gather(*(_read(stream, alerts) for stream, _out in connected))
        return [
            (int(json.loads(line.removeprefix(b"data:"))["call_id"]), at)
            for one in told
            for line, at in one
        ]

    pipe.send(asyncio.run(read_together()))


async def _connect(url: str, key: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that has got its first block; it closes when its writer goes."""
    address = urlsplit(url)
    stream, out = await asyncio.open_connection(address.hostname, address.port, limit=1 << 20)
    out.write(f"GET /alerts/stream HTTP/1.1\r\nHost: a\r\nX-API-Key: {key}\r\n\r\n".encode())
    await stream.readuntil(b"\nid: ")
    return stream, out


async def _read(stream: asyncio.StreamReader, alerts: int) -> list[tuple[bytes, float]]:
    told: list[tuple[bytes, float]] = []
    while len(told) < alerts:
        line = await stream.readline()
        if not line:
            raise RuntimeError("the stream ended")
        if line.startswith(b"data:"):
            told.append((line, monotonic()))
    return told


if __name__ == "__main__":
    main()
