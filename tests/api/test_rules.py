"""Rules over HTTP: read, written, switched, tried; who may; what is refused and how it is named."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlmodel import select

from models import Alert
from models.alert_rule import MOST_RULES, RuleText, save_rule
from models.db import reading, writing
from models.key import create_key
from tests.fakes import conversation, turn
from tests.records import FIRST, MATCHER, store_call
from workers.pipeline import analyse, record
from workers.rules.book import RuleBook

ABUSIVE: dict[str, Any] = {
    "severity": "critical",
    "enabled": True,
    "acknowledge_within_s": 600,
    "all_of": [{"hits": {"lexicon": "abusive"}, "window": {"first_s": 30}}],
}


def put(api: TestClient, name: str, body: dict[str, Any], status: int = 200) -> Any:
    answer = api.put(f"/rules/{name}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def hear_again(engine: Engine, number: int, *words: str) -> None:
    heard = conversation(*(turn("customer", 1.0 + at, said) for at, said in enumerate(words)))
    with writing(engine) as session:
        record(session, number, analyse(heard, MATCHER, RuleBook(engine).current()))


def test_what_is_answered_can_be_sent_back_and_tried(api: TestClient) -> None:
    put(api, "rude at once", ABUSIVE | {"any_of": [{"duration": {"at_least_s": 5}, "not": True}]})
    for shown in api.get("/rules").json()["items"]:
        assert put(api, shown["name"], shown) == shown
        tried = api.post("/rules/test", json={"definition": shown})
        assert tried.status_code == 200, tried.text
    other = put(api, "threats", api.get("/rules/rude at once").json(), 422)
    assert other["errors"][0]["parameter"] == "name"


def test_rules_are_listed_read_and_written(api: TestClient) -> None:
    names = [rule["name"] for rule in api.get("/rules").json()["items"]]
    assert names == ["angry-at-the-end", "angry-or-abusive", "left-in-silence", "threats"]
    saved = put(api, "rude at once", ABUSIVE)
    assert saved == api.get("/rules/rude at once").json()
    moments = {saved.pop("created_at"), saved.pop("updated_at")}
    assert len(moments) <= 2
    assert saved == {
        "name": "rude at once",
        "severity": "critical",
        "enabled": True,
        "version": 1,
        "acknowledge_within_s": 600.0,
        "who": "customer",
        "all_of": [{"hits": {"lexicon": "abusive"}, "window": {"first_s": 30.0}}],
        "any_of": [],
        "seeded": False,
        "changed_by": "test",
    }
    again = put(api, "rude at once", {"all_of": ABUSIVE["all_of"]})
    assert (again["version"], again["severity"], again["enabled"]) == (2, "high", True)
    assert again["acknowledge_within_s"] is None


def test_a_seeded_rule_that_somebody_changed_is_theirs(api: TestClient) -> None:
    before = api.get("/rules/threats").json()
    assert (before["seeded"], before["changed_by"]) == (True, None)
    after = put(api, "threats", ABUSIVE)
    assert (after["seeded"], after["changed_by"], after["version"]) == (False, "test", 2)


def test_rules_are_switched_and_deleted(api: TestClient) -> None:
    assert put(api, "a", {**ABUSIVE, "enabled": None})["enabled"] is False
    assert api.post("/rules/a/enable").json()["enabled"] is True
    assert api.post("/rules/a/disable").json()["enabled"] is False
    assert api.get("/rules/a").json()["version"] == 1
    assert api.delete("/rules/a").status_code == 204
    for answer in (
        api.get("/rules/a"),
        api.delete("/rules/a"),
        api.post("/rules/a/enable"),
        api.post("/rules/a/disable"),
    ):
        assert answer.status_code == 404
        assert answer.json()["detail"] == "there is no rule a: GET /rules lists them"


def test_a_change_holds_for_the_next_call_and_leaves_alerts_as_they_are(
    api: TestClient, engine: Engine
) -> None:
    first = store_call(engine, "first")
    put(api, "rude", ABUSIVE)
    api.post("/rules/angry-or-abusive/disable")
    hear_again(engine, first, "You liar.")

    def alerts() -> list[tuple[int, str, int]]:
        with reading(engine) as session:
            rows = session.exec(select(Alert).order_by("id"))  # type: ignore[arg-type]
            return [(row.call_id, row.rule, row.evidence[0]["rule_version"]) for row in rows]

    assert alerts() == [(first, "rude", 1)]
    put(api, "rude", {**ABUSIVE, "severity": "low"})
    assert alerts() == [(first, "rude", 1)]
    second = store_call(engine, "second")
    hear_again(engine, second, "You liar.")
    assert alerts() == [(first, "rude", 1), (second, "rude", 2)]
    api.delete("/rules/rude")
    third = store_call(engine, "third")
    hear_again(engine, third, "You liar.")
    assert alerts() == [(first, "rude", 1), (second, "rude", 2)]


def test_a_rule_is_tried_on_stored_calls(api: TestClient, engine: Engine) -> None:
    for number in range(3):
        store_call(engine, f"call {number}", turn("customer", 1.0, "You liar."))
    store_call(engine, "polite", turn("customer", 1.0, "Hello."))
    body: dict[str, Any] = {"definition": ABUSIVE}
    found = api.post("/rules/test", json=body).json()
    assert {name: found[name] for name in ("looked_at", "complete", "fired", "per_day")} == {
        "looked_at": 4,
        "complete": True,
        "fired": 3,
        "per_day": 3.0,
    }
    assert found["warning"] is None
    assert [call["external_id"] for call in found["calls"]] == ["call 2", "call 1", "call 0"]
    assert found["calls"][0]["reason"] == ("1 abusive hit in the first 30 s: “liar” (customer)")
    assert found["calls"][0]["start_s"] == pytest.approx(1.4)
    bounds = {"from": FIRST.isoformat(), "to": found["calls"][0]["started_at"], "most": 1}
    found = api.post("/rules/test", json=body | bounds).json()
    assert (found["looked_at"], found["fired"]) == (1, 1)
    assert found["warning"] == "fires on every call: it tells none from the others"
    assert "test" not in {rule["name"] for rule in api.get("/rules").json()["items"]}


def test_a_stored_rule_is_tried_by_its_name(api: TestClient, engine: Engine) -> None:
    store_call(engine, "rude", turn("customer", 1.0, "You liar."))
    store_call(engine, "polite", turn("customer", 1.0, "Hello."))
    put(api, "rude at once", ABUSIVE | {"enabled": False})
    found = api.post("/rules/rude at once/test").json()
    assert found == api.post("/rules/test", json={"definition": ABUSIVE}).json()
    assert (found["looked_at"], found["fired"]) == (2, 1)
    newest = api.post("/rules/rude at once/test", json={"most": 1}).json()
    assert (newest["looked_at"], newest["fired"]) == (1, 0)
    assert api.post("/rules/rude at once/test", json={"definition": ABUSIVE}).status_code == 422
    assert api.post("/rules/nobody/test").status_code == 404
    with writing(engine) as session:
        save_rule(session, "odd", RuleText({"all_of": [{"of later": {}}]}, "high"), by=None)
    unreadable = api.post("/rules/odd/test")
    assert (unreadable.status_code, "of later" in unreadable.text) == (422, True)


@pytest.mark.parametrize(
    ("change", "parameter"),
    [
        ({"all_of": []}, "body"),
        ({"severity": "urgent"}, "severity"),
        ({"all_of": [{}]}, "all_of.0"),
        ({"all_of": [{"anger": {"at_least": 2, "for_s": 1}}]}, "all_of.0.anger.at_least"),
        ({"all_of": [{"hits": {"pattern": "(a+)+$"}}]}, "all_of.0.hits.pattern"),
        ({"any_of": [{"silence": {"at_least_s": 1}}]}, "any_of.0.silence.at_least_s"),
        ({"nam": "a"}, "nam"),
    ],
)
def test_what_is_wrong_is_named_by_its_place(
    api: TestClient, change: dict[str, Any], parameter: str
) -> None:
    answer = put(api, "a", ABUSIVE | change, status=422)
    assert answer["errors"][0]["parameter"] == parameter
    answer = api.post("/rules/test", json={"definition": ABUSIVE | change})
    assert answer.status_code == 422
    named = answer.json()["errors"][0]["parameter"]
    assert named == ("definition" if parameter == "body" else f"definition.{parameter}")
    assert api.get("/rules/a").status_code == 404


@pytest.mark.parametrize("name", ["%20a", "a%20", "a%0Ab", "a" * 101, "%00"])
def test_a_name_that_cannot_be_one_is_refused(api: TestClient, name: str) -> None:
    assert put(api, name, ABUSIVE, status=422)["errors"][0]["parameter"] == "rule"


@pytest.mark.parametrize(
    "bound", [{"most": 0}, {"most": 10_001}, {"from": "2026-11-01"}, {"limit": 3}]
)
def test_bounds_of_a_trial_are_checked(api: TestClient, bound: dict[str, Any]) -> None:
    answer = api.post("/rules/test", json={"definition": ABUSIVE, **bound})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == next(iter(bound))


def test_there_is_a_most(api: TestClient, engine: Engine) -> None:
    there = len(api.get("/rules").json()["items"])
    for number in range(MOST_RULES - there):
        with writing(engine) as session:
            save_rule(session, f"rule {number}", RuleText({}, "low"), by=None)
    assert "delete one first" in put(api, "one more", ABUSIVE, status=409)["detail"]


@pytest.mark.parametrize("scope", ["push", "read", "review", "admin"])
def test_reading_needs_the_scope_read_and_all_else_admin(
    api: TestClient, engine: Engine, scope: str
) -> None:
    with writing(engine) as session:
        key = create_key(session, "narrow", (scope,))
    api.headers["Authorization"] = f"Bearer {key}"
    reads = [api.get("/rules"), api.get("/rules/threats")]
    assert {answer.status_code for answer in reads} == {200 if scope == "read" else 403}
    writes = [
        api.put("/rules/a", json=ABUSIVE),
        api.post("/rules/a/enable"),
        api.post("/rules/a/disable"),
        api.post("/rules/test", json={"definition": ABUSIVE}),
        api.delete("/rules/a"),
    ]
    assert all((answer.status_code == 403) == (scope != "admin") for answer in writes)
