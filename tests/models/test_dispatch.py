"""What a dispatcher claims and notes while calls are deleted, with connections of their own: nobody
fails, nothing is left leased, and nothing is sent of what is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from random import Random
from threading import Event
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import col, select

from models import deletion, dispatch
from models.alert_event import AlertEvent
from models.call import Call
from models.db import database_clock, reading, writing
from models.deletion import Deleted, Order, Why, delete_calls
from models.delivery import Delivery, Outcome, Standing, prune, replay
from models.dispatch import Claim, claim, give_back, note, renew
from models.stores import Stores
from models.subscription import (
    Subscription,
    Wanted,
    forget_subscription,
    save_subscription,
)
from tests.alert_events import write_event

GOT_IT = Outcome(204, None, 3)
FAILED = Outcome(500, "answered 500", 3)
PATIENCE_S = 30.0
# Whoever is still at it after this waits for somebody.
A_WHILE_S = 0.3


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    return Stores(tmp_path / "uploads", ())


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


class Pause:
    """Stands in for a function: waits before it does its work, from its call until `go_on`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> None:
        self._reached, self._may_go = Event(), Event()
        really = getattr(module, name)

        def wait_first(*args: Any, **named: Any) -> Any:
            self._reached.set()
            assert self._may_go.wait(PATIENCE_S)
            return really(*args, **named)

        monkeypatch.setattr(module, name, wait_first)

    def reached(self) -> None:
        assert self._reached.wait(PATIENCE_S)

    def go_on(self) -> None:
        self._may_go.set()


def subscribe(engine: Engine, name: str = "board", kind: Any = "webhook") -> None:
    to = {"addresses": ("a@example.com",)} if kind == "email" else {"url": "https://example.com"}
    with writing(engine) as session:
        row, _new = save_subscription(session, name, Wanted(kind, **to))
        row.digest_minutes = 0
        session.add(row)
        session.commit()


def take(engine: Engine) -> list[Claim]:
    with writing(engine) as session:
        return claim(session, database_clock(session))


def put(engine: Engine, held: Claim, outcome: Outcome = GOT_IT, **how: Any) -> Claim | None:
    with writing(engine) as session:
        moment = database_clock(session)
        return note(session, held, outcome, moment=moment, retry_in_s=None, **how)


def delete(engine: Engine, stores: Stores, *events: int) -> Deleted:
    """Delete the calls that these events are about."""
    with writing(engine) as session:
        wanted = select(AlertEvent.call_id).where(col(AlertEvent.id).in_(events))
        return delete_calls(session, stores, list(session.exec(wanted)), Order(Why.RETENTION))


def events_of(held: Claim | None) -> list[int | None]:
    return [] if held is None else [event.id for event in held.events]


def leased(engine: Engine) -> list[str]:
    with reading(engine) as session:
        found = select(Subscription.name).where(col(Subscription.lease).is_not(None))
        return list(session.exec(found))


def waiting(engine: Engine) -> list[int]:
    with reading(engine) as session:
        found = select(Delivery.event_id).where(Delivery.status == Standing.WAITING)
        return list(session.exec(found.order_by(col(Delivery.event_id))))


def is_waiting(running: Future[Any]) -> bool:
    return not wait([running], timeout=A_WHILE_S).done


@pytest.mark.parametrize("outcome", [GOT_IT, FAILED, Outcome(410, "answered 410", 3)])
def test_what_was_deleted_while_it_was_sent_is_noted_nowhere(
    engine: Engine, stores: Stores, outcome: Outcome
) -> None:
    subscribe(engine)
    number = write_event(engine)
    [held] = take(engine)
    delete(engine, stores, number)
    assert put(engine, held, outcome) is None
    assert leased(engine) == []


def test_what_comes_after_a_deleted_one_goes_on_at_once(engine: Engine, stores: Stores) -> None:
    subscribe(engine)
    first, gone, last = (write_event(engine) for _ in range(3))
    [held] = take(engine)
    delete(engine, stores, first, gone)
    after = put(engine, held)
    assert events_of(after) == [last]
    assert after is not None
    assert put(engine, after) is None
    assert (leased(engine), waiting(engine)) == ([], [])


def test_of_a_digest_those_that_are_left_are_noted(engine: Engine, stores: Stores) -> None:
    subscribe(engine, kind="email")
    numbers = [write_event(engine) for _ in range(3)]
    [held] = take(engine)
    assert events_of(held) == numbers
    delete(engine, stores, numbers[1])
    assert put(engine, held) is None
    with reading(engine) as session:
        rows = session.exec(select(Delivery).order_by(col(Delivery.event_id))).all()
    assert [(row.event_id, row.status) for row in rows] == [
        (numbers[0], Standing.DELIVERED),
        (numbers[2], Standing.DELIVERED),
    ]
    assert leased(engine) == []


