"""Subscriptions: who is told of alerts, where, and of which ones.

Knows nothing of how a message is made or sent. Secrets must be there to sign with, so they are
stored as they are: whoever reads the database can sign.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from sqlalchemy import Column, String, Text, func
from sqlmodel import Field, Session, SQLModel, col, select

from models.alert_event import EventFilters, last_event_id
from models.call import NEVER_REUSE_IDS
from models.columns import Json, Moment, now
from models.db import take_lock
from models.delivery import lock_deliveries
from models.query import BadQuery

Kind = Literal["webhook", "chat", "email"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MAX_NAME_CHARS = 100
# One request is under way for each at most, so this also bounds the connections that are open.
MOST_SUBSCRIPTIONS = 200
# Any number that no other lock of ours has.
SAVING_LOCK = 0x0E27_0701
# https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
SECRET_MARK = "whsec_"
SECRET_BYTES = 32
HOLD_S = 24 * 3600
DIGEST_MINUTES = 15


class Subscription(SQLModel, table=True):
    """`filters` are those of `EventFilters`, as lists. `cursor` is the last event that became a
    delivery or was not wanted. `lease` names the dispatcher's turn that holds it, until
    `leased_until`. `escalates_to` is the subscription that is told when an alert which this one
    wants is overdue.
    """

    __tablename__ = "subscription"
    __table_args__ = (NEVER_REUSE_IDS,)

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(sa_column=Column(String(MAX_NAME_CHARS), unique=True, nullable=False))
    kind: str = Field(sa_column=Column(String(10), nullable=False))
    url: str | None = Field(default=None, sa_column=Column(Text))
    addresses: list[str] = Field(default_factory=list, sa_column=Column(Json, nullable=False))
    filters: dict[str, list[str]] = Field(
        default_factory=dict, sa_column=Column(Json, nullable=False)
    )
    template: str | None = Field(default=None, sa_column=Column(Text))
    # `repr` is off for what must not stand in a log.
    authorization: str | None = Field(default=None, sa_column=Column(Text), repr=False)
    secret: str | None = Field(default=None, sa_column=Column(String(100)), repr=False)
    previous_secret: str | None = Field(default=None, sa_column=Column(String(100)), repr=False)
    previous_secret_until: datetime | None = Field(default=None, sa_column=Column(Moment))
    digest_minutes: int = DIGEST_MINUTES
    enabled: bool = True
    disabled_reason: str | None = Field(default=None, sa_column=Column(Text))
    escalates_to: str | None = Field(default=None, sa_column=Column(String(MAX_NAME_CHARS)))
    cursor: int = 0
    lease: str | None = Field(default=None, sa_column=Column(String(32)))
    leased_until: datetime | None = Field(default=None, sa_column=Column(Moment))
    created_at: datetime = Field(default_factory=now, sa_column=Column(Moment, nullable=False))
    updated_at: datetime = Field(default_factory=now, sa_column=Column(Moment, nullable=False))

    @property
    def wants(self) -> EventFilters:
        """Its filters; what is not named is not asked."""
        return filters_of(self.filters)

    def secrets_at(self, moment: datetime) -> tuple[str, ...]:
        """The secrets to sign with: while a new one is being rolled out, the old one too."""
        until = self.previous_secret_until
        old_holds = until is not None and moment < until
        found = (self.secret, self.previous_secret if old_holds else None)
        return tuple(secret for secret in found if secret is not None)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks of a subscription; that its parts fit each other is for the caller to see
    to. `keeps_authorization` stands for the `authorization` that is stored.
    """

    kind: Kind
    url: str | None = None
    addresses: tuple[str, ...] = ()
    filters: Mapping[str, list[str]] = field(default_factory=dict)
    template: str | None = None
    authorization: str | None = field(default=None, repr=False)
    keeps_authorization: bool = False
    digest_minutes: int = DIGEST_MINUTES
    enabled: bool = True
    escalates_to: str | None = None


class SubscriptionConflict(Exception):
    """What is asked does not fit what is there; the text says what to do."""


def filters_of(filters: Mapping[str, list[str]]) -> EventFilters:
    """Stored filters as they are used."""
    return EventFilters(**{name: tuple(values) for name, values in filters.items() if values})


def list_subscriptions(session: Session) -> list[Subscription]:
    """All of them, by name."""
    return list(session.exec(select(Subscription).order_by(col(Subscription.name))))


