"""A rule tried on stored calls: where it would have fired, how often a day, within its bounds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from models import Alert, Call
from models.db import reading, writing
from speech.conversation import Acoustics
from tests.fakes import ANGRY, turn
from tests.records import FIRST, store_call
from workers.rules import RuleTable, trial
from workers.rules.trial import Trial, try_rule

LONG = "this has now gone wrong for the third time today"
CALM_CALL = turn("customer", 0.0, LONG)
LOUD = Acoustics(-20.0, None, 3.0, loudness_change_db=6.0)
ANGRY_CALL = replace(turn("customer", 8.0, LONG, ANGRY), acoustics=LOUD)
ANGER = {"anger": {"at_least": 0.6, "for_s": 3}}


def tried(engine: Engine, *all_of: dict[str, Any], **bounds: Any) -> Trial:
    return try_rule(engine, RuleTable.model_validate({"all_of": list(all_of)}), **bounds)


@pytest.fixture
def calls(engine: Engine) -> list[int]:
    """Nine calls, one every 12 hours; each third is angry."""
    return [
        store_call(
            engine,
            f"call {number}",
            ANGRY_CALL if number % 3 == 0 else CALM_CALL,
            started_at=FIRST + timedelta(hours=12 * number),
            metadata={"queue": "orders"} if number % 2 else {},
        )
        for number in range(9)
    ]


def test_the_calls_that_would_have_fired_are_told_with_reasons(
    engine: Engine, calls: list[int]
) -> None:
    with reading(engine) as session:
        alerts = len(session.exec(select(Alert)).all())
    found = tried(engine, ANGER)
    assert (found.complete, found.looked_at, found.fired, found.warning) == (True, 9, 3, None)
    assert (found.since, found.until) == (FIRST, FIRST + timedelta(hours=96))
    assert found.per_day == 0.75
    assert [call.call_id for call in found.shown] == [calls[6], calls[3], calls[0]]
    newest = found.shown[0]
    assert (newest.external_id, newest.start_s) == ("call 6", 8.0)
    assert newest.reason == (
        "customer sounds angry for 4 s of speech in one turn, anger up to 0.92: "
        "louder than their other turns by 6 dB"
    )
    with reading(engine) as session:
        assert len(session.exec(select(Alert)).all()) == alerts


def test_only_calls_of_that_time_and_the_newest_of_them(engine: Engine, calls: list[int]) -> None:
    two_days = {"since": FIRST + timedelta(days=1), "until": FIRST + timedelta(days=3)}
    found = tried(engine, ANGER, **two_days)
    assert (found.looked_at, [call.call_id for call in found.shown]) == (4, [calls[3]])
    found = tried(engine, ANGER, **two_days, most=2)
    assert (found.complete, found.looked_at, found.fired) == (True, 2, 0)
    assert found.since == FIRST + timedelta(days=2)


def test_a_rule_that_fires_on_every_call_is_told_so(engine: Engine, calls: list[int]) -> None:
    found = tried(engine, {"duration": {"at_least_s": 0}})
    assert found.fired == len(calls)
    assert found.warning == "fires on every call: it tells none from the others"
    assert tried(engine, {"metadata": {"key": "queue", "equals": "orders"}}).warning is None


def test_without_calls_nothing_is_claimed(engine: Engine) -> None:
    found = tried(engine, {"duration": {"at_least_s": 0}})
    assert (found.complete, found.looked_at, found.fired) == (True, 0, 0)
    assert (found.per_day, found.since, found.warning) == (None, None, None)


def test_calls_of_one_hour_are_as_many_a_day(engine: Engine) -> None:
    for number in range(3):
        store_call(engine, str(number), ANGRY_CALL)
    assert tried(engine, ANGER).per_day == 3.0


def test_time_and_what_is_shown_are_bounded(
    engine: Engine, calls: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "BATCH", 2)
    monkeypatch.setattr(trial, "MOST_SHOWN", 3)
    everything = {"duration": {"at_least_s": 0}}
    found = tried(engine, everything)
    assert (found.complete, found.fired, len(found.shown)) == (True, 9, 3)
    assert [call.call_id for call in found.shown] == calls[:-4:-1]
    found = tried(engine, everything, seconds=0.0)
    assert (found.complete, found.looked_at, found.fired) == (False, 2, 2)


def test_a_call_that_was_not_heard_is_left_out(engine: Engine, calls: list[int]) -> None:
    with writing(engine) as session:
        call = session.get_one(Call, calls[0])
        call.heard_at = None
        session.add(call)
        session.commit()
    assert tried(engine, ANGER).looked_at == 8
