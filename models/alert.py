"""A call that somebody should act on now; one row for each call and rule.

`models.alert_life` says what becomes of it, `models.alert_event` keeps what became of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Index, String, Text, UniqueConstraint, and_, not_, text
from sqlmodel import Field, Session, SQLModel, col, select

from models.call import NEVER_REUSE_IDS, Call, of_call
from models.columns import Json, Moment, now

SEVERITIES = ("low", "medium", "high", "critical")
MAX_BY = 100
MAX_NOTE = 2000
_AWAITED = text("status = 'new' AND overdue_at IS NULL AND due_at IS NOT NULL")


class AlertStatus(StrEnum):
    """Where an alert stands in its life."""

    NEW = "new"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Outcome(StrEnum):
    """What came of an alert."""

    SETTLED = "settled"
    CALLED_BACK = "called_back"
    COACHED = "coached"
    ESCALATED = "escalated"
    NO_ACTION = "no_action"
    FALSE_ALARM = "false_alarm"


class Alert(SQLModel, table=True):
    """Why the call was raised, in words, with the evidence and the second to play from.

    `due_at` is when it is overdue unless somebody acknowledges it, None where its rule sets no
    time; `overdue_at` is when that was noticed. `no_longer_at` is when a later analysis did not
    find it again. `acknowledged_by` and `resolved_by` name people or keys.
    """

    __tablename__ = "alert"
    __table_args__ = (
        UniqueConstraint("call_id", "rule"),
        Index("alert_by_status", "status", "id"),
        Index("alert_awaited", "due_at", sqlite_where=_AWAITED, postgresql_where=_AWAITED),
        NEVER_REUSE_IDS,
    )

    id: int | None = Field(default=None, primary_key=True)
    call_id: int = Field(sa_column=of_call())
    rule: str = Field(sa_column=Column(String(100), nullable=False))
    severity: str = Field(
        default="high", sa_column=Column(String(10), nullable=False, server_default="high")
    )
    status: str = Field(default=AlertStatus.NEW, sa_column=Column(String(20), nullable=False))
    reason: str = Field(sa_column=Column(Text, nullable=False))
    evidence: list[dict[str, Any]] = Field(sa_column=Column(Json, nullable=False))
    start_s: float
    created_at: datetime = Field(default_factory=now, sa_column=Column(Moment, nullable=False))
    updated_at: datetime = Field(default_factory=now, sa_column=Column(Moment, nullable=False))
    due_at: datetime | None = Field(default=None, sa_column=Column(Moment))
    overdue_at: datetime | None = Field(default=None, sa_column=Column(Moment))
    no_longer_at: datetime | None = Field(default=None, sa_column=Column(Moment))
    acknowledged_at: datetime | None = Field(default=None, sa_column=Column(Moment))
    acknowledged_by: str | None = Field(default=None, sa_column=Column(String(MAX_BY)))
    resolved_at: datetime | None = Field(default=None, sa_column=Column(Moment))
    resolved_by: str | None = Field(default=None, sa_column=Column(String(MAX_BY)))
    outcome: str | None = Field(default=None, sa_column=Column(String(20)))
    note: str | None = Field(default=None, sa_column=Column(Text))


OF_ALERT = (
    *("id", "call_id", "rule", "severity", "status", "reason", "evidence", "start_s"),
    *("created_at", "updated_at", "due_at", "overdue_at", "no_longer_at"),
    *("acknowledged_at", "acknowledged_by", "resolved_at", "resolved_by", "outcome", "note"),
)
OF_CALL = ("external_id", "agent", "line", "started_at")


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """Which alerts are wanted; of an empty tuple or None, any.

    `since` is inclusive, `until` is not; both are about when the alert was raised first. `overdue`
    asks for those that are late and that nobody has acknowledged yet, or for all others.
    """

    statuses: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    calls: tuple[int, ...] = ()
    agents: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    overdue: bool | None = None


def as_shown(alert: Alert, call: Call) -> dict[str, Any]:
    """An alert as the feed shows it, in the types of JSON: all of it, whose call it is, and where
    to play from.
    """
    row = {name: getattr(alert, name) for name in OF_ALERT}
    row |= {name: getattr(call, name) for name in OF_CALL}
    row["play"] = f"/listen/{alert.call_id}?alert={alert.id}&at={round(alert.start_s, 2)}"
    return {name: _as_text(value) for name, value in row.items()}


def with_address(shown: dict[str, Any], public_url: str | None) -> dict[str, Any]:
    """The same with `play` as a whole address, where it is known how people reach the API."""
    if public_url is None or "play" not in shown:
        return shown
    return shown | {"play": f"{public_url}{shown['play']}"}


def find_alert(session: Session, alert_id: int) -> dict[str, Any] | None:
    """One alert as the feed shows it, or None."""
    row = session.exec(
        select(Alert, Call).join(Call, col(Call.id) == Alert.call_id).where(Alert.id == alert_id)
    ).first()
    return None if row is None else as_shown(*row)


def find_alerts(
    session: Session,
    query: AlertQuery,
    *,
    after: int | None = None,
    limit: int,
    newest_first: bool = False,
) -> list[dict[str, Any]]:
    """Alerts as the feed shows them, in the order of their ids, from the one after `after` on."""
    number = col(Alert.id)
    wanted = select(Alert, Call).join(Call, col(Call.id) == Alert.call_id)
    if after is not None:
        wanted = wanted.where(number < after if newest_first else number > after)
    for column, values in (
        (col(Alert.status), query.statuses),
        (col(Alert.severity), query.severities),
        (col(Alert.rule), query.rules),
        (col(Alert.call_id), query.calls),
        (col(Call.agent), query.agents),
        (col(Call.line), query.lines),
    ):
        if values:
            wanted = wanted.where(column.in_(values))
    if query.since is not None:
        wanted = wanted.where(col(Alert.created_at) >= query.since)
    if query.until is not None:
        wanted = wanted.where(col(Alert.created_at) < query.until)
    if query.overdue is not None:
        late = and_(col(Alert.overdue_at).is_not(None), col(Alert.status) == AlertStatus.NEW)
        wanted = wanted.where(late if query.overdue else not_(late))
    wanted = wanted.order_by(number.desc() if newest_first else number).limit(limit)
    return [as_shown(alert, call) for alert, call in session.exec(wanted)]


def _as_text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value
