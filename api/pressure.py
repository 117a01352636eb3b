"""Back-pressure: while too many calls wait to be heard, new ones are told when to come again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Lock
from time import monotonic

from redis import RedisError

from workers.queue import CallQueue

logger = logging.getLogger(__name__)

ASK_EVERY_S = 1.0
# About as long as a worker takes for one call. Only how long the refused wait hangs on it.
HEAR_S = 5.0
SHORTEST_S, LONGEST_S = 5, 600


class QueueFull(Exception):
    """As many calls wait as may; come again in `retry_after_s` seconds."""

    def __init__(self, waiting: int, retry_after_s: int) -> None:
        super().__init__(
            f"{waiting} calls wait to be heard, and no more are taken now (OVERTONE_MAX_QUEUE): "
            f"push this one again in {retry_after_s} s"
        )
        self.retry_after_s = retry_after_s


class Gate:
    """Knows how many calls wait, at most a second old, and how many more may come.

    Shared by the threads of a process. While the queue is away everything may come: rows wait in
    the database then.
    """

    def __init__(
        self, queue: CallQueue, most: int, *, clock: Callable[[], float] = monotonic
    ) -> None:
        self._queue = queue
        self._most = most
        self._clock = clock
        self._asking = Lock()
        self._asked_at = float("-inf")
        self._waiting = 0
        self._workers = 1

    def room(self) -> int | None:
        """How many more calls may come; None for any number."""
        if not self._most:
            return None
        if self._clock() - self._asked_at >= ASK_EVERY_S and self._asking.acquire(blocking=False):
            try:
                self._ask()
            finally:
                self._asking.release()
        return max(0, self._most - self._waiting)

    def took(self, calls: int) -> None:
        """So many were let in since."""
        self._waiting += calls

    def full(self) -> QueueFull:
        """What those are told for whom there is no room."""
        over = self._waiting - self._most + 1
        wait_s = round(over * HEAR_S / max(1, self._workers))
        return QueueFull(self._waiting, min(max(wait_s, SHORTEST_S), LONGEST_S))

    def _ask(self) -> None:
        try:
            self._waiting, self._workers = self._queue.depth(), self._queue.workers()
        except RedisError as error:
            logger.warning("the queue's depth is not known: %s", type(error).__name__)
            self._waiting = 0
        self._asked_at = self._clock()
