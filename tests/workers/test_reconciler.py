"""Calls that lost their job get it back; those that kill workers are given up in the end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy import Engine
from sqlmodel import Session

from models import Call
from models.alert_rule import RuleText, save_rule
from models.call import CallPush
from models.columns import now
from models.db import writing
from models.pushes import add_call
from models.stores import Stores
from settings import Settings
from tests.alerting import kinds
from workers.queue import CallQueue, timeout_for
from workers.reconciler import Reconciler, reconcile


@pytest.fixture
def stores(settings: Settings) -> Stores:
    return Stores(settings.recordings, settings.stores)


def old_call(engine: Engine, external_id: str = "a", **fields: object) -> int:
    """A call that nothing has touched for an hour."""
    with writing(engine) as session:
        call, _ = add_call(
            session,
            CallPush(external_id=external_id),
            "upload:aa/a.wav",
            external_id="",
            agent_channel="left",
        )
        call.updated_at = now() - timedelta(hours=1)
        for name, value in fields.items():
            setattr(call, name, value)
        session.add(call)
        session.commit()
        assert call.id is not None
        return call.id


def status(engine: Engine, number: int) -> str:
    with Session(engine) as session:
        call = session.get(Call, number)
        assert call is not None
        return call.status


@pytest.mark.parametrize("stood", ["queued", "hearing"])
def test_a_call_without_a_job_gets_one(
    engine: Engine, queue: CallQueue, stores: Stores, settings: Settings, stood: str
) -> None:
    number = old_call(engine, status=stood)
    assert reconcile(engine, queue, stores, settings) == 1
    assert queue.live() == {number}
    assert reconcile(engine, queue, stores, settings) == 0


def test_calls_that_wait_or_are_done_are_left_alone(
    engine: Engine, queue: CallQueue, stores: Stores, settings: Settings
) -> None:
    waiting = old_call(engine, "waiting")
    queue.enqueue(waiting, timeout_s=60)
    old_call(engine, "done", status="done")
    old_call(engine, "failed", status="failed")
    old_call(engine, "fresh", updated_at=now())
    assert reconcile(engine, queue, stores, settings) == 0
    assert queue.live() == {waiting}


def test_a_job_that_failed_is_replaced(
    engine: Engine, queue: CallQueue, stores: Stores, settings: Settings
) -> None:
    number = old_call(engine)
    queue.enqueue(number, timeout_s=60)
    job = Job.fetch(f"call-{number}", connection=queue.connection, serializer=JSONSerializer)
    queue.rq.remove(job)
    job.set_status("failed")
    assert queue.live() == set()
    assert reconcile(engine, queue, stores, settings) == 1
    assert queue.live() == {number}


def test_a_call_that_killed_too_many_workers_is_given_up(
    engine: Engine, queue: CallQueue, stores: Stores, settings: Settings
) -> None:
    number = old_call(engine, status="hearing", attempts=settings.job_attempts)
    assert reconcile(engine, queue, stores, settings) == 0
    assert status(engine, number) == "failed"


def test_the_thread_outlives_a_queue_that_is_away(
    engine: Engine, queue: CallQueue, stores: Stores, settings: Settings
) -> None:
    class Away(CallQueue):
        asked = 0

        def live(self) -> set[int]:
            Away.asked += 1
            if Away.asked < 3:
                from redis import ConnectionError as RedisAway

                raise RedisAway
            return super().live()

    number = old_call(engine)
    quick = settings.model_copy(update={"reconcile_s": 0.01})
    thread = Reconciler(engine, Away(queue.connection), stores=stores, settings=quick)
    thread.start()
    for _ in range(1000):
        if queue.live() == {number}:
            break
        thread.join(0.01)
    thread.stop()
    thread.join(5)
    assert queue.live() == {number}


def test_the_thread_judges_calls_for_which_no_job_could_be_sent(
    engine: Engine, queue: CallQueue, stores: Stores, settings: Settings
) -> None:
    missed = {"all_of": [{"outcome": {"one_of": ["missed"]}}]}
    with writing(engine) as session:
        save_rule(session, "missed", RuleText(missed, "high", enabled=True), by=None)
    old_call(engine, status="done", outcome="missed", unjudged_since=now())
    quick = settings.model_copy(update={"reconcile_s": 0.01})
    thread = Reconciler(engine, queue, stores=stores, settings=quick)
    thread.start()
    for _ in range(1000):
        if kinds(engine):
            break
        thread.join(0.01)
    thread.stop()
    thread.join(5)
    assert kinds(engine) == ["raised"]


def test_a_job_that_judges_comes_before_others_and_is_of_no_call(queue: CallQueue) -> None:
    queue.enqueue(1, timeout_s=60)
    queue.enqueue_judging()
    assert queue.rq.get_job_ids()[1:] == ["call-1"]
    assert queue.live() == {1}


def test_one_job_for_each_call(queue: CallQueue) -> None:
    assert queue.enqueue(1, timeout_s=60)
    assert not queue.enqueue(1, timeout_s=60)
    assert queue.enqueue_again(1, timeout_s=60)
    assert queue.rq.get_job_ids() == ["call-1"]
    assert queue.depth() == 1


def test_a_job_whose_dead_worker_left_an_execution_behind_is_replaced(queue: CallQueue) -> None:
    queue.enqueue(1, timeout_s=60)
    job = Job.fetch("call-1", connection=queue.connection, serializer=JSONSerializer)
    queue.connection.zadd(job.execution_registry.key, {"expired": 2**40})
    assert queue.enqueue_again(1, timeout_s=60)
    assert queue.live() == {1}


def test_a_job_may_take_as_long_as_its_recording_needs() -> None:
    assert timeout_for(None, 3600) == 600 + 2 * 3600
    assert timeout_for(60_000, 3600) == 600 + 120
    assert timeout_for(10**12, 3600) == 600 + 2 * 3600
