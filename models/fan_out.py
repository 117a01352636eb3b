"""Events become deliveries: one for each subscription that wants it, or that it is escalated to."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from models.alert_event import AlertEvent, EventFilters, events_after, last_event_id
from models.delivery import Delivery
from models.subscription import Subscription

logger = logging.getLogger(__name__)

EVENTS_AT_ONCE = 500
NO_HISTORY = timedelta.max


def expand(
    session: Session, held: Sequence[Subscription], moment: datetime, history: timedelta
) -> None:
    """Make deliveries of the next events after the cursor of each; none is made twice, and none of
    what was found in a call that began longer ago than `history`. Nothing commits.
    """
    last = last_event_id(session)
    escalating = _escalations(session)
    read: dict[int, list[AlertEvent]] = {}
    left_out: set[int | None] = set()
    for row in held:
        after = row.cursor
        if after >= last:
            continue
        if after not in read:
            read[after] = events_after(session, after, limit=EVENTS_AT_ONCE, filters=EventFilters())
        wait_s = row.digest_minutes * 60 if row.kind == "email" else 0
        due_at = moment + timedelta(seconds=wait_s)
        for event in read[after]:
            if not _is_wanted(event, row.wants, escalating.get(row.name, ())):
                continue
            if event.is_history(history):
                left_out.add(event.id)
            else:
                session.add(_waiting(row, event, moment, due_at))
        if read[after]:
            row.cursor = read[after][-1].id or after
            session.add(row)
    session.flush()
    if left_out:
        logger.info(
            "%d events of calls that began more than OVERTONE_ALERT_DAYS (%d) days ago are sent to "
            "nobody",
            len(left_out),
            history.days,
        )


def _waiting(row: Subscription, event: AlertEvent, moment: datetime, due_at: datetime) -> Delivery:
    assert row.id is not None
    assert event.id is not None
    return Delivery(
        subscription_id=row.id,
        event_id=event.id,
        next_at=due_at,
        created_at=moment,
        updated_at=moment,
    )


def _escalations(session: Session) -> dict[str, list[EventFilters]]:
    """What is escalated, by the name of the subscription that it is escalated to."""
    found: dict[str, list[EventFilters]] = {}
    for row in session.exec(
        select(Subscription).where(col(Subscription.escalates_to).is_not(None))
    ):
        overdue = replace(row.wants, kinds=("overdue",))
        found.setdefault(row.escalates_to or "", []).append(overdue)
    return found


def _is_wanted(event: AlertEvent, wants: EventFilters, escalated: Iterable[EventFilters]) -> bool:
    return any(filters.matches(event) for filters in (wants, *escalated))
