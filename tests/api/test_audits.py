"""The audit trail over HTTP: what leaves an entry, what does not, and how it is read."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlmodel import select

from models.audit import ONE_PLAYING, Audit
from models.db import writing
from models.key import create_key, revoke_key


def push(api: TestClient, name: str = "a", **fields: Any) -> int:
    answer = api.post(
        "/calls",
        files={"recording": ("a.wav", bytes(range(256)))},
        data={"call": json.dumps({"external_id": name} | fields)},
    )
    return int(answer.json()["id"])


def trail(api: TestClient, **wanted: Any) -> list[dict[str, Any]]:
    """Entries, the first one first."""
    answer = api.get("/audit", params=wanted)
    assert answer.status_code == 200, answer.text
    return list(reversed(answer.json()["items"]))


def play(api: TestClient, number: int, wanted: str | None = None, **headers: str) -> int:
    headers |= {} if wanted is None else {"Range": wanted}
    return api.get(f"/calls/{number}/audio", headers=headers).status_code


@pytest.mark.parametrize("first", [None, "bytes=0-", "bytes=0-99", "bytes=5-9, 0-1"])
def test_each_playing_is_one_entry_however_often_the_player_jumps(
    api: TestClient, first: str | None
) -> None:
    number = push(api)
    assert play(api, number, first) < 300
    for jump in ("bytes=100-", "bytes=10-19", "bytes=-6"):
        assert play(api, number, jump) == 206
    [entry] = trail(api, action="audio")
    assert (entry["call_id"], entry["key_name"], entry["detail"]) == (number, "test", {})
    assert play(api, number, first) < 300
    assert len(trail(api, action="audio")) == 2


def test_a_recording_cannot_be_heard_past_the_trail(api: TestClient, engine: Engine) -> None:
    """Whoever asks only for what comes after the first byte plays it, too."""
    number, other = push(api, "a"), push(api, "b")
    assert play(api, number, "bytes=1-") == 206
    assert play(api, number, "bytes=2-") == 206
    assert play(api, other, "bytes=-255") == 206
    with writing(engine) as session:
        key = create_key(session, "wallboard")
    assert play(api, number, "bytes=1-", Authorization=f"Bearer {key}") == 206
    played = [(entry["call_id"], entry["key_name"]) for entry in trail(api, action="audio")]
    assert played == [(number, "test"), (other, "test"), (number, "wallboard")]
    with writing(engine) as session:
        for entry in session.exec(select(Audit).where(Audit.action == "audio")):
            entry.at -= ONE_PLAYING
        session.commit()
    assert play(api, number, "bytes=1-") == 206
    assert len(trail(api, action="audio")) == 4


def test_what_is_not_heard_leaves_no_entry(api: TestClient) -> None:
    number = push(api)
    assert api.head(f"/calls/{number}/audio").status_code == 200
    assert play(api, number, "bytes=abc") == 400
    assert play(api, number, "bytes=999-") == 416
    assert play(api, 99) == 404
    assert play(api, number, Authorization="") == 401
    assert trail(api, action="audio") == []


def test_what_was_done_to_a_call_outlives_it(api: TestClient) -> None:
    number = push(api, caller="+44 20 7946 0100")
    api.put(f"/calls/{number}/hold", json={"reason": "Case 1", "by": "Alice"})
    api.delete(f"/calls/{number}/hold", params={"reason": "Closed"})
    api.delete(f"/calls/{number}", params={"by": "Bob"})
    api.post("/erasures", json={"caller": "+44 20 7946 0100"})
    found = trail(api, call_id=number)
    assert [(entry["action"], entry["detail"]) for entry in found] == [
        ("hold", {"reason": "Case 1", "by": "Alice"}),
        ("release", {"reason": "Closed", "by": "test"}),
        ("deletion", {"why": "asked", "by": "Bob", "audio": "pending"}),
        ("removal", {}),
    ]
    [erasure] = trail(api, action="erasure")
    assert erasure["call_id"] is None
    assert "7946" not in api.get("/audit").text.replace(erasure["detail"]["caller_sha256"], "")


def test_keys_made_and_revoked_leave_entries(api: TestClient, engine: Engine) -> None:
    with writing(engine) as session:
        text = create_key(session, "wallboard", ("read",))
        revoke_key(session, "wallboard")
    made, revoked = trail(api)[-2:]
    assert (made["action"], made["detail"]) == (
        "key_created",
        {"name": "wallboard", "scopes": ["read"]},
    )
    assert (revoked["action"], revoked["detail"]) == ("key_revoked", {"name": "wallboard"})
    assert text not in api.get("/audit").text


def test_the_trail_is_read_by_time_and_in_pages(api: TestClient, engine: Engine) -> None:
    number = push(api)
    for _ in range(5):
        play(api, number)
    with writing(engine) as session:
        found = session.exec(select(Audit).where(Audit.action == "audio").order_by(Audit.id)).all()  # type: ignore[arg-type]
        for days, entry in enumerate(found):
            entry.at -= timedelta(days=10 - days)
        session.commit()
        moments = [entry.at.isoformat() for entry in found]
        ids = [entry.id for entry in found]
    wanted = {"from": moments[1], "to": moments[4]}
    assert [entry["id"] for entry in trail(api, **wanted)] == ids[1:4]
    seen: list[int] = []
    cursor = None
    while True:
        page = api.get(
            "/audit",
            params={"action": "audio", "limit": 2} | ({"cursor": cursor} if cursor else {}),
        ).json()
        seen += [entry["id"] for entry in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ids[::-1]


@pytest.mark.parametrize(
    "wanted",
    [
        *({"action": "x"}, {"call_id": 0}, {"from": "2026-11-02"}, {"limit": 201}, {"who": "x"}),
        *({"from": "9999-12-31T23:59:59-12:00"}, {"to": "0001-01-01T00:00:00+12:00"}),
    ],
)
def test_wrong_filters_are_refused(api: TestClient, wanted: dict[str, Any]) -> None:
    answer = api.get("/audit", params=wanted)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == next(iter(wanted))


def test_the_trail_asks_for_the_scope_admin(api: TestClient, engine: Engine) -> None:
    with writing(engine) as session:
        key = create_key(session, "others", ("push", "read", "review"))
    assert api.get("/audit", headers={"Authorization": f"Bearer {key}"}).status_code == 403
