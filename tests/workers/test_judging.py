"""Stored calls are judged anew when a push or a retag says something else of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from models import Alert, Call
from models.alert_rule import RuleText, save_rule
from models.call import CallPush, Status
from models.columns import now
from models.db import reading, writing
from models.lexicon import publish, save_draft
from models.pushes import add_call
from models.review import change_hold
from speech.conversation import Acoustics
from tests.alerting import a_judge, all_events, kinds
from tests.fakes import ANGRY, CALM, conversation, turn
from workers.judging import Judge
from workers.pipeline import analyse, record
from workers.published import Shelf, seed
from workers.rematch import retag_in_process
from workers.rules.book import RuleBook

MISSED = {"outcome": {"one_of": ["missed"]}}
RUDE = {"hits": {"lexicon": "abusive"}}
FRUIT = {"hits": {"lexicon": "fruit"}}
ANGER = {"anger": {"at_least": 0.6, "for_s": 1.0}}
SILENCE = {"silence": {"at_least_s": 3.0}}
TALK = {"talk_ratio": {"at_least": 0.1}, "who": "anybody"}
INTERRUPTS = {"interruptions": {"at_least": 1}, "who": "anybody"}
FURIOUS = replace(ANGRY, anger=0.81234567890123, evidence={"encoder": 1.94127, "colour": -0.4})
SAID = (
    turn("agent", 0.1234567, "Good morning. Do you need a bearing number two oh four?"),
    replace(
        turn("customer", 3.3, "You useless idiots, where are my apples?", FURIOUS),
        acoustics=Acoustics(-20.0, 220.0, 3.0, 6.04123456, 3.2345678, 0.21234567),
    ),
    turn("agent", 12.1, "I am sorry.", CALM),
    turn("customer", 31.7, "Goodbye.", CALM),
)


@pytest.fixture
def rules(engine: Engine) -> None:
    """One of every kind, named by what it looks for."""
    seed(engine)
    conditions: list[dict[str, Any]] = [MISSED, RUDE, FRUIT, ANGER, SILENCE, TALK, INTERRUPTS]
    with writing(engine) as session:
        for condition in conditions:
            save_rule(session, next(iter(condition)) + _of(condition), a_rule(condition), by=None)


def _of(condition: dict[str, Any]) -> str:
    return " " + condition["hits"]["lexicon"] if "hits" in condition else ""


def a_rule(*conditions: dict[str, Any], within_s: float | None = None) -> RuleText:
    return RuleText({"all_of": list(conditions)}, "high", within_s, enabled=True)


def hear(engine: Engine, **push: Any) -> int:
    """A call that was heard by the rules and the lexicons of the moment."""
    call = push_it(engine, **push)
    published = Shelf(engine).current()
    judged = RuleBook(engine).current()
    analysis = analyse(conversation(*SAID), published.matcher, judged, revision=published.revision)
    with writing(engine) as session:
        assert record(session, call.id or 0, analysis)
    return call.id or 0


def push_it(engine: Engine, **push: Any) -> Call:
    with writing(engine) as session:
        one = CallPush.model_validate({"external_id": "a"} | push)
        call, _ = add_call(session, one, "upload:a.wav", external_id="a", agent_channel="left")
    return call


def alerts(engine: Engine, *, gone: bool = False) -> list[str]:
    """The rules whose alerts hold, or do not any more."""
    with reading(engine) as session:
        found = session.exec(select(Alert).order_by(col(Alert.rule))).all()
    return [alert.rule for alert in found if (alert.no_longer_at is not None) == gone]


def publish_now(engine: Engine, name: str, *terms: str, purpose: str = "custom") -> None:
    tables = [{"text": term} for term in terms]
    with writing(engine) as session:
        table = {"name": name, "purpose": purpose, "version": 1, "terms": tables}
        save_draft(session, table, by=None)
        publish(session, name, by=None)


def judge_anew(engine: Engine, number: int) -> list[int]:
    with writing(engine) as session:
        written = a_judge(engine).judge_again(session, [number])
        session.commit()
    return written


@pytest.mark.usefixtures("rules")
def test_a_call_of_which_nothing_else_is_known_keeps_its_alerts(engine: Engine) -> None:
    number = hear(engine)
    before = [event.body for event in all_events(engine)]
    assert alerts(engine) == ["anger", "hits abusive", "interruptions", "silence", "talk_ratio"]
    assert judge_anew(engine, number) == []
    assert [event.body for event in all_events(engine)] == before
    assert '"encoder": 1.94' in str(before).replace("'", '"')


@pytest.mark.usefixtures("rules")
def test_an_outcome_that_is_told_last_raises_its_alert(engine: Engine) -> None:
    hear(engine)
    raised = alerts(engine)
    push_it(engine, outcome="missed")
    judge = a_judge(engine)
    assert judge.judge_news() == 1
    assert alerts(engine) == sorted([*raised, "outcome"])
    told = kinds(engine)
    assert judge.judge_news() == 0
    push_it(engine, outcome="missed")  # which is known already
    assert judge.judge_news() == 0
    assert kinds(engine) == told == ["raised"] * len(told)
    push_it(engine, outcome="answered")
    assert judge.judge_news() == 1
    assert (alerts(engine), alerts(engine, gone=True)) == (raised, ["outcome"])
    assert kinds(engine) == [*told, "no_longer"]


@pytest.mark.usefixtures("rules")
@pytest.mark.parametrize("status", [Status.QUEUED, Status.HEARING])
def test_a_call_that_is_being_heard_is_judged_afterwards(engine: Engine, status: Status) -> None:
    number = hear(engine)
    push_it(engine, outcome="missed")
    stand(engine, number, status)
    judge = a_judge(engine)
    assert judge.judge_news() == judge.judge_news(number) == 0
    stand(engine, number, Status.DONE)
    assert judge.judge_news(number) == 1
    assert "outcome" in alerts(engine)


def stand(engine: Engine, number: int, status: Status) -> None:
    with writing(engine) as session:
        session.get_one(Call, number).status = status
        session.commit()


@pytest.mark.parametrize("news", [{"caller": "+44 20"}, {"started_at": "2026-11-02T09:15:00Z"}])
def test_what_no_rule_asks_about_needs_no_judging(engine: Engine, news: dict[str, Any]) -> None:
    hear(engine)
    push_it(engine, **news)
    assert a_judge(engine).judge_news() == 0


def test_a_held_call_stays_as_it_is(engine: Engine) -> None:
    number = hear(engine)
    with writing(engine) as session:
        change_hold(session, number, held=True, reason="Case 1", by="Al", key_name="Al")
    push_it(engine, outcome="missed")
    assert a_judge(engine).judge_news() == 0


def test_what_breaks_off_is_judged_later(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with writing(engine) as session:
        save_rule(session, "missed", a_rule(MISSED), by=None)
    hear(engine)
    push_it(engine, outcome="missed")
    judge = a_judge(engine)

    def break_off(*_: Any) -> None:
        raise RuntimeError("half-way")

    with monkeypatch.context() as patched:
        patched.setattr(Judge, "judge_again", break_off)
        with pytest.raises(RuntimeError, match="half-way"):
            judge.judge_news()
    assert judge.judge_news() == 1
    assert kinds(engine) == ["raised"]


@pytest.mark.parametrize(("days", "is_awaited"), [(6, True), (8, False)])
def test_nobody_is_late_for_a_call_of_long_ago(engine: Engine, days: int, is_awaited: bool) -> None:
    with writing(engine) as session:
        save_rule(session, "missed", a_rule(MISSED, within_s=60.0), by=None)
    hear(engine, started_at=now() - timedelta(days=days))
    push_it(engine, outcome="missed")
    a_judge(engine).judge_news()
    with Session(engine) as session:
        assert (session.exec(select(Alert.due_at)).one() is not None) == is_awaited


@pytest.mark.usefixtures("rules")
def test_a_retag_raises_alerts_and_says_which_do_not_hold_any_more(engine: Engine) -> None:
    hear(engine)
    told = len(kinds(engine))
    publish_now(engine, "fruit", "apple")
    judge = a_judge(engine)
    retag_in_process(engine, judge)
    assert "hits fruit" in alerts(engine)
    assert kinds(engine)[told:] == ["raised"]
    publish_now(engine, "fruit", "banana")
    retag_in_process(engine, judge)
    assert alerts(engine, gone=True) == ["hits fruit"]
    assert kinds(engine)[told:] == ["raised", "no_longer"]


@pytest.mark.usefixtures("rules")
def test_a_retag_brings_reasons_up_to_date_and_leaves_what_the_voice_said(engine: Engine) -> None:
    hear(engine)
    told = len(kinds(engine))
    parts = the_parts(engine)
    publish_now(engine, "abusive", "useless", purpose="abusive")
    retag_in_process(engine, a_judge(engine))
    assert kinds(engine)[told:] == ["changed", "changed"]  # what is said, and how it sounds
    with Session(engine) as session:
        rude = session.exec(select(Alert).where(Alert.rule == "hits abusive")).one()
    assert [piece["term"] for piece in rude.evidence] == ["useless"]
    assert "idiot" not in rude.reason
    after = the_parts(engine)
    assert [word["term"] for word in after.pop("words")] == ["useless"]
    assert "idiot" in str(parts.pop("words"))
    assert after.pop("reason") != parts.pop("reason")
    assert after == parts


def the_parts(engine: Engine) -> dict[str, Any]:
    """What the anger of the call's alert is made of."""
    with Session(engine) as session:
        [piece] = session.exec(select(Alert).where(Alert.rule == "anger")).one().evidence
    parts: dict[str, Any] = piece["parts"]
    return parts


@pytest.mark.usefixtures("rules")
def test_a_retag_that_finds_the_same_judges_nothing(engine: Engine) -> None:
    hear(engine)
    told = kinds(engine)
    publish_now(engine, "vegetables", "carrot")
    with writing(engine) as session:
        save_rule(session, "any", a_rule(TALK), by=None)
    retag_in_process(engine, a_judge(engine))
    assert kinds(engine) == told