def test_a_claim_waits_for_a_deletion_and_takes_nothing_of_it(
    engine: Engine, stores: Stores, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(engine)
    gone, last = write_event(engine), write_event(engine)
    audit = Pause(monkeypatch, deletion, "note")  # the rows are gone, nothing is committed
    deleting = threads.submit(delete, engine, stores, gone)
    audit.reached()
    taking = threads.submit(take, engine)
    assert is_waiting(taking)
    audit.go_on()
    assert len(deleting.result().calls) == 1
    [held] = taking.result()
    assert events_of(held) == [last]


def test_a_note_waits_for_a_deletion_and_gives_the_lease_back(
    engine: Engine, stores: Stores, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(engine, kind="email")
    numbers = [write_event(engine) for _ in range(3)]
    [held] = take(engine)
    audit = Pause(monkeypatch, deletion, "note")
    deleting = threads.submit(delete, engine, stores, *numbers[1:])
    audit.reached()
    noting = threads.submit(put, engine, held, GOT_IT)
    assert is_waiting(noting)
    audit.go_on()
    assert len(deleting.result().calls) == 2
    assert noting.result() is None
    assert (leased(engine), waiting(engine)) == ([], [])


def test_a_deletion_waits_for_a_claim_and_succeeds(
    engine: Engine, stores: Stores, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(engine)
    numbers = [write_event(engine) for _ in range(2)]
    leasing = Pause(monkeypatch, dispatch, "_take")  # deliveries are made, none is committed
    taking = threads.submit(take, engine)
    leasing.reached()
    deleting = threads.submit(delete, engine, stores, *numbers)
    assert is_waiting(deleting)
    leasing.go_on()
    assert len(deleting.result().calls) == 2
    [held] = taking.result()
    assert put(engine, held) is None
    assert (leased(engine), waiting(engine)) == ([], [])


def test_saving_and_deleting_at_once_meet_in_no_circle(
    engine: Engine, stores: Stores, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deletion that waits for a note lets nobody past it: whoever is saved must not hold a row
    then that the note wants.
    """
    subscribe(engine)
    number = write_event(engine)
    [held] = take(engine)
    locking = Pause(monkeypatch, dispatch, "_locked")  # it may change deliveries, and has no row
    noting = threads.submit(put, engine, held, GOT_IT)
    locking.reached()
    deleting = threads.submit(delete, engine, stores, number)
    wait([deleting], timeout=A_WHILE_S)
    saving = threads.submit(subscribe, engine)
    wait([saving], timeout=A_WHILE_S)
    locking.go_on()
    for one in (noting, deleting, saving):
        one.result()
    assert leased(engine) == []


def test_the_last_note_takes_nothing_more_and_leaves_it_to_others(engine: Engine) -> None:
    subscribe(engine)
    numbers = [write_event(engine) for _ in range(2)]
    [held] = take(engine)
    assert put(engine, held, is_last=True) is None
    assert leased(engine) == []
    [other] = take(engine)
    assert events_of(other) == numbers[1:]


def test_a_lease_is_given_back_and_renewed_by_its_holder_alone(engine: Engine) -> None:
    subscribe(engine)
    write_event(engine)
    [first] = take(engine)
    with writing(engine) as session:
        give_back(session, first)
    assert leased(engine) == []
    [second] = take(engine)
    ends = second.subscription.leased_until
    assert ends is not None
    with writing(engine) as session:
        give_back(session, first)
        renew(session, first, ends)
    with reading(engine) as session:
        row = session.exec(select(Subscription)).one()
        assert (row.lease, row.leased_until) == (second.lease, ends)
    with writing(engine) as session:
        renew(session, second, ends)
    with reading(engine) as session:
        until = session.exec(select(Subscription.leased_until)).one()
    assert until is not None
    assert (until - ends).total_seconds() == dispatch.LEASE_S


def test_however_they_fall_together_nobody_fails(
    engine: Engine, stores: Stores, threads: ThreadPoolExecutor
) -> None:
    """Dispatchers, deletions, replays and changes at once; the order is as chance has it."""
    for at in range(6):
        subscribe(engine, f"board {at}", "email" if at % 2 else "webhook")
    done = Event()

    def write() -> None:
        for _ in range(60):
            write_event(engine)
        done.set()

    def until_done(work: Callable[[Random], object], seed: int) -> None:
        chance = Random(seed)
        while not done.is_set():
            work(chance)

    def send(chance: Random) -> None:
        for one in take(engine):
            held: Claim | None = one
            while held is not None:
                held = put(engine, held, chance.choice([GOT_IT, FAILED]))

    def remove(chance: Random) -> None:
        with writing(engine) as session:
            calls = [number or 0 for number in session.exec(select(Call.id))]
            some = chance.sample(calls[:-2], min(8, len(calls[:-2])))
            asked = set(some)
            assert asked >= set(delete_calls(session, stores, some, Order(Why.PURGE)).calls)

    def change(chance: Random) -> None:
        name = f"board {chance.randrange(6)}"
        with writing(engine) as session:
            replay(session, chance.randint(1, 6))
            session.commit()
            prune(session, database_clock(session))
            session.commit()
            if chance.random() < 0.2:
                forget_subscription(session, name)
                session.commit()
        subscribe(engine, name, "email" if int(name[-1]) % 2 else "webhook")

    works = [send, send, remove, change]
    running = [threads.submit(until_done, work, seed) for seed, work in enumerate(works)]
    threads.submit(write).result()
    for one in running:
        one.result()
    assert leased(engine) == []
