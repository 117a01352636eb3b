"""The API behind a real socket, for what a test client cannot show: uploads that break off, pushes
at the same instant, answers before the body was sent.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from api.app import make_app
from settings import Settings


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    """The address of an API that runs in threads of this process until the block ends."""
    config = uvicorn.Config(make_app(settings), access_log=False, log_config=None)
    server = uvicorn.Server(config)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()  # so that who comes early waits
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
