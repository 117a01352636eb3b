"""Many calls in one push: each answered on its own, stored together, a bad one stops no other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api.app import make_app
from models.db import writing
from models.key import create_key
from settings import Settings
from tests.api.test_push import rows, upload
from workers.queue import CallQueue

ADDRESS = "https://records.example.com/calls/{}.wav"


def named(number: int, **fields: Any) -> dict[str, Any]:
    return {"recording": ADDRESS.format(number), "external_id": str(number), **fields}


def push(api: TestClient, *calls: Any) -> list[dict[str, Any]]:
    answer = api.post("/calls/bulk", json={"calls": calls})
    assert answer.status_code == 202, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    assert [item["index"] for item in items] == list(range(len(calls)))
    return items


def test_many_calls_are_stored_and_queued(
    api: TestClient, engine: Engine, queue: CallQueue
) -> None:
    items = push(api, *(named(number, agent="Alice") for number in range(1000)))
    assert {(item["status"], item["created"]) for item in items} == {("queued", True)}
    assert [item["external_id"] for item in items] == [str(number) for number in range(1000)]
    calls = rows(engine)
    assert {call.id: call.external_id for call in calls} == {
        item["id"]: item["external_id"] for item in items
    }
    assert {call.agent for call in calls} == {"Alice"}
    assert queue.rq.get_job_ids() == [f"call-{item['id']}" for item in items]


def test_a_bad_one_stops_no_other(api: TestClient, engine: Engine, tmp_path: Path) -> None:
    items = push(
        api,
        named(1),
        {"recording": "/etc/passwd"},
        named(2, language="english"),
        {"recording": str(tmp_path / "store" / "none.wav")},
        "not a call",
        named(3, nonsense=1),
        {"external_id": "4"},
        named(5),
        {"external_id": "6", "outcome": "failed"},
    )
    problems = [(item.get("problem") or {}).get("status") for item in items]
    assert problems == [None, 403, 422, 404, 422, 422, 422, None, None]
    assert items[2]["problem"]["errors"][0]["parameter"] == "language"
    assert "recording is needed" in items[6]["problem"]["detail"]
    assert sorted(call.external_id for call in rows(engine)) == ["1", "5", "6"]


def test_what_is_there_already_or_twice_in_it_is_one_call(
    api: TestClient, engine: Engine, queue: CallQueue
) -> None:
    first = upload(api, external_id="1").json()
    items = push(api, named(1), named(2), named(2, agent="Bob"))
    assert [item["created"] for item in items] == [False, True, False]
    assert items[0]["id"] == first["id"]
    assert items[1]["id"] == items[2]["id"]
    assert [call.agent for call in rows(engine)] == [None, "Bob"]
    assert queue.depth() == 2


def test_bulks_of_the_same_calls_at_the_same_instant(api: TestClient, engine: Engine) -> None:
    calls = [named(number) for number in range(40)]
    orders = [calls, calls[::-1], calls[20:] + calls[:20], calls]
    with ThreadPoolExecutor(len(orders)) as pool:
        answers = list(pool.map(lambda order: push(api, *order), orders))
    assert sum(item["created"] for items in answers for item in items) == 40
    ids = {item["external_id"]: item["id"] for items in answers for item in items}
    assert ids == {call.external_id: call.id for call in rows(engine)}


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"{", 422, "not JSON"),
        (b"[]", 422, "body"),
        (b"{}", 422, "calls"),
        (b'{"calls": []}', 422, "calls"),
        (b'{"calls": [' + b"1," * 1000 + b"1]}", 422, "calls"),
        (b'{"calls": [1], "more": 1}', 422, "more"),
        (b'{"calls": ["' + b"x" * 10_000_000 + b'"]}', 413, "10 MB"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_bodies_that_are_no_bulk_are_refused(
    settings: Settings, engine: Engine, body: bytes, status: int, words: str
) -> None:
    with writing(engine) as session:
        key = create_key(session, "pipeline")
    roomy = settings.model_copy(update={"max_upload_mb": 20})
    with TestClient(make_app(roomy), headers={"Authorization": f"Bearer {key}"}) as api:
        answer = api.post("/calls/bulk", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert words in answer.json()["detail"]


def test_a_bulk_fills_the_room_there_is(
    settings: Settings, engine: Engine, queue: CallQueue
) -> None:
    with writing(engine) as session:
        key = create_key(session, "pipeline")
    narrow = settings.model_copy(update={"max_queue": 3})
    with TestClient(make_app(narrow), headers={"Authorization": f"Bearer {key}"}) as api:
        push(api, named(1))
        answer = api.post(
            "/calls/bulk",
            json={"calls": [*map(named, range(1, 6)), named(6, urgent=True)]},
        )
    items = answer.json()["items"]
    problems = [(item.get("problem") or {}).get("status") for item in items]
    assert problems == [None, None, None, 429, 429, None]
    assert answer.status_code == 202
    assert 5 <= int(answer.headers["retry-after"]) <= 600
    assert queue.depth() == 4


def test_a_bulk_is_kept_when_the_queue_is_away(
    settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    with writing(engine) as session:
        key = create_key(session, "pipeline")
    away = settings.model_copy(update={"redis_url": f"unix://{tmp_path / 'nobody.sock'}"})
    with TestClient(make_app(away), headers={"Authorization": f"Bearer {key}"}) as api:
        assert [item["created"] for item in push(api, *map(named, range(5)))] == [True] * 5
    assert len(rows(engine)) == 5
