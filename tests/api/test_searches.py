"""Saved searches over HTTP: saved, listed, replaced, deleted, and refused with the reason."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from models.db import migrate, reading, writing
from models.key import all_keys, create_key
from models.saved_search import MOST_SEARCHES, SavedSearch, saved_searches

ANGRY: dict[str, Any] = {
    "q": 'refund -"call back" customer:late*',
    "mood": "angry",
    "min_anger": 0.6,
    "from": "2026-11-02T00:00:00Z",
    "sort": "-anger",
}


def key_with(engine: Engine, name: str, *scopes: str) -> dict[str, str]:
    with writing(engine) as session:
        return {"Authorization": f"Bearer {create_key(session, name, scopes)}"}


def save(api: TestClient, name: str, query: dict[str, Any], **options: Any) -> Any:
    return api.put(f"/searches/{quote(name)}", json={"query": query}, **options)


def listed(api: TestClient) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = api.get("/searches").json()["items"]
    return items


def test_a_search_is_saved_and_listed_by_name(api: TestClient) -> None:
    assert listed(api) == []
    assert save(api, "zero", {}).status_code == 200
    answer = save(api, "angry about refunds", ANGRY)
    assert answer.status_code == 200, answer.text
    first, last = listed(api)
    assert first == answer.json()
    assert (first["name"], first["owner"], first["query"]) == ("angry about refunds", "test", ANGRY)
    assert (last["name"], last["query"]) == ("zero", {})
    assert datetime.fromisoformat(first["created_at"]).tzinfo is not None


def test_what_was_saved_is_a_search(api: TestClient) -> None:
    assert save(api, "refunds", {"q": "refund", "min_anger": 0.5, "limit": 5}).status_code == 200
    [saved] = listed(api)
    assert api.get("/calls", params=saved["query"]).status_code == 200


def test_a_search_is_replaced_by_whoever_may_review(api: TestClient, engine: Engine) -> None:
    before = save(api, "refunds", ANGRY).json()
    reviewer = key_with(engine, "managers", "review")
    after = save(api, "refunds", {"mood": "sad"}, headers=reviewer).json()
    assert listed(api) == [after]
    assert (after["owner"], after["query"]) == ("managers", {"mood": "sad"})
    assert after["created_at"] == before["created_at"]
    assert after["updated_at"] > before["updated_at"]


def test_a_search_is_deleted_once(api: TestClient) -> None:
    save(api, "Злые: о возврате!", ANGRY)
    path = f"/searches/{quote('Злые: о возврате!')}"
    assert api.delete(path).status_code == 204
    assert listed(api) == []
    gone = api.delete(path)
    assert gone.status_code == 404
    assert "GET /searches" in gone.json()["detail"]


def test_reading_and_writing_need_their_scopes(api: TestClient, engine: Engine) -> None:
    reader, reviewer = (key_with(engine, scope, scope) for scope in ("read", "review"))
    assert save(api, "refunds", ANGRY, headers=reader).status_code == 403
    assert save(api, "refunds", ANGRY, headers=reviewer).status_code == 200
    assert api.get("/searches", headers=reader).status_code == 200
    assert api.get("/searches", headers=reviewer).status_code == 403
    assert api.delete("/searches/refunds", headers=reader).status_code == 403
    assert len(listed(api)) == 1


@pytest.mark.parametrize(
    ("query", "parameter", "problem"),
    [
        ({"moods": "angry"}, "query.moods", "no such parameter"),
        ({"mood": "furious"}, "query.mood", "'angry'"),
        ({"min_anger": 2}, "query.min_anger", "less than or equal to 1"),
        ({"from": "2026-11-02T00:00:00"}, "query.from", "time zone"),
        ({"q": "?!"}, "query.q", "no word or number"),
        ({"q": "w " * 10_000}, "query.q", "at most 1,000 characters"),
        ({"q": "refund\0"}, "query.q", "NUL"),
        ({"agent": "Alice\0"}, "query.agent", "NUL"),
        ({"q": ["refund"]}, "query.q", "string"),
        ({"cursor": "WyI1"}, "query.cursor", "leave it out"),
        ({"saved": "other"}, "query.saved", "leave it out"),
    ],
)
def test_a_filter_that_a_search_would_refuse_is_not_saved(
    api: TestClient, query: dict[str, Any], parameter: str, problem: str
) -> None:
    answer = save(api, "refunds", query)
    assert answer.status_code == 422
    [wrong] = answer.json()["errors"]
    assert wrong["parameter"] == parameter
    assert problem in wrong["problem"]
    assert listed(api) == []


@pytest.mark.parametrize(
    "body", [{}, {"query": []}, {"query": None}, {"query": {}, "owner": "me"}, [], "refund"]
)
def test_a_body_that_is_no_search_is_refused(api: TestClient, body: Any) -> None:
    assert api.put("/searches/refunds", json=body).status_code == 422
    assert listed(api) == []


@pytest.mark.parametrize("key", ["\\ud800", "a\\u0000"])
def test_half_a_character_is_refused(api: TestClient, key: str) -> None:
    for body in (f'{{"query": {{"{key}": 1}}}}', f'{{"query": {{"agent": "{key}"}}}}'):
        answer = api.put("/searches/refunds", content=body)
        assert answer.status_code == 422, body


@pytest.mark.parametrize("name", ["a" * 101, "a\nb", "a\0b"])
def test_a_name_that_cannot_be_kept_is_refused(api: TestClient, name: str) -> None:
    answer = save(api, name, ANGRY)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "name"


def test_there_is_an_end_to_how_many_are_saved(api: TestClient, engine: Engine) -> None:
    with writing(engine) as session:
        session.add_all(
            SavedSearch(name=f"s{number}", owner="test", query={})
            for number in range(MOST_SEARCHES - 1)
        )
        session.commit()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda name: save(api, name, ANGRY), "abcd"))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert "delete one first" in refused.json()["detail"]
    assert save(api, "s0", ANGRY).status_code == 200
    assert api.delete("/searches/s1").status_code == 204
    assert save(api, "another", ANGRY).status_code == 200


def test_saved_searches_go_with_their_table_and_all_else_stays(engine: Engine) -> None:
    with writing(engine) as session:
        session.add(SavedSearch(name="refunds", owner="test", query=ANGRY))
        session.commit()
        create_key(session, "stays")
    migrate(engine, "0005")
    migrate(engine)
    with reading(engine) as session:
        assert saved_searches(session) == []
        assert [key.name for key in all_keys(session)] == ["stays"]
