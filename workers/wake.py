"""Waits for news of alerts."""

from __future__ import annotations

import logging
from time import sleep

import redis

CHANNEL = "overtone:alerts"

logger = logging.getLogger(__name__)


class Wake:
    """Hears what is published about alerts."""

    def __init__(self, url: str) -> None:
        self._pubsub = redis.from_url(url, socket_connect_timeout=5).pubsub()
        self._subscribed = False

    def wait(self, timeout_s: float) -> None:
        """Until something was published, or for `timeout_s`."""
        try:
            if not self._subscribed:
                self._pubsub.subscribe(CHANNEL)
                self._subscribed = True
                return
            message = self._pubsub.get_message(timeout=timeout_s)
            if message and message["type"] == "subscribe":
                self._pubsub.get_message(timeout=timeout_s)
        except redis.RedisError as error:
            logger.warning("no news can be heard: %s", type(error).__name__)
            sleep(timeout_s)
