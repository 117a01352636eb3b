"""Uploads over real HTTP: on the disk once and whole, or not at all, whatever breaks."""

from __future__ import annotations

import errno
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, event

from api.uploads import BLOCK_BYTES
from models.db import writing
from models.key import create_key
from models.stores import Incoming
from settings import Settings
from tests.api.test_push import kept, rows, upload
from tests.serving import served
from workers.queue import CallQueue

BOUNDARY = "b0undary"
FORM = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
PATIENCE_S = 20
# So much of a recording is looked at before the rest has come.
BEGINNING = b"x" * (BLOCK_BYTES + 1000)


def part(name: str, content: bytes, filename: str | None = None) -> bytes:
    file = "" if filename is None else f'; filename="{filename}"'
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
    return head.encode() + content + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()


@pytest.fixture
def key(engine: Engine) -> str:
    with writing(engine) as session:
        return create_key(session, "pipeline")


@pytest.fixture
def http(settings: Settings, queue: CallQueue, key: str) -> Iterator[httpx.Client]:
    """A client of an API behind a real socket."""
    queue.check()
    headers = {"Authorization": f"Bearer {key}"}
    with (
        served(settings) as server,
        httpx.Client(base_url=server.url, headers=headers, timeout=60) as http,
    ):
        yield http


def wait_for(ready: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not ready():
        assert time.monotonic() < until, "nothing happened for too long"
        time.sleep(0.02)


def begun(url: httpx.URL | str, key: str, *, length: int, body: bytes = b"") -> socket.socket:
    """A connection on which a push has begun."""
    address = urlsplit(str(url))
    assert address.hostname is not None
    connection = socket.create_connection((address.hostname, address.port or 80), PATIENCE_S)
    head = (
        f"POST /calls HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: {FORM['content-type']}\r\nContent-Length: {length}\r\n\r\n"
    )
    connection.sendall(head.encode() + body)
    return connection


@pytest.mark.parametrize("file_first", [False, True])
def test_fields_may_stand_before_or_after_the_file(
    api: TestClient, engine: Engine, settings: Settings, file_first: bool
) -> None:
    sound = os.urandom(700_000) + f"\r\n--{BOUNDARY}x\r\n".encode()
    parts = [
        part("call", b'{"external_id": "4711", "metadata": {"site": "a"}}'),
        part("agent", "Алиса".encode()),
        part("recording", sound, "a.wav"),
    ]
    if file_first:
        parts.reverse()
    answer = api.post("/calls", content=b"".join(parts) + END, headers=FORM)
    assert answer.status_code == 202, answer.text
    (call,) = rows(engine)
    assert (call.external_id, call.agent, call.details) == ("4711", "Алиса", {"site": "a"})
    (path,) = kept(settings)
    assert path.read_bytes() == sound


def test_a_form_may_come_byte_by_byte(api: TestClient, settings: Settings) -> None:
    body = part("call", b'{"agent": "Alice"}') + part("recording", b"\r\nsound\r\n", "a.wav") + END
    answer = api.post("/calls", content=(bytes([byte]) for byte in body), headers=FORM)
    assert answer.status_code == 202, answer.text
    assert kept(settings)[0].read_bytes() == b"\r\nsound\r\n"


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (part("recording", b"sound", "a.wav"), 400, "breaks off"),
        (part("recording", b"sound", "a.wav")[:-3], 400, "breaks off"),
        (b"no form at all", 400, "not the form"),
        (part("recording", b"/srv/a.wav") + END, 422, "send the file itself"),
        (part("recording", b"a", "a") + part("file", b"b", "b") + END, 422, "one recording"),
        (part("call", b"{}") + END, 422, "the form needs the file"),
        (part("call", b"{") + part("recording", b"a", "a") + END, 422, "call: not JSON"),
        (part("call", b"[" * 9**5) + part("recording", b"a", "a") + END, 422, "call: not JSON"),
        (part("call", b"x" * 1_100_000), 422, "1 MB in all"),
        (part("agent", b"\xff") + part("recording", b"a", "a") + END, 422, "agent: not UTF-8"),
        (part("", b"a") + END, 400, "has no name"),
        (part("agent", b"a") * 21, 422, "more than 20 parts"),
    ],
)
def test_forms_that_cannot_be_used_leave_nothing(
    api: TestClient, engine: Engine, settings: Settings, *, body: bytes, status: int, words: str
) -> None:
    answer = api.post("/calls", content=body, headers=FORM)
    assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.text
    assert (rows(engine), kept(settings)) == ([], [])


