"""Deliveries: one row for each event and subscription, what became of it, and the log of attempts.

Which one is sent next is in `models.dispatch`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import (
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    func,
    insert,
)
from sqlalchemy import delete as delete_rows
from sqlalchemy import update as update_rows
from sqlalchemy.orm import aliased
from sqlmodel import Field, Session, SQLModel, col, select

from models.call import NEVER_REUSE_IDS
from models.columns import Moment, now
from models.db import take_lock

KEPT_DAYS = 30
KEPT_ATTEMPTS = 50
# Any number that no other lock of ours has.
DELIVERIES_LOCK = 0x0E27_0702


class Standing(StrEnum):
    """Where a delivery stands. Parked is one that is not tried any more until it is replayed."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    PARKED = "parked"


class Delivery(SQLModel, table=True):
    """`tried_s` is how long it has been tried for: its attempts and the waits between them, counted
    rather than read off a clock. `updated_at` is the last change, by the clock that `next_at` is
    meant by.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("subscription_id", "event_id"),
        Index("delivery_by_standing", "subscription_id", "status", "event_id"),
        NEVER_REUSE_IDS,
    )

    id: int | None = Field(default=None, primary_key=True)
    subscription_id: int = Field(
        sa_column=Column(Integer, ForeignKey("subscription.id", ondelete="CASCADE"), nullable=False)
    )
    event_id: int = Field(
        sa_column=Column(
            Integer, ForeignKey("alert_event.id", ondelete="CASCADE"), nullable=False, index=True
        )
    )
    status: str = Field(default=Standing.WAITING, sa_column=Column(String(10), nullable=False))
    attempts: int = 0
    tried_s: float = 0.0
    next_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    last_status: int | None = None
    last_error: str | None = Field(default=None, sa_column=Column(Text))
    created_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    updated_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    delivered_at: datetime | None = Field(default=None, sa_column=Column(Moment))


class DeliveryAttempt(SQLModel, table=True):
    """One attempt: the status that came back, or the error, and how many milliseconds it took."""

    __tablename__ = "delivery_attempt"
    __table_args__ = (NEVER_REUSE_IDS,)

    id: int | None = Field(default=None, primary_key=True)
    delivery_id: int = Field(
        sa_column=Column(
            Integer, ForeignKey("delivery.id", ondelete="CASCADE"), nullable=False, index=True
        )
    )
    at: datetime = Field(sa_column=Column(Moment, nullable=False, index=True))
    status: int | None = None
    error: str | None = Field(default=None, sa_column=Column(Text))
    ms: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt: the receiver's status where one came, the error in words unless it
    was delivered, milliseconds, and the beginning of the answer, which is never stored. `asked_s`
    is how long the receiver asks to be left alone.
    """

    status: int | None
    error: str | None
    ms: int
    excerpt: str = ""
    asked_s: float | None = None

    @property
    def delivered(self) -> bool:
        return self.error is None

    @property
    def gone(self) -> bool:
        """Whether the receiver says that nothing shall ever be sent there again."""
        return self.status == 410


@dataclass(frozen=True, slots=True)
class Counts:
    """How many deliveries of a subscription wait and are parked."""

    waiting: int = 0
    parked: int = 0


def lock_deliveries(session: Session, *, alone: bool = False) -> None:
    """Until this session ends its transaction, nobody who is `alone` changes deliveries, or nobody
    else at all where this one is. Whoever changes them takes this before any row that has to do
    with them.

    What deletes calls is alone: it takes events and deliveries away in an order of its own, which
    would meet the rows of a dispatcher in a circle, or take away an event that one has just read.
    Of SQLite's writers there is but one anyway.
    """
    take_lock(session, DELIVERIES_LOCK, shared=not alone)


def deliveries_of(
    session: Session,
    subscription_id: int | None,
    *,
    status: Standing | None = None,
    before: int | None = None,
    limit: int,
) -> list[Delivery]:
    """Deliveries of a subscription, newest first, with ids below `before`."""
    wanted = select(Delivery).where(Delivery.subscription_id == subscription_id)
    if status is not None:
        wanted = wanted.where(Delivery.status == status)
    if before is not None:
        wanted = wanted.where(col(Delivery.id) < before)
    return list(session.exec(wanted.order_by(col(Delivery.id).desc()).limit(limit)))


