"""The feed over real HTTP: replayed, filtered, in order, the same from every process, and nothing
lost by readers that are slow, away or cut off.
"""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from api import event_stream, feed
from models.alert_event import last_event_id
from models.alert_life import acknowledge
from models.columns import now
from models.db import reading, writing
from models.key import create_key, revoke_key
from settings import Settings
from tests.alerting import a_draft, all_events, analysed, push_call, raise_alert
from tests.feed_reader import Reader, reading_feed, wait_until
from tests.serving import Served, api_process, served
from workers.embedded import embedded_valkey
from workers.queue import CallQueue, open_queue

NEVER_S = 600.0
PATIENCE_S = 10.0


@pytest.fixture
def key(engine: Engine) -> str:
    with writing(engine) as session:
        return create_key(session, "wallboard", ("read",))


@pytest.fixture
def here(settings: Settings, engine: Engine, queue: CallQueue) -> Iterator[Served]:  # noqa: ARG001
    with served(settings) as server:
        yield server


def test_events_come_as_they_are_written(
    here: Served, engine: Engine, queue: CallQueue, key: str
) -> None:
    raise_alert(engine, "before")
    with reading_feed(here.url, key) as reader:
        assert reader.answer is not None
        headers = reader.answer.headers
        assert headers["content-type"].startswith("text/event-stream")
        assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-store", "no")
        assert (reader.retry_ms, reader.place) == (3000, 1)
        number = raise_alert(engine, "now", a_draft(reason="says “идиот”\u2028\x85\nand"))
        queue.wake_alerts()
        [event] = reader.wait_for(1)
        assert (event.id, event.kind) == (2, "raised")
        assert event.alert == json.loads(json.dumps(all_events(engine)[1].body))
        with writing(engine) as session:
            acknowledge(session, number, by="Bob")
        queue.wake_alerts()
        event = reader.wait_for(2)[1]
        assert (event.id, event.kind, event.alert["acknowledged_by"]) == (3, "acknowledged", "Bob")


def test_the_address_to_play_from_is_whole_where_people_s_way_here_is_known(
    here: Served, engine: Engine, key: str
) -> None:
    raise_alert(engine, "a")
    settings = here.app.state.settings
    here.app.state.settings = settings.model_copy(update={"public_url": "https://calls.example"})
    with reading_feed(here.url, key, after=0) as reader:
        [event] = reader.wait_for(1)
    assert event.alert["play"].startswith("https://calls.example/listen/1?alert=1&at=")


def test_a_reader_goes_on_where_it_was(here: Served, engine: Engine, key: str) -> None:
    for name in "abc":
        raise_alert(engine, name)
    between = now().isoformat()
    raise_alert(engine, "d")
    with reading_feed(here.url, key, last_event_id=2) as reader:
        reader.wait_for(2)
        assert (reader.ids, reader.place) == ([3, 4], 4)
    with reading_feed(here.url, key, after=0) as reader:
        reader.wait_for(4)
        assert reader.ids == [1, 2, 3, 4]
    with reading_feed(here.url, key, last_event_id=3, after=0) as reader:
        reader.wait_for(1)
        assert reader.ids == [4]
    with reading_feed(here.url, key, **{"from": between}) as reader:
        reader.wait_for(1)
        assert reader.ids == [4]


def test_more_than_a_batch_is_replayed_in_order(here: Served, engine: Engine, key: str) -> None:
    with writing(engine) as session:
        call_id = push_call(session, "a")
    analysed(engine, call_id, *(a_draft(rule=f"rule {i}") for i in range(120)))
    with reading_feed(here.url, key, after=0) as reader:
        reader.wait_for(120)
        assert reader.ids == list(range(1, 121))


def test_an_id_of_the_future_means_from_now_on(here: Served, engine: Engine, key: str) -> None:
    raise_alert(engine, "a")
    with reading_feed(here.url, key, last_event_id=1000) as reader:
        assert reader.place == 1
        raise_alert(engine, "b")
        reader.wait_for(1)
        assert reader.ids == [2]


