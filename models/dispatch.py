"""What is sent next; one dispatcher at a time holds a subscription.

Any number of dispatchers may ask, and events become deliveries (`models.fan_out`) as they do. Each
subscription is held by a lease, so its deliveries go out one after the other; a lease runs out by
itself where its holder died. Deliveries may go with their calls at any time between two steps, and
at none within one (`models.delivery.lock_deliveries`). Moments come from one clock
(`models.db.database_clock`); one that lies where no clock can have put it says that the clock was
moved, and is not believed.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_
from sqlalchemy import update as update_rows
from sqlmodel import Session, col, select

from models.alert_event import AlertEvent, last_event_id
from models.delivery import Delivery, Outcome, Standing, lock_deliveries, log_attempt
from models.fan_out import NO_HISTORY, expand
from models.subscription import Subscription

logger = logging.getLogger(__name__)

AGAIN_S = 5.0
# An attempt by HTTP takes 10 s at most; what takes longer renews its lease.
LEASE_S = 15
GIVE_UP_S = 24 * 3600
DIGEST_EVENTS = 200
Clock = Callable[[Session], datetime]


@dataclass(frozen=True, slots=True)
class Claim:
    """A subscription held under `lease`, and what is to be sent to it now, oldest first: one
    delivery, or those of a digest.
    """

    subscription: Subscription
    lease: str
    deliveries: tuple[Delivery, ...]
    events: tuple[AlertEvent, ...]


def anything_to_do(session: Session, moment: datetime, busy: Collection[int] = ()) -> bool:
    """Whether `claim` would find something. Only reads."""
    wanted = select(Subscription.id).where(*_has_work(session, moment, busy)).limit(1)
    return session.exec(wanted).first() is not None


def claim(
    session: Session,
    moment: datetime,
    busy: Collection[int] = (),
    *,
    history: timedelta = NO_HISTORY,
) -> list[Claim]:
    """Take a lease on every subscription that has something to send, and commit.

    Those in `busy` are left out, whatever their lease says. What is found in calls that began
    longer ago than `history` is sent to nobody.
    """
    lock_deliveries(session)
    free = select(Subscription).where(*_has_work(session, moment, busy))
    free = free.order_by(col(Subscription.id)).with_for_update(skip_locked=True, of=Subscription)
    held = list(session.exec(free.execution_options(populate_existing=True)))
    expand(session, held, moment, history)
    claims = _take(session, held, moment)
    session.commit()
    return claims


def note(
    session: Session,
    held: Claim,
    outcome: Outcome,
    *,
    moment: datetime,
    retry_in_s: float | None,
    is_last: bool = False,
    history: timedelta = NO_HISTORY,
) -> Claim | None:
    """Write down what came of a claim, take what the subscription has next, and commit; None where
    nothing is due, or this is to be the last, and the lease is given back.

    After a failure the same is due again in `retry_in_s` seconds, or parked where that is None.
    Whoever has lost the lease meanwhile changes nothing but the log, unless it was delivered.
    """
    lock_deliveries(session)
    row = _locked(session, held.subscription.id)
    numbers = [delivery.id for delivery in held.deliveries if delivery.id is not None]
    # An address that was changed meanwhile has not been tried: what the one before answered puts
    # nothing off there, and ends nothing.
    is_elsewhere = row is not None and row.url != held.subscription.url
    if is_elsewhere and not outcome.delivered:
        retry_in_s = 0.0
    there = select(Delivery).where(col(Delivery.id).in_(numbers)).order_by(col(Delivery.event_id))
    deliveries = list(session.exec(there.execution_options(populate_existing=True)))
    if row is None:  # deleted while it was being sent
        session.commit()
        return None
    log_attempt(session, [one.id for one in deliveries if one.id is not None], outcome, moment)
    still_ours = row.lease == held.lease
    if still_ours or outcome.delivered:
        for at, delivery in enumerate(deliveries):
            if delivery.status == Standing.WAITING:
                # What goes along in a digest may have come a minute ago: only its head was tried
                # for as long as that.
                again_s = AGAIN_S if at and retry_in_s is None else retry_in_s
                _settle(delivery, outcome, moment, again_s, gone=outcome.gone and not is_elsewhere)
                session.add(delivery)
    if not still_ours:
        session.commit()
        return None
    row.lease = row.leased_until = None
    if outcome.gone and not is_elsewhere:
        row.enabled, row.disabled_reason = False, "the address answered 410 Gone"
        row.updated_at = moment
        logger.warning(
            "subscription %s is disabled, its address answered 410 Gone: save it to enable it",
            row.name,
        )
    elif not outcome.delivered and retry_in_s is None:
        _park_behind(session, row, moment)
    session.add(row)
    session.flush()
    claims: list[Claim] = []
    if row.enabled and not is_last:
        expand(session, [row], moment, history)
        claims = _take(session, [row], moment)
    session.commit()
    return claims[0] if claims else None


def renew(session: Session, held: Claim, moment: datetime) -> None:
    """Hold a claim for longer, and commit; nothing where others hold the subscription by now."""
    _change_lease(session, held, lease=held.lease, until=moment + timedelta(seconds=LEASE_S))


def give_back(session: Session, held: Claim) -> None:
    """Let others have a claim of which nothing came, and commit."""
    _change_lease(session, held, lease=None, until=None)


def _change_lease(
    session: Session, held: Claim, *, lease: str | None, until: datetime | None
) -> None:
    session.execute(
        update_rows(Subscription)
        .where(col(Subscription.id) == held.subscription.id, col(Subscription.lease) == held.lease)
        .values(lease=lease, leased_until=until)
        .execution_options(synchronize_session=False)
    )
    session.commit()


def _settle(
    delivery: Delivery,
    outcome: Outcome,
    moment: datetime,
    retry_in_s: float | None,
    *,
    gone: bool,
) -> None:
    """What one attempt makes of a delivery."""
    delivery.attempts += 1
    delivery.last_status, delivery.last_error = outcome.status, outcome.error
    delivery.tried_s += outcome.ms / 1000 + (retry_in_s or 0.0)
    delivery.updated_at = moment
    if outcome.delivered:
        delivery.status, delivery.delivered_at = Standing.DELIVERED, moment
    elif gone or retry_in_s is None:
        delivery.status = Standing.PARKED
    else:
        delivery.next_at = moment + timedelta(seconds=retry_in_s)


def _park_behind(session: Session, row: Subscription, moment: datetime) -> None:
    """Park what has stood for a day behind a delivery that failed for a day: it would have failed
    like it, and new events shall not wait for that.
    """
    session.execute(
        update_rows(Delivery)
        .where(
            col(Delivery.subscription_id) == row.id,
            col(Delivery.status) == Standing.WAITING,
            col(Delivery.created_at) <= moment - timedelta(seconds=GIVE_UP_S),
        )
        .values(
            status=Standing.PARKED,
            updated_at=moment,
            last_error="waited for a day behind one that could not be delivered",
        )
        .execution_options(synchronize_session=False)
    )


def _has_work(
    session: Session, moment: datetime, busy: Collection[int]
) -> tuple[ColumnElement[bool], ...]:
    """Subscriptions that nobody holds, with events not looked at or a delivery that is due."""
    lease_ends = col(Subscription.leased_until)
    head = (
        select(func.min(Delivery.event_id))
        .where(
            Delivery.subscription_id == col(Subscription.id), Delivery.status == Standing.WAITING
        )
        .correlate(Subscription)
        .scalar_subquery()
    )
    due = (
        select(Delivery.id)
        .where(
            Delivery.subscription_id == col(Subscription.id),
            Delivery.event_id == head,
            _is_due(moment),
        )
        .correlate(Subscription)
        .exists()
    )
    return (
        col(Subscription.enabled).is_(True),
        col(Subscription.id).not_in(list(busy)),
        # A lease beyond its longest was given before the clock was put back.
        or_(
            lease_ends.is_(None),
            lease_ends <= moment,
            lease_ends > moment + timedelta(seconds=LEASE_S),
        ),
        or_(col(Subscription.cursor) < last_event_id(session), due),
    )


def _is_due(moment: datetime) -> ColumnElement[bool]:
    # What was last changed in the future was so before the clock was put back: its `next_at` may be
    # far away, and the attempt that this allows gives it a new one.
    return or_(col(Delivery.next_at) <= moment, col(Delivery.updated_at) > moment)


def _take(session: Session, held: Sequence[Subscription], moment: datetime) -> list[Claim]:
    """Lease each of these that has something due."""
    claims: list[Claim] = []
    for row in held:
        deliveries = _due(session, row, moment)
        if not deliveries:
            continue
        row.lease = secrets.token_hex(16)
        row.leased_until = moment + timedelta(seconds=LEASE_S)
        session.add(row)
        numbers = [delivery.event_id for delivery in deliveries]
        wanted = select(AlertEvent).where(col(AlertEvent.id).in_(numbers))
        events = tuple(session.exec(wanted.order_by(col(AlertEvent.id))))
        claims.append(Claim(row, row.lease, tuple(deliveries), events))
    session.flush()
    return claims


def _due(session: Session, row: Subscription, moment: datetime) -> list[Delivery]:
    """The oldest delivery that waits, where it is due; of a digest, those that go with it."""
    waiting = (
        select(Delivery)
        .where(Delivery.subscription_id == row.id, Delivery.status == Standing.WAITING)
        .order_by(col(Delivery.event_id))
        .limit(DIGEST_EVENTS if row.kind == "email" else 1)
    )
    found = list(session.exec(waiting.execution_options(populate_existing=True)))
    if not found:
        return []
    head = found[0]
    return found if head.next_at <= moment or head.updated_at > moment else []


def _locked(session: Session, number: int | None) -> Subscription | None:
    wanted = select(Subscription).where(Subscription.id == number).with_for_update()
    return session.exec(wanted.execution_options(populate_existing=True)).first()
