"""Hearing a call as a job: done, failed with a reason, tried again, never twice."""

from __future__ import annotations

import threading
import wave
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from time import monotonic

import numpy as np
import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from models import Call, Turn
from models.call import CallPush, add_call
from models.db import writing
from models.stores import RecordingGone, RecordingTooLarge, Stores
from settings import Settings
from speech.listen import Ears
from tests.fakes import ToldMood, ToldTranscriber
from tests.records import RULE
from workers.jobs import NOBODY_SPEAKS, StoreUnavailable, _fetch, hear_call, ingest
from workers.published import Shelf
from workers.queue import CallQueue
from workers.station import Station
from workers.wake import Wake

MakeStation = Callable[..., Station]


@pytest.fixture
def station(settings: Settings, engine: Engine, queue: CallQueue) -> MakeStation:
    """Makes a station whose ears hear what they are told."""

    def make(text: str = "hello there", before: Callable[[], None] | None = None) -> Station:
        return Station(
            settings=settings,
            engine=engine,
            queue=queue,
            stores=Stores(settings.recordings, settings.stores),
            ears=Ears(ToldTranscriber(text, before), ToldMood()),  # type: ignore[arg-type]
            shelf=Shelf(engine),
            rules=(RULE,),
        )

    return make


def write_noise(path: Path, seconds: float = 2.0) -> None:
    noise = np.random.default_rng(0).normal(0, 500, int(8000 * seconds)).astype("<i2")
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(noise.tobytes())


def pushed(here: Station, content: bytes | None = None) -> int:
    folder = Path(here.settings.stores[0])
    path = folder / "call.wav"
    if content is None:
        write_noise(path)
    else:
        path.write_bytes(content)
    with writing(here.engine) as session:
        call, _ = add_call(
            session,
            CallPush(external_id="a"),
            here.stores.locate(str(path)),
            external_id="a",
            agent_channel="left",
        )
    assert call.id is not None
    return call.id


def the_call(engine: Engine) -> Call:
    with Session(engine) as session:
        return session.exec(select(Call)).one()


def turns(engine: Engine) -> list[str]:
    with Session(engine) as session:
        return [turn.text for turn in session.exec(select(Turn))]


def test_a_call_is_heard_and_done(station: MakeStation, engine: Engine) -> None:
    here = station()
    hear_call(pushed(here), here)
    call = the_call(engine)
    assert (call.status, call.error, call.attempts) == ("done", None, 1)
    assert call.duration_s == pytest.approx(2.0, abs=0.1)
    assert turns(engine) == ["hello there"]


def test_a_call_that_was_heard_wakes_who_waits_for_alerts(
    station: MakeStation, valkey_url: str
) -> None:
    here = station("you useless idiots")
    number = pushed(here)
    wake = Wake(valkey_url)
    wake.wait(0.1)  # it is subscribed now
    hear_call(number, here)
    since = monotonic()
    wake.wait(30)
    assert monotonic() - since < 15
    wake.close()


def test_a_job_that_runs_twice_hears_once(station: MakeStation, engine: Engine) -> None:
    here = station()
    number = pushed(here)
    hear_call(number, here)
    hear_call(number, station(before=lambda: pytest.fail("heard again")))
    assert the_call(engine).attempts == 1
    assert turns(engine) == ["hello there"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"Dear Sir, this is no recording but a letter.\n" * 50, "not an audio file"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x00\x00\x00\x00", "the recording"),
    ],
)
def test_what_cannot_be_heard_fails_at_once_with_the_reason(
    station: MakeStation, engine: Engine, content: bytes, reason: str
) -> None:
    here = station()
    hear_call(pushed(here, content), here)
    call = the_call(engine)
    assert call.status == "failed"
    assert call.error is not None
    assert reason in call.error


def test_a_recording_in_which_nobody_speaks_fails_with_the_reason(
    station: MakeStation, engine: Engine
) -> None:
    here = station(text="")
    hear_call(pushed(here), here)
    call = the_call(engine)
    assert (call.status, call.error) == ("failed", NOBODY_SPEAKS)
    assert call.duration_s == pytest.approx(2.0, abs=0.1)


