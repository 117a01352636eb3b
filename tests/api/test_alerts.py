"""Alerts over HTTP: lists by filters, pages that stay, and the steps of an alert's life."""

from __future__ import annotations

from datetime import datetime
from time import monotonic
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from models.alert_life import mark_overdue
from models.columns import now
from models.db import writing
from models.key import create_key
from tests.alerting import a_draft, raise_alert
from tests.fakes import ANGRY, turn
from tests.records import store_call
from workers.queue import Wake


def listed(api: TestClient, **parameters: Any) -> list[int]:
    answer = api.get("/alerts", params=parameters)
    assert answer.status_code == 200, answer.text
    return [alert["id"] for alert in answer.json()["items"]]


def acknowledge(api: TestClient, number: int, **body: Any) -> Any:
    return api.post(f"/alerts/{number}/acknowledge", json=body)


def resolve(api: TestClient, number: int, **body: Any) -> Any:
    return api.post(f"/alerts/{number}/resolve", json={"outcome": "settled"} | body)


def test_the_address_to_play_from_is_whole_where_people_s_way_here_is_known(
    api: TestClient, engine: Engine
) -> None:
    call_id = store_call(engine, "4711", turn("customer", 2.5, "You are useless idiots!", ANGRY))
    settings = api.app.state.settings
    api.app.state.settings = settings.model_copy(update={"public_url": "https://calls.example"})
    whole = f"https://calls.example/listen/{call_id}?alert=1&at=2.5"
    assert api.get("/alerts").json()["items"][0]["play"] == whole
    assert api.get("/alerts/1").json()["play"] == whole
    assert api.get(f"/calls/{call_id}").json()["alerts"][0]["play"] == whole
    assert acknowledge(api, 1).json()["play"] == whole
    events = api.get("/alerts/1/events").json()["items"]
    assert [event["alert"]["play"] for event in events] == [whole, whole]


def test_an_alert_says_why_and_whose_call_it_is_and_where_to_play(
    api: TestClient, engine: Engine
) -> None:
    said = turn("customer", 2.5, "You are useless idiots!", ANGRY)
    call_id = store_call(engine, "4711", said, agent="Alice", line="100")
    [alert] = api.get("/alerts").json()["items"]
    assert alert == api.get(f"/alerts/{alert['id']}").json()
    assert (alert["call_id"], alert["external_id"]) == (call_id, "4711")
    assert (alert["agent"], alert["line"], alert["status"]) == ("Alice", "100", "new")
    assert (alert["severity"], alert["rule"]) == ("high", "angry-or-abusive")
    assert alert["play"] == f"/listen/{call_id}?alert={alert['id']}&at={alert['start_s']}"
    assert {piece["kind"] for piece in alert["evidence"]} == {"hit"}
    assert "idiot" in alert["reason"]
    assert datetime.fromisoformat(alert["started_at"]) == datetime.fromisoformat(
        api.get(f"/calls/{call_id}").json()["started_at"]
    )
    assert api.get(f"/calls/{call_id}").json()["alerts"] == [alert]


