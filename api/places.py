"""How many exports one process sends at once. Each asks the database for as long as its reader
takes, which must not slow down everybody else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from fastapi.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

MOST_EXPORTS = 4
RETRY_AFTER_S = 30
# Whoever takes nothing for so long gives their place to others.
PATIENCE_S = 60.0


class TooManyExports(Exception):
    """As many exports are sent as may be; come again in `retry_after_s` seconds."""

    retry_after_s = RETRY_AFTER_S


class ExportPlaces:
    """The places for exports of one process; any thread may take one."""

    def __init__(self) -> None:
        self._free = BoundedSemaphore(MOST_EXPORTS)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Holds a place. Raises `TooManyExports`."""
        if not self._free.acquire(blocking=False):
            raise TooManyExports(
                f"{MOST_EXPORTS} exports are being sent, which is the most at once: ask again in "
                f"{RETRY_AFTER_S} s, or export less at a time"
            )
        try:
            yield
        finally:
            self._free.release()


class PatientResponse(StreamingResponse):
    """A stream that ends, unfinished, where its reader takes nothing for `PATIENCE_S`."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(PATIENCE_S):
                await send(message)

        try:
            await super().__call__(scope, receive, send_in_time)
        except TimeoutError:
            logger.info("an export ends: nobody takes it")
