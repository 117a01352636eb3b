"""The life of an alert: new, acknowledged, resolved; reopened on new evidence; overdue when nobody
acknowledges it in time. Every step writes an event in its own transaction.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import ColumnElement, and_
from sqlmodel import Session, col, select

from models.alert import Alert, AlertStatus, Outcome, as_shown
from models.alert_event import AlertEvent, EventKind, lock_events, write_event
from models.call import Call
from models.columns import now
from models.db import database_clock

SWEPT_AT_ONCE = 100


class DraftLike(Protocol):
    """What a rule found in a call (`workers.alert_draft.AlertDraft`)."""

    @property
    def rule(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def evidence(self) -> tuple[dict[str, Any], ...]: ...
    @property
    def start_s(self) -> float: ...
    @property
    def severity(self) -> str: ...
    @property
    def acknowledge_within_s(self) -> float | None: ...


class IllegalMove(Exception):
    """An alert is not where this step begins; the text says what is possible."""


def write_alerts(
    session: Session, call_id: int, drafts: Sequence[DraftLike], *, judged: Collection[str]
) -> list[int]:
    """Write what an analysis of a call has found, as the last thing before its commit: others wait
    for it from here on. Returns the ids of alerts that were raised, changed or reopened.

    There is one alert for each call and rule. What is the same as before writes nothing. A rule
    that was `judged` and does not fire any more leaves its alert as it is, with an event of its
    own; the alerts of rules that are off, or gone, stay untouched.
    """
    of_call = select(Alert).where(Alert.call_id == call_id)
    if not drafts and session.exec(of_call.limit(1)).first() is None:
        return []
    lock_events(session)
    call = session.get(Call, call_id)
    if call is None:
        return []
    fresh = of_call.order_by(col(Alert.id)).execution_options(populate_existing=True)
    there = {alert.rule: alert for alert in session.exec(fresh)}
    found = {draft.rule: draft for draft in drafts}
    moment = database_clock(session)
    written: list[int] = []
    for rule, draft in found.items():
        alert, kind = _written(session, there.get(rule), call_id, draft, moment)
        if kind is not None:
            session.add(alert)
            written.append(write_event(session, alert, call, kind).alert_id)
    for rule, alert in there.items():
        if rule in judged and rule not in found and alert.no_longer_at is None:
            alert.no_longer_at = alert.updated_at = moment
            session.add(alert)
            write_event(session, alert, call, EventKind.NO_LONGER)
    return written


def acknowledge(session: Session, alert_id: int, *, by: str) -> dict[str, Any] | None:
    """Somebody takes care of a new alert; commits. Returns it as the feed shows it, None where
    there is no such alert.

    Raises `IllegalMove`.
    """
    row = _locked(session, alert_id)
    if row is None:
        return None
    alert, call = row
    if alert.status != AlertStatus.NEW:
        raise IllegalMove(f"alert {alert_id} {_stands(alert)}")
    alert.status = AlertStatus.ACKNOWLEDGED
    alert.acknowledged_at = alert.updated_at = now()
    alert.acknowledged_by = by
    return _committed(session, alert, call, EventKind.ACKNOWLEDGED, by=by)


def resolve(
    session: Session, alert_id: int, *, outcome: Outcome, note: str | None, by: str
) -> dict[str, Any] | None:
    """Say what came of an acknowledged alert; commits. Returns it as the feed shows it, None where
    there is no such alert.

    Raises `IllegalMove`.
    """
    row = _locked(session, alert_id)
    if row is None:
        return None
    alert, call = row
    if alert.status != AlertStatus.ACKNOWLEDGED:
        raise IllegalMove(f"alert {alert_id} {_stands(alert)}")
    alert.status = AlertStatus.RESOLVED
    alert.resolved_at = alert.updated_at = now()
    alert.resolved_by = by
    alert.outcome, alert.note = outcome, note
    return _committed(session, alert, call, EventKind.RESOLVED, by=by)


def any_overdue(session: Session, moment: datetime) -> bool:
    """Whether `mark_overdue` has something to do; takes no lock."""
    return session.exec(select(Alert.id).where(_late(moment)).limit(1)).first() is not None


def mark_overdue(session: Session, moment: datetime) -> int:
    """Note once of each new alert that nobody acknowledged it in time; commits. Returns how many
    there were, at most 100.
    """
    lock_events(session)
    late = (
        select(Alert, Call)
        .join(Call, col(Call.id) == Alert.call_id)
        .where(_late(moment))
        .order_by(col(Alert.due_at), col(Alert.id))
        .limit(SWEPT_AT_ONCE)
        # Whose call is being deleted is left to that: waiting for it could be waiting in a circle.
        .with_for_update(of=Alert, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    rows = session.exec(late).all()
    for alert, call in rows:
        alert.overdue_at = alert.updated_at = moment
        session.add(alert)
        write_event(session, alert, call, EventKind.OVERDUE)
    session.commit()
    return len(rows)


def _written(
    session: Session, alert: Alert | None, call_id: int, draft: DraftLike, moment: datetime
) -> tuple[Alert, EventKind | None]:
    """The alert with what was found now, and what became of it; None where nothing did."""
    # As it comes back from the database: a tuple there is a list here.
    evidence: list[dict[str, Any]] = json.loads(json.dumps(draft.evidence))
    found: dict[str, Any] = {
        "reason": draft.reason,
        "evidence": evidence,
        "start_s": draft.start_s,
        "severity": draft.severity,
        "no_longer_at": None,
    }
    if alert is None:
        alert = Alert(call_id=call_id, rule=draft.rule, created_at=moment, **found)
        _open(alert, draft, moment)
        return alert, EventKind.RAISED
    if all(getattr(alert, name) == value for name, value in found.items()):
        return alert, None
    reopens = (
        alert.status != AlertStatus.NEW
        and _is_new_evidence(evidence, alert.evidence)
        and _is_new_evidence(evidence, _ever_known(session, alert))
    )
    for name, value in found.items():
        setattr(alert, name, value)
    alert.updated_at = moment
    if not reopens:
        return alert, EventKind.CHANGED
    _open(alert, draft, moment)
    return alert, EventKind.REOPENED


def _open(alert: Alert, draft: DraftLike, moment: datetime) -> None:
    """Begin the life of an alert, for the first time or again. Who dealt with it before stays in
    its events.
    """
    within_s = draft.acknowledge_within_s
    alert.status = AlertStatus.NEW
    alert.updated_at = moment
    alert.due_at = None if within_s is None else moment + timedelta(seconds=within_s)
    alert.overdue_at = alert.acknowledged_at = alert.resolved_at = None
    alert.acknowledged_by = alert.resolved_by = alert.outcome = alert.note = None


def _ever_known(session: Session, alert: Alert) -> list[Mapping[str, Any]]:
    """All evidence that an alert ever had: one analysis may leave out what the next finds again."""
    bodies = select(AlertEvent.body).where(AlertEvent.alert_id == alert.id)
    return [piece for body in session.exec(bodies) for piece in body["evidence"]]


def _is_new_evidence(
    evidence: Sequence[Mapping[str, Any]], known: Sequence[Mapping[str, Any]]
) -> bool:
    """Whether any piece is about something that no piece known before was about."""
    return not all(any(_same_thing(piece, before) for before in known) for piece in evidence)


def _same_thing(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two pieces are about the same turn, hit or fact. Heard again, their times differ a
    little, and their figures do.
    """
    if any(one.get(name) != other.get(name) for name in ("kind", "lexicon", "term", "name")):
        return False
    spans = [(piece["start_s"], piece["end_s"]) for piece in (one, other)]
    starts, ends = zip(*spans, strict=True)
    return max(starts) < min(ends) or spans[0] == spans[1]