def test_filters_choose_and_move_the_place_on_all_the_same(
    here: Served, engine: Engine, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "HEARTBEAT_S", 0.1)
    wanted = {"severity": ["critical", "low"], "kind": "raised", "agent": ["Алиса", "Bob"]}
    with reading_feed(here.url, key, **wanted) as reader:
        raise_alert(engine, "a", a_draft(severity="low"), agent="Алиса")
        raise_alert(engine, "b", a_draft(severity="high"), agent="Алиса")
        raise_alert(engine, "c", a_draft(severity="critical"), agent="Bob")
        number = raise_alert(engine, "d", a_draft(severity="low"), agent="Carol")
        with writing(engine) as session:
            acknowledge(session, number, by="Bob")
        reader.wait_for(2)
        assert reader.ids == [1, 3]
        wait_until(lambda: reader.place == 5)
    with reading_feed(here.url, key, last_event_id=reader.place, **wanted) as again:
        raise_alert(engine, "e", a_draft(severity="low"), agent="Bob")
        again.wait_for(1)
        assert again.ids == [6]


def test_a_silent_stream_shows_that_it_lives(
    here: Served, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "HEARTBEAT_S", 0.05)
    with reading_feed(here.url, key) as reader:
        wait_until(lambda: reader.comments >= 3)
        assert reader.events == []


def test_a_stream_whose_filters_leave_all_out_shows_that_it_lives(
    here: Served, engine: Engine, queue: CallQueue, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "HEARTBEAT_S", 0.5)
    with reading_feed(here.url, key, severity="critical") as reader:
        until = monotonic() + PATIENCE_S
        for number in range(1_000):  # never half a second without an event of others
            raise_alert(engine, f"call {number}", a_draft(severity="low"))
            queue.wake_alerts()
            sleep(0.1)
            if reader.comments >= 2 or monotonic() > until:
                break
        assert (reader.comments, reader.events) == (2, [])
        assert reader.place


