"""Follows `GET /alerts/stream` from outside: reads events, and comes back where it was cut off."""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from api.client import PushFailed, detail_of

logger = logging.getLogger(__name__)

# Three heartbeats: then the other end is gone, whatever the network says.
SILENCE_S = 45.0
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Message:
    """An event of the feed: its id, what became of the alert, and the alert as it was then."""

    id: int
    kind: str
    alert: dict[str, Any]


class Tail:
    """Endless: yields every event once, in order, however often the connection breaks.

    `last_id` is where it goes on. `on_break` is told why it had to come back, once for each time
    that the feed is away.
    """

    def __init__(
        self,
        http: httpx.Client,
        parameters: dict[str, Any],
        *,
        on_break: Callable[[str], None] = lambda _reason: None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.last_id: int | None = None
        self._http = http
        self._parameters = parameters
        self._on_break = on_break
        self._wait = wait

    def __iter__(self) -> Iterator[Message]:
        """Raises `PushFailed` where the API refuses: it would refuse again."""
        away = 0
        while True:
            try:
                for message in self._one_connection():
                    away = 0
                    if message is not None:
                        yield message
                reason = "the stream ended"
            except (httpx.TransportError, _Unavailable) as error:
                reason = str(error) or type(error).__name__
            if not away:
                self._on_break(reason)
            longest_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**away)
            away = min(away + 1, 10)
            self._wait(random.uniform(longest_s / 2, longest_s))

    def _one_connection(self) -> Iterator[Message | None]:
        """Its events; None where the stream only shows that it lives."""
        place = {} if self.last_id is None else {"Last-Event-ID": str(self.last_id)}
        timeout = httpx.Timeout(10, read=SILENCE_S)
        with self._http.stream(
            "GET", "/alerts/stream", params=self._parameters, headers=place, timeout=timeout
        ) as answer:
            if answer.is_error:
                answer.read()
                if answer.is_server_error or answer.status_code == 429:
                    raise _Unavailable(detail_of(answer))
                raise PushFailed(detail_of(answer))
            for fields in blocks(answer.iter_lines()):
                if "id" in fields:
                    self.last_id = int(fields["id"])
                if "data" in fields and self.last_id is not None:
                    kind = fields.get("event", "message")
                    yield Message(self.last_id, kind, json.loads(fields["data"]))
                else:
                    yield None


class _Unavailable(Exception):
    """The API cannot answer now; later it may."""


def blocks(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    """The fields of each block of server-sent events; comments are left out, and so is a block that
    is cut off.
    """
    fields: dict[str, str] = {}
    for line in lines:
        if not line:
            yield fields
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            fields[name] = f"{fields[name]}\n{value}" if name in fields else value
