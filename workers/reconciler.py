"""Finds calls and re-matchings whose errand got lost and sends it again: a crash between commit and
enqueue, a killed worker, an emptied queue, a failed attempt. The rows are the truth; the queue is
made to agree with them, and so are the recordings. Calls to be judged anew it judges itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

from redis import RedisError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from models.call import Call, Status
from models.columns import now
from models.db import reading, writing
from models.indexing import index_missing
from models.rematch import waiting_rematches
from models.stores import StoreError, Stores
from models.waiting import leave_as_heard, waiting_calls
from settings import Settings
from workers.judging import Judge
from workers.leftovers import Leftovers
from workers.queue import CallQueue, QueueDown, timeout_for
from workers.retention import tidy

logger = logging.getLogger(__name__)

AT_ONCE = 1000


def reconcile(engine: Engine, queue: CallQueue, stores: Stores, settings: Settings) -> int:
    """Enqueue every waiting call and every unfinished re-matching that has no live job; returns how
    many. Raises `QueueDown`.
    """
    # A call touched this moment may be on its way between row and queue, or between queue and
    # worker.
    settled = now() - timedelta(seconds=settings.reconcile_s)
    with reading(engine) as session:
        waiting = waiting_calls(session, settled, AT_ONCE)
        rematches = waiting_rematches(session, settled)
    sent = sum(queue.enqueue_rematch(row.id) for row in rematches if row.id is not None)
    if not waiting:
        return sent
    live = queue.live()
    for call in waiting:
        if call.id is None or call.id in live:
            continue
        if call.attempts >= settings.job_attempts:
            _give_up(engine, call)
            continue
        timeout_s = timeout_for(_size(call, stores), settings.max_audio_s)
        sent += queue.enqueue_again(call.id, urgent=call.urgent, timeout_s=timeout_s)
    if sent:
        logger.info("%d jobs were lost and are queued again", sent)
    return sent


def _size(call: Call, stores: Stores) -> int | None:
    try:
        path: Path | None = stores.path_of(call.recording)
    except StoreError:
        return None
    return path.stat().st_size if path else None


def _give_up(engine: Engine, call: Call) -> None:
    with writing(engine) as session:
        row = session.get(Call, call.id, with_for_update=True)
        if row is None or row.status not in (Status.QUEUED, Status.HEARING):
            return
        if leave_as_heard(row):
            session.commit()
            return
        row.status = Status.FAILED
        row.error = f"{row.attempts} workers died while hearing this recording"
        row.updated_at = now()
        session.add(row)
        session.commit()


class Reconciler(Thread):
    """Reconciles every `settings.reconcile_s` seconds until stopped."""

    def __init__(
        self, engine: Engine, queue: CallQueue, *, stores: Stores, settings: Settings
    ) -> None:
        super().__init__(name="reconciler", daemon=True)
        self._engine = engine
        self._queue = queue
        self._stores = stores
        self._settings = settings
        self._judge = Judge.of(engine, settings)
        self._leftovers = Leftovers(engine, stores.uploads)
        self._stopped = Event()

    def run(self) -> None:
        while not self._stopped.is_set():
            self._attempt(self._index)
            self._attempt(
                lambda: reconcile(self._engine, self._queue, self._stores, self._settings)
            )
            self._attempt(self._judge_news)
            self._attempt(lambda: tidy(self._engine, self._stores, self._settings))
            self._attempt(self._leftovers.sweep)
            self._stopped.wait(self._settings.reconcile_s)

    def _attempt(self, work: Callable[[], object]) -> None:
        try:
            work()
        except (QueueDown, RedisError, SQLAlchemyError) as error:
            # The queue or the database is away for a moment: the next round tries again.
            logger.warning("could not reconcile: %s", type(error).__name__)
        except Exception:
            # Were this thread to end, lost calls would stay lost: whatever broke, it goes on.
            logger.exception("reconciling broke; it goes on")

    def _index(self) -> None:
        """Index the calls that an upgrade left without; nobody waits for all of them at once."""
        done = 0
        while not self._stopped.is_set() and (some := index_missing(self._engine)):
            done += some
            logger.info("%d calls of before are indexed for search", done)

    def _judge_news(self) -> None:
        """Judge the calls of which pushes told something while no job could be sent for it."""
        while not self._stopped.is_set() and self._judge.judge_news():
            self._queue.wake_alerts()

    def stop(self) -> None:
        """Ask the thread to end after its current round."""
        self._stopped.set()
