"""Keys, alerts by cursor, health, and the one shape of errors."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from models.db import writing
from models.key import create_key, revoke_key
from tests.fakes import ANGRY, turn
from tests.records import store_call
from workers.queue import CallQueue

OPEN = {"/healthz", "/readyz"}


def routes(api: TestClient) -> list[tuple[str, str]]:
    schema = api.get("/openapi.json").json()
    return [
        (method.upper(), path.replace("{call_id}", "1"))
        for path, methods in schema["paths"].items()
        for method in methods
    ]


def test_every_route_but_health_asks_for_a_key(api: TestClient, queue: CallQueue) -> None:
    asked = routes(api)
    assert len(asked) >= 8
    for method, path in asked:
        queue.connection.flushall()  # so many wrong keys are not let through in one minute
        for header in ({"Authorization": ""}, {"Authorization": "Bearer ovt_wrong"}):
            answer = api.request(method, path, headers=header)
            if path in OPEN:
                assert answer.status_code == 200, path
            else:
                assert answer.status_code == 401, path
                assert answer.headers["www-authenticate"] == "Bearer"
                assert answer.json()["status"] == 401


def test_a_key_opens_only_what_its_scopes_say(api: TestClient, engine: Engine) -> None:
    with writing(engine) as session:
        reader = create_key(session, "reader", ("read",))
        pusher = create_key(session, "pusher", ("push",))
    read = {"Authorization": f"Bearer {reader}"}
    push = {"Authorization": f"Bearer {pusher}"}
    files = {"recording": ("a.wav", b"sound")}
    assert api.get("/calls", headers=read).status_code == 200
    assert api.post("/calls", headers=read, files=files).status_code == 403
    assert api.get("/calls", headers=push).status_code == 403
    assert api.post("/calls", headers=push, files=files).status_code == 202


def test_a_revoked_key_opens_nothing(api: TestClient, engine: Engine) -> None:
    with writing(engine) as session:
        key = create_key(session, "gone")
        revoke_key(session, "gone")
    assert api.get("/calls", headers={"Authorization": f"Bearer {key}"}).status_code == 401


def test_the_key_may_come_in_a_header_of_its_own(api: TestClient, engine: Engine) -> None:
    with writing(engine) as session:
        key = create_key(session, "other")
    headers = {"Authorization": "", "X-API-Key": key}
    assert api.get("/calls", headers=headers).status_code == 200


def test_alerts_are_read_by_a_cursor(api: TestClient, engine: Engine) -> None:
    def raise_alert(name: str) -> int:
        return store_call(engine, name, turn("customer", 1.0, "You are useless idiots!", ANGRY))

    empty = api.get("/alerts").json()
    assert empty == {"items": [], "next_cursor": 0}
    calls = [raise_alert(str(i)) for i in range(3)]
    first = api.get("/alerts", params={"limit": 2}).json()
    assert [alert["call_id"] for alert in first["items"]] == calls[:2]
    rest = api.get("/alerts", params={"cursor": first["next_cursor"]}).json()
    assert [alert["call_id"] for alert in rest["items"]] == calls[2:]
    nothing = api.get("/alerts", params={"cursor": rest["next_cursor"]}).json()
    assert nothing == {"items": [], "next_cursor": rest["next_cursor"]}
    later = raise_alert("later")
    new = api.get("/alerts", params={"cursor": rest["next_cursor"]}).json()
    assert [alert["call_id"] for alert in new["items"]] == [later]


@pytest.mark.parametrize("parameters", [{"cursor": "-1"}, {"limit": "x"}, {"since": "1"}])
def test_wrong_alert_filters_are_refused(api: TestClient, parameters: dict[str, str]) -> None:
    assert api.get("/alerts", params=parameters).status_code == 422


def test_health_tells_what_answers(api: TestClient) -> None:
    assert api.get("/healthz").json() == {"status": "ok"}
    assert api.get("/readyz").json() == {"status": "ok", "database": "ok", "queue": "ok"}


def test_errors_have_one_shape(api: TestClient) -> None:
    for answer in (
        api.get("/nowhere"),
        api.delete("/calls"),
        api.get("/calls", params={"mood": "x"}),
        api.get("/calls", headers={"Authorization": ""}),
    ):
        assert answer.headers["content-type"] == "application/problem+json"
        body = answer.json()
        assert body.keys() == {"type", "title", "status", "detail", "errors"}
        assert body["status"] == answer.status_code
    assert "GET /docs" in api.get("/").json()["detail"]


def test_the_schema_has_examples_and_knows_its_errors(api: TestClient) -> None:
    schema = api.get("/openapi.json").json()
    push = schema["paths"]["/calls"]["post"]
    assert "example" in push["requestBody"]["content"]["application/json"]
    assert {"202", "401", "403", "413", "415", "422"} <= push["responses"].keys()
    assert "Problem" in schema["components"]["schemas"]