def _locked(session: Session, alert_id: int) -> tuple[Alert, Call] | None:
    """An alert that nobody else changes until this session commits, and its call."""
    lock_events(session)
    wanted = (
        select(Alert, Call)
        .join(Call, col(Call.id) == Alert.call_id)
        .where(Alert.id == alert_id)
        .with_for_update(of=Alert)
        .execution_options(populate_existing=True)
    )
    return session.exec(wanted).first()


def _committed(
    session: Session, alert: Alert, call: Call, kind: EventKind, *, by: str
) -> dict[str, Any]:
    session.add(alert)
    write_event(session, alert, call, kind, by=by)
    session.commit()
    return as_shown(alert, call)


def _late(moment: datetime) -> ColumnElement[bool]:
    return and_(
        col(Alert.status) == AlertStatus.NEW,
        col(Alert.overdue_at).is_(None),
        col(Alert.no_longer_at).is_(None),
        col(Alert.due_at).is_not(None),
        col(Alert.due_at) <= moment,
    )


def _stands(alert: Alert) -> str:
    """Where an alert stands, and which step goes on from there."""
    if alert.status == AlertStatus.NEW:
        return "is new: acknowledge it first"
    if alert.status == AlertStatus.ACKNOWLEDGED:
        return f"was acknowledged by {alert.acknowledged_by} already: it can be resolved"
    return (
        f"was resolved by {alert.resolved_by} already: nothing more can be done, and new evidence "
        "reopens it"
    )
