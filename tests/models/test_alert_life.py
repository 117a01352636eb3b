"""What becomes of an alert: raised once, changed, reopened, acknowledged, resolved, overdue; each
step with its event.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from models.alert import Alert, Outcome
from models.alert_event import AlertEvent
from models.alert_life import (
    SWEPT_AT_ONCE,
    IllegalMove,
    acknowledge,
    any_overdue,
    mark_overdue,
    resolve,
    write_alerts,
)
from models.call import Call
from models.columns import now
from models.db import reading, writing
from tests.alerting import (
    a_draft,
    a_hit,
    a_turn,
    all_events,
    analysed,
    kinds,
    push_call,
    raise_alert,
    the_alert,
)


@pytest.fixture
def call_id(engine: Engine) -> int:
    with writing(engine) as session:
        return push_call(session, "4711", agent="Alice", line="100")


def acknowledged(engine: Engine, alert_id: int, by: str = "Bob") -> None:
    with writing(engine) as session:
        acknowledge(session, alert_id, by=by)


def resolved(engine: Engine, alert_id: int, outcome: Outcome = Outcome.CALLED_BACK) -> None:
    with writing(engine) as session:
        resolve(session, alert_id, outcome=outcome, note="refunded", by="Bob")


def test_what_a_rule_finds_is_raised_with_all_that_is_shown(engine: Engine, call_id: int) -> None:
    draft = a_draft(a_turn(9.0, 12.0), severity="critical", acknowledge_within_s=60)
    [alert_id] = analysed(engine, call_id, draft)
    alert, [event] = the_alert(engine, alert_id), all_events(engine)
    assert (alert.status, alert.severity, alert.rule) == ("new", "critical", "angry")
    assert alert.due_at == alert.created_at + timedelta(seconds=60)
    assert (event.kind, event.alert_id, event.call_id, event.by) == ("raised", alert_id, 1, None)
    assert event.at == alert.created_at
    body = event.body
    assert (body["id"], body["external_id"], body["agent"], body["line"]) == (
        alert_id,
        "4711",
        "Alice",
        "100",
    )
    assert body["play"] == f"/listen/{call_id}?alert={body['id']}&at=9.0"
    assert body["evidence"] == [a_turn(9.0, 12.0)]
    assert datetime.fromisoformat(body["created_at"]) == alert.created_at
    assert datetime.fromisoformat(body["started_at"]).tzinfo == UTC


def test_the_same_again_writes_nothing(engine: Engine, call_id: int) -> None:
    draft = a_draft(a_turn(9.0, 12.0, anger=0.123456789), a_hit(10.0, "idiot"))
    [alert_id] = analysed(engine, call_id, draft)
    before = the_alert(engine, alert_id)
    assert analysed(engine, call_id, draft) == []
    assert the_alert(engine, alert_id) == before
    assert kinds(engine) == ["raised"]


def test_another_finding_changes_the_one_alert(engine: Engine, call_id: int) -> None:
    [alert_id] = analysed(engine, call_id, a_draft(acknowledge_within_s=60))
    due_at = the_alert(engine, alert_id).due_at
    other = a_draft(a_hit(3.0, "idiot"), reason="says idiot", severity="low")
    assert analysed(engine, call_id, other) == [alert_id]
    alert = the_alert(engine, alert_id)
    assert (alert.reason, alert.severity, alert.start_s) == ("says idiot", "low", 3.0)
    assert (alert.status, alert.due_at) == ("new", due_at)
    assert kinds(engine) == ["raised", "changed"]


def test_each_rule_has_an_alert_of_its_own(engine: Engine, call_id: int) -> None:
    ids = analysed(engine, call_id, a_draft(rule="one"), a_draft(rule="two"))
    assert len(set(ids)) == 2
    assert [event.body["rule"] for event in all_events(engine)] == ["one", "two"]
    assert analysed(engine, call_id, a_draft(rule="two", reason="more")) == [ids[1]]


def test_a_rule_that_no_longer_fires_leaves_its_alert_and_says_so_once(
    engine: Engine, call_id: int
) -> None:
    [alert_id] = analysed(engine, call_id, a_draft())
    assert analysed(engine, call_id) == []
    assert analysed(engine, call_id) == []
    alert = the_alert(engine, alert_id)
    assert (alert.status, alert.reason) == ("new", "customer sounds angry")
    assert alert.no_longer_at is not None
    assert analysed(engine, call_id, a_draft()) == [alert_id]
    assert the_alert(engine, alert_id).no_longer_at is None
    assert kinds(engine) == ["raised", "no_longer", "changed"]


def test_a_call_that_never_raised_anything_has_no_events(engine: Engine, call_id: int) -> None:
    assert analysed(engine, call_id) == []
    assert kinds(engine) == []


def test_an_alert_is_acknowledged_and_resolved(engine: Engine) -> None:
    alert_id = raise_alert(engine, "a")
    with writing(engine) as session:
        shown = acknowledge(session, alert_id, by="Bob")
    assert shown is not None
    assert (shown["status"], shown["acknowledged_by"]) == ("acknowledged", "Bob")
    with writing(engine) as session:
        shown = resolve(session, alert_id, outcome=Outcome.FALSE_ALARM, note="a joke", by="Carol")
    assert shown is not None
    assert [shown[name] for name in ("status", "resolved_by", "outcome", "note")] == [
        "resolved",
        "Carol",
        "false_alarm",
        "a joke",
    ]
    _raised, second, third = all_events(engine)
    assert (second.kind, second.by, second.body["status"]) == (
        "acknowledged",
        "Bob",
        "acknowledged",
    )
    assert second.body["outcome"] is None
    assert (third.kind, third.by, third.body) == ("resolved", "Carol", shown)


def test_steps_that_are_not_possible_say_which_are(engine: Engine) -> None:
    alert_id = raise_alert(engine, "a")
    with pytest.raises(IllegalMove, match="is new: acknowledge it first"):
        resolved(engine, alert_id)
    acknowledged(engine, alert_id)
    with pytest.raises(IllegalMove, match="acknowledged by Bob already: it can be resolved"):
        acknowledged(engine, alert_id, by="Carol")
    resolved(engine, alert_id)
    for step in (acknowledged, resolved):
        with pytest.raises(IllegalMove, match="new evidence reopens it"):
            step(engine, alert_id)
    assert kinds(engine) == ["raised", "acknowledged", "resolved"]
    assert the_alert(engine, alert_id).acknowledged_by == "Bob"


def test_what_is_not_there_is_none(engine: Engine) -> None:
    with writing(engine) as session:
        assert acknowledge(session, 99, by="Bob") is None
        assert write_alerts(session, 99, [a_draft()], judged={"angry"}) == []


@pytest.mark.parametrize("step", [acknowledged, resolved])
def test_new_evidence_reopens(engine: Engine, call_id: int, step: object) -> None:
    known = (a_turn(9.0, 12.0), a_hit(10.0, "idiot"))
    [alert_id] = analysed(engine, call_id, a_draft(*known, acknowledge_within_s=60))
    acknowledged(engine, alert_id)
    if step is resolved:
        resolved(engine, alert_id)
    more = a_draft(*known, a_turn(30.0, 33.0), acknowledge_within_s=10)
    assert analysed(engine, call_id, more) == [alert_id]
    alert = the_alert(engine, alert_id)
    assert alert.status == "new"
    assert alert.due_at == alert.updated_at + timedelta(seconds=10)
    names = ("acknowledged_at", "acknowledged_by", "resolved_at", "resolved_by", "outcome", "note")
    assert {getattr(alert, name) for name in names} == {None}
    assert kinds(engine)[-1] == "reopened"
    acknowledged(engine, alert_id)


@pytest.mark.parametrize(
    ("evidence", "kind"),
    [
        ((a_turn(9.1, 12.2, anger=0.7),), "changed"),  # the same turn, heard a little otherwise
        ((a_turn(9.0, 12.0), a_hit(10.0, "idiot")), "changed"),
        ((a_hit(10.1, "idiot"),), "changed"),
        ((a_hit(10.0, "liar"),), "reopened"),
        ((a_hit(40.0, "idiot"),), "reopened"),
        ((a_turn(12.0, 14.0),), "reopened"),
        ((a_turn(10.0, 10.5) | {"kind": "silence"},), "reopened"),
    ],
)
def test_only_what_nobody_has_seen_yet_is_new_evidence(
    engine: Engine, call_id: int, evidence: tuple[dict[str, object], ...], kind: str
) -> None:
    known = a_draft(a_turn(9.0, 12.0), a_hit(10.0, "idiot"))
    [alert_id] = analysed(engine, call_id, known)
    acknowledged(engine, alert_id)
    analysed(engine, call_id, a_draft(*evidence, reason="now"))
    assert kinds(engine) == ["raised", "acknowledged", kind]


def test_what_one_analysis_missed_is_not_new_when_the_next_finds_it_again(
    engine: Engine, call_id: int
) -> None:
    both = a_turn(1.0, 3.0), a_turn(9.0, 12.0)
    [number] = analysed(engine, call_id, a_draft(*both))
    with writing(engine) as session:
        acknowledge(session, number, by="Bob")
    for found in (both[:1], both):
        analysed(engine, call_id, a_draft(*found))
    assert kinds(engine) == ["raised", "acknowledged", "changed", "changed"]


def test_another_fact_of_the_call_is_new_evidence(engine: Engine, call_id: int) -> None:
    of_call = {"kind": "call", "start_s": 0.0, "end_s": 50.0}
    vip = of_call | {"name": "metadata vip", "value": True}
    [number] = analysed(engine, call_id, a_draft(vip))
    with writing(engine) as session:
        acknowledge(session, number, by="Bob")
    analysed(engine, call_id, a_draft(vip, of_call | {"name": "outcome", "value": "failed"}))
    assert kinds(engine)[-1] == "reopened"


def test_evidence_without_length_is_known_again(engine: Engine, call_id: int) -> None:
    whole = {"kind": "outcome", "start_s": 0.0, "end_s": 0.0, "outcome": "missed"}
    [alert_id] = analysed(engine, call_id, a_draft(whole))
    acknowledged(engine, alert_id)
    analysed(engine, call_id, a_draft(whole, reason="in other words"))
    assert the_alert(engine, alert_id).status == "acknowledged"


def test_of_many_who_acknowledge_at_once_one_does(engine: Engine) -> None:
    alert_id = raise_alert(engine, "a")

    def one(by: str) -> bool:
        try:
            acknowledged(engine, alert_id, by=by)
        except IllegalMove:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(one, "abcdefgh"))
    assert done.count(True) == 1
    assert kinds(engine) == ["raised", "acknowledged"]
    assert the_alert(engine, alert_id).acknowledged_by == "abcdefgh"[done.index(True)]


def test_late_alerts_are_noted_once(engine: Engine) -> None:
    late = raise_alert(engine, "late", a_draft(acknowledge_within_s=60))
    calm = raise_alert(engine, "calm", a_draft(acknowledge_within_s=600))
    raise_alert(engine, "timeless")
    handled = raise_alert(engine, "handled", a_draft(acknowledge_within_s=60))
    acknowledged(engine, handled)
    moment = now() + timedelta(seconds=61)
    with reading(engine) as session:
        assert not any_overdue(session, now())
        assert any_overdue(session, moment)
    with writing(engine) as session:
        assert mark_overdue(session, moment) == 1
        assert mark_overdue(session, moment) == 0
    with reading(engine) as session:
        assert not any_overdue(session, moment)
    assert the_alert(engine, late).overdue_at == moment
    assert the_alert(engine, calm).overdue_at is None
    last = all_events(engine)[-1]
    assert (last.kind, last.alert_id, last.by) == ("overdue", late, None)
    acknowledged(engine, late)
    with reading(engine) as session:
        assert not any_overdue(session, moment)


def test_many_who_look_for_late_alerts_note_each_once(engine: Engine) -> None:
    with writing(engine) as session:
        calls = [push_call(session, str(i)) for i in range(SWEPT_AT_ONCE + 5)]
    for number in calls:
        analysed(engine, number, a_draft(acknowledge_within_s=1))
    moment = now() + timedelta(seconds=2)

    def look(_: int) -> int:
        with writing(engine) as session:
            return mark_overdue(session, moment)

    with ThreadPoolExecutor(4) as pool:
        noted = list(pool.map(look, range(4)))
    assert sum(noted) == len(calls)
    assert kinds(engine).count("overdue") == len(calls)


def test_alerts_and_events_go_with_their_call(engine: Engine) -> None:
    gone, stays = raise_alert(engine, "gone"), raise_alert(engine, "stays")
    with writing(engine) as session:
        session.delete(session.get_one(Call, the_alert(engine, gone).call_id))
        session.commit()
    assert [event.alert_id for event in all_events(engine)] == [stays]
    with reading(engine) as session:
        assert list(session.exec(select(Alert.id))) == [stays]
    later = raise_alert(engine, "later")
    assert later > stays
    assert all_events(engine)[-1].id == 3


def test_a_rule_that_is_off_or_gone_leaves_its_alerts_alone(engine: Engine) -> None:
    with writing(engine) as session:
        number = push_call(session, "a")
    analysed(engine, number, a_draft())
    with writing(engine) as session:
        assert write_alerts(session, number, [], judged={"another"}) == []
        session.commit()
    with reading(engine) as session:
        assert session.exec(select(Alert)).one().no_longer_at is None
        assert [event.kind for event in session.exec(select(AlertEvent))] == ["raised"]


def test_what_is_no_longer_found_does_not_become_overdue(engine: Engine) -> None:
    with writing(engine) as session:
        number = push_call(session, "a")
    analysed(engine, number, a_draft(acknowledge_within_s=60.0))
    analysed(engine, number)
    late = now() + timedelta(hours=1)
    with writing(engine) as session:
        assert not any_overdue(session, late)
        assert mark_overdue(session, late) == 0
