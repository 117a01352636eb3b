"""A reader of the feed that takes the stream apart by itself, byte by byte as the specification
has it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from socket import SHUT_RDWR
from threading import Thread
from time import monotonic, sleep
from typing import Any

import httpx

PATIENCE_S = 30


@dataclass(frozen=True, slots=True)
class Told:
    """One event, and when it came."""

    id: int
    kind: str
    alert: dict[str, Any]
    at: float


@dataclass
class Reader:
    """What one connection has been told so far."""

    events: list[Told] = field(default_factory=list)
    comments: int = 0
    retry_ms: int | None = None
    place: int | None = None
    ended: bool = False
    answer: httpx.Response | None = None

    @property
    def ids(self) -> list[int]:
        return [event.id for event in self.events]

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    def wait_for(self, count: int) -> list[Told]:
        """The events, once there are so many."""
        wait_until(lambda: len(self.events) >= count)
        return self.events

    def read(self, answer: httpx.Response) -> None:
        """Read the stream to its end."""
        try:
            for block in _blocks(answer):
                self.take(block)
        except httpx.HTTPError:
            pass  # it was cut off: what came is what counts
        self.ended = True

    def take(self, block: str) -> None:
        """Understand one block."""
        fields: dict[str, str] = {}
        for line in block.split("\n"):
            name, _, value = line.partition(":")
            if not name:
                self.comments += 1
            fields[name] = value.removeprefix(" ")
        if "retry" in fields:
            self.retry_ms = int(fields["retry"])
        if "id" in fields:
            self.place = int(fields["id"])
        if "data" in fields:
            told = json.loads(fields["data"])
            self.events.append(Told(int(fields["id"]), fields["event"], told, monotonic()))


@contextmanager
def reading_feed(
    url: str, key: str, *, last_event_id: int | None = None, **parameters: Any
) -> Iterator[Reader]:
    """A connection to `GET /alerts/stream` that is read in a thread; it is open, and its first
    block has come.
    """
    headers = {"Authorization": f"Bearer {key}"}
    if last_event_id is not None:
        headers["Last-Event-ID"] = str(last_event_id)
    reader = Reader()
    with httpx.Client(base_url=url, timeout=PATIENCE_S) as http:
        answer = http.send(
            http.build_request("GET", "/alerts/stream", params=parameters, headers=headers),
            stream=True,
        )
        assert answer.status_code == 200, answer.read()
        reader.answer = answer
        thread = Thread(target=reader.read, args=(answer,), daemon=True)
        thread.start()
        wait_until(lambda: reader.place is not None)
        try:
            yield reader
        finally:
            # Closing alone would wait for the thread that reads.
            with suppress(OSError):
                answer.extensions["network_stream"].get_extra_info("socket").shutdown(SHUT_RDWR)
            thread.join(PATIENCE_S)


def wait_until(ready: Callable[[], object], *, within_s: float = PATIENCE_S) -> None:
    """Until something is so; fails where it does not become so in time."""
    until = monotonic() + within_s
    while not ready():
        assert monotonic() < until, "nothing happened for too long"
        sleep(0.005)


def _blocks(answer: httpx.Response) -> Iterator[str]:
    rest = b""
    for chunk in answer.iter_raw():
        *whole, rest = (rest + chunk).split(b"\n\n")
        yield from (block.decode() for block in whole)
