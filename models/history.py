"""What people changed about a call: who, when, from what to what. Rows are only ever added; they go
with their call.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column, String, Text
from sqlmodel import Field, Session, SQLModel, col, select

from models.call import NEVER_REUSE_IDS, of_call
from models.columns import Moment, now


class Change(StrEnum):
    """Kinds of events, and what their `before` and `after` are."""

    REVIEW = "review"
    """The review status."""
    ASSIGNEE = "assignee"
    """The person's name."""
    TAG = "tag"
    """The tag; `after` of one that was given, `before` of one that was taken away."""
    COMMENT = "comment"
    """The comment's number, likewise. Its text is not kept when it is deleted."""
    HOLD = "hold"
    """`after` is the reason why the call must not be deleted."""
    PUSHED = "pushed"
    """What a later push said otherwise: JSON objects of fields."""
    RELEASE = "release"
    """`after` is the reason why it may be deleted again."""


class CallEvent(SQLModel, table=True):
    """One change. `given_by` is the person that the request named, else the name of the key."""

    __tablename__ = "call_event"
    __table_args__ = NEVER_REUSE_IDS

    id: int | None = Field(default=None, primary_key=True)
    call_id: int = Field(sa_column=of_call())
    kind: str = Field(sa_column=Column(String(20), nullable=False))
    before: str | None = Field(default=None, sa_column=Column(Text))
    after: str | None = Field(default=None, sa_column=Column(Text))
    given_by: str = Field(sa_column=Column(String(100), nullable=False))
    given_at: datetime = Field(default_factory=now, sa_column=Column(Moment, nullable=False))


def history_of(
    session: Session, call_id: int, *, limit: int, cursor: int | None = None
) -> list[CallEvent]:
    """Changes of a call with numbers below `cursor`, the last one first."""
    wanted = select(CallEvent).where(CallEvent.call_id == call_id)
    if cursor is not None:
        wanted = wanted.where(col(CallEvent.id) < cursor)
    return list(session.exec(wanted.order_by(col(CallEvent.id).desc()).limit(limit)))