def find_subscription(session: Session, name: str) -> Subscription | None:
    """The subscription of that name, or None."""
    return session.exec(select(Subscription).where(Subscription.name == name)).first()


def save_subscription(session: Session, name: str, wanted: Wanted) -> tuple[Subscription, bool]:
    """Make a subscription, or change the one of that name; returns it and whether it is new.
    Nothing commits.

    A new one is told of what happens from now on, and one for webhooks has a secret. One that was
    disabled goes on where it stopped. Raises `SubscriptionConflict` for another kind than before
    or one too many, `BadQuery` where `escalates_to` names nobody or no authorization can be kept.
    """
    # Two at once would each count 199. A lock on the table would be in the way of dispatchers, who
    # hold rows of it.
    take_lock(session, SAVING_LOCK)
    lock_deliveries(session)  # what waits is often tried at once after this
    _check_escalation(session, name, wanted.escalates_to)
    row = find_subscription(session, name)
    is_new = row is None
    if row is None:
        if session.exec(select(func.count()).select_from(Subscription)).one() >= MOST_SUBSCRIPTIONS:
            raise SubscriptionConflict(
                f"there are {MOST_SUBSCRIPTIONS} subscriptions, which is the most: delete one first"
            )
        row = Subscription(name=name, kind=wanted.kind, cursor=last_event_id(session))
        row.secret = new_secret() if wanted.kind == "webhook" else None
    elif row.kind != wanted.kind:
        raise SubscriptionConflict(
            f"{name} is of kind {row.kind}: delete it first, or take another name"
        )
    row.authorization = _authorization(row, wanted)
    row.url = wanted.url
    row.addresses = list(wanted.addresses)
    row.filters = {name: list(values) for name, values in wanted.filters.items()}
    row.template = wanted.template
    row.digest_minutes = wanted.digest_minutes
    row.enabled = wanted.enabled
    row.disabled_reason = None if wanted.enabled else row.disabled_reason
    row.escalates_to = wanted.escalates_to
    row.updated_at = now()
    session.add(row)
    session.flush()
    return row, is_new


def rotate_secret(session: Session, row: Subscription, hold_s: float = HOLD_S) -> str:
    """Give a webhook a new secret, shown this once; the one before goes on signing beside it for
    `hold_s` seconds. Nothing commits. Raises `SubscriptionConflict` for other kinds.
    """
    if row.secret is None:
        raise SubscriptionConflict(f"{row.name} is of kind {row.kind}, which is not signed")
    row.previous_secret = row.secret if hold_s else None
    row.previous_secret_until = now() + timedelta(seconds=hold_s) if hold_s else None
    row.secret = new_secret()
    row.updated_at = now()
    session.add(row)
    session.flush()
    return row.secret


def forget_subscription(session: Session, name: str) -> bool:
    """Remove a subscription with its deliveries; False where there is none. Nothing commits.

    Raises `SubscriptionConflict` while another one escalates to it.
    """
    lock_deliveries(session)
    row = find_subscription(session, name)
    if row is None:
        return False
    others = select(Subscription.name).where(Subscription.escalates_to == name)
    for other in session.exec(others.order_by(col(Subscription.name))):
        raise SubscriptionConflict(f"{other} escalates to {name}: change that first")
    session.delete(row)
    session.flush()
    return True


def new_secret() -> str:
    """A secret as the Standard Webhooks specification writes it."""
    return SECRET_MARK + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _authorization(row: Subscription, wanted: Wanted) -> str | None:
    """What `row`, which is not changed yet, shall send from now on."""
    if not wanted.keeps_authorization:
        return wanted.authorization
    if row.authorization is None:
        raise BadQuery("authorization", "none is stored that could be kept: give it")
    if row.url != wanted.url:
        raise BadQuery("authorization", "the one that is stored is for another url: give it anew")
    return row.authorization


def _check_escalation(session: Session, name: str, other: str | None) -> None:
    if other is None:
        return
    if other == name:
        raise BadQuery("escalates_to", "a subscription cannot escalate to itself")
    if find_subscription(session, other) is None:
        raise BadQuery("escalates_to", "there is no subscription of this name")


def as_dict(row: Subscription) -> dict[str, Any]:
    """What may be shown of it: everything but secrets."""
    hidden = {"authorization", "secret", "previous_secret", "lease", "leased_until"}
    return row.model_dump(exclude=hidden)
