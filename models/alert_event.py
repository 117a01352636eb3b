"""What became of alerts, event by event, in the order of the commits: the truth behind the feed.

A reader keeps the id of the last event that it has seen and asks for those after it. It misses
none, since ids are given and committed in one order: whoever writes takes `lock_events` first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, ColumnElement, ForeignKey, Index, Integer, String, func
from sqlmodel import Field, Session, SQLModel, col, select

from models.alert import MAX_BY, Alert, as_shown
from models.call import NEVER_REUSE_IDS, Call
from models.columns import Json, Moment, columns_of
from models.db import take_lock

# Any number will do, as long as every Overtone process takes the same.
EVENTS_LOCK = 0x0E27_A1E7


class EventKind(StrEnum):
    """What became of an alert."""

    RAISED = "raised"
    CHANGED = "changed"
    REOPENED = "reopened"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    OVERDUE = "overdue"
    NO_LONGER = "no_longer"


# What an analysis finds out, nobody having done anything.
FINDINGS = (EventKind.RAISED, EventKind.CHANGED, EventKind.REOPENED, EventKind.NO_LONGER)


class AlertEvent(SQLModel, table=True):
    """`body` is the alert as it was shown then (`models.alert.as_shown`); `by` is who did it, None
    where it was Overtone. `call_id` is no foreign key: a check of it would wait for whoever writes
    the call, who may wait for `lock_events`. An event goes with its alert, and that with its call.
    """

    __tablename__ = "alert_event"
    __table_args__ = (Index("alert_event_by_moment", "at", "id"), NEVER_REUSE_IDS)

    id: int | None = Field(default=None, primary_key=True)
    alert_id: int = Field(
        sa_column=Column(
            Integer, ForeignKey("alert.id", ondelete="CASCADE"), nullable=False, index=True
        )
    )
    call_id: int = Field(sa_column=Column(Integer, nullable=False))
    kind: str = Field(sa_column=Column(String(20), nullable=False))
    at: datetime = Field(sa_column=Column(Moment, nullable=False))
    by: str | None = Field(default=None, sa_column=Column(String(MAX_BY)))
    body: dict[str, Any] = Field(sa_column=Column(Json, nullable=False))

    def is_history(self, older_than: timedelta) -> bool:
        """Whether it was found out about a call that had begun so long before."""
        began = self.body.get("started_at")
        if self.kind not in FINDINGS or began is None:
            return False
        return self.at - datetime.fromisoformat(began) > older_than


EVENT = columns_of(AlertEvent)


@dataclass(frozen=True, slots=True)
class EventFilters:
    """Which events are wanted; of an empty tuple, any."""

    severities: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()

    def matches(self, event: AlertEvent) -> bool:
        """Whether an event is wanted, as `events_after` says it."""
        if self.kinds and event.kind not in self.kinds:
            return False
        return all(event.body.get(name) in values for name, values in self._of_body())

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """The same for a statement."""
        if self.kinds:
            yield EVENT.kind.in_(self.kinds)
        for name, values in self._of_body():
            yield EVENT.body[name].as_string().in_(values)

    def _of_body(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        named = (
            ("severity", self.severities),
            ("rule", self.rules),
            ("agent", self.agents),
            ("line", self.lines),
        )
        return ((name, values) for name, values in named if values)


ANY_EVENT = EventFilters()


def lock_events(session: Session) -> None:
    """Keep all others from writing events until this session ends its transaction. What it knows of
    alerts must be read after that.

    On SQLite it is the session that has to hold the write lock (`models.db.writing`).
    """
    take_lock(session, EVENTS_LOCK)


def write_event(
    session: Session, alert: Alert, call: Call, kind: EventKind, *, by: str | None = None
) -> AlertEvent:
    """Note what has just become of an alert; the caller holds `lock_events` and commits."""
    session.flush()  # gives a new alert its id
    assert alert.id is not None
    event = AlertEvent(
        alert_id=alert.id,
        call_id=alert.call_id,
        kind=kind,
        at=alert.updated_at,
        by=by,
        body=as_shown(alert, call),
    )
    session.add(event)
    session.flush()  # one by one: ids in the order of what happened
    return event


def events_after(
    session: Session, after: int, *, limit: int, filters: EventFilters = ANY_EVENT
) -> list[AlertEvent]:
    """The next wanted events with ids above `after`, in order, at most `limit`."""
    return list(
        session.exec(
            select(AlertEvent)
            .where(EVENT.id > after, *filters.conditions())
            .order_by(EVENT.id)
            .limit(limit)
        )
    )


def events_of(session: Session, alert_id: int, after: int, *, limit: int) -> list[AlertEvent]:
    """The next events of one alert, in order."""
    return list(
        session.exec(
            select(AlertEvent)
            .where(EVENT.alert_id == alert_id, EVENT.id > after)
            .order_by(EVENT.id)
            .limit(limit)
        )
    )


def last_event_id(session: Session) -> int:
    """The id of the newest event, 0 where there is none."""
    return session.exec(select(func.max(col(AlertEvent.id)))).one() or 0


def last_event_before(session: Session, moment: datetime) -> int:
    """The id before the first event of this moment or later; the newest where there is none. Clocks
    that differ may let some of before the moment come after it, and lose none.
    """
    # Of `id` alone databases go through all ids from the first one on; mostly a recent moment is
    # asked for, and few events come after it.
    first = session.exec(select(func.min(EVENT.id + 0)).where(EVENT.at >= moment)).one()
    return last_event_id(session) if first is None else first - 1