def test_alerts_are_found_by_every_filter(api: TestClient, engine: Engine) -> None:
    began = now()
    raise_alert(engine, "a", a_draft(rule="one", severity="low"), agent="Alice", line="100")
    raise_alert(engine, "b", a_draft(rule="two", acknowledge_within_s=-1), agent="Алиса")
    between = now()
    raise_alert(engine, "c", a_draft(rule="two", severity="critical"), line="100")
    assert acknowledge(api, 3).status_code == 200
    with writing(engine) as session:
        mark_overdue(session, now())
    assert listed(api) == [1, 2, 3]
    cases: list[tuple[dict[str, Any], list[int]]] = [
        ({"status": "new"}, [1, 2]),
        ({"status": ["new", "acknowledged"]}, [1, 2, 3]),
        ({"severity": ["low", "critical"]}, [1, 3]),
        ({"rule": "two"}, [2, 3]),
        ({"call": 2}, [2]),
        ({"agent": ["Алиса", "Alice"]}, [1, 2]),
        ({"line": "100"}, [1, 3]),
        ({"from": between.isoformat()}, [3]),
        ({"to": between.isoformat()}, [1, 2]),
        ({"from": began.isoformat(), "to": between.isoformat(), "rule": "one"}, [1]),
        ({"overdue": True}, [2]),
        ({"overdue": False}, [1, 3]),
        ({"rule": "two", "line": "100", "status": "new"}, []),
    ]
    for parameters, expected in cases:
        assert listed(api, **parameters) == expected, parameters
        assert listed(api, order="newest", **parameters) == expected[::-1], parameters
    assert acknowledge(api, 2).status_code == 200
    assert listed(api, overdue=True) == []


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"status": "open"}, "status"),
        ({"severity": "huge"}, "severity"),
        ({"rule": "a\0b"}, "rule"),
        ({"agent": ""}, "agent"),
        ({"call": "x"}, "call"),
        ({"from": "2026-11-02T09:00:00"}, "from"),
        ({"to": "9999-12-31T23:59:59-23:00"}, "to"),
        ({"overdue": "perhaps"}, "overdue"),
        ({"order": "best"}, "order"),
        ({"cursor": "-1"}, "cursor"),
        ({"cursor": str(2**31)}, "cursor"),
        ({"limit": "201"}, "limit"),
        ({"rules": "one"}, "rules"),
        ({"rule": ["x"] * 51}, "rule"),
    ],
)
def test_a_wrong_filter_is_refused_by_its_name(
    api: TestClient, parameters: dict[str, Any], named: str
) -> None:
    answer = api.get("/alerts", params=parameters)
    assert answer.status_code == 422
    assert {one["parameter"] for one in answer.json()["errors"]} == {named}


def test_pages_stay_while_alerts_come_and_go_on(api: TestClient, engine: Engine) -> None:
    for number in range(5):
        raise_alert(engine, str(number))
    newest = api.get("/alerts", params={"order": "newest", "limit": 2}).json()
    assert [alert["id"] for alert in newest["items"]] == [5, 4]
    raise_alert(engine, "between")
    cursor = newest["next_cursor"]
    second = api.get("/alerts", params={"order": "newest", "limit": 2, "cursor": cursor}).json()
    assert [alert["id"] for alert in second["items"]] == [3, 2]
    cursor = second["next_cursor"]
    last = api.get("/alerts", params={"order": "newest", "limit": 2, "cursor": cursor}).json()
    assert ([alert["id"] for alert in last["items"]], last["next_cursor"]) == ([1], None)

    oldest = api.get("/alerts", params={"cursor": 4, "limit": 200}).json()
    assert ([alert["id"] for alert in oldest["items"]], oldest["next_cursor"]) == ([5, 6], 6)
    again = api.get("/alerts", params={"cursor": 6}).json()
    assert again == {"items": [], "next_cursor": 6}


def test_an_alert_goes_through_its_life(api: TestClient, engine: Engine) -> None:
    number = raise_alert(engine, "a")
    taken = acknowledge(api, number, by=" Bob ")
    assert taken.status_code == 200
    assert (taken.json()["status"], taken.json()["acknowledged_by"]) == ("acknowledged", "Bob")
    done = resolve(api, number, outcome="called_back", note="Refunded,\nand thanked.")
    assert done.status_code == 200
    body = done.json()
    assert (body["status"], body["outcome"]) == ("resolved", "called_back")
    assert (body["note"], body["resolved_by"]) == ("Refunded,\nand thanked.", "test")
    assert api.get(f"/alerts/{number}").json() == body

    events = api.get(f"/alerts/{number}/events").json()
    kinds = [(event["kind"], event["by"]) for event in events["items"]]
    assert kinds == [("raised", None), ("acknowledged", "Bob"), ("resolved", "test")]
    assert [event["alert"]["status"] for event in events["items"]] == [
        "new",
        "acknowledged",
        "resolved",
    ]
    assert events["items"][-1]["alert"] == body
    rest = api.get(f"/alerts/{number}/events", params={"cursor": 1, "limit": 1}).json()
    assert ([event["id"] for event in rest["items"]], rest["next_cursor"]) == ([2], 2)


