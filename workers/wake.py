"""Being woken when events of alerts were committed: a word on a Redis channel, and nothing more.

What happened stands in the database. A word that is lost costs time and no event, since whoever
waits here looks into the database after each wait anyway.
"""

from __future__ import annotations

import logging
from time import monotonic, sleep

import redis
from redis.backoff import NoBackoff
from redis.client import PubSub
from redis.retry import Retry

logger = logging.getLogger(__name__)

ALERTS_CHANNEL = "overtone:alerts"
HEALTH_CHECK_S = 10


class Wake:
    """One listener, for one thread. It is subscribed from its first wait on, and again by itself
    where Redis was away.
    """

    def __init__(self, url: str) -> None:
        # No tries of its own: they would sleep past the end of a wait.
        self._client = redis.from_url(
            url,
            socket_connect_timeout=1,
            health_check_interval=HEALTH_CHECK_S,
            retry=Retry(NoBackoff(), 0),
        )
        self._words = PubSub(self._client.connection_pool, ignore_subscribe_messages=True)
        self._away = False

    def wait(self, timeout_s: float) -> None:
        """Return when a word came since the last wait, at the latest after `timeout_s`."""
        until = monotonic() + timeout_s
        try:
            self._hear_one(until)
        except redis.RedisError as error:
            if not self._away:
                logger.warning("nobody wakes us: %s; looking by ourselves", type(error).__name__)
            self._away = True
            self._words.close()
            sleep(max(0.0, until - monotonic()))
        else:
            if self._away:
                logger.info("Redis is back")
            self._away = False

    def close(self) -> None:
        """Give the connection back."""
        self._words.close()
        self._client.close()

    def _hear_one(self, until: float) -> None:
        if not self._words.subscribed:
            self._words.subscribe(ALERTS_CHANNEL)
        while (left_s := until - monotonic()) > 0:
            if self._words.get_message(timeout=left_s) is not None:
                # One look into the database answers all words that have come by now.
                while self._words.get_message(timeout=0) is not None:
                    pass
                return
