"""Recordings are fetched from allowed stores only, whole or not at all, and within bounds."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer

from models.stores import RecordingEmpty, RecordingGone, RecordingTooLarge, StoreRefused, Stores
from workers import fetching
from workers.fetching import Fetcher, StoreUnavailable

SOUND = bytes(range(256)) * 4
PREFIX = "https://records.example.com/calls/"


class _Store(BaseHTTPRequestHandler):
    """Answers what the path says."""

    def do_GET(self) -> None:
        name = unquote(self.path).removeprefix("/calls/")
        if name == "redirect.wav":
            self.send_response(302)
            self.send_header("Location", "/calls/call.wav")
            self.end_headers()
        elif name == "broken.wav":
            self.send_response(500)
            self.end_headers()
        elif name == "half.wav":
            self.send_response(200)
            self.send_header("Content-Length", str(len(SOUND) * 2))
            self.end_headers()
            self.wfile.write(SOUND)
        elif name in ("call.wav", "a call.wav"):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(SOUND)
        elif name == "empty.wav":
            self.send_response(200)
            self.end_headers()
        else:
            self.send_response(404)
            self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class ToLoopback(httpx.HTTPTransport):
    """Takes whatever is asked of https://records.example.com to a server of the test's own."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert (request.url.scheme, request.url.host) == ("https", "records.example.com")
        request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self.port)
        return super().handle_request(request)


@pytest.fixture
def fetcher(tmp_path: Path) -> Iterator[Fetcher]:
    """Fetches from a folder and from an https:// store on loopback."""
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "call.wav").write_bytes(SOUND)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Store)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stores = Stores(tmp_path / "uploads", (str(tmp_path / "store"), PREFIX))
    yield Fetcher(stores, transport=ToLoopback(server.server_port))
    server.shutdown()
    server.server_close()


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_local_recording_is_used_where_it_lies(fetcher: Fetcher, tmp_path: Path) -> None:
    path = tmp_path / "store" / "call.wav"
    assert fetcher.fetch(f"file:{path}", tmp_path / "inbox", max_bytes=1) == path
    with closing(fetcher.open_recording(f"file:{path}")) as blocks:
        assert b"".join(blocks) == SOUND


@pytest.mark.parametrize("name", ["call.wav", "a%20call.wav"])
def test_a_remote_recording_is_copied(fetcher: Fetcher, tmp_path: Path, name: str) -> None:
    path = fetcher.fetch(PREFIX + name, tmp_path / "inbox", max_bytes=len(SOUND))
    assert (path.read_bytes(), path.suffix) == (SOUND, ".wav")
    assert path.is_relative_to(tmp_path / "inbox")


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("none.wav", RecordingGone),
        ("redirect.wav", RecordingGone),
        ("broken.wav", StoreUnavailable),
        ("half.wav", StoreUnavailable),
        ("empty.wav", RecordingEmpty),
        ("../private.wav", StoreRefused),
    ],
)
def test_what_cannot_be_fetched_leaves_nothing_and_says_no_address(
    fetcher: Fetcher, tmp_path: Path, name: str, error: type[Exception]
) -> None:
    with pytest.raises(error) as raised:
        fetcher.fetch(PREFIX + name, tmp_path / "inbox", max_bytes=10_000)
    assert "records.example.com" not in str(raised.value)
    assert files(tmp_path / "inbox") == []


def test_a_remote_recording_has_a_bound(fetcher: Fetcher, tmp_path: Path) -> None:
    with pytest.raises(RecordingTooLarge):
        fetcher.fetch(f"{PREFIX}call.wav", tmp_path / "inbox", max_bytes=len(SOUND) - 1)
    assert files(tmp_path / "inbox") == []


def test_a_store_that_nobody_answers_for_is_tried_again_later(tmp_path: Path) -> None:
    fetcher = Fetcher(Stores(tmp_path, (PREFIX,)), transport=ToLoopback(1))
    with pytest.raises(StoreUnavailable, match="ConnectError"):
        fetcher.fetch(f"{PREFIX}call.wav", tmp_path / "inbox", max_bytes=10_000)


def test_a_download_that_takes_too_long_ends(
    fetcher: Fetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "DOWNLOAD_TIMEOUT_S", -1)
    with pytest.raises(StoreUnavailable, match="took more than"):
        fetcher.fetch(f"{PREFIX}call.wav", tmp_path / "inbox", max_bytes=10_000)
    assert files(tmp_path / "inbox") == []


def test_a_recording_of_a_store_that_is_allowed_no_more_is_refused(
    fetcher: Fetcher, tmp_path: Path
) -> None:
    with pytest.raises(StoreRefused):
        fetcher.fetch("https://elsewhere.example.com/a.wav", tmp_path, max_bytes=10_000)


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    """An S3-compatible server with a bucket `calls`."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Fetcher:
    """Fetches from s3://calls/2026/, in which one recording lies."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3 = boto3.client("s3", endpoint_url=s3_endpoint)
    s3.create_bucket(Bucket="calls")
    for key, content in {
        "2026/11/call.wav": SOUND * 10_000,
        "2026/100%25+1.wav": SOUND,
        "2026/empty.wav": b"",
        "private.wav": b"secret",
    }.items():
        s3.put_object(Bucket="calls", Key=key, Body=content)
    return Fetcher(Stores(tmp_path / "uploads", ("s3://calls/2026/",)), s3_endpoint)


def test_a_recording_in_a_bucket_is_copied(bucket: Fetcher, tmp_path: Path) -> None:
    path = bucket.fetch("s3://calls/2026/11/call.wav", tmp_path / "inbox", max_bytes=10**8)
    assert (path.read_bytes(), path.suffix) == (SOUND * 10_000, ".wav")
    path = bucket.fetch("s3://calls/2026/100%25+1.wav", tmp_path / "inbox", max_bytes=10**8)
    assert path.read_bytes() == SOUND


def test_a_bucket_has_a_bound_too(bucket: Fetcher, tmp_path: Path) -> None:
    with pytest.raises(RecordingTooLarge):
        bucket.fetch("s3://calls/2026/11/call.wav", tmp_path / "inbox", max_bytes=10**6)
    assert files(tmp_path / "inbox") == []


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("s3://calls/2026/none.wav", RecordingGone),
        ("s3://calls/2026/empty.wav", RecordingEmpty),
        ("s3://calls/private.wav", StoreRefused),
        ("s3://calls/2026/../private.wav", StoreRefused),
    ],
)
def test_what_a_bucket_cannot_give(
    bucket: Fetcher, tmp_path: Path, address: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        bucket.fetch(address, tmp_path / "inbox", max_bytes=10**8)
    assert files(tmp_path / "inbox") == []


def test_a_bucket_that_is_not_there(bucket: Fetcher, tmp_path: Path, s3_endpoint: str) -> None:
    assert bucket
    fetcher = Fetcher(Stores(tmp_path, ("s3://nobody/",)), s3_endpoint)
    with pytest.raises(RecordingGone):
        fetcher.fetch("s3://nobody/a.wav", tmp_path, max_bytes=10**8)


def test_a_bucket_that_is_away_is_tried_again_later(bucket: Fetcher, tmp_path: Path) -> None:
    away = Fetcher(bucket.stores, "http://127.0.0.1:1")
    with pytest.raises(StoreUnavailable, match="EndpointConnectionError"):
        away.fetch("s3://calls/2026/11/call.wav", tmp_path, max_bytes=10**8)
