"""Alerts that nobody acknowledged in time are found once, by a thread that goes on whatever
breaks.
"""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from models.alert_life import SWEPT_AT_ONCE
from models.db import writing
from tests.alerting import a_draft, analysed, kinds, push_call, raise_alert
from tests.feed_reader import wait_until
from workers import overdue
from workers.overdue import OverdueWatch, sweep
from workers.queue import CallQueue, Wake

LATE = a_draft(acknowledge_within_s=-1)


def test_all_that_are_late_are_noted_once_and_who_waits_is_woken(
    engine: Engine, queue: CallQueue, valkey_url: str
) -> None:
    with writing(engine) as session:
        calls = [push_call(session, str(i)) for i in range(SWEPT_AT_ONCE + 3)]
    for number in calls:
        analysed(engine, number, LATE)
    raise_alert(engine, "calm", a_draft(acknowledge_within_s=600))
    wake = Wake(valkey_url)
    wake.wait(0.1)
    assert sweep(engine, queue) == len(calls)
    wake.wait(600)
    wake.close()
    assert sweep(engine, queue) == 0
    assert kinds(engine).count("overdue") == len(calls)


def test_the_thread_goes_on_whatever_breaks(
    engine: Engine, queue: CallQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = iter([OperationalError("SELECT", {}, Exception("away")), ValueError("a mistake")])
    real = overdue.any_overdue

    def sometimes(*given: Any) -> bool:
        for error in broken:
            raise error
        return real(*given)

    monkeypatch.setattr(overdue, "any_overdue", sometimes)
    monkeypatch.setattr(overdue, "LOOK_EVERY_S", 0.01)
    raise_alert(engine, "late", LATE)
    watch = OverdueWatch(engine, queue)
    watch.start()
    wait_until(lambda: "overdue" in kinds(engine))
    watch.stop()
    watch.join(10)
    assert not watch.is_alive()
    assert kinds(engine) == ["raised", "overdue"]
