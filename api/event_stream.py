"""One stream of server-sent events: reads what is new from the database, sends it, waits.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from time import monotonic
from typing import TypeVar

from anyio import create_task_group, to_thread
from fastapi import HTTPException
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.feed import Feed, TooManyOfKey, TooManyStreams
from models.alert import with_address
from models.alert_event import AlertEvent, EventFilters, events_after
from models.db import reading
from models.key import is_live

logger = logging.getLogger(__name__)

HEARTBEAT_S = 15.0
KEY_CHECK_S = 30.0
RETRY_MS = 3000
RETRY_AFTER_S = 5
BATCH = 50
# JSON leaves these as they are, and Python's own `splitlines` ends lines at them.
LINE_ENDS = {end: f"\\u{end:04x}" for end in (0x85, 0x2028, 0x2029)}

Answer = TypeVar("Answer")


class EventStream(Response):
    """Sends the wanted events after `cursor` as they come, until the reader goes, the key is
    revoked, or the feed closes.

    A reader that does not read is waited for, with no session open and no more than one batch in
    memory: what is sent next is read when it can be sent.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        feed: Feed,
        engine: Engine,
        *,
        cursor: int,
        filters: EventFilters,
        key_id: int,
        public_url: str | None,
    ) -> None:
        self.status_code = 200
        self.background = None
        # No proxy may keep it or collect it. Its length is not known: that is why this is not
        # Response's own constructor.
        self.init_headers({"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._feed = feed
        self._engine = engine
        self._cursor = cursor
        self._filters = filters
        self._key_id = key_id
        self._public_url = public_url
        self._sending = False

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with self._feed.streaming(self._key_id):
                await self._stream(receive, send)
        except TooManyStreams as error:
            status = 429 if isinstance(error, TooManyOfKey) else 503
            raise HTTPException(
                status, str(error), headers={"Retry-After": str(RETRY_AFTER_S)}
            ) from error

    async def _stream(self, receive: Receive, send: Send) -> None:
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        )
        if self.background is not None:  # what others do once they have answered
            await self.background()
        try:
            await _first_of(partial(self._follow, send), partial(_gone, receive), self._key_revoked)
        except* SQLAlchemyError as errors:
            # Its reader comes back, with the id of the last event.
            logger.warning("a stream ends: %s", type(errors.exceptions[0]).__name__)
        if not self._sending:  # else the reader takes nothing, not even the end
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _follow(self, send: Send) -> None:
        """Send events until the feed closes. An id without data moves the reader's place on, also
        where no event was for it.
        """
        await self._put(send, f"retry: {RETRY_MS}\nid: {self._cursor}\n\n")
        silent_since = monotonic()
        while not self._feed.closed:
            newest = self._feed.newest
            events = await self._ask(self._next_events)
            if events:
                await self._put(
                    send, "".join(as_message(event, self._public_url) for event in events)
                )
                self._cursor = events[-1].id or 0
                silent_since = monotonic()
            if len(events) == BATCH:
                continue
            # All up to `newest` could be read: what was not is not wanted.
            self._cursor = max(self._cursor, newest)
            # Events that are not wanted end the wait and say nothing: they do not put it off.
            left_s = max(0.0, silent_since + HEARTBEAT_S - monotonic())
            if not left_s or not await self._feed.beyond(self._cursor, timeout_s=left_s):
                await self._put(send, f": still here\nid: {self._cursor}\n\n")
                silent_since = monotonic()

    async def _key_revoked(self) -> None:
        """Return once the key does not hold any more, or the feed closes."""
        while not await self._feed.closes(within_s=KEY_CHECK_S):
            if not await self._ask(self._key_is_live):
                logger.info("a stream ends: its key was revoked")
                return

    async def _put(self, send: Send, text: str) -> None:
        self._sending = True
        await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
        self._sending = False

    async def _ask(self, question: Callable[[], Answer]) -> Answer:
        """Ask the database in a thread, when it is this stream's turn."""
        return await to_thread.run_sync(question, limiter=self._feed.turns)

    def _next_events(self) -> list[AlertEvent]:
        with reading(self._engine) as session:
            return events_after(session, self._cursor, limit=BATCH, filters=self._filters)

    def _key_is_live(self) -> bool:
        with reading(self._engine) as session:
            return is_live(session, self._key_id)


def as_message(event: AlertEvent, public_url: str | None) -> str:
    """An event as it is sent: its id, its kind, the alert as JSON in one line, whatever its reader
    takes for the end of one.
    """
    alert = with_address(event.body, public_url)
    data = json.dumps(alert, ensure_ascii=False, separators=(",", ":")).translate(LINE_ENDS)
    return f"id: {event.id}\nevent: {event.kind}\ndata: {data}\n\n"


async def _first_of(*ones: Callable[[], Awaitable[None]]) -> None:
    """Run all until the first ends, and cancel the others."""
    async with create_task_group() as tasks:

        async def run(one: Callable[[], Awaitable[None]]) -> None:
            await one()
            tasks.cancel_scope.cancel()

        for one in ones:
            tasks.start_soon(run, one)


async def _gone(receive: Receive) -> None:
    """Return once the reader has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
