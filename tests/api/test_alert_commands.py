"""`overtone alerts`: the feed in a terminal, lists, and the steps of an alert's life."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path

import httpx
import pytest
import typer
from sqlalchemy import Engine
from typer.testing import CliRunner

from api.alert_commands import ago, line_of
from api.client import Client, PushFailed
from api.tail import LONGEST_WAIT_S, Tail, blocks
from models.db import writing
from models.key import create_key
from overtone import app
from settings import Settings
from tests.alerting import a_draft, raise_alert, the_alert
from tests.feed_reader import wait_until
from tests.serving import ROOT, Served, served
from workers.queue import CallQueue

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def here(
    settings: Settings,
    engine: Engine,
    queue: CallQueue,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Served]:
    with writing(engine) as session:
        monkeypatch.setenv("OVERTONE_KEY", create_key(session, "managers"))
    with served(settings) as server:
        yield server


def run(here: Served, *words: str) -> str:
    """Run a command that has to go well; returns what it printed."""
    done = CliRunner().invoke(app, ["alerts", *words, "--url", here.url])
    assert done.exit_code == 0, done.output
    return done.output


def test_alerts_are_listed_the_newest_first(here: Served, engine: Engine) -> None:
    assert run(here, "list") == "no alert matches\n"
    raise_alert(engine, "a", a_draft(rule="one", severity="low"), agent="Alice")
    raise_alert(engine, "b", a_draft(rule="two", reason="says\n\x1b[2Jidiot"))
    second, first = run(here, "list").splitlines()
    assert second == "alert 2  high  new  two  call 2 (b) from 9.00 s: says  [2Jidiot"
    assert first == ("alert 1  low  new  one  call 1 (a) Alice from 9.00 s: customer sounds angry")
    assert (
        run(here, "list", "--rule", "one", "--severity", "low", "--status", "new") == f"{first}\n"
    )
    assert run(here, "list", "--overdue") == "no alert matches\n"
    [line] = run(here, "list", "--limit", "1", "--json").splitlines()
    assert json.loads(line)["id"] == 2


def test_an_alert_is_acknowledged_and_resolved(here: Served, engine: Engine) -> None:
    number = str(raise_alert(engine, "a"))
    early = CliRunner().invoke(
        app, ["alerts", "resolve", number, "--outcome", "settled", "--url", here.url]
    )
    assert early.exit_code == 1
    assert "acknowledge it first" in early.stderr
    assert "acknowledged" in run(here, "ack", number, "--by", "Bob")
    assert "resolved" in run(here, "resolve", number, "--outcome", "coached", "--note", "spoke")
    alert = the_alert(engine, int(number))
    assert (alert.acknowledged_by, alert.resolved_by) == ("Bob", "managers")
    assert (alert.outcome, alert.note) == ("coached", "spoke")


def test_that_no_api_answers_is_one_line(
    database_url: str,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OVERTONE_KEY", "ovt_any")
    done = CliRunner().invoke(app, ["alerts", "list", "--url", "http://127.0.0.1:9"])
    assert done.exit_code == 1
    assert "no API answers at http://127.0.0.1:9" in done.stderr


def test_tail_prints_the_feed_as_it_happens(
    here: Served, engine: Engine, queue: CallQueue, tmp_path: Path
) -> None:
    raise_alert(engine, "before", a_draft(severity="critical"))
    raise_alert(engine, "other", a_draft(severity="low"))
    out, errors = tmp_path / "out", tmp_path / "errors"
    words = ["--since", "1h", "--severity", "critical", "--rule", "angry", "--url", here.url]
    with out.open("wb") as printed, errors.open("wb") as complaints:
        process = subprocess.Popen(
            [sys.executable, "-m", "overtone", "alerts", "tail", *words],
            cwd=ROOT,
            env=os.environ | {"PYTHONUNBUFFERED": ""},
            stdout=printed,
            stderr=complaints,
        )
    try:
        wait_until(lambda: "call 1 (before)" in out.read_text(), within_s=60)
        raise_alert(engine, "now", a_draft(severity="critical"))
        queue.wake_alerts()
        wait_until(lambda: "call 3 (now)" in out.read_text())
    finally:
        process.kill()
        process.wait()
    first, second = out.read_text().splitlines()
    assert "raised        alert 1  critical  new  angry  call 1 (before)" in first
    assert "raised        alert 3  critical" in second
    assert errors.read_text() == ""


def test_tail_comes_back_where_it_was(settings: Settings, engine: Engine, here: Served) -> None:
    """The API ends in mid-stream and comes back at another address."""
    waits: list[float] = []
    breaks: list[str] = []
    client = Client(here.url, os.environ["OVERTONE_KEY"])
    tail = Tail(client.http, {"after": 0}, on_break=breaks.append, wait=waits.append)
    events = iter(tail)
    raise_alert(engine, "a")
    assert next(events).id == 1
    here.stop()
    raise_alert(engine, "b")
    with served(settings) as again:

        def wait(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 12:
                client.http.base_url = httpx.URL(again.url)

        tail._wait = wait
        assert [next(events).id] == [2]
        raise_alert(engine, "c")
        assert next(events).id == 3
        events.close()  # type: ignore[attr-defined]
    client.http.close()
    assert len(breaks) == 1
    assert len(waits) == 12
    assert waits[0] < 1 < max(waits) <= LONGEST_WAIT_S


def test_tail_gives_up_where_it_is_refused(here: Served) -> None:
    with Client(here.url, "ovt_wrong") as client, pytest.raises(PushFailed, match="401"):
        next(iter(Tail(client.http, {})))
    done = CliRunner().invoke(
        app, ["alerts", "tail", "--severity", "huge", "--url", here.url], catch_exceptions=False
    )
    assert done.exit_code == 1
    assert "severity" in done.stderr


def test_tail_waits_for_an_api_that_is_full(database_url: str) -> None:  # noqa: ARG001
    answers = iter([httpx.Response(503, json={"detail": "200 streams are open here"})])
    stream = b'retry: 3000\nid: 41\n\nid: 42\nevent: raised\ndata: {"id": 7}\n\nid: 43\n'

    def answer(_request: httpx.Request) -> httpx.Response:
        return next(answers, httpx.Response(200, content=stream))

    breaks: list[str] = []
    http = httpx.Client(base_url="http://api", transport=httpx.MockTransport(answer))
    tail = Tail(http, {}, on_break=breaks.append, wait=lambda _seconds: None)
    [message] = islice(tail, 1)
    assert (message.id, message.kind, message.alert) == (42, "raised", {"id": 7})
    assert tail.last_id == 42  # what was cut off has not been told
    assert breaks == ["503: 200 streams are open here"]


def test_blocks_are_read_as_the_specification_has_them(database_url: str) -> None:  # noqa: ARG001
    lines = [": hello", "id: 1", "data: a", "data:b", "event:x", "", "data", "", "", "id: 2"]
    assert list(blocks(lines)) == [
        {"id": "1", "data": "a\nb", "event": "x"},
        {"data": ""},
        {},
    ]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("1h", timedelta(hours=1)),
        ("2D", timedelta(days=2)),
    ],
)
def test_spans(database_url: str, said: str, meant: timedelta) -> None:  # noqa: ARG001
    assert ago(said) == meant


@pytest.mark.parametrize("said", ["", "1", "h", "-1h", "1w", "1h30m", "999999d"])
def test_what_is_no_span_is_refused(database_url: str, said: str) -> None:  # noqa: ARG001
    with pytest.raises(typer.BadParameter, match="1h"):
        ago(said)


def test_a_late_alert_says_so(database_url: str) -> None:  # noqa: ARG001
    alert = {"id": 1, "severity": "high", "status": "new", "overdue_at": "2026-11-02T09:00:00Z"}
    alert |= {"rule": "angry", "call_id": 2, "external_id": "x", "agent": None}
    assert "new overdue  angry" in line_of(alert | {"start_s": 1.0, "reason": "so"})
    done = {"status": "resolved", "resolved_by": "Carol", "outcome": "called_back"}
    done |= {"acknowledged_by": "Bob", "start_s": 1.0, "reason": "so"}
    assert "resolved by Carol (called_back)  angry" in line_of(alert | done)
