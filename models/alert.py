"""A call that somebody should act on now; one row for each call and rule, read by a cursor."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, String, Text, UniqueConstraint
from sqlmodel import Field, Session, SQLModel, col, select

from models.call import NEVER_REUSE_IDS, of_call
from models.columns import Json, Moment, now


class Alert(SQLModel, table=True):
    """Why the call was raised, in words, with the evidence and the second to play from."""

    __tablename__ = "alert"
    __table_args__ = (UniqueConstraint("call_id", "rule"), NEVER_REUSE_IDS)

    id: int | None = Field(default=None, primary_key=True)
    call_id: int = Field(sa_column=of_call())
    rule: str = Field(sa_column=Column(String(100), nullable=False))
    status: str = Field(default="new", sa_column=Column(String(20), nullable=False))
    reason: str = Field(sa_column=Column(Text, nullable=False))
    evidence: list[dict[str, Any]] = Field(sa_column=Column(Json, nullable=False))
    start_s: float
    created_at: datetime = Field(default_factory=now, sa_column=Column(Moment, nullable=False))
    updated_at: datetime = Field(default_factory=now, sa_column=Column(Moment, nullable=False))


def alerts_after(session: Session, after: int, limit: int) -> list[Alert]:
    """Alerts with ids above `after`, oldest first."""
    return list(
        session.exec(
            select(Alert).where(col(Alert.id) > after).order_by(col(Alert.id)).limit(limit)
        )
    )
