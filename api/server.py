"""Serves an application until the process is told to stop, which streams would never let it."""

from __future__ import annotations

import socket
import sys

import uvicorn
from fastapi import FastAPI

from settings import Settings

# Less than `overtone up` waits before it kills.
GRACE_S = 8
STARTUP_FAILED = 3


def serve(app: FastAPI, settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM; requests that run then have some seconds to end."""
    config = uvicorn.Config(
        app,
        host=settings.api_host,
        port=settings.api_port,
        # No access log: the addresses asked for carry search words and phone numbers.
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=GRACE_S,
    )
    server = Server(config, app)
    try:
        server.run()
    except KeyboardInterrupt:
        return  # uvicorn hands on the signal that it has obeyed
    if not server.started:
        sys.exit(STARTUP_FAILED)


class Server(uvicorn.Server):
    """Ends the streams first when it stops: uvicorn waits for all answers, and they have no end."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.state.feed.close()
        await super().shutdown(sockets)
