"""How often keys may ask and addresses may guess, with the queue and without it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api.app import make_app
from api.rates import Rates, _whose
from models.db import writing
from models.key import create_key, revoke_key
from settings import Settings
from workers.queue import CallQueue

NOWHERE = "unix:///nowhere/v.sock"


@pytest.fixture
def slow(settings: Settings, engine: Engine, queue: CallQueue) -> Iterator[TestClient]:
    """The API with three requests a minute for each key."""
    queue.check()
    assert engine
    with TestClient(make_app(settings.model_copy(update={"rate_limit": 3}))) as client:
        yield client


def bearer(engine: Engine, name: str, *scopes: str) -> dict[str, str]:
    with writing(engine) as session:
        text = create_key(session, name, scopes or ("read",))
    return {"Authorization": f"Bearer {text}"}


def test_a_key_asks_so_often_and_then_waits(slow: TestClient, engine: Engine) -> None:
    one, other = bearer(engine, "one"), bearer(engine, "other")
    assert [slow.get("/calls", headers=one).status_code for _ in range(3)] == [200] * 3
    refused = slow.get("/calls/7", headers=one)
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["content-type"] == "application/problem+json"
    assert "OVERTONE_RATE_LIMIT" in refused.json()["detail"]
    assert slow.get("/calls", headers=other).status_code == 200
    for path in ("/healthz", "/readyz"):
        assert slow.get(path, headers=one).status_code == 200


def test_all_processes_count_together(slow: TestClient, settings: Settings, engine: Engine) -> None:
    key = bearer(engine, "one")
    with TestClient(make_app(settings.model_copy(update={"rate_limit": 3}))) as second:
        answers = [client.get("/calls", headers=key).status_code for client in (slow, second) * 2]
    assert answers == [200, 200, 200, 429]


def test_without_a_limit_a_key_asks_as_often_as_it_likes(queue: CallQueue, valkey_url: str) -> None:
    assert queue
    rates = Rates(valkey_url, 0)
    assert {rates.ask(1) for _ in range(100)} == {None}


def test_an_address_that_tries_keys_is_told_to_wait_whatever_it_tries(
    api: TestClient, engine: Engine
) -> None:
    wrong = {"Authorization": "Bearer ovt_wrong"}
    assert {api.get("/calls", headers=wrong).status_code for _ in range(60)} == {401}
    refused = api.get("/calls", headers=wrong)
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    # A right guess must look like a wrong one.
    assert api.get("/calls", headers=bearer(engine, "right")).status_code == 429
    assert api.get("/healthz").status_code == 200


def test_a_revoked_key_says_so_and_is_no_guess(api: TestClient, engine: Engine) -> None:
    key = bearer(engine, "gone")
    with writing(engine) as session:
        revoke_key(session, "gone")
    for _ in range(61):
        answer = api.get("/calls", headers=key)
    assert answer.status_code == 401
    assert answer.json()["detail"] == "this API key was revoked"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert api.get("/calls").status_code == 200


def test_while_the_queue_is_away_each_process_counts_for_itself(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rates = Rates(NOWHERE, 2)
    with caplog.at_level(logging.WARNING):
        assert [rates.ask(1) for _ in range(2)] == [None, None]
        wait_s = rates.ask(1)
    assert wait_s is not None
    assert 1 <= wait_s <= 60
    assert rates.ask(2) is None
    assert len(caplog.records) == 1


def test_the_queue_is_asked_again_when_it_is_back(
    queue: CallQueue, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = 100.0
    monkeypatch.setattr("api.rates.monotonic", lambda: clock)
    rates = Rates(valkey_url, 2)
    there = rates._shared
    rates._shared = Rates(NOWHERE, 2)._shared
    assert rates.ask(1) is None
    rates._shared = there
    assert rates.ask(1) is None
    assert rates.ask(1) is not None
    assert queue.connection.keys("*") == []
    clock += 5.0
    assert rates.ask(1) is None
    assert len(queue.connection.keys("*")) == 1


def test_requests_pass_while_the_queue_is_away(settings: Settings, engine: Engine) -> None:
    key = bearer(engine, "one")
    away = settings.model_copy(update={"redis_url": NOWHERE})
    with TestClient(make_app(away)) as client:
        assert client.get("/calls", headers=key).status_code == 200


def test_an_ipv6_network_is_one_address() -> None:
    assert _whose("2001:db8::1") == _whose("2001:db8::ffff") == "2001:db8::/64"
    assert _whose("2001:db8:0:1::1") != _whose("2001:db8::1")
    assert (_whose("192.0.2.7"), _whose("testclient"), _whose("")) == (
        "192.0.2.7",
        "testclient",
        "",
    )
