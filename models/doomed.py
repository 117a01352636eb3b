"""Recordings whose call is gone, or has another in their place, and that must go too. A row is
written in the transaction that deletes the call or replaces its recording, and goes after the file:
whatever crashes in between, somebody knows of the file. When the row goes, the audit trail is told
that the file is gone.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Column, Integer, Text, delete, func
from sqlmodel import Field, Session, SQLModel, col, select

from models.audit import Action, note
from models.call import NEVER_REUSE_IDS
from models.columns import Moment, now
from models.stores import RecordingGone, StoreError, Stores

logger = logging.getLogger(__name__)


class DoomedRecording(SQLModel, table=True):
    """An upload, as `call.recording` named it, of which call it was, and when that was deleted or
    took another. The call is not known of those that were deleted before that was written down.
    """

    __tablename__ = "doomed_recording"
    # Whoever deletes the file of a row must not take a later row for it.
    __table_args__ = NEVER_REUSE_IDS

    id: int | None = Field(default=None, primary_key=True)
    call_id: int | None = Field(default=None, sa_column=Column(Integer))
    recording: str = Field(sa_column=Column(Text, nullable=False))
    deleted_at: datetime = Field(default_factory=now, sa_column=Column(Moment, nullable=False))


def is_ours(recording: str) -> bool:
    """Whether a recording was uploaded, so that it is ours to delete. What lies in another store
    is its owner's.
    """
    return recording.startswith("upload:")


def remove_doomed(session: Session, stores: Stores, doomed: Iterable[DoomedRecording]) -> int:
    """Delete these recordings, write down that they are gone, commit, and say how many are. What
    cannot be deleted now stays known, for the next round.
    """
    gone = [one.id for one in doomed if _remove(stores, one.recording)]
    # Whoever takes the row away writes the entry: others may be deleting the same.
    rows = delete(DoomedRecording).where(col(DoomedRecording.id).in_(gone))
    for call_id in session.execute(rows.returning(col(DoomedRecording.call_id))).scalars().all():
        note(session, Action.REMOVAL, key_name=None, call_id=call_id)
    session.commit()
    return len(gone)


def count_doomed(session: Session) -> int:
    """How many recordings that no call has any more are still to be deleted."""
    return session.exec(select(func.count()).select_from(DoomedRecording)).one()


def doomed_before(
    session: Session, before: datetime, *, after_id: int, limit: int
) -> list[DoomedRecording]:
    """Recordings that no call has since before this moment, with ids above `after_id`, in order."""
    wanted = select(DoomedRecording).where(
        col(DoomedRecording.deleted_at) < before, col(DoomedRecording.id) > after_id
    )
    return list(session.exec(wanted.order_by(col(DoomedRecording.id)).limit(limit)))


def _remove(stores: Stores, recording: str) -> bool:
    """Delete a file for good; False where that cannot be done now."""
    if not stores.uploads.is_dir():
        return False  # this machine does not have the uploads: one that has them does it
    try:
        path = stores.path_of(recording)
        stores.remove(recording)
        if path is not None:
            _sync_folder(path.parent)
    except RecordingGone:
        return True
    except (StoreError, OSError) as error:
        logger.warning("a recording cannot be deleted now: %s", type(error).__name__)
        return False
    return True


def _sync_folder(folder: os.PathLike[str]) -> None:
    """Have it survive a power cut that a file is gone, before its row goes."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