def test_a_word_on_redis_wakes_the_stream(
    here: Served, engine: Engine, queue: CallQueue, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with reading_feed(here.url, key) as reader:
        monkeypatch.setattr(feed, "LOOK_EVERY_S", NEVER_S)
        sleep(1.1)  # the look that is under way ends
        raise_alert(engine, "a")
        queue.wake_alerts()
        reader.wait_for(1)


def test_the_feed_goes_on_while_redis_is_away(settings: Settings, engine: Engine, key: str) -> None:
    with TemporaryDirectory(prefix="ovt-") as folder, ExitStack() as stack:
        socket_path, files = Path(folder) / "v.sock", Path(folder) / "queue"
        first = embedded_valkey(socket_path, files)
        first.__enter__()
        own = settings.model_copy(update={"redis_url": f"unix://{socket_path}"})
        here = stack.enter_context(served(own))
        reader = stack.enter_context(reading_feed(here.url, key))
        raise_alert(engine, "a")
        reader.wait_for(1)

        first.__exit__(None, None, None)
        for number in range(2, 5):
            raise_alert(engine, str(number))
            since = monotonic()
            reader.wait_for(number)
            assert monotonic() - since < 10

        with embedded_valkey(socket_path, files):
            queue = open_queue(own.redis)
            wait_until(lambda: queue.connection.pubsub_numsub("overtone:alerts")[0][1] == 1)
            raise_alert(engine, "again")
            queue.wake_alerts()
            reader.wait_for(5)
        assert reader.ids == [1, 2, 3, 4, 5]


def test_several_processes_serve_the_same_and_one_may_be_killed(
    settings: Settings, engine: Engine, queue: CallQueue, key: str, tmp_path: Path
) -> None:
    with (
        api_process(settings, tmp_path / "one.log") as one,
        api_process(settings, tmp_path / "two.log") as two,
        reading_feed(one.url, key) as first,
        reading_feed(two.url, key) as second,
    ):
        for name in "abc":
            raise_alert(engine, name)
            queue.wake_alerts()
        for reader in (first, second):
            reader.wait_for(3)
            assert reader.ids == [1, 2, 3]
        one.process.kill()
        wait_until(lambda: first.ended)
        raise_alert(engine, "d")
        with reading_feed(two.url, key, last_event_id=first.place) as again:
            again.wait_for(1)
            assert again.ids == [4]

        two.process.send_signal(signal.SIGTERM)
        since = monotonic()
        two.process.wait(30)
        assert monotonic() - since < 5  # though a stream was open
        assert "Traceback" not in two.log.read_text()


def test_many_writers_and_many_readers_agree(
    here: Served, engine: Engine, queue: CallQueue, key: str
) -> None:
    def write(writer: int) -> None:
        for number in range(10):
            raise_alert(engine, f"{writer}-{number}")
            queue.wake_alerts()

    with ExitStack() as stack:
        readers = [stack.enter_context(reading_feed(here.url, key)) for _ in range(10)]
        with ThreadPoolExecutor(5) as pool:
            list(pool.map(write, range(5)))
        for reader in readers:
            reader.wait_for(50)
            assert reader.ids == [event.id for event in all_events(engine)]


def test_a_reader_that_does_not_read_holds_nobody_up_and_loses_nothing(
    here: Served, engine: Engine, queue: CallQueue, key: str
) -> None:
    draft = [a_draft(rule=f"rule {i}", reason="x" * 10_000) for i in range(100)]
    slow = _connect(here.url, key)
    with slow, reading_feed(here.url, key) as quick:
        for number in range(8):
            with writing(engine) as session:
                call_id = push_call(session, str(number))
            analysed(engine, call_id, *draft)
            queue.wake_alerts()
        quick.wait_for(800)
        with reading(engine) as session:
            newest = last_event_id(session)
        assert quick.ids == list(range(1, newest + 1))
        # Ten megabytes do not fit into what lies between: it is waited for, without a session.
        wait_until(lambda: here.app.state.engine.pool.checkedout() == 0)
        rest = Reader()
        _read_on(slow, rest, until=newest)
        assert rest.ids == list(range(1, newest + 1))


def test_a_revoked_key_ends_its_stream(
    here: Served, engine: Engine, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert event_stream.KEY_CHECK_S < 60
    monkeypatch.setattr(event_stream, "KEY_CHECK_S", 0.1)
    with writing(engine) as session:
        other = create_key(session, "other", ("read",))
    with reading_feed(here.url, key) as reader, reading_feed(here.url, other) as stays:
        with writing(engine) as session:
            revoke_key(session, "wallboard")
        wait_until(lambda: reader.ended)
        raise_alert(engine, "a")
        stays.wait_for(1)
        assert (reader.events, stays.ended) == ([], False)


def test_there_is_an_end_to_how_many_streams_a_process_holds(
    here: Served, engine: Engine, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MOST_STREAMS", 2)
    headers = {"Authorization": f"Bearer {key}"}
    with reading_feed(here.url, key) as first:
        with reading_feed(here.url, key):
            refused = httpx.get(f"{here.url}/alerts/stream", headers=headers)
            assert refused.status_code == 503
            assert refused.headers["content-type"] == "application/problem+json"
            assert int(refused.headers["retry-after"]) > 0
            assert "2 streams" in refused.json()["detail"]
        wait_until(lambda: _opens(here.url, key))  # whoever leaves makes room
        raise_alert(engine, "a")
        first.wait_for(1)


def test_one_key_cannot_take_all_the_streams(
    here: Served, engine: Engine, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MOST_STREAMS_OF_KEY", 2)
    with writing(engine) as session:
        other = create_key(session, "other", ("read",))
    headers = {"Authorization": f"Bearer {key}"}
    with reading_feed(here.url, key):
        with reading_feed(here.url, key):
            refused = httpx.get(f"{here.url}/alerts/stream", headers=headers)
            assert refused.status_code == 429
            assert refused.headers["content-type"] == "application/problem+json"
            assert int(refused.headers["retry-after"]) > 0
            assert "2 streams are open here with this key" in refused.json()["detail"]
            assert _opens(here.url, other)
        wait_until(lambda: _opens(here.url, key))


def test_stopping_ends_all_streams_at_once(settings: Settings, engine: Engine, key: str) -> None:  # noqa: ARG001
    with served(settings) as here, ExitStack() as stack:
        readers = [stack.enter_context(reading_feed(here.url, key)) for _ in range(5)]
        assert here.stop() < 3
        wait_until(lambda: all(reader.ended for reader in readers))


def test_a_reader_that_does_not_read_does_not_keep_the_server_up(
    settings: Settings, engine: Engine, key: str
) -> None:
    with writing(engine) as session:
        call_id = push_call(session, "a")
    draft = [a_draft(rule=f"rule {i}", reason="x" * 100_000) for i in range(100)]
    analysed(engine, call_id, *draft)
    with served(settings) as here, _connect(here.url, key):
        sleep(0.5)
        assert here.stop() < 15


def test_a_database_that_is_away_ends_the_stream(
    here: Served, engine: Engine, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **_filters: object) -> None:
        raise OperationalError("SELECT", {}, Exception("away"))

    with reading_feed(here.url, key) as reader:
        with monkeypatch.context() as patch:
            patch.setattr(event_stream, "events_after", away)
            raise_alert(engine, "a")
            wait_until(lambda: reader.ended)
        with reading_feed(here.url, key, last_event_id=reader.place) as again:
            again.wait_for(1)
            assert again.ids == [1]


@pytest.mark.parametrize(
    ("parameters", "headers", "named"),
    [
        ({"after": "-1"}, {}, "after"),
        ({"from": "yesterday"}, {}, "from"),
        ({"severity": "huge"}, {}, "severity"),
        ({"kind": "lost"}, {}, "kind"),
        ({"key": "ovt_secret"}, {}, "key"),
        ({}, {"Last-Event-ID": "abc"}, "last-event-id"),
        ({}, {"Last-Event-ID": str(2**40)}, "last-event-id"),
    ],
)
def test_what_is_wrong_is_refused_by_its_name(
    here: Served, key: str, parameters: dict[str, str], headers: dict[str, str], named: str
) -> None:
    headers = {"Authorization": f"Bearer {key}"} | headers
    answer = httpx.get(f"{here.url}/alerts/stream", params=parameters, headers=headers)
    assert answer.status_code == 422
    assert [one["parameter"] for one in answer.json()["errors"]] == [named]


def test_a_key_in_the_address_opens_nothing(here: Served, key: str) -> None:
    assert httpx.get(f"{here.url}/alerts/stream", params={"key": key}).status_code == 401


def _opens(url: str, key: str) -> bool:
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.stream("GET", f"{url}/alerts/stream", headers=headers) as answer:
        return answer.status_code == 200


def _connect(url: str, key: str) -> socket.socket:
    """A connection that asks for all events and reads none of them."""
    address = urlsplit(url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect((address.hostname, address.port))
    asked = f"GET /alerts/stream?after=0 HTTP/1.1\r\nHost: a\r\nX-API-Key: {key}\r\n\r\n"
    connection.sendall(asked.encode())
    return connection


def _read_on(connection: socket.socket, reader: Reader, *, until: int) -> None:
    """Read chunks until this event has come."""
    file = connection.makefile("rb")
    assert b"200" in file.readline()
    while file.readline() != b"\r\n":
        pass
    rest = b""
    while reader.place != until or rest:
        size = int(file.readline(), 16)
        *whole, rest = (rest + file.read(size)).split(b"\n\n")
        file.readline()
        for block in whole:
            reader.take(block.decode())
