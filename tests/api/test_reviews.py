"""Work on calls over HTTP: review, assignee, tags by hand, many calls at once, and the history."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from models.db import writing
from models.key import create_key
from tests.fakes import ANGRY, turn
from tests.records import store_call


@pytest.fixture
def number(engine: Engine) -> int:
    """One analysed call, tagged `angry` by analysis."""
    return store_call(
        engine, "4711", turn("customer", 3.0, "You never called me back, not once.", ANGRY)
    )


def key_with(engine: Engine, name: str, *scopes: str) -> dict[str, str]:
    with writing(engine) as session:
        return {"Authorization": f"Bearer {create_key(session, name, scopes)}"}


def history(api: TestClient, number: int) -> list[tuple[str, str | None, str | None, str]]:
    """Kind, before, after and by whom, the first change first."""
    items = api.get(f"/calls/{number}/history").json()["items"]
    return [(one["kind"], one["before"], one["after"], one["given_by"]) for one in reversed(items)]


def test_a_call_begins_new_and_nobodys(api: TestClient, number: int) -> None:
    for call in (api.get(f"/calls/{number}").json(), api.get("/calls").json()["items"][0]):
        assert (call["review"], call["assignee"], call["legal_hold"]) == ("new", None, False)
    assert api.get(f"/calls/{number}/history").json() == {"items": [], "next_cursor": None}


def test_what_is_changed_shows_with_the_call_and_in_its_history(
    api: TestClient, engine: Engine, number: int
) -> None:
    managers = key_with(engine, "managers", "review")
    path = f"/calls/{number}"
    taken = api.patch(path, json={"review": "in_review", "assignee": "Alice"}, headers=managers)
    assert taken.status_code == 200, taken.text
    assert taken.json() == {
        "id": number,
        "review": "in_review",
        "assignee": "Alice",
        "legal_hold": False,
        "tags": ["angry"],
    }
    api.patch(path, json={"review": "resolved", "by": "Alice"}, headers=managers)
    api.patch(path, json={"assignee": None, "by": "Bob"}, headers=managers)
    call = api.get(path).json()
    assert (call["review"], call["assignee"]) == ("resolved", None)
    assert history(api, number) == [
        ("review", "new", "in_review", "managers"),
        ("assignee", None, "Alice", "managers"),
        ("review", "in_review", "resolved", "Alice"),
        ("assignee", "Alice", None, "Bob"),
    ]


def test_what_is_so_already_is_no_change(api: TestClient, number: int) -> None:
    for body in ({"review": "new"}, {"assignee": None}, {}, {"review": None}):
        assert api.patch(f"/calls/{number}", json=body).status_code == 200
    assert history(api, number) == []


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({"review": "done"}, "review"),
        ({"assignee": " "}, "assignee"),
        ({"assignee": "a" * 101}, "assignee"),
        ({"assignee": "a\nb"}, "assignee"),
        ({"by": "a\0b"}, "by"),
        ({"status": "done"}, "status"),
        ({"legal_hold": False}, "legal_hold"),
    ],
)
def test_a_malformed_change_is_named(
    api: TestClient, number: int, body: dict[str, Any], parameter: str
) -> None:
    answer = api.patch(f"/calls/{number}", json=body)
    assert answer.status_code == 422
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]


def test_half_a_character_is_refused(api: TestClient, number: int) -> None:
    body = b'{"by": "\\ud800"}'
    answer = api.patch(
        f"/calls/{number}", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422


def test_tags_by_hand_join_those_of_analysis(api: TestClient, number: int) -> None:
    path = f"/calls/{number}/tags"
    assert api.put(f"{path}/refund", json={"by": "Alice"}).json()["tags"] == ["angry", "refund"]
    assert api.put(f"{path}/to call back").status_code == 200
    assert api.put(f"{path}/refund").status_code == 200
    assert api.put(f"{path}/angry").json()["tags"] == ["angry", "refund", "to call back"]
    call = api.get(f"/calls/{number}").json()
    assert call["tags"] == ["angry", "refund", "to call back"]
    assert [(one["tag"], one["given_by"]) for one in call["labels"]] == [
        ("angry", "test"),
        ("refund", "Alice"),
        ("to call back", "test"),
    ]
    assert api.delete(f"{path}/refund", params={"by": "Bob"}).status_code == 204
    assert api.delete(f"{path}/angry").status_code == 204
    assert api.get(f"/calls/{number}").json()["tags"] == ["angry", "to call back"]
    assert history(api, number) == [
        ("tag", None, "refund", "Alice"),
        ("tag", None, "to call back", "test"),
        ("tag", None, "angry", "test"),
        ("tag", "refund", None, "Bob"),
        ("tag", "angry", None, "test"),
    ]


def test_a_tag_that_nobody_gave_by_hand_cannot_be_taken_away(api: TestClient, number: int) -> None:
    answer = api.delete(f"/calls/{number}/tags/angry")
    assert answer.status_code == 404
    assert answer.json()["detail"] == f"call {number} has no tag `angry` by hand"


@pytest.mark.parametrize("tag", ["a" * 51, "%00", "a%0Ab", "-refund", "%20", "a,b", '"a"', "<b>"])
def test_what_is_no_plain_word_or_phrase_is_no_tag(api: TestClient, number: int, tag: str) -> None:
    assert api.put(f"/calls/{number}/tags/{tag}").status_code == 422


@pytest.mark.parametrize("tag", ["возврат денег", "C++", "to-do", "R&D", "§ 5"[2:], "don't"])
def test_words_of_any_language_are_tags(api: TestClient, number: int, tag: str) -> None:
    assert tag in api.put(f"/calls/{number}/tags/{tag}").json()["tags"]


def test_a_call_has_at_most_20_tags_by_hand(api: TestClient, number: int) -> None:
    for i in range(20):
        assert api.put(f"/calls/{number}/tags/tag{i}").status_code == 200
    answer = api.put(f"/calls/{number}/tags/more")
    assert answer.status_code == 409
    assert "20" in answer.json()["detail"]
    assert api.put(f"/calls/{number}/tags/tag7").status_code == 200
    body = {"ids": [number], "tags_added": ["more"], "tags_removed": ["tag7"]}
    assert api.post("/calls/review", json=body).json() == {"changed": 1, "missing": []}


def test_many_calls_change_at_once(api: TestClient, engine: Engine) -> None:
    first, second, third = (
        store_call(engine, name, turn("agent", 1.0, "Good morning.")) for name in "abc"
    )
    api.patch(f"/calls/{third}", json={"review": "resolved"})
    body = {
        "ids": [third, second, 999, first, second],
        "review": "resolved",
        "by": "Alice",
    }
    assert api.post("/calls/review", json=body).json() == {"changed": 2, "missing": [999]}
    body = {
        "ids": [first, second],
        "assignee": "Bob",
        "tags_added": ["refund", "vip", "refund"],
        "tags_removed": ["nothing"],
    }
    assert api.post("/calls/review", json=body).json() == {"changed": 2, "missing": []}
    for number in (first, second):
        call = api.get(f"/calls/{number}").json()
        assert (call["review"], call["assignee"], call["tags"]) == (
            "resolved",
            "Bob",
            ["refund", "vip"],
        )
        assert history(api, number) == [
            ("review", "new", "resolved", "Alice"),
            ("assignee", None, "Bob", "test"),
            ("tag", None, "refund", "test"),
            ("tag", None, "vip", "test"),
        ]


def test_many_calls_change_all_or_none(api: TestClient, engine: Engine) -> None:
    first, full = (store_call(engine, name, turn("agent", 1.0, "Good morning.")) for name in "ab")
    tags = [f"tag{i}" for i in range(20)]
    api.post("/calls/review", json={"ids": [full], "tags_added": tags})
    body = {"ids": [first, full], "review": "resolved", "tags_added": ["more"]}
    assert api.post("/calls/review", json=body).status_code == 409
    assert api.get(f"/calls/{first}").json()["review"] == "new"
    assert history(api, first) == []


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({"review": "resolved"}, "ids"),
        ({"ids": [], "review": "resolved"}, "ids"),
        ({"ids": list(range(1, 502)), "review": "resolved"}, "ids"),
        ({"ids": [0]}, "ids.0"),
        ({"ids": [2**31]}, "ids.0"),
        ({"ids": [1], "tags_added": ["a,b"]}, "tags_added.0"),
        ({"ids": [1], "tags_added": ["a"], "tags_removed": ["a"]}, "body"),
    ],
)
def test_a_malformed_change_of_many_is_named(
    api: TestClient, body: dict[str, Any], parameter: str
) -> None:
    answer = api.post("/calls/review", json=body)
    assert answer.status_code == 422
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]


def test_history_comes_in_pages(api: TestClient, number: int) -> None:
    for name in "abcde":
        api.patch(f"/calls/{number}", json={"assignee": name})
    path, seen, cursor = f"/calls/{number}/history", [], None
    while True:
        wanted = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = api.get(path, params=wanted).json()
        seen += [event["after"] for event in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        assert len(page["items"]) == 2
    assert seen == list("edcba")
    for wrong in ({"cursor": "x"}, {"limit": 0}, {"limit": 201}, {"from": 1}):
        assert api.get(path, params=wrong).status_code == 422


def test_what_is_not_there_is_404(api: TestClient) -> None:
    for answer in (
        api.patch("/calls/99", json={"review": "resolved"}),
        api.put("/calls/99/tags/refund"),
        api.delete("/calls/99/tags/refund"),
        api.get("/calls/99/history"),
    ):
        assert answer.status_code == 404
        assert answer.json()["detail"] == "there is no call 99"


def test_changes_ask_for_the_scope_review_and_history_for_read(
    api: TestClient, engine: Engine, number: int
) -> None:
    reader, reviewer = key_with(engine, "r", "read"), key_with(engine, "w", "review")
    path = f"/calls/{number}"
    for answer in (
        api.patch(path, json={"review": "resolved"}, headers=reader),
        api.post("/calls/review", json={"ids": [number]}, headers=reader),
        api.put(f"{path}/tags/refund", headers=reader),
        api.delete(f"{path}/tags/refund", headers=reader),
        api.get(f"{path}/history", headers=reviewer),
    ):
        assert answer.status_code == 403
    assert api.get(f"{path}/history", headers=reader).status_code == 200
    assert api.patch(path, json={"review": "resolved"}, headers=reviewer).status_code == 200


def test_review_stays_when_a_call_is_heard_again(
    api: TestClient, engine: Engine, number: int
) -> None:
    api.patch(f"/calls/{number}", json={"review": "resolved", "assignee": "Alice"})
    api.put(f"/calls/{number}/tags/refund")
    again = store_call(engine, "4711", turn("agent", 1.0, "Good morning."))
    assert again == number
    call = api.get(f"/calls/{number}").json()
    assert (call["review"], call["assignee"], call["tags"]) == ("resolved", "Alice", ["refund"])