def test_wrong_fields_are_told_before_the_file_is_read(
    settings: Settings, queue: CallQueue, key: str
) -> None:
    queue.check()
    roomy = settings.model_copy(update={"max_upload_mb": 10})
    body = part("call", b'{"language": "english"}') + part("recording", BEGINNING, "a.wav")[:-4]
    with served(roomy) as server, begun(server.url, key, length=9_000_000, body=body) as connection:
        assert b" 422 " in connection.recv(10_000)


def test_what_is_declared_too_large_is_refused_before_it_is_sent(
    http: httpx.Client, key: str, settings: Settings
) -> None:
    with begun(http.base_url, key, length=10**9) as connection:
        assert b" 413 " in connection.recv(10_000)
    assert kept(settings) == []


def test_a_client_that_goes_away_leaves_nothing(
    http: httpx.Client, key: str, settings: Settings, engine: Engine
) -> None:
    roomy = settings.model_copy(update={"max_upload_mb": 10})
    body = part("recording", BEGINNING, "a.wav")[:-4]
    with served(roomy) as server:
        with begun(server.url, key, length=9_000_000, body=body):
            wait_for(lambda: kept(settings))
        wait_for(lambda: not kept(settings))
    assert rows(engine) == []
    sent = http.post("/calls", files={"recording": ("a.wav", b"sound")})
    assert sent.status_code == 202


@pytest.mark.parametrize("breaks", ["write", "fsync", "too large a file"])
def test_a_full_disk_is_told_and_leaves_nothing(
    http: httpx.Client,
    settings: Settings,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    breaks: str,
) -> None:
    with monkeypatch.context() as full:
        if breaks == "write":
            full.setattr(Incoming, "write", written_to_a_full_disk)
        else:
            kind = errno.ENOSPC if breaks == "fsync" else errno.EFBIG
            full.setattr("models.stores.os.fsync", partial(refuse, kind))
        answer = http.post("/calls", files={"recording": ("a.wav", b"sound" * 1000)})
        assert http.get("/healthz").is_success
    assert answer.status_code == 507
    assert answer.headers["content-type"] == "application/problem+json"
    assert "no room left on the disk" in answer.json()["detail"]
    assert (rows(engine), kept(settings)) == ([], [])
    again = http.post("/calls", files={"recording": ("a.wav", b"sound" * 1000)})
    assert again.status_code == 202


_write = Incoming.write


def written_to_a_full_disk(incoming: Incoming, block: bytes) -> None:
    full: BinaryIO
    with Path("/dev/full").open("wb", buffering=0) as full:
        incoming._file, opened = full, incoming._file  # type: ignore[assignment]
        try:
            _write(incoming, block)
        finally:
            incoming._file = opened


def refuse(kind: int, _descriptor: int) -> None:
    raise OSError(kind, os.strerror(kind))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_database_that_has_no_room_is_told_and_leaves_nothing(
    api: TestClient, settings: Settings, engine: Engine
) -> None:
    def fill(connection: Any, *_: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")

    event.listen(api.app.state.engine, "checkout", fill)  # type: ignore[attr-defined]
    answer = upload(api, external_id="1", metadata={str(i): "x" * 400 for i in range(50)})
    assert answer.status_code == 507, answer.text
    assert "disk of the database" in answer.json()["detail"]
    assert (rows(engine), kept(settings)) == ([], [])


def test_pushes_of_one_call_at_the_same_instant_keep_one_recording(
    http: httpx.Client, engine: Engine, settings: Settings, queue: CallQueue
) -> None:
    pushers, rounds = 8, 5
    together = Barrier(pushers)

    def push(number: int) -> list[dict[str, Any]]:
        answers = []
        for round_ in range(rounds):
            call = json.dumps({"external_id": f"call {round_}", "agent": f"Agent {number}"})
            together.wait()
            answer = http.post(
                "/calls",
                data={"call": call},
                files={"recording": ("a.wav", f"{round_} {number}".encode() * 10_000)},
            )
            assert answer.status_code == 202, answer.text
            answers.append(answer.json())
        return answers

    with ThreadPoolExecutor(pushers) as pool:
        answers = list(pool.map(push, range(pushers)))
    for at_once in zip(*answers, strict=True):
        assert len({answer["id"] for answer in at_once}) == 1
        assert sum(answer["created"] for answer in at_once) == 1
    calls = rows(engine)
    assert sorted(call.external_id for call in calls) == [f"call {i}" for i in range(rounds)]
    recordings = {f"upload:{path.relative_to(settings.recordings)}" for path in kept(settings)}
    assert recordings == {call.recording for call in calls}
    assert queue.live() == {call.id for call in calls}
