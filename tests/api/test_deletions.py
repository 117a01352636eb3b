"""Deletion, erasure and legal hold over HTTP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from models.call import Call, Status
from models.db import writing
from models.key import create_key
from settings import Settings


def push(api: TestClient, name: str, **fields: Any) -> int:
    answer = api.post(
        "/calls",
        files={"recording": ("a.wav", name.encode())},
        data={"call": json.dumps({"external_id": name} | fields)},
    )
    assert answer.status_code == 202, answer.text
    return int(answer.json()["id"])


def files(settings: Settings) -> list[Path]:
    return [path for path in settings.recordings.rglob("*") if path.is_file()]


def key_with(engine: Engine, name: str, *scopes: str) -> dict[str, str]:
    with writing(engine) as session:
        return {"Authorization": f"Bearer {create_key(session, name, scopes)}"}


def test_a_deleted_call_is_gone_with_its_recording(api: TestClient, settings: Settings) -> None:
    number, other = push(api, "a"), push(api, "b")
    assert len(files(settings)) == 2
    answer = api.delete(f"/calls/{number}", params={"by": "Alice"})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"id": number, "audio": "deleted"}
    assert len(files(settings)) == 1
    for path in ("", "/audio", "/comments", "/history"):
        assert api.get(f"/calls/{number}{path}").status_code == 404
    assert api.delete(f"/calls/{number}").status_code == 404
    assert [call["id"] for call in api.get("/calls").json()["items"]] == [other]
    assert push(api, "a") > other


def test_a_recording_in_a_store_is_left_and_the_answer_says_so(
    api: TestClient, tmp_path: Path
) -> None:
    path = tmp_path / "store" / "a.wav"
    path.write_bytes(b"sound")
    number = api.post("/calls", json={"recording": str(path)}).json()["id"]
    assert api.delete(f"/calls/{number}").json() == {"id": number, "audio": "left"}
    assert path.read_bytes() == b"sound"


def test_a_call_that_is_being_heard_is_not_deleted(api: TestClient, engine: Engine) -> None:
    number = push(api, "a")
    with writing(engine) as session:
        session.get_one(Call, number).status = Status.HEARING
        session.commit()
    answer = api.delete(f"/calls/{number}")
    assert answer.status_code == 409
    assert answer.json()["detail"] == (
        f"call {number} is being heard right now: delete it when that is done"
    )


def test_a_held_call_stays_until_it_is_released(api: TestClient) -> None:
    number = push(api, "a", caller="123")
    path = f"/calls/{number}"
    held = api.put(f"{path}/hold", json={"reason": "Case 2026/118", "by": "Alice"})
    assert held.status_code == 200, held.text
    assert held.json()["legal_hold"] is True
    assert api.get(path).json()["legal_hold"] is True
    refused = api.delete(path)
    assert refused.status_code == 409
    assert refused.json()["detail"].startswith(f"call {number} is under legal hold")
    assert api.post("/erasures", json={"caller": "123"}).json()["held"] == [number]
    assert api.delete(f"{path}/hold").status_code == 422
    released = api.delete(f"{path}/hold", params={"reason": "Case closed"})
    assert released.status_code == 204
    again = api.delete(f"{path}/hold", params={"reason": "Case closed"})
    assert again.status_code == 409
    events = api.get(f"{path}/history").json()["items"]
    assert [(one["kind"], one["after"], one["given_by"]) for one in events] == [
        ("release", "Case closed", "test"),
        ("hold", "Case 2026/118", "Alice"),
    ]
    assert api.delete(path).status_code == 200


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": " "}, {"reason": "a" * 501}])
def test_a_hold_needs_a_reason(api: TestClient, body: dict[str, str]) -> None:
    number = push(api, "a")
    answer = api.put(f"/calls/{number}/hold", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "reason"


def test_a_caller_is_erased(api: TestClient, settings: Settings) -> None:
    numbers = [push(api, name, caller="+44 20 7946 0100") for name in "ab"]
    other = push(api, "c", caller="+44 20 7946 0101")
    answer = api.post("/erasures", json={"caller": "442079460100", "by": "Alice"})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "dry_run": False,
        "erased": 2,
        "audio_left": 0,
        "audio_pending": 0,
        "held": [],
        "being_heard": [],
    }
    assert [api.get(f"/calls/{number}").status_code for number in numbers] == [404, 404]
    assert api.get(f"/calls/{other}").status_code == 200
    assert len(files(settings)) == 1


def test_a_dry_run_says_how_many_calls_would_go(api: TestClient, settings: Settings) -> None:
    numbers = [push(api, name, caller="+7 495 123-45-67") for name in "abc"]
    api.put(f"/calls/{numbers[2]}/hold", json={"reason": "Case 1"})
    body = {"caller": "84951234567"}
    answer = api.post("/erasures", params={"dry_run": True}, json=body)
    assert answer.status_code == 200, answer.text
    found = {"dry_run": True, "erased": 2, "held": [numbers[2]], "being_heard": []}
    assert answer.json() == found | {"audio_left": 0, "audio_pending": 0}
    assert len(files(settings)) == 3
    assert api.get("/audit", params={"action": "erasure"}).json()["items"] == []
    done = api.post("/erasures", json=body).json()
    assert done == found | {"dry_run": False, "audio_left": 0, "audio_pending": 0}
    assert len(files(settings)) == 1


@pytest.mark.parametrize("body", [{}, {"caller": ""}, {"caller": "a\0"}, {"caller": "1" * 101}])
def test_an_erasure_needs_a_number(api: TestClient, body: dict[str, str]) -> None:
    assert api.post("/erasures", json=body).status_code == 422


def test_what_is_not_there_is_404(api: TestClient) -> None:
    assert api.delete("/calls/99").status_code == 404
    assert api.put("/calls/99/hold", json={"reason": "x"}).status_code == 404
    assert api.delete("/calls/99/hold", params={"reason": "x"}).status_code == 404


def test_all_of_it_asks_for_the_scope_admin(api: TestClient, engine: Engine) -> None:
    number = push(api, "a", caller="123")
    others = key_with(engine, "others", "push", "read", "review")
    path = f"/calls/{number}"
    for answer in (
        api.delete(path, headers=others),
        api.put(f"{path}/hold", json={"reason": "x"}, headers=others),
        api.delete(f"{path}/hold", params={"reason": "x"}, headers=others),
        api.post("/erasures", json={"caller": "123"}, headers=others),
    ):
        assert answer.status_code == 403
    assert api.get(path).status_code == 200
