"""Finds alerts that nobody acknowledged in time. Any number of workers may look: each alert is
noted once.
"""

from __future__ import annotations

import logging
from threading import Event, Thread

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from models.alert_life import any_overdue, mark_overdue
from models.db import database_clock, reading, writing
from workers.queue import CallQueue

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 5.0


def sweep(engine: Engine, queue: CallQueue) -> int:
    """Note every alert that is overdue by now, and wake whoever waits for that; returns how
    many.
    """
    total = 0
    with reading(engine) as session:
        # One worker's clock alone shall make nothing late.
        moment = database_clock(session)
        more = any_overdue(session, moment)
    while more:
        with writing(engine) as session:
            noted = mark_overdue(session, moment)
        total += noted
        # Some may be left to whoever holds them; the next look finds those.
        more = noted > 0
    if total:
        queue.wake_alerts()
        logger.info("%d alerts are overdue", total)
    return total


class OverdueWatch(Thread):
    """Sweeps every 5 s until stopped."""

    def __init__(self, engine: Engine, queue: CallQueue) -> None:
        super().__init__(name="overdue", daemon=True)
        self._engine = engine
        self._queue = queue
        self._stopped = Event()

    def run(self) -> None:
        while not self._stopped.wait(LOOK_EVERY_S):
            try:
                sweep(self._engine, self._queue)
            except SQLAlchemyError as error:
                logger.warning("could not look for overdue alerts: %s", type(error).__name__)
            except Exception:
                # Were this thread to end, nobody would hear of late alerts: whatever broke.
                logger.exception("looking for overdue alerts broke; it goes on")

    def stop(self) -> None:
        """Ask the thread to end after its current look."""
        self._stopped.set()
