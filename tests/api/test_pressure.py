"""Back-pressure: pushes are told to come again while too many calls wait."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from redis import ConnectionError as NoConnection
from sqlalchemy import Engine

from api.app import make_app
from api.pressure import Gate
from models.db import writing
from models.key import create_key
from settings import Settings
from tests.api.test_push import kept, rows, upload
from tests.api.test_uploads import BEGINNING, begun, part
from tests.serving import served
from workers.queue import CallQueue


class Depths:
    """A queue that tells what it is told to tell."""

    def __init__(self, waiting: int, workers: int = 1) -> None:
        self.waiting, self.here = waiting, workers
        self.asked = 0
        self.away = False

    def depth(self) -> int:
        self.asked += 1
        if self.away:
            raise NoConnection
        return self.waiting

    def workers(self) -> int:
        return self.here


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def gate(queue: Depths, most: int, clock: Clock | None = None) -> Gate:
    return Gate(queue, most, clock=clock or Clock())  # type: ignore[arg-type]


def test_the_queue_is_asked_at_most_once_a_second() -> None:
    queue, clock = Depths(3), Clock()
    door = gate(queue, 10, clock)
    assert [door.room() for _ in range(5)] == [7] * 5
    queue.waiting = 9
    clock.now_s += 0.9
    assert (door.room(), queue.asked) == (7, 1)
    clock.now_s += 0.1
    assert (door.room(), queue.asked) == (1, 2)


def test_what_was_let_in_since_is_counted() -> None:
    door = gate(Depths(8), 10)
    assert door.room() == 2
    door.took(2)
    assert door.room() == 0


def test_without_a_bound_nobody_is_asked() -> None:
    queue = Depths(10**6)
    assert (gate(queue, 0).room(), queue.asked) == (None, 0)


def test_everything_may_come_while_the_queue_is_away() -> None:
    queue = Depths(10**6)
    queue.away = True
    assert gate(queue, 10).room() == 10


@pytest.mark.parametrize(
    ("waiting", "workers", "seconds"),
    [(10, 1, 5), (10, 0, 5), (30, 1, 105), (30, 4, 26), (10**6, 2, 600)],
)
def test_the_wait_grows_with_what_waits(waiting: int, workers: int, seconds: int) -> None:
    door = gate(Depths(waiting, workers), 10)
    assert door.room() == 0
    assert door.full().retry_after_s == seconds


@pytest.fixture
def narrow(settings: Settings) -> Settings:
    return settings.model_copy(update={"max_queue": 2})


@pytest.fixture
def key(engine: Engine) -> str:
    with writing(engine) as session:
        return create_key(session, "pipeline")


@pytest.fixture
def busy(narrow: Settings, queue: CallQueue, key: str) -> Iterator[TestClient]:
    """The API with room for two, and two calls waiting."""
    queue.check()
    with TestClient(make_app(narrow), headers={"Authorization": f"Bearer {key}"}) as api:
        for name in "12":
            assert upload(api, external_id=name).status_code == 202
        yield api


def test_a_new_call_is_refused_while_too_many_wait(
    busy: TestClient, engine: Engine, settings: Settings
) -> None:
    named = {"recording": "https://records.example.com/calls/3.wav"}
    for answer in (
        upload(busy, external_id="3"),
        upload(busy, b"of no name"),
        busy.post("/calls", json=named),
    ):
        assert answer.status_code == 429
        assert answer.headers["content-type"] == "application/problem+json"
        assert 5 <= int(answer.headers["retry-after"]) <= 600
        assert "OVERTONE_MAX_QUEUE" in answer.json()["detail"]
    assert (len(rows(engine)), len(kept(settings))) == (2, 2)


def test_a_call_that_is_there_is_answered_as_always(busy: TestClient) -> None:
    again = upload(busy, external_id="1")
    assert (again.status_code, again.json()["created"]) == (202, False)


def test_an_urgent_call_passes(busy: TestClient) -> None:
    assert upload(busy, external_id="3", urgent=True).status_code == 202


def test_the_queue_takes_calls_again_once_it_is_shorter(
    busy: TestClient, queue: CallQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.rq.empty()
    monkeypatch.setattr("api.pressure.ASK_EVERY_S", 0.0)
    assert upload(busy, external_id="3").status_code == 202


@pytest.mark.usefixtures("busy")
def test_it_is_refused_before_the_file_is_read(narrow: Settings, key: str) -> None:
    roomy = narrow.model_copy(update={"max_upload_mb": 10})
    body = part("call", b'{"external_id": "3"}') + part("recording", BEGINNING, "a.wav")[:-4]
    with served(roomy) as server, begun(server.url, key, length=9_000_000, body=body) as connection:
        assert b" 429 " in connection.recv(10_000)
