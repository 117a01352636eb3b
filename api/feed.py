"""What this process knows of the feed: the newest event, and which streams wait for it.

One thread waits for Redis or looks by itself every second, whatever the number of streams; events
themselves are read from the database by each stream.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio import AbstractEventLoop
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread

from anyio import CapacityLimiter
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from models.alert_event import last_event_id
from models.db import reading
from workers.queue import Wake

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
MOST_STREAMS = 200
# Twice the readers that a wallboard has: those who come back may do so before it is noticed that
# they had gone.
MOST_STREAMS_OF_KEY = 40
# Streams take turns at the database, so that they leave connections and threads to everybody else.
READERS_AT_ONCE = 4


class TooManyStreams(Exception):
    """This process holds as many streams as it may; the text says what to do."""


class TooManyOfKey(TooManyStreams):
    """It holds as many with one key as it may."""


class Feed:
    """Wakes the streams of one event loop. Everything but the looking is done in that loop."""

    def __init__(self, engine: Engine, wake: Wake) -> None:
        self.newest = 0
        self.closed = False
        self.turns = CapacityLimiter(READERS_AT_ONCE)
        self._engine = engine
        self._wake = wake
        self._news = asyncio.Event()
        self._closing = asyncio.Event()
        self._streams: Counter[int] = Counter()

    def start(self) -> None:
        """Look for events from now on, in a thread; called in the loop of the streams."""
        loop = asyncio.get_running_loop()
        Thread(target=self._look, args=(loop,), name="feed", daemon=True).start()

    def close(self) -> None:
        """End all streams; the thread follows within a second."""
        self.closed = True
        self._closing.set()
        self._ring()

    @contextmanager
    def streaming(self, key_id: int) -> Iterator[None]:
        """Holds one of the places for streams. Raises `TooManyStreams`, or `TooManyOfKey`."""
        if self._streams[key_id] >= MOST_STREAMS_OF_KEY:
            raise TooManyOfKey(
                f"{MOST_STREAMS_OF_KEY} streams are open here with this key, which is the most for "
                "one: end those that nobody reads, or make other keys"
            )
        if self._streams.total() >= MOST_STREAMS:
            raise TooManyStreams(
                f"{MOST_STREAMS} streams are open here, which is the most: come back later, or run "
                "more API processes"
            )
        self._streams[key_id] += 1
        try:
            yield
        finally:
            self._streams[key_id] -= 1
            if not self._streams[key_id]:
                del self._streams[key_id]

    async def beyond(self, event_id: int, *, timeout_s: float) -> bool:
        """Wait for an event after this one; False where none came in time, or the feed closed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.newest <= event_id and not self.closed:
                    await self._news.wait()
        return self.newest > event_id

    async def closes(self, *, within_s: float) -> bool:
        """Wait for the feed to close; False where it did not in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._closing.wait()
        return self.closed

    def tell(self, newest: int) -> None:
        """There is an event of this id."""
        if newest > self.newest:
            self.newest = newest
            self._ring()

    def _ring(self) -> None:
        """Let all who wait now go on, and let those who come wait for the next time."""
        self._news.set()
        self._news = asyncio.Event()

    def _look(self, loop: AbstractEventLoop) -> None:
        answers = True
        while not self.closed:
            try:
                with reading(self._engine) as session:
                    newest = last_event_id(session)
                if newest > self.newest:
                    loop.call_soon_threadsafe(self.tell, newest)
                answers = True
            except SQLAlchemyError as error:
                if answers:
                    logger.warning("the feed cannot be read: %s", type(error).__name__)
                answers = False
            except RuntimeError:
                if loop.is_closed():  # so nobody listens
                    break
                logger.exception("looking for events broke; it goes on")
            except Exception:
                # Were this thread to end, streams would be told of nothing more.
                logger.exception("looking for events broke; it goes on")
            self._wake.wait(LOOK_EVERY_S)
        self._wake.close()
