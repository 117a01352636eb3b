"""What rules look at is the same of a call that was just heard and of its stored rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from models import Call, Hit
from models.call import CallPush
from models.db import reading, writing
from models.heard import newest_heard, read_heard
from models.pushes import add_call
from speech.conversation import Acoustics, Conversation
from tests.fakes import ANGRY, CALM, conversation, turn
from tests.records import MATCHER, RULE
from workers.call_facts import About, CallFacts, stored_facts
from workers.pipeline import analyse, record
from workers.rules import Rule, RuleTable

LOUD = Acoustics(-20.0, 220.0, 3.0, 6.0412, 3.2, None)
EVIDENCE = {"encoder": 1.9412, "colour": -0.4}
HEARD = conversation(
    turn("agent", 0.1, "Good morning. Do you need a bearing number two oh four?"),
    replace(
        turn(
            "customer", 3.3, "You useless idiots, where is it?", replace(ANGRY, evidence=EVIDENCE)
        ),
        acoustics=LOUD,
    ),
    replace(
        turn("customer", 9.0, "Thank you so much.", CALM), acoustics=Acoustics(-1.0, None, 2.0)
    ),
    turn("agent", 31.7, "Goodbye, you idiot.", replace(CALM, anger=0.45, evidence=EVIDENCE)),
    turn("agent", 40.0, "Hm.", None),
)
PUSH: dict[str, Any] = {
    "agent": "Alice",
    "line": "+44 20",
    "direction": "inbound",
    "outcome": "answered",
    "metadata": {"queue": "orders", "vip": True, "tries": 3},
}


def both(
    engine: Engine, heard: Conversation, rules: list[Rule], **push: Any
) -> tuple[CallFacts, CallFacts]:
    """The facts of a call from its hearing, and from its rows."""
    with writing(engine) as session:
        call, _ = add_call(
            session,
            CallPush(external_id="a", **push),
            "upload:none.wav",
            external_id="a",
            agent_channel="left",
        )
        analysis = analyse(heard, MATCHER, rules, about=About.of(call))
        record(session, call.id or 0, analysis)
    with reading(engine) as session:
        [row] = read_heard(session, [call.id or 0], voices=True)
    return analysis.facts, stored_facts(row)


@pytest.mark.parametrize("least", [0.6, 0.4])
def test_heard_and_stored_are_the_same(engine: Engine, least: float) -> None:
    anger = {"all_of": [{"anger": {"at_least": least, "for_s": 1.0}}]}
    rules = [RULE, Rule.of("low", RuleTable.model_validate(anger))]
    fresh, stored = both(engine, HEARD, rules, **PUSH)
    assert fresh == stored
    assert fresh.about.metadata == PUSH["metadata"]
    assert [turn.evidence is not None for turn in fresh.turns] == [
        False,
        True,
        False,
        least == 0.4,
        False,
    ]
    assert [turn.interrupts for turn in fresh.turns].count(True) == 1
    assert len(fresh.hits) >= 4
    assert fresh.silences


def test_of_one_channel_too(engine: Engine) -> None:
    fresh, stored = both(engine, replace(HEARD, channels=1), [RULE])
    assert fresh == stored
    assert {turn.interrupts for turn in fresh.turns} == {None}


def test_a_call_of_before_knows_less(engine: Engine) -> None:
    both(engine, HEARD, [RULE])
    with writing(engine) as session:
        call = session.exec(select(Call)).one()
        call.duration_s = call.silences = None
        session.add(call)
        session.commit()
    with reading(engine) as session:
        [row] = read_heard(session, newest_heard(session, most=5), voices=False)
    found = stored_facts(row)
    assert found.silences is None
    assert found.lasts_s == HEARD.turns[-1].end_s
    assert {turn.voice for turn in found.turns} == {None}


def test_a_hit_of_a_turn_that_is_gone_is_left_out(engine: Engine) -> None:
    both(engine, HEARD, [RULE])
    with reading(engine) as session:
        [row] = read_heard(session, newest_heard(session, most=5), voices=True)
        hits = session.exec(select(Hit)).all()
    assert len(stored_facts(row).hits) == len(hits)
    row.hits[0] = row.hits[0]._replace(turn_id=0)
    assert len(stored_facts(row).hits) == len(hits) - 1


def test_turns_keep_their_hits_after_a_retag_that_adds_one_before_others(engine: Engine) -> None:
    fresh, _ = both(engine, HEARD, [RULE])
    with writing(engine) as session:
        first = session.exec(select(Hit).order_by(Hit.start_s)).first()  # type: ignore[arg-type]
        assert first
        again = Hit(**first.model_dump(exclude={"id"}))
        session.delete(first)
        session.flush()
        session.add(again)
        session.commit()
    with reading(engine) as session:
        [row] = read_heard(session, newest_heard(session, most=5), voices=True)
    assert stored_facts(row).hits == fresh.hits
