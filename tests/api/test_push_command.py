"""`overtone push`: files and folders, once or watched, with what is known of each recording."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Timer

import pytest
from click.testing import Result
from sqlalchemy import Engine
from typer.testing import CliRunner

from api.client import Client
from api.folder import Memory, recordings_in
from api.pushing import Pusher, push_all, watch
from models.call import Call
from models.db import writing
from models.key import create_key
from overtone import app
from settings import Settings
from tests.api.test_push import kept, rows
from tests.serving import served
from workers.queue import CallQueue

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ROOT = Path(__file__).parents[2]
Push = Callable[..., Result]


@pytest.fixture
def key(engine: Engine) -> str:
    with writing(engine) as session:
        return create_key(session, "pipeline")


@pytest.fixture
def url(settings: Settings, queue: CallQueue) -> Iterator[str]:
    queue.check()
    with served(settings) as server:
        yield server.url


@pytest.fixture
def push(
    url: str, key: str, settings: Settings, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> Push:
    """Runs `overtone push` on the folder of calls."""
    monkeypatch.setenv("OVERTONE_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("OVERTONE_KEY", key)
    return lambda *options: CliRunner().invoke(app, ["push", str(calls), "--url", url, *options])


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """A folder with two recordings, one in a folder in it, and files that are none."""
    folder = tmp_path / "calls"
    (folder / "north").mkdir(parents=True)
    (folder / "1_Alice.wav").write_bytes(b"one")
    (folder / "north" / "2_Bob.WAV").write_bytes(b"two")
    for name in ("3.wav.partial", "4.tmp", ".5.wav", "notes.txt"):
        (folder / name).write_bytes(b"none")
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "6.wav").write_bytes(b"none")
    return folder


def names(engine: Engine) -> list[str]:
    return sorted(call.external_id.partition("#")[0] for call in rows(engine))


def the_call(engine: Engine, name: str) -> Call:
    (found,) = (call for call in rows(engine) if call.external_id.startswith(f"{name}#"))
    return found


def test_a_folder_is_pushed_with_what_is_in_it(push: Push, engine: Engine) -> None:
    done = push()
    assert done.exit_code == 0, done.output
    assert names(engine) == ["1_Alice.wav", "north/2_Bob.WAV"]
    assert done.output.splitlines() == [
        "1_Alice.wav: call 1 queued",
        "north/2_Bob.WAV: call 2 queued",
    ]


def test_what_was_pushed_is_known_and_a_name_used_again_is_another_call(
    push: Push, engine: Engine, calls: Path
) -> None:
    push()
    (calls / "1_Alice.wav").write_bytes(b"another")
    done = push()
    assert "1_Alice.wav: call 3 queued\n" in done.output
    assert "north/2_Bob.WAV: call 2 queued (was there already)" in done.output
    assert names(engine) == ["1_Alice.wav", "1_Alice.wav", "north/2_Bob.WAV"]


def test_options_go_before_sidecars_and_those_before_names(
    push: Push, engine: Engine, calls: Path
) -> None:
    known = {"agent": "Anna", "line": "200", "metadata": {"site": "a"}, "expect": "not ours"}
    (calls / "1_Alice.json").write_text(json.dumps(known))
    done = push("--pattern", "{metadata.extension}_{agent}", "--line", "300")
    assert done.exit_code == 0, done.output
    first = the_call(engine, "1_Alice.wav")
    assert (first.agent, first.line) == ("Anna", "300")
    assert first.details == {"extension": "1", "site": "a"}
    assert the_call(engine, "north/2_Bob.WAV").agent == "Bob"


@pytest.mark.parametrize("content", ["{", "[]", '{"language": "english"}'])
def test_a_bad_sidecar_is_named_and_the_others_go_on(
    push: Push, engine: Engine, calls: Path, content: str
) -> None:
    (calls / "1_Alice.json").write_text(content)
    done = push()
    assert done.exit_code == 1
    assert "1_Alice.wav: " in done.stderr
    assert "1_Alice.json" in done.stderr or "language" in done.stderr
    assert names(engine) == ["north/2_Bob.WAV"]


def test_a_name_that_does_not_fit_is_pushed_with_a_warning_or_refused(
    push: Push, engine: Engine
) -> None:
    pattern = ("--pattern", "north/{line}_{agent}")
    strict = push(*pattern, "--strict")
    assert (strict.exit_code, names(engine)) == (1, ["north/2_Bob.WAV"])
    assert "1_Alice.wav: its name does not fit the pattern" in strict.stderr
    done = push(*pattern)
    assert (done.exit_code, len(names(engine))) == (0, 2)
    assert "1_Alice.wav: warning: its name does not fit the pattern" in done.stderr


def test_what_was_pushed_is_moved_where_wanted(push: Push, engine: Engine, calls: Path) -> None:
    done_folder = calls / "done"
    (calls / "1_Alice.json").write_text("{}")
    assert push("--move-to", str(done_folder)).exit_code == 0
    assert (done_folder / "1_Alice.json").is_file()
    (calls / "1_Alice.wav").write_bytes(b"another")
    assert push("--move-to", str(done_folder)).exit_code == 0
    assert sorted(path.name for path in done_folder.rglob("*.[wW]*")) == [
        "1_Alice.call-3.wav",
        "1_Alice.wav",
        "2_Bob.WAV",
    ]
    assert len(rows(engine)) == 3
    assert "no recording" in push("--move-to", str(done_folder)).stderr


def test_what_cannot_work_is_told_before_anything_is_pushed(push: Push, engine: Engine) -> None:
    wrong = push("--pattern", "{name}")
    assert (wrong.exit_code, "is no field" in wrong.stderr) == (2, True)
    refused = push("--key", "ovt_wrong")
    assert (refused.exit_code, refused.stderr.count("not known")) == (1, 1)
    away = push("--url", "http://127.0.0.1:1")
    assert (away.exit_code, "no API answers at http://127.0.0.1:1" in away.stderr) == (1, True)
    assert rows(engine) == []


def test_it_waits_as_long_as_the_api_asks(
    settings: Settings,
    engine: Engine,
    queue: CallQueue,
    key: str,
    calls: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("api.pressure.ASK_EVERY_S", 0.0)
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        queue.rq.empty()

    narrow = settings.model_copy(update={"max_queue": 1})
    with served(narrow) as server, Client(server.url, key) as client:
        pusher = Pusher(client, {})
        push_all(pusher, recordings_in([calls]), sleep=sleep)
    assert (pusher.pushed, pusher.failed, waits) == (2, 0, [5.0])
    assert len(rows(engine)) == 2


class Seconds:
    """Time that passes only where somebody sleeps; at `plan`'s seconds, something happens."""

    def __init__(self, plan: dict[int, Callable[[], object]], last: int) -> None:
        self.now_s = 0.0
        self.plan = plan
        self.last = last

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        for second in range(int(self.now_s) + 1, int(self.now_s + seconds) + 1):
            self.plan.get(second, lambda: None)()
        self.now_s += seconds
        if self.now_s >= self.last:
            raise KeyboardInterrupt


