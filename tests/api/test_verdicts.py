"""Verdicts over HTTP: given, shown, taken back, and refused with the reason."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from models.call import Call, Speaker
from models.db import writing
from models.key import create_key
from tests.fakes import ANGRY, turn
from tests.records import store_call

JUDGED = {"speaker": "customer", "angry": True}


@pytest.fixture
def number(engine: Engine) -> int:
    """One analysed call with an agent and an angry customer."""
    return store_call(
        engine,
        "4711",
        turn("agent", 1.0, "Good morning."),
        turn("customer", 3.0, "You never called me back, not once.", ANGRY),
    )


def key_with(engine: Engine, name: str, *scopes: str) -> dict[str, str]:
    with writing(engine) as session:
        return {"Authorization": f"Bearer {create_key(session, name, scopes)}"}


def test_a_verdict_is_given_and_shown_with_the_call(
    api: TestClient, engine: Engine, number: int
) -> None:
    assert api.get(f"/calls/{number}").json()["verdicts"] == []
    reviewer = key_with(engine, "managers", "review")
    answer = api.put(f"/calls/{number}/verdict", json=JUDGED, headers=reviewer)
    assert answer.status_code == 200, answer.text
    given = answer.json()
    assert datetime.fromisoformat(given.pop("given_at")).tzinfo is not None
    assert given == JUDGED | {"given_by": "managers"}
    assert api.get(f"/calls/{number}").json()["verdicts"] == [answer.json()]


def test_a_verdict_takes_the_place_of_the_one_before(api: TestClient, number: int) -> None:
    for angry in (True, True, False):
        answer = api.put(f"/calls/{number}/verdict", json=JUDGED | {"angry": angry})
        assert answer.status_code == 200
    (verdict,) = api.get(f"/calls/{number}").json()["verdicts"]
    assert (verdict["angry"], verdict["given_by"]) == (False, "test")


def test_a_verdict_is_taken_back(api: TestClient, number: int) -> None:
    api.put(f"/calls/{number}/verdict", json=JUDGED)
    path = f"/calls/{number}/verdict"
    gone = api.delete(path, params={"speaker": "customer"})
    assert (gone.status_code, gone.content) == (204, b"")
    assert api.get(f"/calls/{number}").json()["verdicts"] == []
    again = api.delete(path, params={"speaker": "customer"})
    assert again.status_code == 404
    assert again.json()["detail"] == f"there is no verdict on `customer` of call {number}"


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({"speaker": "customer"}, "angry"),
        ({"angry": True}, "speaker"),
        (JUDGED | {"speaker": "boss"}, "speaker"),
        (JUDGED | {"angry": "very"}, "angry"),
        (JUDGED | {"angry": 1}, "angry"),
        (JUDGED | {"why": "shouts"}, "why"),
    ],
)
def test_a_malformed_verdict_is_named(
    api: TestClient, number: int, body: dict[str, Any], parameter: str
) -> None:
    answer = api.put(f"/calls/{number}/verdict", json=body)
    assert answer.status_code == 422
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]


def test_what_is_no_json_says_so(api: TestClient, number: int) -> None:
    answer = api.put(
        f"/calls/{number}/verdict", content="angry", headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422
    assert "not JSON" in answer.json()["detail"]


def test_json_that_is_not_called_so_says_what_to_send(api: TestClient, number: int) -> None:
    answer = api.put(
        f"/calls/{number}/verdict",
        content='{"speaker": "customer", "angry": true}',
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 422
    assert "Content-Type: application/json" in answer.json()["detail"]


@pytest.mark.parametrize("query", [{}, {"speaker": "boss"}, {"speaker": "agent", "angry": "true"}])
def test_a_verdict_to_take_back_needs_its_speaker(
    api: TestClient, number: int, query: dict[str, str]
) -> None:
    assert api.delete(f"/calls/{number}/verdict", params=query).status_code == 422


def test_a_verdict_on_no_call_is_404(api: TestClient) -> None:
    assert api.put("/calls/99/verdict", json=JUDGED).status_code == 404
    assert api.delete("/calls/99/verdict", params={"speaker": "agent"}).status_code == 404


def test_who_cannot_be_judged_is_a_conflict_in_words(api: TestClient, number: int) -> None:
    answer = api.put(f"/calls/{number}/verdict", json=JUDGED | {"speaker": "speaker_1"})
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == (
        f"call {number} has no speaker `speaker_1`: name one of agent, customer"
    )
    waiting = api.post("/calls", files={"recording": ("a.wav", b"sound")}).json()["id"]
    answer = api.put(f"/calls/{waiting}/verdict", json=JUDGED)
    assert answer.status_code == 409
    assert "judge it once its status is `done`" in answer.json()["detail"]


def test_verdicts_ask_for_the_scope_review(api: TestClient, engine: Engine, number: int) -> None:
    old = key_with(engine, "old", "push", "read")
    refused = api.put(f"/calls/{number}/verdict", json=JUDGED, headers=old)
    assert refused.status_code == 403
    assert "overtone key create NAME --scope review" in refused.json()["detail"]
    query = {"speaker": "customer"}
    assert api.delete(f"/calls/{number}/verdict", params=query, headers=old).status_code == 403
    assert api.get(f"/calls/{number}", headers=old).status_code == 200
    reviewer = key_with(engine, "reviewer", "review")
    assert api.get(f"/calls/{number}", headers=reviewer).status_code == 403


def test_a_call_explains_its_anger(api: TestClient, engine: Engine, number: int) -> None:
    told = {"anger_mean": 0.4, "anger_share": 0.25, "anger_trend": -0.1, "anger_at_s": 3.5}
    with writing(engine) as session:
        speaker = session.get_one(Speaker, (number, "customer"))
        for name, figure in told.items():
            setattr(speaker, name, figure)
        session.commit()
    call = api.get(f"/calls/{number}").json()
    agent, customer = call["speakers"]
    assert {name: customer[name] for name in told} == told
    assert agent.keys() >= told.keys()
    assert all("anger_parts" in turn for turn in call["turns"])
    assert api.get("/calls").json()["items"][0]["speakers"] == call["speakers"]


def test_a_verdict_survives_being_queued_again(
    api: TestClient, engine: Engine, number: int
) -> None:
    api.put(f"/calls/{number}/verdict", json=JUDGED)
    assert api.post(f"/calls/{number}/hear").status_code < 300
    assert api.put(f"/calls/{number}/verdict", json=JUDGED).status_code == 200
    with writing(engine) as session:
        assert session.get_one(Call, number).status == "queued"
    assert len(api.get(f"/calls/{number}").json()["verdicts"]) == 1


def test_the_schema_knows_verdicts_and_their_errors(api: TestClient) -> None:
    schema = api.get("/openapi.json").json()
    routes = schema["paths"]["/calls/{call_id}/verdict"]
    assert routes["put"]["responses"].keys() == {"200", "401", "403", "404", "409", "422", "429"}
    assert routes["delete"]["responses"].keys() == {"204", "401", "403", "404", "422", "429"}
    shapes = schema["components"]["schemas"]
    explained = [("Verdict", "angry"), ("VerdictView", "angry"), ("TurnView", "anger_parts")]
    explained += [("SpeakerView", f"anger_{name}") for name in ("mean", "share", "trend", "at_s")]
    for shape, name in explained:
        field = shapes[shape]["properties"][name]
        assert field["description"], (shape, name)
        assert field["examples"], (shape, name)
