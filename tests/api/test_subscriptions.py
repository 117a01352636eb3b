"""Subscriptions over HTTP and in the terminal: made, changed, tested, rotated, replayed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlmodel import col, select
from standardwebhooks.webhooks import Webhook
from typer.testing import CliRunner

from api.app import make_app
from models.columns import now
from models.db import reading, writing
from models.delivery import Delivery, Outcome, Standing, log_attempt
from models.dispatch import claim
from models.key import create_key
from models.subscription import Subscription
from overtone import app
from settings import Settings
from tests.alert_events import write_events
from tests.receivers import Receiver, answer, receiving


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"webhook_private": ("127.0.0.1",)})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


def webhook(receiver: Receiver, **more: Any) -> dict[str, Any]:
    return {"kind": "webhook", "url": receiver.url, **more}


def test_a_webhook_is_made_with_a_secret_that_is_shown_once(
    api: TestClient, receiver: Receiver
) -> None:
    made = api.put("/subscriptions/board", json=webhook(receiver, filters={"agents": ["Alice"]}))
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    assert made.json()["filters"]["agents"] == ["Alice"]
    again = api.put("/subscriptions/board", json=webhook(receiver))
    assert (again.status_code, again.json()["secret"]) == (200, None)
    shown = api.get("/subscriptions/board").json()
    assert shown["filters"]["agents"] == []
    assert (shown["waiting"], shown["parked"], shown["enabled"]) == (0, 0, True)
    listed = api.get("/subscriptions").json()["items"]
    assert listed == [shown]
    for text in (api.get("/subscriptions/board").text, api.get("/subscriptions").text):
        assert "whsec" not in text
        assert "lease" not in text
    assert api.delete("/subscriptions/board").status_code == 204
    assert api.get("/subscriptions/board").status_code == 404
    assert api.delete("/subscriptions/board").status_code == 404


def test_what_is_sent_with_a_message_is_never_shown(api: TestClient, receiver: Receiver) -> None:
    asked = webhook(receiver, authorization="Bearer of-the-gateway")
    made = api.put("/subscriptions/sms", json=asked)
    assert made.json()["has_authorization"] is True
    assert "of-the-gateway" not in made.text + api.get("/subscriptions").text
    changed = api.put("/subscriptions/sms", json=webhook(receiver))
    assert changed.json()["has_authorization"] is False
    for wrong in ({}, {"url": f"{receiver.url}/other"}):
        kept = api.put("/subscriptions/sms", json=webhook(receiver, has_authorization=True) | wrong)
        assert (kept.status_code, "none is stored" in kept.text) == (422, True)
    bad = api.put("/subscriptions/sms", json=webhook(receiver, authorization="hidden\r\nX: 1"))
    assert bad.status_code == 422
    assert "hidden" not in bad.text


def test_what_is_answered_can_be_sent_back(
    api: TestClient, engine: Engine, receiver: Receiver
) -> None:
    api.put("/subscriptions/boss", json=webhook(receiver) | {"kind": "chat"})
    filters = {"severities": ["high"], "kinds": ["raised"], "agents": ["Alice"], "lines": ["100"]}
    more = {"authorization": "Bearer of-the-gateway", "template": '{"text": "{reason}"}'}
    more |= {"filters": filters, "escalates_to": "boss", "enabled": False}
    api.put("/subscriptions/sms", json=webhook(receiver, **more))
    api.post("/subscriptions/sms/rotate")
    with writing(engine) as session:
        stored = session.exec(select(Subscription).where(Subscription.name == "sms")).one()
        stored.disabled_reason = "the address answered 410 Gone"
        session.add(stored)
        session.commit()
    before = api.get("/subscriptions").json()["items"]
    secrets = hidden(engine)
    for shown in before:
        back = api.put(f"/subscriptions/{shown['name']}", json=shown)
        assert back.status_code == 200, back.text
        assert api.get(f"/subscriptions/{shown['name']}").json() == {
            **shown,
            "updated_at": back.json()["updated_at"],
        }
    assert hidden(engine) == secrets
    assert before[1]["disabled_reason"] == "the address answered 410 Gone"
    assert "Bearer of-the-gateway" in str(secrets)
    for change, parameter in (
        ({"url": f"{receiver.url}/x"}, "authorization"),
        ({"name": "x"}, "name"),
    ):
        refused = api.put("/subscriptions/sms", json=before[1] | change)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["parameter"] == parameter
    assert hidden(engine) == secrets


def hidden(engine: Engine) -> list[tuple[str | None, ...]]:
    """The secrets of all subscriptions."""
    with reading(engine) as session:
        rows = session.exec(select(Subscription).order_by(col(Subscription.id))).all()
        return [(row.secret, row.previous_secret, row.authorization) for row in rows]


@pytest.mark.parametrize(
    ("change", "parameter"),
    [
        ({"url": "https://127.0.0.2/hook"}, "url"),
        ({"url": "http://169.254.169.254/latest"}, "url"),
        ({"url": "https://10.9.9.9/hook"}, "url"),
        ({"url": "https://user:secret@a.example/"}, "url"),
        ({"url": "file:///etc/passwd"}, "url"),
        ({"url": None}, "body"),
        ({"addresses": ["a@example.com"]}, "body"),
        ({"kind": "fax"}, "kind"),
        ({"kind": "chat", "template": "{}"}, "body"),
        ({"template": '{"a": "{transcript}"}'}, "template"),
        ({"template": "{"}, "template"),
        ({"filters": {"severities": ["terrible"]}}, "filters.severities.0"),
        ({"filters": {"kinds": ["deleted"]}}, "filters.kinds.0"),
        ({"filters": {"moods": ["angry"]}}, "filters.moods"),
        ({"filters": {"agents": ["a\x00"]}}, "filters.agents.0"),
        ({"filters": {"agents": ["a"] * 101}}, "filters.agents"),
        ({"escalates_to": "nobody"}, "escalates_to"),
        ({"escalates_to": "board"}, "escalates_to"),
        ({"secret": "whsec_mine"}, "secret"),
        ({"digest_minutes": 0}, "digest_minutes"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(
    api: TestClient, receiver: Receiver, change: dict[str, Any], parameter: str
) -> None:
    refused = api.put("/subscriptions/board", json=webhook(receiver) | change)
    assert refused.status_code == 422, refused.text
    assert parameter in [wrong["parameter"] for wrong in refused.json()["errors"]] or (
        parameter == "body" and refused.json()["errors"]
    )
    assert "secret@" not in refused.text
    assert api.get("/subscriptions").json()["items"] == []
    assert receiver.got == []


def test_e_mail_needs_a_mail_server_and_addresses_that_are_some(
    api: TestClient, settings: Settings, engine: Engine
) -> None:
    mail = {"kind": "email", "addresses": ["boss@example.com"]}
    refused = api.put("/subscriptions/boss", json=mail)
    assert "OVERTONE_SMTP_URL" in refused.json()["detail"]
    given = {"smtp_url": "smtp://mail.example", "smtp_from": "overtone@example.com"}
    with writing(engine) as session:
        key = create_key(session, "other")
    able = make_app(Settings(**(settings.model_dump(exclude_unset=True) | given)))
    with TestClient(able, headers={"Authorization": f"Bearer {key}"}) as client:
        assert client.put("/subscriptions/boss", json=mail).status_code == 201
        for wrong in ("boss", "boss@example.com\nBcc: x@y.z", "a b@c.d", "<a@b.c>", "a@b.c,d@e.f"):
            answered = client.put("/subscriptions/boss", json=mail | {"addresses": [wrong]})
            assert answered.status_code == 422, wrong


def test_only_administrators_see_subscriptions(api: TestClient, engine: Engine) -> None:
    with writing(engine) as session:
        key = create_key(session, "reader", ("read", "push", "review"))
    asked = [("GET", ""), ("GET", "/a"), ("PUT", "/a"), ("DELETE", "/a"), ("POST", "/a/rotate")]
    asked += [("POST", "/a/test"), ("GET", "/a/deliveries"), ("POST", "/a/deliveries/replay")]
    for method, path in [*asked, ("POST", "/a/deliveries/1/replay")]:
        headers = {"Authorization": f"Bearer {key}"}
        answered = api.request(method, f"/subscriptions{path}", headers=headers)
        assert answered.status_code == 403, path


def test_a_test_is_sent_now_and_tells_what_came_back(api: TestClient, receiver: Receiver) -> None:
    secret = api.put("/subscriptions/board", json=webhook(receiver)).json()["secret"]
    receiver.behave = answer(200, b"thank you")
    tested = api.post("/subscriptions/board/test").json()
    assert (tested["delivered"], tested["status"], tested["answer"]) == (True, 200, "thank you")
    [got] = receiver.got
    said = Webhook(secret).verify(got.body, got.headers)
    assert said["type"] == "alert.test"
    assert got.headers["webhook-id"].startswith("test_")
    receiver.behave = answer(404)
    tested = api.post("/subscriptions/board/test").json()
    assert (tested["delivered"], tested["error"]) == (False, "answered 404 Not Found")
    assert api.post("/subscriptions/nobody/test").status_code == 404


def test_a_secret_is_rotated_and_both_sign_for_a_while(api: TestClient, receiver: Receiver) -> None:
    old = api.put("/subscriptions/board", json=webhook(receiver)).json()["secret"]
    rotated = api.post("/subscriptions/board/rotate").json()
    assert rotated["secret"] != old
    assert rotated["previous_secret_until"] > now().isoformat()
    api.post("/subscriptions/board/test")
    for secret in (old, rotated["secret"]):
        Webhook(secret).verify(receiver.got[-1].body, receiver.got[-1].headers)
    at_once = api.post("/subscriptions/board/rotate", json={"hold_hours": 0}).json()
    api.post("/subscriptions/board/test")
    assert at_once["previous_secret_until"] is None
    assert " " not in receiver.got[-1].headers["webhook-signature"]
    Webhook(at_once["secret"]).verify(receiver.got[-1].body, receiver.got[-1].headers)
    api.put("/subscriptions/chat", json=webhook(receiver) | {"kind": "chat"})
    assert api.post("/subscriptions/chat/rotate").status_code == 409
    assert api.post("/subscriptions/board/rotate", json={"hold_hours": 1e9}).status_code == 422


def test_a_kind_stays_and_who_is_escalated_to_is_kept(api: TestClient, receiver: Receiver) -> None:
    api.put("/subscriptions/boss", json=webhook(receiver))
    api.put("/subscriptions/floor", json=webhook(receiver, escalates_to="boss"))
    other = api.put("/subscriptions/boss", json=webhook(receiver) | {"kind": "chat"})
    assert other.status_code == 409
    kept = api.delete("/subscriptions/boss")
    assert (kept.status_code, "floor escalates to boss" in kept.json()["detail"]) == (409, True)
    assert api.delete("/subscriptions/floor").status_code == 204
    assert api.delete("/subscriptions/boss").status_code == 204


def test_there_may_be_only_so_many(
    api: TestClient, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.subscription.MOST_SUBSCRIPTIONS", 1)
    assert api.put("/subscriptions/a", json=webhook(receiver)).status_code == 201
    assert api.put("/subscriptions/b", json=webhook(receiver)).status_code == 409
    assert api.put("/subscriptions/a", json=webhook(receiver)).status_code == 200


def test_deliveries_are_listed_by_pages_with_their_log_and_replayed(
    api: TestClient, engine: Engine, receiver: Receiver
) -> None:
    api.put("/subscriptions/board", json=webhook(receiver))
    numbers = write_events(engine, 5)
    with writing(engine) as session:
        [held] = claim(session, now())
        ids = [number for number in numbers if number]
        rows = [session.get_one(Delivery, number) for number in range(1, 6)]
        for row in rows[:3]:
            row.status = Standing.PARKED
            row.attempts, row.last_status, row.last_error = 60, 500, "answered 500"
        log_attempt(session, [1], Outcome(500, "answered 500", 12, "secret answer"), now())
        session.commit()
        assert held.deliveries[0].event_id == ids[0]
    first = api.get("/subscriptions/board/deliveries", params={"limit": 3}).json()
    assert [one["event_id"] for one in first["items"]] == numbers[:1:-1]
    rest = {"limit": 3, "cursor": first["next_cursor"]}
    second = api.get("/subscriptions/board/deliveries", params=rest).json()
    assert [one["event_id"] for one in second["items"]] == numbers[1::-1]
    assert second["next_cursor"] is None
    [attempt] = second["items"][-1]["log"]
    assert (attempt["status"], attempt["error"], attempt["ms"]) == (500, "answered 500", 12)
    parked = api.get("/subscriptions/board/deliveries", params={"status": "parked"}).json()
    assert len(parked["items"]) == 3
    assert {one["next_at"] for one in parked["items"]} == {None}
    assert api.get("/subscriptions/board").json()["parked"] == 3

    one = api.post("/subscriptions/board/deliveries/1/replay").json()
    assert (one["status"], one["attempts"], len(one["log"])) == ("waiting", 0, 1)
    assert api.post("/subscriptions/board/deliveries/1/replay").status_code == 409
    assert api.post("/subscriptions/board/deliveries/99/replay").status_code == 404
    assert api.post("/subscriptions/board/deliveries/replay").json() == {"replayed": 2}
    assert api.get("/subscriptions/board").json()["parked"] == 0
    assert api.get("/subscriptions/nobody/deliveries").status_code == 404
    for wrong in ({"status": "lost"}, {"cursor": 0}, {"limit": 101}, {"page": 1}):
        refused = api.get("/subscriptions/board/deliveries", params=wrong)
        assert refused.status_code == 422


@pytest.fixture
def terminal(settings: Settings, monkeypatch: pytest.MonkeyPatch, engine: Engine) -> CliRunner:
    assert engine
    monkeypatch.setenv("OVERTONE_DATABASE_URL", settings.database)
    monkeypatch.setenv("OVERTONE_WEBHOOK_PRIVATE", "127.0.0.1")
    monkeypatch.setenv("OVERTONE_DATA_DIR", str(settings.data_dir))
    return CliRunner()


def filters_of_board(engine: Engine) -> dict[str, list[str]]:
    with reading(engine) as session:
        return session.exec(select(Subscription.filters)).one()


def test_in_the_terminal_what_is_not_given_stays(
    api: TestClient, terminal: CliRunner, engine: Engine, receiver: Receiver
) -> None:
    more = {"authorization": "Bearer of-the-gateway", "template": '{"text": "{reason}"}'}
    api.put("/subscriptions/sms", json=webhook(receiver, filters={"lines": ["100"]}, **more))
    before, secrets = api.get("/subscriptions/sms").json(), hidden(engine)
    done = terminal.invoke(app, ["subscriptions", "add", "sms", "--severity", "critical"])
    assert done.exit_code == 0, done.output
    after = api.get("/subscriptions/sms").json()
    assert after["filters"] == before["filters"] | {"severities": ["critical"]}
    for shown in (before, after):
        del shown["filters"], shown["updated_at"]
    assert (after, hidden(engine)) == (before, secrets)
    other = ["subscriptions", "add", "sms", "--url", f"{receiver.url}/other"]
    refused = terminal.invoke(app, other)
    assert (refused.exit_code, "for another url" in refused.output) == (2, True)
    assert hidden(engine) == secrets


def test_subscriptions_in_the_terminal(
    terminal: CliRunner, engine: Engine, receiver: Receiver
) -> None:
    def run(*words: str) -> tuple[int, str]:
        done = terminal.invoke(app, ["subscriptions", *words])
        return done.exit_code, done.output

    status, said = run("add", "board", "--url", receiver.url, "--severity", "high")
    assert (status, "whsec_" in said) == (0, True)
    status, said = run("add", "board", "--url", receiver.url)
    assert (status, "whsec_" in said, "changed" in said) == (0, False, True)
    assert filters_of_board(engine) == {"severities": ["high"]}
    assert run("add", "board", "--agent", "Alice")[0] == 0
    assert filters_of_board(engine) == {"severities": ["high"], "agents": ["Alice"]}
    status, said = run("add", "board", "--digest-minutes", "0")
    assert (status, "digest_minutes" in said) == (2, True)
    assert f"board  webhook  {receiver.url}  waiting 0  parked 0" in run("list")[1]
    status, said = run("add", "board", "--rule", "threts", "--rule", "threats")
    assert (status, "no rule threts" in said, "no rule threats" in said) == (0, True, False)
    listed = run("list")[1]
    assert "only severity high; rule threts, threats; agent Alice" in listed
    status, said = run("test", "board")
    assert (status, "more than 7 days ago (OVERTONE_ALERT_DAYS)" in said) == (0, True)
    assert json.loads(receiver.got[0].body)["type"] == "alert.test"
    write_events(engine, 1, rule="threats")
    with writing(engine) as session:
        assert claim(session, now())
        assert "waiting 1" in run("list")[1]
        assert "not delivered" not in run("list")[1]
        session.exec(select(Delivery)).one().last_error = "answered 500"
        session.commit()
    assert "not delivered: answered 500" in run("list")[1]
    receiver.behave = answer(500)
    status, said = run("test", "board")
    assert (status, "answered 500" in said) == (1, True)
    status, said = run("add", "evil", "--url", "https://10.0.0.1/")
    assert (status, "OVERTONE_WEBHOOK_PRIVATE" in said) == (2, True)
    status, said = run("add", "odd", "--url", receiver.url, "--kind", "fax")
    assert (status, "kind" in said) == (2, True)
    assert run("add", "a/b", "--url", receiver.url)[0] == 2
    assert run("remove", "board")[0] == 0
    assert run("remove", "board")[0] == 1
    assert run("test", "board")[0] == 1
