"""`overtone up`: one on a data folder, on a port of its own, and nothing left when it ends, or is
ended.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

ROOT = Path(__file__).parents[1]
PATIENCE_S = 60


def wait_for(ready: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not ready():
        assert time.monotonic() < until, "nothing happened for too long"
        time.sleep(0.1)


class Up:
    """One `overtone up`."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = folder
        self.log = folder.parent / f"up-{time.monotonic_ns()}.log"
        environment = os.environ | {
            "OVERTONE_DATA_DIR": str(folder),
            "OVERTONE_API_PORT": str(port),
            "OVERTONE_MOOD_MODEL": "none",
        }
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "overtone", "up"],
                cwd=ROOT,
                env=environment,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def said(self) -> str:
        return self.log.read_text()

    def url(self) -> str:
        wait_for(lambda: "Running until Ctrl-C" in self.said() or self.process.poll() is not None)
        found = re.search(r"http://\S+", self.said())
        assert found, self.said()
        return found.group()

    def children(self) -> list[int]:
        """Process ids of queue, worker, deliveries and API, and of the Valkey below the queue."""
        parents = {self.process.pid}
        found: list[int] = []
        for _ in range(2):
            for entry in Path("/proc").glob("[0-9]*/stat"):
                try:
                    ppid = int(entry.read_text().rpartition(")")[2].split()[1])
                except (OSError, ValueError):
                    continue  # it ended while we looked
                pid = int(entry.parent.name)
                if ppid in parents and pid not in found:
                    found.append(pid)
            parents |= set(found)
        return found


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="ovt-up-") as name:
        yield Path(name) / "data"


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")
def test_one_on_a_folder_and_nothing_left_behind(folder: Path) -> None:
    first = Up(folder)
    try:
        url = first.url()
        assert httpx.get(f"{url}/readyz").json()["status"] == "ok"
        key = re.search(r"ovt_\S+", first.said())
        assert key is not None
        headers = {"Authorization": f"Bearer {key.group()}"}
        assert httpx.get(f"{url}/calls", headers=headers).status_code == 200
        assert {path.stat().st_mode & 0o077 for path in (folder / "overtone.db", folder)} == {0}

        second = Up(folder)
        assert second.process.wait(PATIENCE_S) == 1
        assert "running on" in second.said()
        assert "http://" not in second.said()

        children = first.children()
        assert len(children) == 5
        first.process.kill()
        first.process.wait()
        wait_for(lambda: not any(map(alive, children)))
    finally:
        first.process.kill()

    again = Up(folder)
    try:
        again.url()
        queue = next(pid for pid in again.children() if "queue" in _command(pid))
        os.kill(queue, signal.SIGKILL)  # leaves its Valkey behind
        wait_for(lambda: "queue ended and is started again" in again.said())
        wait_for(lambda: httpx.get(f"{again.url()}/readyz").is_success)
        children = again.children()
        again.process.send_signal(signal.SIGINT)
        assert again.process.wait(PATIENCE_S) == 0
        assert not any(map(alive, children))
    finally:
        again.process.kill()


def _command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def test_a_port_that_somebody_has_is_named(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        up = Up(folder, taken.getsockname()[1])
        assert up.process.wait(PATIENCE_S) == 1
    assert "OVERTONE_API_PORT" in up.said()
    assert "ovt_" not in up.said()
