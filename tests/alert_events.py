"""Events of alerts in a database, written the way those who raise alerts do."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine

from models.alert import Alert
from models.alert_event import AlertEvent
from models.call import CallPush
from models.columns import now
from models.db import writing
from models.pushes import add_call

REASON = "customer sounds angry for 9 s of speech in 2 turns, anger up to 0.91"


def write_event(engine: Engine, kind: str = "raised", **body: Any) -> int:
    """An alert of a call of its own, and one event of it; returns the event's id."""
    return write_events(engine, 1, kind, **body)[0]


def write_events(engine: Engine, count: int, kind: str = "raised", **body: Any) -> list[int]:
    """Events of one alert, committed together."""
    shown = {"agent": "Alice", "line": "+44 20 7946 0100", "severity": "high", "rule": "angry"}
    shown |= {"reason": REASON, "start_s": 7.3, "evidence": []} | body
    with writing(engine) as session:
        call, _created = add_call(
            session,
            CallPush(agent=shown["agent"]),
            "upload:none.wav",
            external_id=f"call-{now().timestamp()}",
            agent_channel="left",
        )
    with writing(engine) as session:
        assert call.id is not None
        alert = Alert(
            call_id=call.id,
            rule=str(shown["rule"]),
            reason=str(shown["reason"]),
            evidence=[],
            start_s=7.3,
        )
        session.add(alert)
        session.flush()
        assert alert.id is not None
        whole = {"id": alert.id, "call_id": call.id, "external_id": call.external_id, **shown}
        whole["play"] = f"/listen/{call.id}?alert={alert.id}&at=7.3"
        events = [
            AlertEvent(alert_id=alert.id, call_id=call.id, kind=kind, at=now(), body=whole)
            for _ in range(count)
        ]
        for event in events:
            session.add(event)
            session.flush()
        session.commit()
        return [event.id or 0 for event in events]
