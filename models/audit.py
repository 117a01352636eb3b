"""The trail of what must be answered for: who heard a recording, deleted a call, held it, made or
revoked a key; and that the file of a deleted call is gone. Entries are only ever added, and outlive
the calls they name.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Index, Integer, String
from sqlmodel import Field, Session, SQLModel, col, select

from models.call import NEVER_REUSE_IDS
from models.columns import Json, Moment, now

# As long as this after it began, a jump within a recording belongs to the same playing.
ONE_PLAYING = timedelta(hours=12)


class Action(StrEnum):
    """What was done."""

    AUDIO = "audio"
    DELETION = "deletion"
    REMOVAL = "removal"
    ERASURE = "erasure"
    HOLD = "hold"
    RELEASE = "release"
    KEY_CREATED = "key_created"
    KEY_REVOKED = "key_revoked"


class Audit(SQLModel, table=True):
    """One entry. `key_name` is None where no key was used: for commands, retention and removal.
    `call_id` is a plain number, since the call may be gone. `detail` never holds a caller's number.
    """

    __tablename__ = "audit"
    __table_args__ = (
        Index("audit_by_action", "action", "id"),
        Index("audit_by_call", "call_id", "id"),
        Index("audit_by_time", "at"),
        NEVER_REUSE_IDS,
    )

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(default_factory=now, sa_column=Column(Moment, nullable=False))
    key_name: str | None = Field(default=None, sa_column=Column(String(100)))
    action: str = Field(sa_column=Column(String(20), nullable=False))
    call_id: int | None = Field(default=None, sa_column=Column(Integer))
    detail: dict[str, Any] = Field(default_factory=dict, sa_column=Column(Json, nullable=False))


def note(
    session: Session,
    action: Action,
    *,
    key_name: str | None,
    call_id: int | None = None,
    **detail: Any,
) -> None:
    """Add an entry; what of `detail` is None is left out. The caller commits."""
    known = {name: value for name, value in detail.items() if value is not None}
    session.add(Audit(action=action, key_name=key_name, call_id=call_id, detail=known))


def is_playing(session: Session, call_id: int, key_name: str) -> bool:
    """Whether it is in the trail already that this key plays this call's recording."""
    wanted = select(Audit.id).where(
        Audit.call_id == call_id,
        Audit.action == Action.AUDIO,
        Audit.key_name == key_name,
        col(Audit.at) > now() - ONE_PLAYING,
    )
    return session.exec(wanted.limit(1)).first() is not None


def entries(
    session: Session,
    *,
    limit: int,
    cursor: int | None = None,
    action: Action | None = None,
    call_id: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Audit]:
    """Entries at or after `since` and before `until`, with numbers below `cursor`, the last one
    first.
    """
    wanted = select(Audit)
    if cursor is not None:
        wanted = wanted.where(col(Audit.id) < cursor)
    if action is not None:
        wanted = wanted.where(Audit.action == action)
    if call_id is not None:
        wanted = wanted.where(Audit.call_id == call_id)
    if since is not None:
        wanted = wanted.where(col(Audit.at) >= since)
    if until is not None:
        wanted = wanted.where(col(Audit.at) < until)
    return list(session.exec(wanted.order_by(col(Audit.id).desc()).limit(limit)))
