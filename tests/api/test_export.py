"""Exports: every call that a search finds, as CSV or JSON lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from contextlib import ExitStack
from socket import socket
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api import places as api_places
from api.export import WRITERS
from api.places import MOST_EXPORTS, ExportPlaces, TooManyExports
from models import search
from models.db import writing
from models.key import create_key
from settings import Settings
from tests.fakes import ANGRY, turn
from tests.feed_reader import wait_until
from tests.records import store_call
from tests.serving import served


@pytest.fixture
def calls(engine: Engine) -> None:
    """Five calls about a bearing, one of them angry, and one about nothing."""
    for number in range(5):
        mood = {"mood": ANGRY} if number == 3 else {}
        said = turn("customer", 1.0, "Where is my bearing, the one that I ordered?", **mood)
        store_call(engine, f"call-{number}", said, agent="Alice, of parts", caller="+44 20 7946")
    store_call(engine, "other", turn("customer", 1.0, "Hello?"), agent="=1+1", metadata={"a": 1})


def export(api: TestClient, **wanted: Any) -> str:
    answer = api.get("/calls/export", params=wanted)
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.mark.usefixtures("calls")
def test_a_table_has_a_line_for_each_call_in_the_order_asked_for(api: TestClient) -> None:
    rows = list(csv.DictReader(io.StringIO(export(api, q="bearing", sort="-anger"))))
    assert rows[0]["external_id"] == "call-3"
    assert {row["external_id"] for row in rows} == {f"call-{number}" for number in range(5)}
    assert rows[0]["agent"] == "Alice, of parts"
    assert float(rows[0]["anger"]) == pytest.approx(ANGRY.anger)
    assert rows[0]["tags"] == "angry; product"


@pytest.mark.usefixtures("calls")
def test_json_lines_are_one_object_each(api: TestClient) -> None:
    lines = [json.loads(line) for line in export(api, format="jsonl", agent="=1+1").splitlines()]
    [only] = lines
    assert (only["external_id"], only["metadata"], only["tags"]) == ("other", {"a": 1}, [])


@pytest.mark.usefixtures("calls")
def test_nothing_is_cut_off_between_batches(
    api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "BATCH", 2)
    lines = export(api, format="jsonl").splitlines()
    names = [json.loads(line)["external_id"] for line in lines]
    assert sorted(names) == ["call-0", "call-1", "call-2", "call-3", "call-4", "other"]


@pytest.mark.usefixtures("calls")
def test_a_cell_is_no_formula_and_a_number_stays_one(api: TestClient) -> None:
    rows = list(csv.DictReader(io.StringIO(export(api))))
    assert {row["agent"] for row in rows} == {"Alice, of parts", "'=1+1"}
    assert {row["caller"] for row in rows} == {"+44 20 7946", ""}


def test_an_empty_export_has_its_head_line(api: TestClient) -> None:
    assert export(api).startswith("id,external_id,started_at")
    assert export(api, format="jsonl") == ""


@pytest.mark.parametrize(
    ("name", "value"), [("q", "???"), ("colour", "red"), ("format", "xls"), ("limit", "5")]
)
def test_what_is_wrong_is_told_before_anything_is_sent(
    api: TestClient, name: str, value: str
) -> None:
    answer = api.get("/calls/export", params={name: value})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == name


@pytest.mark.usefixtures("calls")
def test_a_saved_search_is_exported_and_narrowed(api: TestClient) -> None:
    saved = api.put("/searches/bearings", json={"query": {"q": "bearing", "facets": ["agent"]}})
    assert saved.status_code == 200
    assert len(export(api, saved="bearings", format="jsonl").splitlines()) == 5
    assert len(export(api, saved="bearings", min_anger=0.5, format="jsonl").splitlines()) == 1
    assert api.get("/calls/export", params={"saved": "none"}).status_code == 404
    found = api.get("/calls", params={"saved": "bearings", "min_anger": 0.5}).json()
    assert found["total"] == 1
    assert found["facets"] == {"agent": [{"value": "Alice, of parts", "count": 1}]}


def test_few_exports_are_sent_at_once(api: TestClient) -> None:
    places: ExportPlaces = api.app.state.exports  # type: ignore[attr-defined]
    for wanted in [{"format": "csv"}, {"q": "???"}] * MOST_EXPORTS:
        assert api.get("/calls/export", params=wanted).status_code in (200, 422)
    with ExitStack() as others:
        for _ in range(MOST_EXPORTS):
            others.enter_context(places.taken())
        refused = api.get("/calls/export")
        assert refused.status_code == 429
        assert refused.headers["Retry-After"] == "30"
        assert refused.json()["detail"].startswith("4 exports are being sent")
        assert api.get("/calls/export", headers={"Authorization": ""}).status_code == 401
    assert export(api)


def test_whoever_takes_nothing_of_an_export_gives_its_place_up(
    settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(_batches: object) -> Iterator[str]:
        while True:
            yield "x" * 65536

    monkeypatch.setitem(WRITERS, "csv", (endless, "text/csv"))
    monkeypatch.setattr(api_places, "PATIENCE_S", 0.2)
    with writing(engine) as session:
        key = create_key(session, "reader", ("read",))
    with served(settings) as here, socket() as reader:
        address = urlsplit(here.url)
        reader.connect((address.hostname, address.port))
        reader.sendall(
            f"GET /calls/export HTTP/1.1\r\nHost: a\r\nX-API-Key: {key}\r\n\r\n".encode()
        )
        assert reader.recv(15) == b"HTTP/1.1 200 OK"
        places: ExportPlaces = here.app.state.exports
        wait_until(lambda: all_free(places))


def all_free(places: ExportPlaces) -> bool:
    with ExitStack() as ours:
        try:
            for _ in range(MOST_EXPORTS):
                ours.enter_context(places.taken())
        except TooManyExports:
            return False
    return True
