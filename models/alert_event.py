"""What happened to alerts, one row for each change, in the order of their commits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ForeignKey, Integer, String, func
from sqlmodel import Field, Session, SQLModel, col, select

from models.call import NEVER_REUSE_IDS
from models.columns import Json, Moment, now


class AlertEvent(SQLModel, table=True):
    """`body` is the alert as the feed showed it then."""

    __tablename__ = "alert_event"
    __table_args__ = (NEVER_REUSE_IDS,)

    id: int | None = Field(default=None, primary_key=True)
    alert_id: int = Field(
        sa_column=Column(
            Integer, ForeignKey("alert.id", ondelete="CASCADE"), nullable=False, index=True
        )
    )
    call_id: int = Field(sa_column=Column(Integer, nullable=False))
    kind: str = Field(sa_column=Column(String(20), nullable=False))
    at: datetime = Field(default_factory=now, sa_column=Column(Moment, nullable=False))
    by: str | None = Field(default=None, sa_column=Column(String(100)))
    body: dict[str, Any] = Field(sa_column=Column(Json, nullable=False))


@dataclass(frozen=True, slots=True)
class EventFilters:
    """Which events somebody wants; of an empty tuple, any."""

    severities: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()

    def matches(self, event: AlertEvent) -> bool:
        """Whether the event is wanted."""
        asked = (
            (self.severities, event.body.get("severity")),
            (self.rules, event.body.get("rule")),
            (self.kinds, event.kind),
            (self.agents, event.body.get("agent")),
            (self.lines, event.body.get("line")),
        )
        return all(not wanted or value in wanted for wanted, value in asked)


def events_after(
    session: Session, after: int, *, limit: int, filters: EventFilters
) -> list[AlertEvent]:
    """Events with ids above `after` that are wanted, oldest first."""
    found = session.exec(
        select(AlertEvent).where(col(AlertEvent.id) > after).order_by(col(AlertEvent.id))
    )
    return [event for event in found if filters.matches(event)][:limit]


def last_event_id(session: Session) -> int:
    """The id of the newest event; 0 where there is none."""
    return session.exec(select(func.max(col(AlertEvent.id)))).one() or 0