def test_an_alert_is_acknowledged_without_a_body_by_the_key(
    api: TestClient, engine: Engine
) -> None:
    number = raise_alert(engine, "a")
    assert api.post(f"/alerts/{number}/acknowledge").json()["acknowledged_by"] == "test"


def test_what_is_not_possible_now_is_a_conflict_that_says_what_is(
    api: TestClient, engine: Engine
) -> None:
    number = raise_alert(engine, "a")
    early = resolve(api, number)
    assert (early.status_code, "acknowledge it first" in early.json()["detail"]) == (409, True)
    acknowledge(api, number, by="Bob")
    twice = acknowledge(api, number)
    assert twice.status_code == 409
    assert "acknowledged by Bob already: it can be resolved" in twice.json()["detail"]
    resolve(api, number)
    for answer in (acknowledge(api, number), resolve(api, number)):
        assert answer.status_code == 409
        assert "new evidence" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"outcome": "fine"}, "outcome"),
        ({"outcome": None}, "outcome"),
        ({"note": "x" * 2001}, "note"),
        ({"note": "a\0b"}, "note"),
        ({"by": "x" * 101}, "by"),
        ({"by": "a\nb"}, "by"),
        ({"by": "  "}, "by"),
        ({"who": "Bob"}, "who"),
    ],
)
def test_a_wrong_body_is_refused_by_its_name(
    api: TestClient, engine: Engine, body: dict[str, Any], named: str
) -> None:
    number = raise_alert(engine, "a")
    acknowledge(api, number)
    answer = resolve(api, number, **body)
    assert answer.status_code == 422
    assert {one["parameter"] for one in answer.json()["errors"]} == {named}
    assert api.get(f"/alerts/{number}").json()["status"] == "acknowledged"


def test_a_note_may_have_2000_characters(api: TestClient, engine: Engine) -> None:
    number = raise_alert(engine, "a")
    acknowledge(api, number)
    assert resolve(api, number, note="ё" * 2000).json()["note"] == "ё" * 2000


def test_what_is_not_there_is_not_found(api: TestClient) -> None:
    for answer in (
        api.get("/alerts/99"),
        api.get("/alerts/99/events"),
        acknowledge(api, 99),
        resolve(api, 99),
    ):
        assert answer.status_code == 404
        assert "no alert 99" in answer.json()["detail"]
    assert api.get("/alerts/0").status_code == 422


def test_reading_and_reviewing_need_their_scopes(api: TestClient, engine: Engine) -> None:
    number = raise_alert(engine, "a")
    with writing(engine) as session:
        keys = {scope: create_key(session, scope, (scope,)) for scope in ("read", "review")}
    headers = {scope: {"Authorization": f"Bearer {key}"} for scope, key in keys.items()}
    for path in ("/alerts", f"/alerts/{number}", f"/alerts/{number}/events", "/alerts/stream"):
        assert api.get(path, headers=headers["review"]).status_code == 403, path
    path = f"/alerts/{number}/acknowledge"
    assert api.post(path, headers=headers["read"]).status_code == 403
    answer = api.post(path, headers=headers["review"])
    assert (answer.status_code, answer.json()["acknowledged_by"]) == (200, "review")
    path, body = f"/alerts/{number}/resolve", {"outcome": "no_action"}
    assert api.post(path, headers=headers["read"], json=body).status_code == 403
    assert api.post(path, headers=headers["review"], json=body).status_code == 200


def test_every_step_wakes_who_waits(api: TestClient, engine: Engine, valkey_url: str) -> None:
    number = raise_alert(engine, "a")
    wake = Wake(valkey_url)
    wake.wait(0.2)  # it is subscribed now
    for step in (acknowledge, resolve):
        assert step(api, number).status_code == 200
        since = monotonic()
        wake.wait(30)
        assert monotonic() - since < 15
    wake.close()
