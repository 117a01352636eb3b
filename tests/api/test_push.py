"""Pushing calls: accepted once, stored before the answer, refused with the reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from redis import Redis
from sqlalchemy import Engine
from sqlmodel import Session, select

from api.app import make_app
from models import Call, DoomedRecording
from models.db import writing
from models.doomed import remove_doomed
from models.key import create_key
from models.stores import Stores
from settings import Settings
from tests.records import store_call
from workers.queue import CallQueue

JSON = {"content-type": "application/json"}


def upload(
    api: TestClient, content: bytes = b"sound", name: str = "a.wav", **call: Any
) -> Response:
    return api.post("/calls", files={"recording": (name, content)}, data={"call": json.dumps(call)})


def rows(engine: Engine) -> list[Call]:
    with Session(engine) as session:
        return list(session.exec(select(Call)))


def kept(settings: Settings) -> list[Path]:
    return [path for path in settings.recordings.rglob("*") if path.is_file()]


def test_an_upload_is_stored_and_queued(
    api: TestClient, engine: Engine, settings: Settings, queue: CallQueue
) -> None:
    answer = upload(
        api,
        external_id="4711",
        agent="Alice",
        line="+44 20 7946 0100",
        started_at="2026-11-02T09:15:00Z",
        metadata={"utm_source": "google"},
    )
    assert answer.status_code == 202, answer.text
    assert answer.json() == {"id": 1, "external_id": "4711", "status": "queued", "created": True}
    assert answer.headers["location"] == "/calls/1"
    (call,) = rows(engine)
    assert (call.agent, call.details) == ("Alice", {"utm_source": "google"})
    (path,) = kept(settings)
    assert path.read_bytes() == b"sound"
    assert queue.live() == {1}


def test_fields_may_stand_in_the_form_one_by_one(api: TestClient, engine: Engine) -> None:
    answer = api.post(
        "/calls",
        files={"recording": ("a.wav", b"sound")},
        data={"external_id": "1", "agent": "Alice", "metadata": '{"site": "a"}', "urgent": "true"},
    )
    assert answer.status_code == 202, answer.text
    (call,) = rows(engine)
    assert (call.agent, call.details, call.urgent) == ("Alice", {"site": "a"}, True)


def test_the_same_external_id_is_the_same_call(
    api: TestClient, engine: Engine, settings: Settings
) -> None:
    first = upload(api, external_id="4711").json()
    second = upload(api, b"other sound", external_id="4711")
    assert second.status_code == 202
    assert second.json() == {**first, "created": False}
    assert len(rows(engine)) == 1
    assert len(kept(settings)) == 1


def test_without_an_external_id_the_recording_itself_is_the_name(
    api: TestClient, engine: Engine
) -> None:
    first, again, other = upload(api), upload(api), upload(api, b"other")
    assert first.json()["id"] == again.json()["id"] != other.json()["id"]
    assert len(rows(engine)) == 2


def test_a_path_in_an_allowed_store_is_taken(
    api: TestClient, engine: Engine, tmp_path: Path
) -> None:
    (tmp_path / "store" / "a.wav").write_bytes(b"sound")
    path = str(tmp_path / "store" / "a.wav")
    answer = api.post("/calls", json={"recording": path, "external_id": "1"})
    assert answer.status_code == 202, answer.text
    assert rows(engine)[0].recording == f"file:{path}"
    address = "https://records.example.com/calls/1.wav"
    assert api.post("/calls", json={"recording": address}).json()["external_id"] == address


def test_a_name_too_long_for_an_id_still_names_one_call(api: TestClient) -> None:
    address = f"https://records.example.com/calls/{'x' * 300}.wav"
    first, again = (api.post("/calls", json={"recording": address}) for _ in range(2))
    assert first.status_code == 202, first.text
    assert first.json()["external_id"].startswith("name-sha256:")
    assert again.json() == {**first.json(), "created": False}


def test_a_json_push_has_a_bound(api: TestClient) -> None:
    answer = api.post("/calls", json={"recording": "x" * 1_100_000})
    assert answer.status_code == 413
    assert api.post("/calls", content=b"[" * 9**5, headers=JSON).status_code == 400


def test_paths_and_addresses_outside_are_refused(api: TestClient, engine: Engine) -> None:
    for recording in ("/etc/passwd", "https://example.com/a.wav", "http://127.0.0.1/a.wav"):
        answer = api.post("/calls", json={"recording": recording})
        assert answer.status_code == 403
        assert answer.headers["content-type"] == "application/problem+json"
        assert "OVERTONE_STORES" in answer.json()["detail"]
    assert rows(engine) == []


def test_a_recording_that_is_not_there_is_404(api: TestClient, tmp_path: Path) -> None:
    answer = api.post("/calls", json={"recording": str(tmp_path / "store" / "none.wav")})
    assert answer.status_code == 404


def test_an_empty_upload_is_refused(api: TestClient, engine: Engine, settings: Settings) -> None:
    answer = upload(api, b"")
    assert answer.status_code == 422
    assert "empty" in answer.json()["detail"]
    assert (rows(engine), kept(settings)) == ([], [])


def test_an_upload_over_the_limit_is_refused(
    api: TestClient, engine: Engine, settings: Settings
) -> None:
    for size in (1_000_001, 3_000_000):
        answer = upload(api, b"x" * size)
        assert answer.status_code == 413
        assert "OVERTONE_MAX_UPLOAD_MB" in answer.json()["detail"]
    assert (rows(engine), kept(settings)) == ([], [])


def test_a_body_of_undeclared_length_is_cut_off(api: TestClient) -> None:
    def undeclared() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="recording"; filename="a"\r\n\r\n'
        for _ in range(50):
            yield b"x" * 65536

    answer = api.post(
        "/calls",
        content=undeclared(),
        headers={"content-type": "multipart/form-data; boundary=x"},
    )
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("call", "parameter"),
    [
        ({"agent_channel": "middle"}, "agent_channel"),
        ({"started_at": "2026-11-02T09:15:00"}, "started_at"),
        ({"started_at": "yesterday"}, "started_at"),
        ({"language": "english"}, "language"),
        ({"nonsense": 1}, "nonsense"),
        ({"external_id": ""}, "external_id"),
        ({"agent": "a\0b"}, "agent"),
        ({"metadata": {"a": {"deep": 1}}}, "metadata"),
        ({"metadata": {str(i): i for i in range(99)}}, "metadata"),
    ],
)
def test_wrong_fields_are_named(
    api: TestClient, engine: Engine, settings: Settings, call: dict[str, Any], parameter: str
) -> None:
    answer = upload(api, **call)
    assert answer.status_code == 422
    assert any(parameter in error["parameter"] for error in answer.json()["errors"])
    assert (rows(engine), kept(settings)) == ([], [])


def test_bodies_that_are_neither_form_nor_json_are_refused(api: TestClient) -> None:
    assert api.post("/calls", content=b"x").status_code == 415
    assert (
        api.post("/calls", content=b"{", headers={"content-type": "application/json"}).status_code
        == 400
    )
    assert api.post("/calls", json=[1]).status_code == 422
    assert api.post("/calls", data={"call": "{}"}, files={"other": b"x"}).status_code == 422
    broken = {"content-type": "multipart/form-data"}
    assert api.post("/calls", content=b"x", headers=broken).status_code == 400


def test_a_call_is_kept_when_the_queue_is_away(
    settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    with writing(engine) as session:
        key = create_key(session, "test")
    away = settings.model_copy(update={"redis_url": f"unix://{tmp_path / 'nobody.sock'}"})
    with TestClient(make_app(away), headers={"Authorization": f"Bearer {key}"}) as api:
        assert upload(api, external_id="1").status_code == 202
        assert api.get("/readyz").status_code == 503
    assert rows(engine)[0].status == "queued"


def test_an_urgent_call_goes_to_the_front(api: TestClient, queue: CallQueue) -> None:
    upload(api, external_id="1")
    upload(api, external_id="2", urgent=True)
    assert queue.rq.get_job_ids() == ["call-2", "call-1"]


def test_a_failed_call_can_be_heard_again(
    api: TestClient, engine: Engine, queue: CallQueue
) -> None:
    number = upload(api, external_id="1").json()["id"]
    with writing(engine) as session:
        call = session.get(Call, number)
        assert call is not None
        call.status, call.error, call.failures = "failed", "why", 3
        session.add(call)
        session.commit()
    assert api.post(f"/calls/{number}/hear").json()["status"] == "queued"
    assert rows(engine)[0].error is None
    assert queue.live() == {number}
    assert api.post("/calls/99/hear").status_code == 404


def test_a_second_push_brings_the_call_up_to_date_and_says_with_which_key(
    api: TestClient, engine: Engine, settings: Settings, queue: CallQueue
) -> None:
    number = upload(api, external_id="1", agent="Al").json()["id"]
    depth = queue.depth()
    files = list(settings.recordings.rglob("*.wav"))
    for answer in (
        upload(api, external_id="1", agent="Bob", metadata={"site": "x"}),
        upload(api, external_id="1"),
        api.post("/calls", json={"external_id": "1", "outcome": "missed", "line": "205"}),
        api.post("/calls/bulk", json={"calls": [{"external_id": "1", "outcome": "missed"}]}),
    ):
        assert answer.status_code == 202, answer.text
    [call] = rows(engine)
    assert (call.id, call.agent, call.line, call.details) == (number, "Bob", "205", {"site": "x"})
    told = api.get(f"/calls/{number}/history").json()["items"]
    assert [(one["kind"], one["given_by"], one["after"]) for one in told] == [
        ("pushed", "test", '{"line": "205", "outcome": "missed"}'),
        ("pushed", "test", '{"agent": "Bob", "metadata": {"site": "x"}}'),
    ]
    assert queue.depth() == depth
    assert list(settings.recordings.rglob("*.wav")) == files


def fail(engine: Engine, queue: CallQueue) -> None:
    """As if every recording were rubbish."""
    queue.rq.empty()
    with writing(engine) as session:
        for call in session.exec(select(Call)):
            call.status, call.error = "failed", "why"
        session.commit()


def stored_files(tmp_path: Path) -> tuple[str, str]:
    """Two recordings in the allowed store."""
    paths = [tmp_path / "store" / name for name in ("a.wav", "b.wav")]
    for path in paths:
        path.write_bytes(path.name.encode())
    return str(paths[0]), str(paths[1])


def test_a_good_upload_replaces_one_that_cannot_be_heard(
    api: TestClient, engine: Engine, settings: Settings, queue: CallQueue
) -> None:
    first = upload(api, b"rubbish", external_id="1").json()
    fail(engine, queue)
    assert upload(api, b"sound", external_id="1").json() == {**first, "created": False}
    assert queue.live() == {1}
    assert api.get("/calls/1/audio").content == b"sound"
    [told] = api.get("/calls/1/history").json()["items"]
    assert (told["before"], told["after"]) == (
        '{"recording": true, "error": "why"}',
        '{"recording": true}',
    )
    with writing(engine) as session:  # a worker does this later
        doomed = session.exec(select(DoomedRecording)).all()
        assert remove_doomed(session, Stores(settings.recordings), doomed) == 1
    assert [path.read_bytes() for path in kept(settings)] == [b"sound"]


@pytest.mark.parametrize("external_id", ["1", None])
def test_the_same_upload_once_more_is_not_heard_for_ever(
    api: TestClient,
    engine: Engine,
    settings: Settings,
    queue: CallQueue,
    external_id: str | None,
) -> None:
    upload(api, b"rubbish", external_id=external_id)
    fail(engine, queue)
    files = kept(settings)
    for _ in range(2):
        again = upload(api, b"rubbish", external_id=external_id).json()
        assert (again["status"], again["created"]) == ("failed", False)
    assert (queue.depth(), kept(settings)) == (0, files)
    assert api.get("/calls/1/history").json()["items"] == []


def test_an_upload_brings_back_a_recording_that_is_gone(
    api: TestClient, engine: Engine, settings: Settings, queue: CallQueue
) -> None:
    upload(api)
    fail(engine, queue)
    kept(settings)[0].unlink()
    assert upload(api).json()["status"] == "queued"
    assert (queue.live(), len(kept(settings))) == ({1}, 1)


@pytest.mark.parametrize("bulk", [False, True])
def test_another_name_replaces_a_recording_that_cannot_be_heard(
    api: TestClient, engine: Engine, queue: CallQueue, tmp_path: Path, bulk: bool
) -> None:
    def push(path: str) -> dict[str, Any]:
        call = {"external_id": "1", "recording": path}
        if not bulk:
            return dict(api.post("/calls", json=call).json())
        [item] = api.post("/calls/bulk", json={"calls": [call]}).json()["items"]
        return dict(item)

    rubbish, good = stored_files(tmp_path)
    push(rubbish)
    fail(engine, queue)
    assert push(rubbish)["status"] == "failed"
    assert queue.depth() == 0
    assert push(good)["status"] == push(rubbish)["status"] == "queued"
    assert queue.live() == {1}
    assert api.get("/calls/1/audio").content == b"b.wav"


@pytest.mark.parametrize("way", ["upload", "by name", "bulk"])
def test_rules_are_asked_about_what_a_second_push_tells(
    api: TestClient, engine: Engine, queue: CallQueue, way: str
) -> None:
    store_call(engine, "1")
    push = {"external_id": "1", "outcome": "missed"}
    for _ in range(2):  # the second one says nothing new, and does no harm
        if way == "upload":
            answer = upload(api, **push)
        elif way == "by name":
            answer = api.post("/calls", json=push)
        else:
            answer = api.post("/calls/bulk", json={"calls": [push, {**push, "external_id": "2"}]})
        assert answer.status_code == 202, answer.text
    jobs = [queue.rq.fetch_job(number) for number in queue.rq.get_job_ids()]
    asked = [job.func_name for job in jobs if job and not job.id.startswith("call-")]
    assert set(asked) == {"workers.jobs.judge"}
    [call] = [call for call in rows(engine) if call.external_id == "1"]
    assert call.unjudged_since is not None


def test_what_no_rule_asks_about_sends_no_job(
    api: TestClient, engine: Engine, queue: CallQueue
) -> None:
    store_call(engine, "1")
    upload(api, external_id="1", caller="+44 20 7946 0958")
    assert queue.depth() == 0


def test_news_of_a_call_is_kept_while_the_queue_is_away(
    settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    store_call(engine, "1")
    with writing(engine) as session:
        key = create_key(session, "test")
    away = settings.model_copy(update={"redis_url": f"unix://{tmp_path / 'nobody.sock'}"})
    with TestClient(make_app(away), headers={"Authorization": f"Bearer {key}"}) as api:
        assert upload(api, external_id="1", outcome="missed").status_code == 202
    assert rows(engine)[0].unjudged_since is not None


def test_a_call_under_hold_is_not_heard_again(
    api: TestClient, engine: Engine, queue: CallQueue
) -> None:
    number = store_call(engine, "a")
    api.put(f"/calls/{number}/hold", json={"reason": "Case 1"})
    refused = api.post(f"/calls/{number}/hear")
    assert refused.status_code == 409
    assert refused.json()["detail"] == (
        f"call {number} is under legal hold: what was heard in it stays until "
        f"DELETE /calls/{number}/hold?reason=... ends that"
    )
    assert queue.depth() == 0
    api.delete(f"/calls/{number}/hold", params={"reason": "Closed"})
    assert api.post(f"/calls/{number}/hear").status_code == 202


def test_no_text_of_a_push_is_written_to_the_queue(api: TestClient, queue: CallQueue) -> None:
    upload(api, external_id="1", caller="+44 20 7946 0958")
    connection: Redis = queue.connection
    stored = b" ".join(
        b" ".join(connection.hgetall(key).values()) for key in connection.keys("rq:job:*")
    )
    assert b"0958" not in stored
    assert b"hear call 1" in stored


def test_a_missed_call_needs_no_recording(
    api: TestClient, engine: Engine, queue: CallQueue
) -> None:
    missed = {"external_id": "1", "outcome": "missed", "caller": "+44 20 7946 0958"}
    answer = api.post("/calls", json=missed)
    assert answer.status_code == 202, answer.text
    assert answer.json() == {"id": 1, "external_id": "1", "status": "queued", "created": True}
    assert api.post("/calls", json=missed).json()["created"] is False
    (call,) = rows(engine)
    # There is nothing to hear; the job is to judge the rules.
    assert (call.outcome, call.recording, queue.depth()) == ("missed", "", 1)
    assert api.get("/calls/1").json()["turns"] == []
    assert api.get("/calls/1/audio").status_code == 404
    assert api.post("/calls/1/hear").status_code == 409


@pytest.mark.parametrize("by_name", [False, True])
def test_the_recording_of_a_missed_call_may_come_later(
    api: TestClient,
    engine: Engine,
    queue: CallQueue,
    settings: Settings,
    by_name: bool,
) -> None:
    api.post("/calls", json={"external_id": "1", "outcome": "missed"})
    queue.rq.empty()  # its rules were judged
    with writing(engine) as session:
        session.get_one(Call, 1).status = "done"
        session.commit()
    if by_name:
        path = Path(settings.stores[0]) / "a.wav"
        path.write_bytes(b"sound")
        found = {"external_id": "1", "outcome": "voicemail", "recording": str(path)}
        answer = api.post("/calls", json=found)
    else:
        answer = upload(api, external_id="1", outcome="voicemail")
    assert answer.json() == {"id": 1, "external_id": "1", "status": "queued", "created": False}
    (call,) = rows(engine)
    assert (call.outcome, queue.live()) == ("voicemail", {1})
    assert api.get("/calls/1/audio").content == b"sound"
    upload(api, b"another", external_id="1")  # it has one now
    assert len(kept(settings)) == (0 if by_name else 1)


@pytest.mark.parametrize(
    "call",
    [{"outcome": "missed"}, {"external_id": "1"}, {"external_id": "1", "outcome": "voicemail"}],
)
def test_other_calls_need_a_recording(api: TestClient, engine: Engine, call: Any) -> None:
    assert api.post("/calls", json=call).status_code == 422
    assert rows(engine) == []
