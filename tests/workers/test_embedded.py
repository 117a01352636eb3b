"""The Valkey server of our own: private, and its jobs survive a restart."""

from __future__ import annotations

import stat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from workers.embedded import EmbeddedQueueError, embedded_valkey
from workers.queue import QueueDown, open_queue


def test_jobs_survive_a_restart() -> None:
    with TemporaryDirectory(prefix="ovt-") as folder:
        socket, files = Path(folder) / "s" / "v.sock", Path(folder) / "files"
        with embedded_valkey(socket, files):
            assert stat.S_IMODE(socket.stat().st_mode) == 0o700
            queue = open_queue(f"unix://{socket}")
            queue.check()
            queue.enqueue(7, timeout_s=60)
            assert queue.connection.config_get("port") == {"port": "0"}
        with pytest.raises(QueueDown, match="overtone up"):
            queue.check()
        with embedded_valkey(socket, files):
            assert open_queue(f"unix://{socket}").live() == {7}


def test_a_second_server_in_the_same_place_is_refused() -> None:
    with TemporaryDirectory(prefix="ovt-") as folder:
        socket, files = Path(folder) / "v.sock", Path(folder) / "files"
        with (
            embedded_valkey(socket, files),
            pytest.raises(EmbeddedQueueError, match="runs already"),
            embedded_valkey(socket, files),
        ):
            pass
