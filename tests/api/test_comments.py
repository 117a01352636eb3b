"""Comments over HTTP: written, shown with the call, deleted by their author or an admin."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from models.comment import Comment
from models.db import writing
from models.key import create_key
from tests.fakes import turn
from tests.records import store_call


@pytest.fixture
def number(engine: Engine) -> int:
    return store_call(engine, "4711", turn("agent", 1.0, "Good morning."))


def key_with(engine: Engine, name: str, *scopes: str) -> dict[str, str]:
    with writing(engine) as session:
        return {"Authorization": f"Bearer {create_key(session, name, scopes)}"}


def test_comments_show_with_their_call_in_order(api: TestClient, number: int) -> None:
    path = f"/calls/{number}/comments"
    assert api.get(path).json() == {"items": []}
    first = api.post(path, json={"text": "Call her back.\nBefore Friday.", "by": "Alice"})
    assert first.status_code == 201, first.text
    assert first.json()["text"] == "Call her back.\nBefore Friday."
    assert first.json()["given_by"] == "Alice"
    second = api.post(path, json={"text": "Done."}).json()
    assert second["given_by"] == "test"
    assert api.get(path).json()["items"] == [first.json(), second]
    assert api.get(f"/calls/{number}").json()["comments"] == [first.json(), second]


def test_the_history_tells_of_comments_but_keeps_no_text(api: TestClient, number: int) -> None:
    path = f"/calls/{number}/comments"
    written = api.post(path, json={"text": "Call her back."}).json()["id"]
    assert api.delete(f"{path}/{written}").status_code == 204
    assert api.get(path).json() == {"items": []}
    assert api.delete(f"{path}/{written}").status_code == 404
    answer = api.get(f"/calls/{number}/history")
    assert [(one["kind"], one["before"], one["after"]) for one in answer.json()["items"]] == [
        ("comment", str(written), None),
        ("comment", None, str(written)),
    ]
    assert "back" not in answer.text


def test_a_comment_is_deleted_by_its_author_or_an_admin(
    api: TestClient, engine: Engine, number: int
) -> None:
    managers, others = (key_with(engine, name, "review") for name in ("managers", "others"))
    path = f"/calls/{number}/comments"
    mine = api.post(path, json={"text": "Mine.", "by": "Alice"}, headers=managers).json()["id"]
    for by, key in (("Bob", managers), (None, managers), ("Alice", others)):
        refused = api.delete(f"{path}/{mine}", params={"by": by} if by else {}, headers=key)
        assert refused.status_code == 403
        assert "not yours" in refused.json()["detail"]
    gone = api.delete(f"{path}/{mine}", params={"by": "Alice"}, headers=managers)
    assert gone.status_code == 204
    theirs = api.post(path, json={"text": "Theirs."}, headers=others).json()["id"]
    assert api.delete(f"{path}/{theirs}").status_code == 204


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({}, "text"),
        ({"text": ""}, "text"),
        ({"text": " \n "}, "text"),
        ({"text": "a" * 4001}, "text"),
        ({"text": "a\0b"}, "text"),
        ({"text": "a\x1b[2J"}, "text"),
        ({"text": "a", "at": 3}, "at"),
    ],
)
def test_a_malformed_comment_is_named(
    api: TestClient, number: int, body: dict[str, Any], parameter: str
) -> None:
    answer = api.post(f"/calls/{number}/comments", json=body)
    assert answer.status_code == 422
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]


def test_half_a_character_is_refused(api: TestClient, number: int) -> None:
    body = b'{"text": "\\ud800"}'
    answer = api.post(
        f"/calls/{number}/comments", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422


def test_a_call_has_at_most_200_comments(api: TestClient, engine: Engine, number: int) -> None:
    with writing(engine) as session:
        session.add_all(
            Comment(call_id=number, text="Again.", given_by="a", key_name="a") for _ in range(200)
        )
        session.commit()
    answer = api.post(f"/calls/{number}/comments", json={"text": "More."})
    assert answer.status_code == 409
    assert "delete one first" in answer.json()["detail"]


def test_comments_of_no_call_are_404(api: TestClient, number: int) -> None:
    assert api.get("/calls/99/comments").status_code == 404
    assert api.post("/calls/99/comments", json={"text": "Hm."}).status_code == 404
    written = api.post(f"/calls/{number}/comments", json={"text": "Hm."}).json()["id"]
    assert api.delete(f"/calls/99/comments/{written}").status_code == 404


def test_writing_asks_for_the_scope_review(api: TestClient, engine: Engine, number: int) -> None:
    reader = key_with(engine, "r", "read")
    path = f"/calls/{number}/comments"
    assert api.get(path, headers=reader).status_code == 200
    assert api.post(path, json={"text": "Hm."}, headers=reader).status_code == 403
    assert api.delete(f"{path}/1", headers=reader).status_code == 403
    reviewer = key_with(engine, "w", "review")
    assert api.get(path, headers=reviewer).status_code == 403
