"""What goes by itself: calls older than the retention, and recordings whose call is gone."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy import Engine

from models.columns import now
from models.db import reading, writing
from models.deletion import Order, Why, delete_older
from models.doomed import doomed_before, remove_doomed
from models.stores import Stores
from settings import Settings

logger = logging.getLogger(__name__)

BATCH = 100
# So many batches, and the reconciler looks after lost jobs again; the rest goes in the next round.
BATCHES_AT_ONCE = 10


def tidy(engine: Engine, stores: Stores, settings: Settings) -> None:
    """One round: delete recordings that a crash left, then calls that are too old."""
    # Whoever deleted a call this moment is about to delete its recording.
    settled = now() - timedelta(seconds=settings.reconcile_s)
    if removed := sweep(engine, stores, settled):
        logger.info("%d recordings of deleted calls were left behind and are deleted", removed)
    if settings.retention_days is not None:
        oldest = older_than(settings.retention_days)
        deleted = left = 0
        for _ in range(BATCHES_AT_ONCE):
            with writing(engine) as session:
                done = delete_older(session, stores, oldest, Order(Why.RETENTION), limit=BATCH)
            if not done.calls:
                break
            deleted += len(done.calls)
            left += done.left
        if deleted:
            logger.info(
                "%d calls were too old and are deleted, %d recordings of them left in their stores",
                deleted,
                left,
            )


def sweep(engine: Engine, stores: Stores, before: datetime) -> int:
    """Delete the recordings whose call was deleted before this moment; returns how many."""
    removed = last = 0
    while True:
        with reading(engine) as session:
            doomed = doomed_before(session, before, after_id=last, limit=BATCH)
        if not doomed:
            return removed
        last = doomed[-1].id or 0
        with writing(engine) as session:
            removed += remove_doomed(session, stores, doomed)


def older_than(days: int) -> datetime:
    """The moment this many days ago."""
    return now() - timedelta(days=days)