def test_a_recording_longer_than_the_limit_fails_with_the_limit(
    station: MakeStation, engine: Engine
) -> None:
    here = station()
    number = pushed(here)
    short = here.settings.model_copy(update={"max_audio_s": 1.0})
    hear_call(
        number,
        Station(short, engine, here.queue, here.stores, here.ears, here.shelf, here.rules),
    )
    call = the_call(engine)
    assert call.status == "failed"
    assert "OVERTONE_MAX_AUDIO_S" in str(call.error)


def test_a_recording_that_is_gone_fails_with_the_reason(
    station: MakeStation, engine: Engine
) -> None:
    here = station()
    number = pushed(here)
    (Path(here.settings.stores[0]) / "call.wav").unlink()
    hear_call(number, here)
    assert the_call(engine).status == "failed"
    assert "no such file" in str(the_call(engine).error)


def test_a_surprise_is_tried_again_until_the_count_is_full(
    station: MakeStation, engine: Engine
) -> None:
    def surprise() -> None:
        raise RuntimeError("out of luck")

    here = station(before=surprise)
    number = pushed(here)
    seen = []
    for _ in range(here.settings.job_failures):
        with pytest.raises(RuntimeError):
            hear_call(number, here)
        seen.append(the_call(engine).status)
    assert seen == ["queued", "queued", "failed"]
    assert "RuntimeError: out of luck" in str(the_call(engine).error)


def test_a_call_that_succeeds_after_a_surprise_shows_no_error(
    station: MakeStation, engine: Engine
) -> None:
    def surprise() -> None:
        raise RuntimeError("once")

    number = pushed(station())
    with pytest.raises(RuntimeError):
        hear_call(number, station(before=surprise))
    hear_call(number, station())
    assert (the_call(engine).status, the_call(engine).error) == ("done", None)


def test_a_call_that_is_not_there_is_no_trouble(station: MakeStation) -> None:
    hear_call(99, station())


def test_a_pipeline_may_enqueue_an_ingest_itself(
    station: MakeStation, engine: Engine, queue: CallQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = station()
    path = Path(here.settings.stores[0]) / "call.wav"
    write_noise(path)
    monkeypatch.setattr("workers.jobs.station", lambda: here)
    first = ingest(str(path), external_id="4711", agent="Alice")
    assert ingest(str(path), external_id="4711") == first
    assert (the_call(engine).agent, queue.live()) == ("Alice", {first})


def test_what_a_pipeline_sent_wrong_is_named_without_its_value(
    station: MakeStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = station()
    path = Path(here.settings.stores[0]) / "call.wav"
    write_noise(path)
    monkeypatch.setattr("workers.jobs.station", lambda: here)
    with pytest.raises(ValueError, match="caller") as error:
        ingest(str(path), caller="+44 20 7946 0958\n", nonsense="opensesame")
    assert "0958" not in str(error.value)
    assert "opensesame" not in str(error.value)


class _Store(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "/call.wav")
            self.end_headers()
        elif self.path.startswith("/broken"):
            self.send_response(500)
            self.end_headers()
        elif self.path == "/call.wav":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"x" * 1000)
        else:
            self.send_response(404)
            self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def store_url() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Store)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_remote_recording_is_fetched_within_bounds(store_url: str, tmp_path: Path) -> None:
    path = _fetch(f"{store_url}/call.wav", tmp_path / "a", 1000)
    assert path.read_bytes() == b"x" * 1000
    with pytest.raises(RecordingTooLarge):
        _fetch(f"{store_url}/call.wav", tmp_path / "b", 999)


def test_a_store_that_is_broken_is_told_without_its_address(store_url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="500") as error:
        _fetch(f"{store_url}/broken?token=secret", tmp_path, 1000)
    assert "secret" not in str(error.value)


def test_a_remote_store_may_not_lead_elsewhere(store_url: str, tmp_path: Path) -> None:
    for path in ("redirect", "none.wav"):
        with pytest.raises(RecordingGone):
            _fetch(f"{store_url}/{path}", tmp_path, 1000)
