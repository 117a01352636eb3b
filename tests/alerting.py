"""Alerts in a database, raised the way workers raise them: drafts written in a call's
transaction.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session, select

from models.alert import Alert
from models.alert_event import AlertEvent
from models.alert_life import write_alerts
from models.call import CallPush
from models.db import reading, writing
from models.pushes import add_call
from settings import Settings
from workers.alert_draft import AlertDraft
from workers.judging import Judge


def a_judge(engine: Engine) -> Judge:
    """Asks the rules of a database about its calls."""
    return Judge.of(engine, Settings())


def a_turn(start_s: float, end_s: float, anger: float = 0.9) -> dict[str, Any]:
    """A piece of evidence: an angry turn."""
    return {"kind": "mood", "speaker": "customer", "start_s": start_s, "end_s": end_s} | {
        "anger": anger
    }


def a_hit(start_s: float, term: str) -> dict[str, Any]:
    """A piece of evidence: a term said within half a second."""
    return {"kind": "hit", "speaker": "customer", "start_s": start_s, "end_s": start_s + 0.5} | {
        "lexicon": "abusive",
        "term": term,
    }


def a_draft(*evidence: dict[str, Any], rule: str = "angry", **fields: Any) -> AlertDraft:
    """What a rule found; an angry turn from 9 s on where nothing else is given."""
    pieces = evidence or (a_turn(9.0, 12.0),)
    known: dict[str, Any] = {"reason": "customer sounds angry", "start_s": pieces[0]["start_s"]}
    return AlertDraft(rule=rule, evidence=pieces, **(known | fields))


def push_call(session: Session, external_id: str, **push: Any) -> int:
    """Store a call and commit."""
    call, _created = add_call(
        session,
        CallPush(external_id=external_id, **push),
        "upload:none.wav",
        external_id=external_id,
        agent_channel="left",
    )
    assert call.id is not None
    return call.id


def analysed(engine: Engine, call_id: int, *drafts: AlertDraft) -> list[int]:
    """What an analysis of a call does with its alerts; returns which were written."""
    with writing(engine) as session:
        judged = {*session.exec(select(Alert.rule)), *(draft.rule for draft in drafts)}
        written = write_alerts(session, call_id, drafts, judged=judged)
        session.commit()
    return written


def raise_alert(
    engine: Engine, external_id: str, draft: AlertDraft | None = None, **push: Any
) -> int:
    """A call with one alert; returns the alert's id."""
    with writing(engine) as session:
        call_id = push_call(session, external_id, **push)
    [alert_id] = analysed(engine, call_id, draft or a_draft())
    return alert_id


def the_alert(engine: Engine, alert_id: int) -> Alert:
    """The row as it is now."""
    with reading(engine) as session:
        return session.get_one(Alert, alert_id)


def all_events(engine: Engine) -> list[AlertEvent]:
    """Every event, in order."""
    with reading(engine) as session:
        return list(session.exec(select(AlertEvent).order_by(AlertEvent.id)))  # type: ignore[arg-type]


def kinds(engine: Engine) -> list[str]:
    """What became of alerts, in order."""
    return [event.kind for event in all_events(engine)]