def watched(client: Client, calls: Path, memory: Memory, seconds: Seconds) -> Pusher:
    pusher = Pusher(client, {})
    with pytest.raises(KeyboardInterrupt):
        watch(pusher, [calls], memory, clock=seconds, sleep=seconds.sleep)
    return pusher


def test_a_watched_folder_is_pushed_as_files_become_still(
    url: str, key: str, engine: Engine, calls: Path, tmp_path: Path, settings: Settings
) -> None:
    growing = calls / "new.wav"

    def grow() -> None:
        with growing.open("ab") as file:
            file.write(b"more")

    seconds = Seconds({1: growing.touch, 5: grow, 6: grow, 7: grow}, last=20)
    with Client(url, key) as client:
        memory = Memory(tmp_path / "memory.jsonl")
        pusher = watched(client, calls, memory, seconds)
        assert (pusher.pushed, pusher.failed) == (3, 0)
        assert names(engine) == ["1_Alice.wav", "new.wav", "north/2_Bob.WAV"]
        assert b"moremoremore" in {path.read_bytes() for path in kept(settings)}

        again = watched(client, calls, Memory(tmp_path / "memory.jsonl"), Seconds({}, last=9))
        assert (again.pushed, again.failed) == (0, 0)


def test_what_is_refused_is_tried_again_when_it_changes(
    url: str,
    key: str,
    engine: Engine,
    calls: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    beside = calls / "1_Alice.json"
    beside.write_text('{"agent": ')
    seconds = Seconds({8: lambda: beside.write_text('{"agent": "Anna"}')}, last=15)
    with Client(url, key) as client:
        pusher = watched(client, calls, Memory(tmp_path / "memory.jsonl"), seconds)
    assert (pusher.pushed, pusher.failed) == (2, 1)
    assert capsys.readouterr().err.count("1_Alice.json is not JSON") == 1
    assert the_call(engine, "1_Alice.wav").agent == "Anna"


def test_a_json_file_that_comes_after_its_recording_brings_the_call_up_to_date(
    url: str, key: str, engine: Engine, calls: Path, tmp_path: Path
) -> None:
    beside = calls / "1_Alice.json"
    late = '{"external_id": "4711", "agent": "Anna", "metadata": {"site": "x"}}'
    seconds = Seconds({8: lambda: beside.write_text(late)}, last=15)
    with Client(url, key) as client:
        pusher = watched(client, calls, Memory(tmp_path / "memory.jsonl"), seconds)
        assert (pusher.pushed, pusher.failed) == (3, 0)
        assert len(rows(engine)) == 2
        call = the_call(engine, "1_Alice.wav")  # by the name that it was pushed by first
        assert (call.agent, call.details) == ("Anna", {"site": "x"})

        beside.write_text('{"external_id": "4711", "agent": "Anne"}')
        again = watched(client, calls, Memory(tmp_path / "memory.jsonl"), Seconds({}, last=9))
        assert (again.pushed, again.failed) == (1, 0)
    assert len(rows(engine)) == 2
    assert the_call(engine, "1_Alice.wav").agent == "Anne"


def test_nothing_is_lost_while_the_api_is_away(
    url: str,
    key: str,
    engine: Engine,
    calls: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Client("http://127.0.0.1:1", key) as client:

        def come_back() -> None:
            client.http.base_url = url

        pusher = watched(
            client, calls, Memory(tmp_path / "memory.jsonl"), Seconds({12: come_back}, last=40)
        )
    assert (pusher.pushed, pusher.failed) == (2, 0)
    waits = [line for line in capsys.readouterr().err.splitlines() if "no API answers" in line]
    assert waits == [f"waiting {seconds} s: no API answers" for seconds in (1, 2, 4)]
    assert len(rows(engine)) == 2


def test_ctrl_c_ends_a_watch_cleanly(
    url: str, key: str, engine: Engine, calls: Path, settings: Settings
) -> None:
    environment = os.environ | {
        "OVERTONE_DATA_DIR": str(settings.data_dir),
        "OVERTONE_KEY": key,
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, "-m", "overtone", "push", str(calls), "--url", url, "--watch"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        # Who sees nothing happen presses again; and nobody waits for ever.
        again = Timer(20, process.send_signal, [signal.SIGINT])
        late = Timer(180, process.kill)
        late.start()
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if "2_Bob" in line:
                process.send_signal(signal.SIGINT)
                again.start()
        again.cancel()
        late.cancel()
    assert (process.returncode, said[-1]) == (0, "stopped: 2 pushed, 0 failed\n"), said
    assert len(rows(engine)) == 2
