"""`overtone notify` as the process that it is: prompt, tied to its parent, killed in mid-work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from redis import Redis
from sqlalchemy import Engine
from sqlmodel import col, select

from models.columns import now
from models.db import reading, writing
from models.delivery import Delivery, Standing
from models.subscription import Subscription, Wanted, save_subscription
from settings import Settings
from tests.alert_events import write_event, write_events
from tests.alerting import a_draft, kinds, raise_alert
from tests.receivers import Handler, Receiver, answer, receiving
from workers.embedded import embedded_valkey
from workers.queue import CallQueue

ROOT = Path(__file__).parents[2]
PATIENCE_S = 30


def wait_for(ready: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not ready():
        assert time.monotonic() < until, "nothing happened for too long"
        time.sleep(0.02)


@contextmanager
def notifying(
    settings: Settings, *, redis_url: str | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {
        "OVERTONE_DATA_DIR": str(settings.data_dir),
        "OVERTONE_DATABASE_URL": settings.database,
        "OVERTONE_REDIS_URL": redis_url or settings.redis,
        "OVERTONE_WEBHOOK_PRIVATE": "127.0.0.1",
    }
    settings.data_dir.mkdir(exist_ok=True)
    with (settings.data_dir / "notify.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "overtone", "notify", "--tied"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that nobody else listens to: `heard` means the processes of these tests."""
    with TemporaryDirectory(prefix="ovt-") as folder:  # the path of a socket is to be short
        socket = Path(folder) / "v.sock"
        with embedded_valkey(socket, tmp_path_factory.mktemp("valkey")):
            yield f"unix://{socket}"


@pytest.fixture
def receiver(engine: Engine) -> Iterator[Receiver]:
    with receiving() as one, writing(engine) as session:
        save_subscription(session, "board", Wanted("webhook", one.url))
        session.commit()
        yield one


def standings(engine: Engine) -> list[str]:
    with reading(engine) as session:
        return list(session.exec(select(Delivery.status).order_by(col(Delivery.event_id))))


def leases(engine: Engine) -> list[str | None]:
    with reading(engine) as session:
        return list(session.exec(select(Subscription.lease)))


def heard(connection: Redis) -> bool:
    """Whether a process listens for news."""
    return bool(connection.pubsub_numsub("overtone:alerts")[0][1])


def test_news_is_delivered_at_once_and_without_redis_within_seconds(
    engine: Engine, settings: Settings, receiver: Receiver, queue: CallQueue
) -> None:
    with notifying(settings):
        wait_for(lambda: heard(queue.connection))
        waits = []
        for _ in range(10):
            number = write_event(engine)
            since = time.monotonic()
            queue.connection.publish("overtone:alerts", "alerts")
            wait_for(lambda number=number: f"evt_{number}" in receiver.ids)
            waits.append(time.monotonic() - since)
        wait_for(lambda: set(standings(engine)) == {Standing.DELIVERED})
        assert sorted(waits)[7] < 0.8, "nobody was woken: it looks every second"
    with notifying(settings, redis_url="redis://127.0.0.1:9/0"):
        number = write_event(engine)
        wait_for(lambda: f"evt_{number}" in receiver.ids)


def test_who_is_late_is_known_where_no_worker_runs(
    engine: Engine, settings: Settings, receiver: Receiver, queue: CallQueue
) -> None:
    assert queue
    raise_alert(engine, "late", a_draft(acknowledge_within_s=-1))
    with notifying(settings):
        wait_for(lambda: len(receiver.got) == 2)
    assert kinds(engine) == ["raised", "overdue"]


def test_it_ends_when_it_is_told_to_and_when_its_parent_is_gone(
    engine: Engine, settings: Settings, receiver: Receiver, queue: CallQueue
) -> None:
    assert engine
    assert receiver
    wait_for(lambda: not heard(queue.connection))
    with notifying(settings) as process:
        wait_for(lambda: heard(queue.connection))
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    wait_for(lambda: not heard(queue.connection))
    with notifying(settings) as process:
        wait_for(lambda: heard(queue.connection))
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(PATIENCE_S) == 0
    assert "whsec" not in (settings.data_dir / "notify.log").read_text()


def test_told_to_end_while_it_sends_it_notes_that_and_begins_nothing_more(
    engine: Engine, settings: Settings, receiver: Receiver
) -> None:
    numbers = write_events(engine, 3)
    with notifying(settings) as process:

        def end(handler: Handler) -> None:
            process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            answer(200)(handler)

        receiver.behave = end
        assert process.wait(PATIENCE_S) == 0
    assert receiver.ids == [f"evt_{numbers[0]}"]
    assert standings(engine) == [Standing.DELIVERED, Standing.WAITING, Standing.WAITING]
    assert leases(engine) == [None]


def test_told_to_end_it_gives_back_what_does_not_end(
    engine: Engine, settings: Settings, receiver: Receiver
) -> None:
    number = write_event(engine)
    receiver.behave = receiver.hang
    with notifying(settings) as process:
        wait_for(lambda: receiver.got)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    assert leases(engine) == [None]
    with reading(engine) as session:
        assert session.exec(select(Delivery.attempts)).all() == [0]
    receiver.behave = answer(200)
    with notifying(settings):
        wait_for(lambda: standings(engine) == [Standing.DELIVERED])
    assert receiver.ids == [f"evt_{number}"] * 2


def test_one_killed_while_it_sends_loses_nothing_and_keeps_ids(
    engine: Engine, settings: Settings, receiver: Receiver, queue: CallQueue
) -> None:
    numbers = write_events(engine, 3)
    killed: list[int] = []

    with notifying(settings) as first, notifying(settings) as second:

        def kill_both(handler: Handler) -> None:
            if not killed:
                for process in (first, second):
                    process.kill()
                    killed.append(process.wait())
            answer(200)(handler)

        receiver.behave = kill_both
        queue.connection.publish("overtone:alerts", "alerts")
        wait_for(lambda: len(killed) == 2)
    assert standings(engine) == [Standing.WAITING] * 3
    with writing(engine) as session:  # as if a minute had gone by
        session.exec(select(Subscription)).one().leased_until = now()
        session.commit()
    with notifying(settings):
        wait_for(lambda: standings(engine) == [Standing.DELIVERED] * 3)
    first_id, *rest = receiver.ids
    assert rest == [f"evt_{number}" for number in numbers]
    assert first_id == rest[0]