def attempts_of(
    session: Session, deliveries: Sequence[Delivery]
) -> dict[int, list[DeliveryAttempt]]:
    """The log of each of these deliveries by its id, oldest first."""
    ids = [delivery.id for delivery in deliveries]
    found: dict[int, list[DeliveryAttempt]] = {}
    wanted = select(DeliveryAttempt).where(col(DeliveryAttempt.delivery_id).in_(ids))
    for attempt in session.exec(wanted.order_by(col(DeliveryAttempt.id))):
        found.setdefault(attempt.delivery_id, []).append(attempt)
    return found


def count_deliveries(session: Session) -> dict[int, Counts]:
    """What waits and what is parked, by the subscription's id; one with neither is left out."""
    by_standing = (
        select(Delivery.subscription_id, Delivery.status, func.count())
        .where(col(Delivery.status).in_([Standing.WAITING, Standing.PARKED]))
        .group_by(col(Delivery.subscription_id), col(Delivery.status))
    )
    found: dict[int, dict[str, int]] = {}
    for subscription_id, status, count in session.exec(by_standing):
        found.setdefault(subscription_id, {})[status] = count
    return {number: Counts(**counts) for number, counts in found.items()}


def why_waiting(session: Session, subscription_id: int | None) -> str | None:
    """What was said of the last attempt at the delivery that is next, if it was tried at all."""
    wanted = select(Delivery.last_error).where(
        Delivery.subscription_id == subscription_id, Delivery.status == Standing.WAITING
    )
    return session.exec(wanted.order_by(col(Delivery.event_id)).limit(1)).first()


def find_delivery(session: Session, subscription_id: int | None, number: int) -> Delivery | None:
    """One delivery of a subscription, locked until the session ends, or None."""
    lock_deliveries(session)
    wanted = select(Delivery).where(
        Delivery.id == number, Delivery.subscription_id == subscription_id
    )
    return session.exec(wanted.with_for_update()).first()


def replay(session: Session, subscription_id: int | None, number: int | None = None) -> int:
    """Have a parked delivery, or all of them, tried anew for a day; returns how many. Nothing
    commits.
    """
    lock_deliveries(session)
    wanted = _standing(subscription_id, Standing.PARKED)
    if number is not None:
        wanted = (*wanted, col(Delivery.id) == number)
    moment = now()
    anew = {"status": Standing.WAITING, "attempts": 0, "tried_s": 0.0}
    changed = session.execute(
        update_rows(Delivery)
        .where(*wanted)
        .values(**anew, next_at=moment, updated_at=moment)
        .returning(col(Delivery.id))
    )
    return len(changed.all())


def try_now(session: Session, subscription_id: int | None) -> None:
    """Have what waits tried at once, since the address may have changed. Nothing commits."""
    lock_deliveries(session)
    moment = now()
    session.execute(
        update_rows(Delivery)
        .where(*_standing(subscription_id, Standing.WAITING), col(Delivery.attempts) > 0)
        .values(next_at=moment, updated_at=moment)
    )


def log_attempt(
    session: Session, numbers: Sequence[int], outcome: Outcome, moment: datetime
) -> None:
    """Write an attempt into the log of these deliveries and keep the last 50 of each. Nothing
    commits.
    """
    if not numbers:  # an INSERT of no rows would be one of a row of defaults
        return
    row = {"at": moment, "status": outcome.status, "error": outcome.error, "ms": outcome.ms}
    session.execute(insert(DeliveryAttempt), [{"delivery_id": number, **row} for number in numbers])
    later = aliased(DeliveryAttempt)
    rank = (
        select(func.count())
        .where(
            later.delivery_id == col(DeliveryAttempt.delivery_id),
            col(later.id) >= col(DeliveryAttempt.id),
        )
        .correlate(DeliveryAttempt)
        .scalar_subquery()
    )
    session.execute(
        delete_rows(DeliveryAttempt)
        .where(col(DeliveryAttempt.delivery_id).in_(numbers), rank > KEPT_ATTEMPTS)
        .execution_options(synchronize_session=False)
    )


def prune(session: Session, moment: datetime) -> None:
    """Drop the log, and what was delivered, of more than 30 days ago. Nothing commits."""
    lock_deliveries(session)
    before = moment - timedelta(days=KEPT_DAYS)
    session.execute(delete_rows(DeliveryAttempt).where(col(DeliveryAttempt.at) < before))
    session.execute(
        delete_rows(Delivery).where(
            col(Delivery.status) == Standing.DELIVERED, col(Delivery.delivered_at) < before
        )
    )


def _standing(subscription_id: int | None, status: Standing) -> tuple[ColumnElement[bool], ...]:
    return (col(Delivery.subscription_id) == subscription_id, col(Delivery.status) == status)
