"""The API as a server: in a thread of this process, or in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from time import monotonic, sleep

import uvicorn
from fastapi import FastAPI

from api.app import make_app
from api.server import GRACE_S, Server
from settings import Settings

ROOT = Path(__file__).parents[1]
PATIENCE_S = 120


@dataclass(frozen=True, slots=True)
class Served:
    """A server in a thread, with the application it serves."""

    url: str
    app: FastAPI
    server: Server
    thread: Thread

    def stop(self) -> float:
        """Stop it; returns how many seconds that took."""
        since = monotonic()
        self.server.should_exit = True
        self.thread.join(PATIENCE_S)
        assert not self.thread.is_alive()
        return monotonic() - since


@contextmanager
def served(settings: Settings) -> Iterator[Served]:
    """The API in a thread, on a port of its own."""
    app = make_app(settings)
    config = uvicorn.Config(
        app, port=0, access_log=False, log_config=None, timeout_graceful_shutdown=GRACE_S
    )
    server = Server(config, app)
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    until = monotonic() + PATIENCE_S
    while not server.started:
        assert thread.is_alive()
        assert monotonic() < until, "the API does not start"
        sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    here = Served(f"http://127.0.0.1:{port}", app, server, thread)
    try:
        yield here
    finally:
        here.stop()


@dataclass(slots=True)
class ApiProcess:
    """`overtone api` as a process, and its address."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path


@contextmanager
def api_process(settings: Settings, log: Path, **more: str) -> Iterator[ApiProcess]:
    """`overtone api` over the database and the queue of these settings, on a port of its own;
    `more` are other variables of its environment.
    """
    environment = os.environ | {
        "OVERTONE_DATA_DIR": str(settings.data_dir),
        "OVERTONE_DATABASE_URL": settings.database,
        "OVERTONE_REDIS_URL": settings.redis,
        "OVERTONE_API_PORT": "0",
        **more,
    }
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "overtone", "api"],
            cwd=ROOT,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield ApiProcess(_address(process, log), process, log)
    finally:
        process.kill()
        process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    until = monotonic() + PATIENCE_S
    while monotonic() < until and process.poll() is None:
        for line in log.read_text().splitlines():
            if "running on http://" in line:
                return "http://" + line.split("http://")[1].split()[0].rstrip("/")
        sleep(0.05)
    raise RuntimeError(f"the API did not start: {log.read_text()[-2000:]}")


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
