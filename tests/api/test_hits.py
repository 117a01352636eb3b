"""Verdicts on hits over HTTP: given, shown with the hit, taken back, refused with the reason."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from models.db import writing
from models.key import create_key
from tests.fakes import turn
from tests.records import store_call


@pytest.fixture
def number(engine: Engine) -> int:
    """One analysed call in which a product is asked for."""
    return store_call(
        engine,
        "4711",
        turn("agent", 1.0, "Good morning."),
        turn("customer", 3.0, "Do you have bearing number 204 in stock?"),
    )


def hit_of(api: TestClient, number: int) -> dict[str, Any]:
    (hit,) = api.get(f"/calls/{number}").json()["hits"]
    found: dict[str, Any] = hit
    return found


def key_with(engine: Engine, name: str, *scopes: str) -> dict[str, str]:
    with writing(engine) as session:
        return {"Authorization": f"Bearer {create_key(session, name, scopes)}"}


def test_a_hit_is_judged_and_shown_so(api: TestClient, engine: Engine, number: int) -> None:
    hit = hit_of(api, number)
    assert hit["verdict"] is None
    assert hit["parts"] == {}
    reviewer = key_with(engine, "managers", "review")
    path = f"/calls/{number}/hits/{hit['id']}/verdict"
    answer = api.put(path, json={"right": False}, headers=reviewer)
    assert answer.status_code == 200, answer.text
    given = answer.json()
    assert given.pop("given_at")
    assert given == {
        "right": False,
        "matched": "bearing number 204",
        "excerpt": "Do you have [bearing number 204] in stock?",
        "given_by": "managers",
    }
    assert hit_of(api, number)["verdict"] == answer.json()
    api.put(path, json={"right": True})
    assert hit_of(api, number)["verdict"]["right"] is True


def test_a_verdict_on_a_hit_is_taken_back(api: TestClient, number: int) -> None:
    path = f"/calls/{number}/hits/{hit_of(api, number)['id']}/verdict"
    api.put(path, json={"right": True})
    assert (api.delete(path).status_code, api.delete(path).status_code) == (204, 404)
    assert hit_of(api, number)["verdict"] is None


@pytest.mark.parametrize("body", [{}, {"right": "yes"}, {"right": 1}, {"right": True, "why": ""}])
def test_a_malformed_verdict_is_refused(api: TestClient, number: int, body: dict[str, Any]) -> None:
    path = f"/calls/{number}/hits/{hit_of(api, number)['id']}/verdict"
    assert api.put(path, json=body).status_code == 422


def test_a_verdict_on_no_hit_is_404(api: TestClient, number: int) -> None:
    for path in (f"/calls/{number}/hits/99/verdict", "/calls/99/hits/1/verdict"):
        answer = api.put(path, json={"right": True})
        assert answer.status_code == 404
        assert "there is no hit" in answer.json()["detail"]
        assert api.delete(path).status_code == 404
    assert api.put(f"/calls/{number}/hits/0/verdict", json={"right": True}).status_code == 422


def test_verdicts_on_hits_ask_for_the_scope_review(
    api: TestClient, engine: Engine, number: int
) -> None:
    path = f"/calls/{number}/hits/{hit_of(api, number)['id']}/verdict"
    other = key_with(engine, "other", "push", "read", "admin")
    assert api.put(path, json={"right": True}, headers=other).status_code == 403
    assert api.delete(path, headers=other).status_code == 403


def test_the_schema_explains_verdicts_on_hits(api: TestClient) -> None:
    schema = api.get("/openapi.json").json()
    routes = schema["paths"]["/calls/{call_id}/hits/{hit_id}/verdict"]
    assert routes["put"]["responses"].keys() == {"200", "401", "403", "404", "422", "429"}
    assert routes["delete"]["responses"].keys() == {"204", "401", "403", "404", "422", "429"}
    view = schema["components"]["schemas"]["HitVerdictView"]["properties"]
    assert all("examples" in view[name] for name in ("right", "matched", "excerpt", "given_by"))
