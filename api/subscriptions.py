"""Routes of subscriptions: who is told of alerts, a test of it, and what was delivered."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from api.deps import AdminDep, ReadingDep, WritingDep, needs
from api.errors import documented
from api.subscription_shapes import (
    DeliveriesView,
    DeliveryView,
    NewSecret,
    Replayed,
    Rotation,
    SavedSubscription,
    SubscriptionsView,
    SubscriptionToSave,
    SubscriptionView,
    TestView,
)
from api.view import check_name
from models.delivery import (
    Counts,
    Standing,
    attempts_of,
    count_deliveries,
    deliveries_of,
    find_delivery,
    replay,
    try_now,
)
from models.query import BadQuery
from models.subscription import (
    MAX_NAME_CHARS,
    Subscription,
    SubscriptionConflict,
    Wanted,
    find_subscription,
    forget_subscription,
    list_subscriptions,
    rotate_secret,
    save_subscription,
)
from workers.sending.addresses import AddressRefused
from workers.sending.courier import NO_MAIL, Courier
from workers.sending.template import TemplateUnusable, check_template

router = APIRouter(prefix="/subscriptions", tags=["subscriptions"])


def _courier(request: Request) -> Courier:
    courier: Courier = request.app.state.courier
    return courier


CourierDep = Annotated[Courier, Depends(_courier)]
CanAdminister = Depends(needs("admin"))
SubscriptionName = Annotated[
    str,
    Path(
        min_length=1,
        max_length=MAX_NAME_CHARS,
        pattern=r"^[^\x00-\x1f\x7f/]+$",
        examples=["wallboard"],
    ),
]
DeliveryId = Annotated[int, Path(ge=1, le=2**31 - 1, examples=[77])]


class DeliveryFilter(BaseModel):
    """Which deliveries are listed; anything else is refused."""

    model_config = ConfigDict(extra="forbid")

    status: Standing | None = Field(None, examples=["parked"])
    cursor: int | None = Field(
        None, ge=1, le=2**31 - 1, examples=[77], description="`next_cursor` of the answer before."
    )
    limit: int = Field(50, ge=1, le=100, examples=[50])


@router.get("", dependencies=[CanAdminister], responses=documented(401, 403))
def get_subscriptions(session: ReadingDep) -> SubscriptionsView:
    """All subscriptions, by name, and how their deliveries stand."""
    counts = count_deliveries(session)
    rows = list_subscriptions(session)
    return SubscriptionsView(
        items=[SubscriptionView.of(row, counts.get(row.id or 0)) for row in rows]
    )


@router.get(
    "/{subscription}", dependencies=[CanAdminister], responses=documented(401, 403, 404, 422)
)
def get_subscription(session: ReadingDep, subscription: SubscriptionName) -> SubscriptionView:
    """One subscription, without its secrets."""
    row = _found(session, subscription)
    return SubscriptionView.of(row, _counts(session, row))


@router.put("/{subscription}", responses=documented(401, 403, 409, 422))
def put_subscription(
    session: WritingDep,
    _key: AdminDep,
    courier: CourierDep,
    response: Response,
    subscription: SubscriptionName,
    body: SubscriptionToSave,
) -> SavedSubscription:
    """Make a subscription, or change the one of this name; 201 and its secret for a new one.

    A new one is told of what happens from now on. What waits for one that is changed is tried at
    once.
    """
    check_name(body.name, subscription)
    wanted = body.wanted()
    check_wanted(wanted, courier)
    row, is_new = save_subscription(session, subscription, wanted)
    try_now(session, row.id)
    counts = _counts(session, row)
    session.commit()
    response.status_code = 201 if is_new else 200
    return SavedSubscription.with_secret(row, counts, row.secret if is_new else None)


@router.delete("/{subscription}", status_code=204, responses=documented(401, 403, 404, 409, 422))
def delete_subscription(
    session: WritingDep, _key: AdminDep, subscription: SubscriptionName
) -> None:
    """Delete a subscription with its deliveries."""
    if not forget_subscription(session, subscription):
        raise _unknown()
    session.commit()


@router.post("/{subscription}/rotate", responses=documented(401, 403, 404, 409, 422))
def rotate(
    session: WritingDep,
    _key: AdminDep,
    subscription: SubscriptionName,
    wanted: Rotation | None = None,
) -> NewSecret:
    """Give a webhook a new secret. The one of before signs as well for a day, so that the receiver
    can change over.
    """
    row = _found(session, subscription)
    secret = rotate_secret(session, row, (wanted or Rotation()).hold_hours * 3600)
    session.commit()
    return NewSecret(secret=secret, previous_secret_until=row.previous_secret_until)


@router.post("/{subscription}/test", responses=documented(401, 403, 404, 422))
def test(
    session: ReadingDep, _key: AdminDep, courier: CourierDep, subscription: SubscriptionName
) -> TestView:
    """Send an event of type `alert.test` now, signed like others, and answer what came back."""
    row = _found(session, subscription)
    session.expunge(row)
    session.close()  # nobody's answer is waited for with the database held
    return TestView.of(asyncio.run(courier.send_test(row)))


@router.get(
    "/{subscription}/deliveries",
    dependencies=[CanAdminister],
    responses=documented(401, 403, 404, 422),
)
def get_deliveries(
    session: ReadingDep,
    subscription: SubscriptionName,
    wanted: Annotated[DeliveryFilter, Query()],
) -> DeliveriesView:
    """What was delivered, waits, or is parked, newest first, with the log of each."""
    row = _found(session, subscription)
    found = deliveries_of(
        session, row.id, status=wanted.status, before=wanted.cursor, limit=wanted.limit + 1
    )
    page = found[: wanted.limit]
    logs = attempts_of(session, page)
    return DeliveriesView(
        items=[DeliveryView.of(delivery, logs.get(delivery.id or 0, [])) for delivery in page],
        next_cursor=page[-1].id if len(found) > len(page) else None,
    )


@router.post("/{subscription}/deliveries/replay", responses=documented(401, 403, 404, 422))
def replay_all(session: WritingDep, _key: AdminDep, subscription: SubscriptionName) -> Replayed:
    """Try all parked deliveries anew, oldest first, before those that wait."""
    count = replay(session, _found(session, subscription).id)
    session.commit()
    return Replayed(replayed=count)


@router.post(
    "/{subscription}/deliveries/{delivery_id}/replay",
    responses=documented(401, 403, 404, 409, 422),
)
def replay_one(
    session: WritingDep, _key: AdminDep, subscription: SubscriptionName, delivery_id: DeliveryId
) -> DeliveryView:
    """Try one parked delivery anew."""
    row = _found(session, subscription)
    delivery = find_delivery(session, row.id, delivery_id)
    if delivery is None:
        raise HTTPException(404, f"{subscription} has no delivery {delivery_id}")
    if not replay(session, row.id, delivery_id):
        raise SubscriptionConflict(
            f"delivery {delivery_id} is {delivery.status}: only a parked one is replayed"
        )
    session.refresh(delivery)
    logs = attempts_of(session, [delivery])
    session.commit()
    return DeliveryView.of(delivery, logs.get(delivery_id, []))


def check_wanted(wanted: Wanted, courier: Courier) -> None:
    """Raises `BadQuery` for an address that nothing would be sent to, a template that cannot be
    filled in, and e-mail without a mail server.
    """
    if wanted.kind == "email" and courier.mailer is None:
        raise BadQuery("kind", NO_MAIL)
    try:
        if wanted.template is not None:
            check_template(wanted.template)
        if wanted.url is not None:
            asyncio.run(courier.poster.check(wanted.url))
    except TemplateUnusable as error:
        raise BadQuery("template", str(error)) from error
    except AddressRefused as error:
        raise BadQuery("url", str(error)) from error


def _found(session: Session, name: str) -> Subscription:
    row = find_subscription(session, name)
    if row is None:
        raise _unknown()
    return row


def _unknown() -> HTTPException:
    return HTTPException(
        404, "there is no subscription of this name: GET /subscriptions lists them"
    )


def _counts(session: Session, row: Subscription) -> Counts | None:
    return count_deliveries(session).get(row.id or 0)
