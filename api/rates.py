"""How often a key may ask, and how often an address may guess at one: counted in the Redis or
Valkey of the queue, for all API processes together. Where that is away, each counts for itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from math import ceil
from time import monotonic, time
from typing import TypeVar

import redis
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import FixedWindowRateLimiter

logger = logging.getLogger(__name__)

GUESSES = RateLimitItemPerMinute(60)
# A queue that did not answer is not asked again for so long: requests do not wait for it.
AWAY_S = 5.0
ANSWER_S = 1.0
Counted = TypeVar("Counted")


class Rates:
    """Counts in windows of a minute. `per_minute` is what one key may ask for, 0 for no limit."""

    def __init__(self, redis_url: str, per_minute: int) -> None:
        connection = redis.from_url(
            redis_url, socket_connect_timeout=ANSWER_S, socket_timeout=ANSWER_S
        )
        shared = RedisStorage("redis://", connection_pool=connection.connection_pool)
        self._shared = FixedWindowRateLimiter(shared)
        self._own = FixedWindowRateLimiter(MemoryStorage())
        self._asks = RateLimitItemPerMinute(per_minute) if per_minute else None
        self._away_until = 0.0

    def ask(self, key_id: int) -> int | None:
        """Count a request of a key; None where it may be answered, else the seconds to wait."""
        asks = self._asks
        if asks is None:
            return None
        names = ("key", str(key_id))
        may = self._count(lambda limiter: limiter.hit(asks, *names))
        return None if may else self._wait_s(asks, *names)

    def hold_off(self, address: str) -> int | None:
        """None where an address may still try keys, else the seconds to wait."""
        names = ("guess", _whose(address))
        may = self._count(lambda limiter: limiter.test(GUESSES, *names))
        return None if may else self._wait_s(GUESSES, *names)

    def note_guess(self, address: str) -> None:
        """Count a key that is none."""
        self._count(lambda limiter: limiter.hit(GUESSES, "guess", _whose(address)))

    def _wait_s(self, limit: RateLimitItem, *names: str) -> int:
        window = self._count(lambda limiter: limiter.get_window_stats(limit, *names))
        return max(1, ceil(window.reset_time - time()))

    def _count(self, work: Callable[[FixedWindowRateLimiter], Counted]) -> Counted:
        if monotonic() >= self._away_until:
            try:
                return work(self._shared)
            except redis.RedisError as error:
                self._away_until = monotonic() + AWAY_S
                logger.warning("requests are counted here alone: %s", type(error).__name__)
        return work(self._own)


def _whose(address: str) -> str:
    """An address; of IPv6 the network, since whoever has one address there has them all."""
    try:
        if ip_address(address).version == 6:
            return str(ip_network((address, 64), strict=False))
    except ValueError:  # no address: a Unix socket, or a test
        pass
    return address
