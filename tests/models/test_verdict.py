"""Verdicts on moods: one for each speaker, kept when a call is heard again, gone with the call."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event
from sqlmodel import Session, select

from models import Call, MoodVerdict, Speaker
from models.call import CallPush, Status
from models.columns import now
from models.db import reading, writing
from models.pushes import add_call
from models.verdict import (
    CannotJudge,
    Judged,
    current_mood_model,
    give_verdict,
    judged,
    take_back,
    verdicts_of,
)
from tests.fakes import ANGRY, conversation, turn
from tests.records import MATCHER, RULE, store_call
from workers.pipeline import analyse, record

HELLO = turn("agent", 0.0, "Good morning.")
CROSS = turn("customer", 3.0, "You never called me back, not once, in all these weeks.", ANGRY)


def heard_again(engine: Engine, number: int) -> None:
    with writing(engine) as session:
        record(session, number, analyse(conversation(HELLO, CROSS), MATCHER, [RULE]))


def judge(engine: Engine, number: int, speaker: str = "customer", *, angry: bool = True) -> None:
    with writing(engine) as session:
        assert give_verdict(session, number, speaker=speaker, angry=angry, given_by="boss")


def not_heard(session: Session) -> Call:
    call, _created = add_call(
        session,
        CallPush(external_id="new"),
        "upload:none.wav",
        external_id="new",
        agent_channel="left",
    )
    return call


def test_the_last_verdict_on_a_speaker_stands(engine: Engine) -> None:
    number = store_call(engine, "1", HELLO, CROSS)
    with writing(engine) as session:
        first = give_verdict(session, number, speaker="customer", angry=True, given_by="boss")
        assert first is not None
        assert (first.angry, first.given_by) == (True, "boss")
        given_at = first.given_at
        again = give_verdict(session, number, speaker="customer", angry=False, given_by=None)
        assert again is not None
        assert (again.angry, again.given_by) == (False, None)
        assert given_at <= again.given_at <= now()
    judge(engine, number, "agent", angry=False)
    with reading(engine) as session:
        found = [(one.speaker, one.angry) for one in verdicts_of(session, number)]
        assert verdicts_of(session, number + 1) == []
    assert found == [("agent", False), ("customer", False)]


def test_a_verdict_given_twice_is_one(engine: Engine) -> None:
    number = store_call(engine, "1", HELLO, CROSS)
    judge(engine, number)
    judge(engine, number)
    with reading(engine) as session:
        assert len(session.exec(select(MoodVerdict)).all()) == 1


def test_verdicts_given_at_the_same_instant_are_one(engine: Engine) -> None:
    number = store_call(engine, "1", HELLO, CROSS)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: judge(engine, number, angry=i % 2 == 0), range(24)))
    with reading(engine) as session:
        assert len(session.exec(select(MoodVerdict)).all()) == 1


def test_a_verdict_outlives_hearing_the_call_again(engine: Engine) -> None:
    number = store_call(engine, "1", HELLO, CROSS)
    judge(engine, number)
    heard_again(engine, number)
    with reading(engine) as session:
        (verdict,) = verdicts_of(session, number)
    assert (verdict.speaker, verdict.angry, verdict.given_by) == ("customer", True, "boss")


def test_a_verdict_goes_with_its_call(engine: Engine) -> None:
    number = store_call(engine, "1", HELLO, CROSS)
    judge(engine, number)
    with writing(engine) as session:
        session.delete(session.get_one(Call, number))
        session.commit()
        assert session.exec(select(MoodVerdict)).all() == []


def test_a_verdict_is_taken_back_once(engine: Engine) -> None:
    number = store_call(engine, "1", HELLO, CROSS)
    judge(engine, number)
    with writing(engine) as session:
        assert not take_back(session, number, speaker="agent")
        assert take_back(session, number, speaker="customer")
        assert not take_back(session, number, speaker="customer")
    with reading(engine) as session:
        assert verdicts_of(session, number) == []


def test_who_cannot_be_judged(engine: Engine) -> None:
    number = store_call(engine, "1", HELLO, CROSS)
    silent = store_call(engine, "2")
    with writing(engine) as session:
        assert give_verdict(session, 99, speaker="agent", angry=True, given_by=None) is None
        with pytest.raises(CannotJudge, match="no speaker `speaker_1`: name one of agent, cust"):
            give_verdict(session, number, speaker="speaker_1", angry=True, given_by=None)
        with pytest.raises(CannotJudge, match="nobody speaks in it"):
            give_verdict(session, silent, speaker="customer", angry=True, given_by=None)


def test_a_call_is_judged_from_its_first_hearing_on(engine: Engine) -> None:
    with writing(engine) as session:
        call = not_heard(session)
        number = call.id or 0
        with pytest.raises(CannotJudge, match="not heard yet: judge it once"):
            give_verdict(session, number, speaker="customer", angry=True, given_by=None)
        call.status = Status.FAILED
        session.add(call)
        session.commit()
        with pytest.raises(CannotJudge, match="could not be heard: have it heard again"):
            give_verdict(session, number, speaker="customer", angry=True, given_by=None)
    heard_again(engine, number)
    with writing(engine) as session:
        session.get_one(Call, number).status = Status.QUEUED  # to be heard once more
        session.commit()
        assert give_verdict(session, number, speaker="customer", angry=True, given_by=None)


def test_verdicts_stand_beside_what_is_said_now(engine: Engine) -> None:
    number = store_call(engine, "1", HELLO, CROSS)
    moodless = store_call(engine, "2", turn("customer", 1.0, "Hm.", None))
    for call, speaker, angry in (
        (number, "customer", True),
        (number, "agent", False),
        (moodless, "customer", True),
    ):
        judge(engine, call, speaker, angry=angry)
    with writing(engine) as session:
        session.delete(session.get_one(Speaker, (number, "agent")))
        session.get_one(Speaker, (number, "customer")).anger = 0.25
        session.get_one(Call, number).mood_model = "newer"
        session.commit()

    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    with reading(engine) as session:
        rows = judged(session)

    assert rows == [
        Judged(None, "newer", False),
        Judged(0.25, "newer", True),
        Judged(None, "fake", True),
    ]
    assert len([one for one in asked if "SELECT" in one]) == 1


def test_the_mood_model_is_that_of_the_call_heard_last(engine: Engine) -> None:
    with reading(engine) as session:
        assert current_mood_model(session) is None
    first, second, third = (store_call(engine, name, HELLO) for name in "123")
    with writing(engine) as session:
        not_heard(session)
        for number, model, ago_h in ((first, "new", 1), (second, "old", 2), (third, None, 0)):
            call = session.get_one(Call, number)
            call.mood_model, call.heard_at = model, now() - timedelta(hours=ago_h)
        session.commit()
    with reading(engine) as session:
        assert current_mood_model(session) == "new"
