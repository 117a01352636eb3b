"""The dispatcher, over both databases and to real receivers: in order, at least once, and one that
fails holds up nobody else.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from threading import Event
from time import sleep
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, select
from standardwebhooks.webhooks import Webhook

from models.alert_event import AlertEvent
from models.columns import now
from models.db import reading, writing
from models.deletion import Order, Why, delete_calls
from models.delivery import Delivery, DeliveryAttempt, Outcome, Standing, prune, replay
from models.dispatch import LEASE_S, Claim, claim
from models.stores import Stores
from models.subscription import (
    Subscription,
    Wanted,
    find_subscription,
    forget_subscription,
    rotate_secret,
    save_subscription,
)
from tests.alert_events import write_event, write_events
from tests.receivers import Handler, Receiver, answer, receiving
from workers.dispatcher import Dispatcher
from workers.sending.addresses import Reach
from workers.sending.courier import Courier
from workers.sending.mail import Mailer
from workers.sending.post import Poster
from workers.sending.told import Told
from workers.wake import Wake

Open = Callable[[], Receiver]
LOCAL = Reach.of(("127.0.0.1",))


class TestClock:
    """A clock that is moved by hand."""

    __test__ = False

    def __init__(self) -> None:
        self.moment = now()

    def __call__(self, _session: Session) -> datetime:
        return self.moment

    def move(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


class Whole(Random):
    """Chance that always waits as long as it may."""

    def uniform(self, _low: float, high: float) -> float:
        return high


@pytest.fixture
def open_receiver() -> Iterator[Open]:
    with ExitStack() as stack:

        def open_one() -> Receiver:
            one: AbstractContextManager[Receiver] = receiving()
            return stack.enter_context(one)

        yield open_one


@pytest.fixture
def receiver(open_receiver: Open) -> Receiver:
    return open_receiver()


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


def subscribe(engine: Engine, name: str, url: str | None, **wanted: Any) -> Subscription:
    with writing(engine) as session:
        asked = Wanted(**({"kind": "webhook", "url": url} | wanted))
        row, _new = save_subscription(session, name, asked)
        session.commit()
        return row


def dispatcher(engine: Engine, clock: TestClock, **parts: Any) -> Dispatcher:
    timeout_s = parts.pop("timeout_s", 5.0)
    courier = parts.pop("courier", Courier(Poster(LOCAL, timeout_s=timeout_s)))
    return Dispatcher(engine, courier, clock, Whole(), **parts)


def deliver(one: Dispatcher) -> None:
    """Send all that is due."""

    async def all_of_it() -> None:
        await asyncio.gather(*await one.look())

    asyncio.run(all_of_it())


def deliveries(engine: Engine, name: str) -> list[Delivery]:
    with reading(engine) as session:
        row = find_subscription(session, name)
        assert row is not None
        wanted = select(Delivery).where(Delivery.subscription_id == row.id)
        return list(session.exec(wanted.order_by(col(Delivery.event_id))))


def standings(engine: Engine, name: str) -> list[str]:
    return [delivery.status for delivery in deliveries(engine, name)]


def subscription(engine: Engine, name: str) -> Subscription:
    with reading(engine) as session:
        row = find_subscription(session, name)
        assert row is not None
        return row


def test_what_happens_after_subscribing_is_delivered_once_signed_and_in_order(
    engine: Engine, receiver: Receiver, clock: TestClock
) -> None:
    write_event(engine)
    row = subscribe(engine, "board", receiver.url)
    numbers = write_events(engine, 5)
    one = dispatcher(engine, clock)
    for _ in range(3):
        deliver(one)
    assert receiver.ids == [f"evt_{number}" for number in numbers]
    assert row.secret is not None
    for got in receiver.got:
        said = Webhook(row.secret).verify(got.body, got.headers)
        assert said["type"] == "alert.raised"
        assert said["data"]["agent"] == "Alice"
    assert standings(engine, "board") == [Standing.DELIVERED] * 5
    with reading(engine) as session:
        log = list(session.exec(select(DeliveryAttempt)))
    assert [(attempt.status, attempt.error) for attempt in log] == [(204, None)] * 5


def test_only_what_a_subscription_wants_is_delivered(
    engine: Engine, receiver: Receiver, clock: TestClock
) -> None:
    filters = {"severities": ["critical"], "agents": ["Bob", "Carol"], "kinds": ["raised"]}
    subscribe(engine, "board", receiver.url, filters=filters)
    write_event(engine, severity="critical", agent="Alice")
    write_event(engine, severity="high", agent="Bob")
    wanted = [write_event(engine, severity="critical", agent=name) for name in ("Bob", "Carol")]
    write_event(engine, "acknowledged", severity="critical", agent="Bob")
    deliver(dispatcher(engine, clock))
    assert receiver.ids == [f"evt_{number}" for number in wanted]
    assert subscription(engine, "board").cursor == wanted[-1] + 1


def test_an_overdue_alert_is_escalated_and_nothing_else(
    engine: Engine, open_receiver: Open, clock: TestClock
) -> None:
    floor, boss = open_receiver(), open_receiver()
    subscribe(engine, "boss", boss.url, filters={"severities": ["critical"]})
    wants = {"agents": ["Alice"], "kinds": ["raised"]}
    subscribe(engine, "floor", floor.url, filters=wants, escalates_to="boss")
    raised = write_event(engine)
    late = write_event(engine, "overdue")
    write_event(engine, "overdue", agent="Bob")
    own = write_event(engine, severity="critical", agent="Bob")
    both = write_event(engine, "overdue", severity="critical")
    deliver(dispatcher(engine, clock))
    assert floor.ids == [f"evt_{raised}"]
    assert boss.ids == [f"evt_{number}" for number in (late, own, both)]


def test_what_is_found_in_calls_of_long_ago_is_sent_to_nobody(
    engine: Engine, receiver: Receiver, clock: TestClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="models.fan_out")
    subscribe(engine, "boss", receiver.url, filters={"kinds": ["reopened"]})
    subscribe(engine, "board", receiver.url, escalates_to="boss")
    old, fresh = (
        {"started_at": (now() - timedelta(days=7, minutes=minutes)).isoformat()}
        for minutes in (1, -1)
    )
    for kind in ("raised", "changed", "reopened", "no_longer"):
        write_event(engine, kind, **old)
    told = [write_event(engine, "raised", **fresh)]
    told += [write_event(engine, kind, **old) for kind in ("acknowledged", "resolved")]
    deliver(dispatcher(engine, clock, history=timedelta(days=7)))
    assert receiver.ids == [f"evt_{number}" for number in told]
    assert subscription(engine, "boss").cursor == told[-1]
    left_out = [record.message for record in caplog.records if record.name == "models.fan_out"]
    assert left_out == [
        "4 events of calls that began more than OVERTONE_ALERT_DAYS (7) days ago are sent to nobody"
    ]
    receiver.got.clear()
    number = write_event(engine, "reopened", **old)
    deliver(dispatcher(engine, clock))
    assert receiver.ids == [f"evt_{number}"] * 2


def test_a_failure_is_tried_again_with_the_same_id_and_what_comes_after_waits(
    engine: Engine, receiver: Receiver, clock: TestClock
) -> None:
    subscribe(engine, "board", receiver.url)
    first, second = write_events(engine, 2)
    one = dispatcher(engine, clock)
    receiver.behave = answer(503)
    deliver(one)
    deliver(one)
    clock.move(4.9)
    deliver(one)
    assert receiver.ids == [f"evt_{first}"]
    clock.move(0.2)
    deliver(one)
    assert receiver.ids == [f"evt_{first}"] * 2
    receiver.behave = answer(200)
    clock.move(11)
    deliver(one)
    assert receiver.ids == [*[f"evt_{first}"] * 3, f"evt_{second}"]
    head = deliveries(engine, "board")[0]
    assert (head.status, head.attempts, head.last_status) == (Standing.DELIVERED, 3, 200)
    assert len({got.body for got in receiver.got[:3]}) == 1


def test_a_receiver_is_left_alone_for_as_long_as_it_asks(
    engine: Engine, receiver: Receiver, clock: TestClock
) -> None:
    subscribe(engine, "board", receiver.url)
    number = write_event(engine)
    one = dispatcher(engine, clock)
    receiver.behave = answer(429, **{"Retry-After": "60"})
    deliver(one)
    receiver.behave = answer(200)
    clock.move(59)
    deliver(one)
    assert len(receiver.got) == 1
    clock.move(1.1)
    deliver(one)
    assert receiver.ids == [f"evt_{number}"] * 2


def test_500_for_an_hour_loses_nothing_and_storms_nobody(
    engine: Engine, receiver: Receiver, clock: TestClock
) -> None:
    subscribe(engine, "board", receiver.url)
    numbers = write_events(engine, 3)
    one = dispatcher(engine, clock)
    receiver.behave = answer(500)
    for _ in range(360):
        deliver(one)
        clock.move(10)
    assert 15 <= len(receiver.got) <= 20
    receiver.behave = answer(200)
    for _ in range(30):  # minutes after it came back
        deliver(one)
        clock.move(10)
    assert receiver.ids[-3:] == [f"evt_{number}" for number in numbers]
    assert standings(engine, "board") == [Standing.DELIVERED] * 3


def test_after_a_day_it_is_parked_with_what_stood_behind_it_and_new_events_go_on(
    engine: Engine, receiver: Receiver, clock: TestClock
) -> None:
    subscribe(engine, "board", receiver.url)
    old = write_events(engine, 3)
    one = dispatcher(engine, clock)
    receiver.behave = answer(500)
    began = clock.moment
    while Standing.WAITING in (standings(engine, "board") or [Standing.WAITING]):
        deliver(one)
        clock.move(60)
        assert clock.moment - began < timedelta(hours=25)
    assert clock.moment - began >= timedelta(hours=24)
    assert standings(engine, "board") == [Standing.PARKED] * 3
    assert "behind one" in str(deliveries(engine, "board")[1].last_error)
    assert set(receiver.ids) == {f"evt_{old[0]}"}
    assert len(receiver.ids) < 300
    receiver.behave = answer(200)
    receiver.got.clear()
    new = write_event(engine)
    deliver(one)
    assert receiver.ids == [f"evt_{new}"]
    with writing(engine) as session:
        assert replay(session, subscription(engine, "board").id) == 3
        session.commit()
    deliver(one)
    assert receiver.ids[1:] == [f"evt_{number}" for number in old]
    assert standings(engine, "board") == [Standing.DELIVERED] * 4


def test_410_parks_at_once_and_disables_the_subscription(
    engine: Engine, receiver: Receiver, clock: TestClock, caplog: pytest.LogCaptureFixture
) -> None:
    subscribe(engine, "board", receiver.url)
    write_events(engine, 2)
    one = dispatcher(engine, clock)
    receiver.behave = answer(410)
    for _ in range(3):
        deliver(one)
        clock.move(86400)
    assert len(receiver.got) == 1
    row = subscription(engine, "board")
    assert (row.enabled, row.disabled_reason) == (False, "the address answered 410 Gone")
    [warned] = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert warned.startswith("subscription board is disabled, ")
    assert receiver.url not in warned
    assert standings(engine, "board") == [Standing.PARKED, Standing.WAITING]
    receiver.behave = answer(200)
    subscribe(engine, "board", receiver.url)
    deliver(one)
    assert standings(engine, "board") == [Standing.PARKED, Standing.DELIVERED]


def test_dead_endpoints_hold_nobody_up(
    engine: Engine, open_receiver: Open, clock: TestClock
) -> None:
    hanging, dripping, well = open_receiver(), open_receiver(), open_receiver()
    hanging.behave, dripping.behave = hanging.hang, dripping.drip_headers
    for number in range(10):
        subscribe(engine, f"hanging {number}", hanging.url)
        subscribe(engine, f"dripping {number}", dripping.url)
    subscribe(engine, "well", well.url)
    numbers = write_events(engine, 5)
    deliver(dispatcher(engine, clock, timeout_s=3.0))
    assert well.ids == [f"evt_{number}" for number in numbers]
    assert max(got.at for got in well.got) < min(got.at for got in hanging.got) + 2
    assert len(hanging.got) == len(dripping.got) == 10


@pytest.mark.parametrize("jump_s", [-400 * 86400.0, -86400.0, -1800.0, 86400.0, 400 * 86400.0])
def test_a_clock_that_jumps_loses_nothing_and_storms_nobody(
    engine: Engine, receiver: Receiver, clock: TestClock, jump_s: float
) -> None:
    subscribe(engine, "board", receiver.url)
    first = write_event(engine)
    one = dispatcher(engine, clock)
    receiver.behave = answer(500)
    for _ in range(12):  # until it waits for five minutes each time
        clock.move(301)
        deliver(one)
    receiver.got.clear()
    clock.move(jump_s)
    second = write_event(engine)
    for _ in range(29):
        deliver(one)
        clock.move(10)
    assert receiver.ids == [f"evt_{first}"], "one more attempt, and no second one for minutes"
    assert standings(engine, "board") == [Standing.WAITING] * 2
    receiver.behave = answer(200)
    clock.move(301)
    deliver(one)
    assert receiver.ids[-2:] == [f"evt_{first}", f"evt_{second}"]
    assert standings(engine, "board") == [Standing.DELIVERED] * 2


@pytest.mark.parametrize("jump_s", [-86400.0, 61.0])
def test_a_lease_of_a_killed_dispatcher_ends_whatever_the_clock_does(
    engine: Engine, receiver: Receiver, clock: TestClock, jump_s: float
) -> None:
    subscribe(engine, "board", receiver.url)
    number = write_event(engine)
    with writing(engine) as session:
        assert len(claim(session, clock.moment)) == 1  # and it dies
    deliver(dispatcher(engine, clock))
    assert receiver.got == []
    clock.move(jump_s)
    deliver(dispatcher(engine, clock))
    assert receiver.ids == [f"evt_{number}"]


def test_one_killed_between_sending_and_noting_sends_the_same_id_again(
    engine: Engine, receiver: Receiver, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(engine, "board", receiver.url)
    first, second = write_events(engine, 2)
    dying = dispatcher(engine, clock)

    async def die(*_: object) -> None:
        """Note nothing."""

    monkeypatch.setattr(Dispatcher, "_noted", die)
    deliver(dying)
    monkeypatch.undo()
    other = dispatcher(engine, clock)
    deliver(other)
    assert receiver.ids == [f"evt_{first}"]
    clock.move(LEASE_S + 1)
    deliver(other)
    assert receiver.ids == [f"evt_{first}", f"evt_{first}", f"evt_{second}"]
    assert receiver.got[0].body == receiver.got[1].body
    assert standings(engine, "board") == [Standing.DELIVERED] * 2


def test_what_cannot_be_noted_for_a_moment_is_noted_then(
    engine: Engine, receiver: Receiver, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(engine, "board", receiver.url)
    numbers = write_events(engine, 2)
    really, broken = Dispatcher._note, [True, True]

    def note(self: Dispatcher, held: Claim, outcome: Outcome) -> Claim | None:
        if broken:
            broken.pop()
            raise OperationalError("note", {}, Exception("the database is away"))
        return really(self, held, outcome)

    monkeypatch.setattr(Dispatcher, "_note", note)
    monkeypatch.setattr("workers.dispatcher.NOTE_AGAIN_S", (0.0, 0.0))
    deliver(dispatcher(engine, clock))
    assert receiver.ids == [f"evt_{number}" for number in numbers]
    assert standings(engine, "board") == [Standing.DELIVERED] * 2


def test_what_never_can_be_noted_is_sent_again_when_the_lease_is_over(
    engine: Engine, receiver: Receiver, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(engine, "board", receiver.url)
    number = write_event(engine)

    def note(*_: object) -> None:
        raise OperationalError("note", {}, Exception("the database is away"))

    monkeypatch.setattr(Dispatcher, "_note", note)
    monkeypatch.setattr("workers.dispatcher.NOTE_AGAIN_S", (0.0, 0.0))
    deliver(dispatcher(engine, clock))
    monkeypatch.undo()
    clock.move(LEASE_S + 1)
    deliver(dispatcher(engine, clock))
    assert receiver.ids == [f"evt_{number}"] * 2
    assert standings(engine, "board") == [Standing.DELIVERED]


def test_a_message_that_takes_longer_than_a_lease_renews_it(
    engine: Engine, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(engine, "boss", None, kind="email", addresses=("boss@example.com",))
    monkeypatch.setattr("workers.dispatcher.RENEW_EVERY_S", 0.02)
    ends: list[datetime | None] = []

    class Slow(Mails):
        def send(self, addresses: Sequence[str], told: Sequence[Told]) -> Outcome:
            for _ in range(3):
                clock.move(LEASE_S - 1)
                until = clock.moment + timedelta(seconds=LEASE_S)
                while subscription(engine, "boss").leased_until != until:
                    sleep(0.01)
                ends.append(until)
                deliver(dispatcher(engine, clock, courier=Courier(Poster(LOCAL), self)))
            return super().send(addresses, told)

    mails = Slow()
    write_event(engine)
    one = dispatcher(engine, clock, courier=Courier(Poster(LOCAL), mails))
    deliver(one)
    clock.move(15 * 60)
    deliver(one)
    assert len(ends) == 3
    assert len(mails.sent) == 1, "nobody else took it meanwhile"
    assert standings(engine, "boss") == [Standing.DELIVERED]
    assert subscription(engine, "boss").lease is None


def test_one_that_comes_back_after_its_lease_changes_nothing_that_others_did(
    engine: Engine, receiver: Receiver, clock: TestClock
) -> None:
    subscribe(engine, "board", receiver.url)
    write_event(engine)
    late = dispatcher(engine, clock)
    with writing(engine) as session:
        [held] = claim(session, clock.moment)
    clock.move(LEASE_S + 1)
    deliver(dispatcher(engine, clock))
    assert standings(engine, "board") == [Standing.DELIVERED]
    late._note(held, Outcome(500, "answered 500", 3))
    assert standings(engine, "board") == [Standing.DELIVERED]
    with reading(engine) as session:
        assert len(session.exec(select(DeliveryAttempt)).all()) == 2
    write_event(engine)
    with writing(engine) as session:
        [theirs] = claim(session, clock.moment)
    late._note(held, Outcome(410, "answered 410", 3))
    row = subscription(engine, "board")
    assert (row.lease, row.enabled) == (theirs.lease, True)


def test_several_dispatchers_share_the_work_and_double_nothing(
    engine: Engine, open_receiver: Open, clock: TestClock
) -> None:
    receivers = [open_receiver() for _ in range(6)]
    for number, one in enumerate(receivers):
        subscribe(engine, f"board {number}", one.url)
    numbers = write_events(engine, 20)
    several = [dispatcher(engine, clock) for _ in range(3)]

    async def together() -> list[int]:
        looks = await asyncio.gather(*(one.look() for one in several))
        await asyncio.gather(*(task for tasks in looks for task in tasks))
        return [len(tasks) for tasks in looks]

    assert sum(asyncio.run(together())) == 6
    for one in receivers:
        assert one.ids == [f"evt_{number}" for number in numbers]
    with reading(engine) as session:
        assert len(session.exec(select(Delivery)).all()) == 6 * 20


def test_while_a_secret_is_rotated_both_sign(
    engine: Engine, receiver: Receiver, clock: TestClock
) -> None:
    old = subscribe(engine, "board", receiver.url).secret
    with writing(engine) as session:
        row = find_subscription(session, "board")
        assert row is not None
        new = rotate_secret(session, row)
        session.commit()
    one = dispatcher(engine, clock)
    write_event(engine)
    deliver(one)
    assert old is not None
    for secret in (old, new):
        Webhook(secret).verify(receiver.got[0].body, receiver.got[0].headers)
    with writing(engine) as session:
        session.get_one(Subscription, row.id).previous_secret_until = now()
        session.commit()
    write_event(engine)
    deliver(one)
    signatures = receiver.got[1].headers["webhook-signature"].split(" ")
    assert len(signatures) == 1
    Webhook(new).verify(receiver.got[1].body, receiver.got[1].headers)


def test_a_redirect_to_loopback_is_a_failure(
    engine: Engine, open_receiver: Open, clock: TestClock
) -> None:
    receiver, inside = open_receiver(), open_receiver()
    receiver.behave = answer(307, Location=inside.url)
    subscribe(engine, "board", receiver.url)
    write_event(engine)
    deliver(dispatcher(engine, clock))
    [delivery] = deliveries(engine, "board")
    assert (delivery.status, delivery.last_status) == (Standing.WAITING, 307)
    assert "redirect" in str(delivery.last_error)
    assert inside.got == []


def test_an_address_that_is_no_longer_allowed_is_not_sent_to(
    engine: Engine, receiver: Receiver, clock: TestClock
) -> None:
    subscribe(engine, "board", receiver.url)
    write_event(engine)
    deliver(dispatcher(engine, clock, courier=Courier(Poster())))
    assert receiver.got == []
    assert "private" in str(deliveries(engine, "board")[0].last_error)


def test_a_disabled_subscription_keeps_its_place(
    engine: Engine, receiver: Receiver, clock: TestClock
) -> None:
    subscribe(engine, "board", receiver.url, enabled=False)
    number = write_event(engine)
    one = dispatcher(engine, clock)
    deliver(one)
    assert receiver.got == []
    subscribe(engine, "board", receiver.url)
    deliver(one)
    assert receiver.ids == [f"evt_{number}"]


@pytest.mark.parametrize("status", [500, 410])
def test_an_address_changed_during_an_attempt_is_tried_at_once(
    engine: Engine, open_receiver: Open, clock: TestClock, status: int
) -> None:
    before, after = open_receiver(), open_receiver()

    def changed(handler: Handler) -> None:
        subscribe(engine, "board", after.url)
        answer(status)(handler)

    before.behave = changed
    subscribe(engine, "board", before.url)
    number = write_event(engine)
    deliver(dispatcher(engine, clock))
    assert (before.ids, after.ids) == ([f"evt_{number}"], [f"evt_{number}"])
    assert subscription(engine, "board").enabled
    assert standings(engine, "board") == [Standing.DELIVERED]


def test_a_subscription_deleted_while_it_is_served_harms_nobody(
    engine: Engine, receiver: Receiver, clock: TestClock
) -> None:
    def forget(handler: Handler) -> None:
        with writing(engine) as session:
            forget_subscription(session, "board")
            session.commit()
        answer(200)(handler)

    receiver.behave = forget
    subscribe(engine, "board", receiver.url)
    write_events(engine, 2)
    deliver(dispatcher(engine, clock))
    assert len(receiver.got) == 1
    with reading(engine) as session:
        assert session.exec(select(Delivery)).all() == []


def test_a_call_deleted_while_its_alert_is_sent_holds_nobody_up(
    engine: Engine, receiver: Receiver, clock: TestClock, tmp_path: Path
) -> None:
    subscribe(engine, "board", receiver.url)
    numbers = [write_event(engine) for _ in range(4)]

    def delete(handler: Handler) -> None:
        if len(receiver.got) == 1:
            with writing(engine) as session:
                gone = select(AlertEvent.call_id).where(col(AlertEvent.id).in_(numbers[:3]))
                calls = list(session.exec(gone))
                delete_calls(session, Stores(tmp_path, ()), calls, Order(Why.ERASURE))
        answer(200)(handler)

    receiver.behave = delete
    deliver(dispatcher(engine, clock))
    assert receiver.ids == [f"evt_{numbers[0]}", f"evt_{numbers[3]}"]
    assert standings(engine, "board") == [Standing.DELIVERED]
    assert subscription(engine, "board").lease is None


def test_chat_and_templates_are_sent_in_their_forms(
    engine: Engine, receiver: Receiver, clock: TestClock
) -> None:
    subscribe(engine, "chat", receiver.url, kind="chat")
    sms = {"template": '{"text": "{reason}"}', "authorization": "Bearer of-the-gateway"}
    subscribe(engine, "sms", receiver.url, **sms)
    write_event(engine)
    deliver(dispatcher(engine, clock))
    bodies = {tuple(json.loads(got.body)): got for got in receiver.got}
    assert set(bodies) == {("text", "blocks"), ("text",)}
    assert bodies["text",].headers["authorization"] == "Bearer of-the-gateway"
    assert "authorization" not in bodies["text", "blocks"].headers


class Mails(Mailer):
    """Keeps what it is told to send, and answers `error`."""

    def __init__(self) -> None:
        super().__init__("smtp://unused", "a@example.com")
        object.__setattr__(self, "sent", [])
        object.__setattr__(self, "error", None)

    sent: list[list[str]]
    error: str | None

    def send(self, addresses: Sequence[str], told: Sequence[Told]) -> Outcome:
        self.sent.append([*addresses, *(one.reason for one in told)])
        return Outcome(None, self.error, 1)


def test_e_mail_is_a_digest_of_what_came(engine: Engine, clock: TestClock) -> None:
    subscribe(engine, "boss", None, kind="email", addresses=("boss@example.com",))
    mails = Mails()
    one = dispatcher(engine, clock, courier=Courier(Poster(LOCAL), mails))
    write_event(engine, reason="first")
    deliver(one)
    clock.move(10 * 60)
    write_event(engine, reason="second")
    deliver(one)
    assert mails.sent == []
    clock.move(5 * 60)
    deliver(one)
    assert mails.sent == [["boss@example.com", "first", "second"]]
    for _ in range(10):
        clock.move(15 * 60)
        deliver(one)
    assert len(mails.sent) == 1, "nothing came, so nothing is sent"


def test_a_mail_that_is_under_way_at_the_end_is_not_given_to_others_at_once(
    engine: Engine, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.dispatcher.FAREWELL_S", 0.1)
    subscribe(engine, "boss", None, kind="email", addresses=("boss@example.com",))
    begun, may_end, stopped = Event(), Event(), Event()

    class Stuck(Mails):
        def send(self, addresses: Sequence[str], told: Sequence[Told]) -> Outcome:
            begun.set()
            may_end.wait(30)
            return super().send(addresses, told)

    write_event(engine)
    mails = Stuck()
    one = dispatcher(engine, clock, courier=Courier(Poster(LOCAL), mails))
    deliver(one)
    clock.move(15 * 60)

    async def run() -> None:
        running = asyncio.create_task(one.run(Wake("redis://127.0.0.1:9/0"), stopped))
        assert await asyncio.to_thread(begun.wait, 30)
        stopped.set()
        await running

    asyncio.run(run())
    assert subscription(engine, "boss").lease is not None
    deliver(dispatcher(engine, clock, courier=Courier(Poster(LOCAL), mails)))
    may_end.set()
    assert standings(engine, "boss") == [Standing.WAITING]


def test_a_digest_that_fails_is_tried_again(engine: Engine, clock: TestClock) -> None:
    subscribe(engine, "boss", None, kind="email", addresses=("boss@example.com",))
    mails = Mails()
    object.__setattr__(mails, "error", "the mail server answered 451")
    one = dispatcher(engine, clock, courier=Courier(Poster(LOCAL), mails))
    write_event(engine, reason="first")
    deliver(one)
    clock.move(15 * 60)
    deliver(one)
    assert deliveries(engine, "boss")[0].last_error == "the mail server answered 451"
    object.__setattr__(mails, "error", None)
    clock.move(6)
    deliver(one)
    assert len(mails.sent) == 2
    assert standings(engine, "boss") == [Standing.DELIVERED]


def test_e_mail_without_a_server_says_what_to_set(engine: Engine, clock: TestClock) -> None:
    subscribe(engine, "boss", None, kind="email", addresses=("boss@example.com",))
    one = dispatcher(engine, clock)
    write_event(engine)
    deliver(one)
    clock.move(15 * 60)
    deliver(one)
    assert "OVERTONE_SMTP_URL" in str(deliveries(engine, "boss")[0].last_error)


def test_the_log_is_kept_for_30_days_and_50_attempts(
    engine: Engine, receiver: Receiver, clock: TestClock
) -> None:
    subscribe(engine, "board", receiver.url)
    write_event(engine)
    one = dispatcher(engine, clock)
    receiver.behave = answer(500)
    for _ in range(12):
        deliver(one)
        clock.move(3601)
    with writing(engine) as session:
        number = deliveries(engine, "board")[0].id
        rows = session.exec(select(DeliveryAttempt)).all()
        assert len(rows) == 12
        for _ in range(45):
            session.add(DeliveryAttempt(delivery_id=number, at=clock.moment, ms=1))
        session.commit()
    receiver.behave = answer(200)
    deliver(one)
    with reading(engine) as session:
        rows = session.exec(select(DeliveryAttempt).order_by(col(DeliveryAttempt.id))).all()
    assert len(rows) == 50
    assert rows[-1].status == 200
    with writing(engine) as session:
        prune(session, clock.moment + timedelta(days=29))
        session.commit()
        assert len(session.exec(select(DeliveryAttempt)).all()) == 50
        prune(session, clock.moment + timedelta(days=31))
        session.commit()
        assert session.exec(select(Delivery)).all() == []
        assert session.exec(select(AlertEvent)).all() != []
    deliver(one)
    assert deliveries(engine, "board") == [], "what was delivered and dropped is not sent again"


def test_a_mistake_of_ours_counts_as_a_failure_and_stops_nobody_else(
    engine: Engine, receiver: Receiver, clock: TestClock
) -> None:
    broken = subscribe(engine, "broken", receiver.url)
    subscribe(engine, "well", receiver.url)
    with writing(engine) as session:
        session.get_one(Subscription, broken.id).template = "{"
        session.commit()
    write_event(engine)
    deliver(dispatcher(engine, clock))
    [delivery] = deliveries(engine, "broken")
    assert (delivery.status, delivery.attempts) == (Standing.WAITING, 1)
    assert delivery.last_error == "could not be sent (TemplateUnusable)"
    assert standings(engine, "well") == [Standing.DELIVERED]


def test_no_secret_and_no_address_is_logged(
    engine: Engine, receiver: Receiver, clock: TestClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    row = subscribe(engine, "board", f"{receiver.url}/TOKEN", authorization="Bearer HIDDEN")
    receiver.behave = answer(500, b"the customer said")
    write_event(engine)
    deliver(dispatcher(engine, clock))
    assert "could not be delivered" in caplog.text
    for secret in (row.secret or "", "TOKEN", "HIDDEN", "customer"):
        assert secret not in caplog.text
        assert secret not in repr(row) or secret == "TOKEN"
