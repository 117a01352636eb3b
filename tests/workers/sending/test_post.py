"""Posting to receivers that answer, hang, drip, pour, redirect, and lie about where they are."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from time import monotonic

import pytest

from models.delivery import Outcome
from tests.receivers import Handler, Receiver, answer, receiving
from workers.sending.addresses import AddressRefused, Reach
from workers.sending.post import MAX_ANSWER_BYTES, Poster

LOCAL = Reach.of(("127.0.0.1",))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


def post(url: str, poster: Poster | None = None, **headers: str) -> Outcome:
    return asyncio.run((poster or Poster(LOCAL)).post(url, b'{"a":1}', headers))


def test_a_body_arrives_as_it_is(receiver: Receiver) -> None:
    receiver.behave = answer(200, b"thank you")
    outcome = post(f"{receiver.url}?a=b", Poster(LOCAL), Authorization="Bearer x")
    assert (outcome.status, outcome.error, outcome.excerpt) == (200, None, "thank you")
    assert outcome.delivered
    [got] = receiver.got
    assert (got.path, got.body) == ("/hook?a=b", b'{"a":1}')
    assert got.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert got.headers["content-type"] == "application/json"
    assert got.headers["authorization"] == "Bearer x"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (200, None),
        (299, None),
        (400, "answered 400 Bad Request"),
        (410, "answered 410 Gone"),
        (500, "answered 500 Internal Server Error"),
        (599, "answered 599"),
    ],
)
def test_what_a_status_means(receiver: Receiver, status: int, error: str | None) -> None:
    receiver.behave = answer(status)
    outcome = post(receiver.url)
    assert (outcome.status, outcome.error) == (status, error)
    assert outcome.gone == (status == 410)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_loopback_is_not_followed(receiver: Receiver, status: int) -> None:
    with receiving() as inside:
        receiver.behave = answer(status, Location=inside.url)
        outcome = post(receiver.url)
        assert outcome.status == status
        assert "none is followed" in str(outcome.error)
        assert inside.got == []


@pytest.mark.parametrize("behaviour", ["hang", "drip_headers"])
def test_one_that_does_not_answer_is_given_up_in_time(receiver: Receiver, behaviour: str) -> None:
    receiver.behave = getattr(receiver, behaviour)
    since = monotonic()
    outcome = post(receiver.url, Poster(LOCAL, timeout_s=0.5))
    assert (outcome.status, outcome.error) == (None, "no answer within 0.5 s")
    assert 0.5 <= monotonic() - since < 3


def test_a_body_that_drips_for_ever_is_cut_and_the_status_counts(receiver: Receiver) -> None:
    receiver.behave = receiver.drip
    since = monotonic()
    outcome = post(receiver.url, Poster(LOCAL, timeout_s=0.5))
    assert (outcome.status, outcome.error) == (200, None)
    assert monotonic() - since < 3


def test_a_body_that_pours_for_ever_is_cut_at_its_first_64_kib(receiver: Receiver) -> None:
    receiver.behave = receiver.pour
    since = monotonic()
    outcome = post(receiver.url, Poster(LOCAL, timeout_s=30))
    assert (outcome.status, outcome.error) == (200, None)
    assert len(outcome.excerpt) <= 500 < MAX_ANSWER_BYTES
    assert monotonic() - since < 10


@pytest.mark.parametrize(
    ("status", "header", "asked_s"),
    [(429, "120", 120.0), (503, "0", 0.0), (503, "soon", None), (500, "120", None)],
)
def test_an_overloaded_receiver_says_when_to_come_back(
    receiver: Receiver, status: int, header: str, asked_s: float | None
) -> None:
    receiver.behave = answer(status, **{"Retry-After": header})
    assert post(receiver.url).asked_s == asked_s


def test_a_look_up_that_hangs_is_given_up_in_time(receiver: Receiver) -> None:
    def hang(_host: str, _port: int) -> list[str]:
        receiver.closing.wait(5)
        return ["127.0.0.1"]

    since = monotonic()
    outcome = post(receiver.url, Poster(LOCAL, hang, timeout_s=0.2))
    receiver.closing.set()
    assert outcome.error == "no answer within 0.2 s"
    assert monotonic() - since < 3


def test_loopback_is_refused_unless_it_is_named(receiver: Receiver) -> None:
    for url in (receiver.url, receiver.url.replace("http", "https")):
        outcome = post(url, Poster())
        assert "OVERTONE_WEBHOOK_PRIVATE" in str(outcome.error)
        with pytest.raises(AddressRefused):
            asyncio.run(Poster().check(url))
    assert receiver.got == []


def test_a_name_that_turns_private_after_subscribing_is_refused(receiver: Receiver) -> None:
    answers = iter((["8.8.8.8"], ["127.0.0.1"]))
    poster = Poster(resolve=lambda _host, _port: next(answers))
    url = f"https://rebinding.example:{receiver.port}/hook"
    asyncio.run(poster.check(url))
    outcome = post(url, poster)
    assert "private" in str(outcome.error)
    assert receiver.got == []


def test_the_address_that_was_checked_is_the_one_connected_to(receiver: Receiver) -> None:
    looked_up: list[str] = []

    def resolve(host: str, _port: int) -> list[str]:
        looked_up.append(host)
        return ["127.0.0.1"]

    # The system itself cannot look this name up, so any second look-up would fail.
    url = f"http://hooks.invalid:{receiver.port}/hook"
    outcome = post(url, Poster(Reach.of(("hooks.invalid",)), resolve))
    assert outcome.delivered
    assert looked_up == ["hooks.invalid"]
    assert receiver.got[0].headers["host"] == f"hooks.invalid:{receiver.port}"


def test_proxies_of_the_environment_are_not_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert post(receiver.url).delivered


def test_the_next_address_is_tried_where_one_is_dead(receiver: Receiver) -> None:
    reach = Reach.of(("127.0.0.0/8",))
    url = f"http://hooks.invalid:{receiver.port}/hook"
    found = ["127.0.0.77", "127.0.0.1"]  # nobody listens on the first
    assert post(url, Poster(reach, lambda _host, _port: found)).delivered


def test_a_host_that_ends_with_a_dot_is_the_same_host(receiver: Receiver) -> None:
    url = f"http://Hooks.invalid.:{receiver.port}?a=b"
    reach = Reach.of(("hooks.invalid",))
    assert post(url, Poster(reach, lambda _host, _port: ["127.0.0.1"])).delivered
    assert receiver.got[0].path == "/?a=b"


def test_what_cannot_be_connected_to_says_so() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        outcome = post(f"http://127.0.0.1:{nobody.getsockname()[1]}/")
    assert (outcome.status, outcome.error) == (None, "no connection could be made")


@pytest.mark.parametrize("said", [b"220 mail.example ESMTP\r\n", b"", b"HTTP/1.1 200 OK\r\nA"])
def test_what_does_not_speak_http_fails(said: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def speak() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(said)

        thread = Thread(target=speak, daemon=True)
        thread.start()
        outcome = post(f"http://127.0.0.1:{server.getsockname()[1]}/")
        thread.join()
    assert outcome.status is None
    assert re.match("what answers does not speak HTTP|the connection broke", outcome.error or "")


def test_an_answer_that_breaks_off_after_its_status_counts(receiver: Receiver) -> None:
    def break_off(handler: Handler) -> None:
        handler.send_response(202)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"half")
        handler.close_connection = True

    receiver.behave = break_off
    outcome = post(receiver.url)
    assert (outcome.status, outcome.error, outcome.excerpt) == (202, None, "half")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for hooks.invalid, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=hooks.invalid"),
            *("-addext", "subjectAltName=DNS:hooks.invalid"),
            *("-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


@pytest.fixture
def secure(certificate: tuple[Path, Path]) -> Iterator[tuple[Receiver, list[str | None]]]:
    """A receiver that speaks TLS, and the names that clients asked it for (SNI)."""
    names: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    with receiving(context) as receiver:
        yield receiver, names


def trusting(certificate: Path, resolve: Callable[[str, int], list[str]]) -> Poster:
    tls = ssl.create_default_context(cafile=str(certificate))
    return Poster(Reach.of(("127.0.0.1",)), resolve, tls=tls)


def test_tls_is_spoken_with_the_name_and_not_with_the_address(
    secure: tuple[Receiver, list[str | None]], certificate: tuple[Path, Path]
) -> None:
    receiver, names = secure
    poster = trusting(certificate[0], lambda _host, _port: ["127.0.0.1"])
    outcome = post(f"https://hooks.invalid:{receiver.port}/hook", poster)
    assert outcome.error is None
    assert names == ["hooks.invalid"]
    assert receiver.got[0].headers["host"] == f"hooks.invalid:{receiver.port}"


def test_a_certificate_of_another_name_or_maker_is_not_accepted(
    secure: tuple[Receiver, list[str | None]], certificate: tuple[Path, Path]
) -> None:
    receiver, _names = secure
    poster = trusting(certificate[0], lambda _host, _port: ["127.0.0.1"])
    other_name = post(f"https://other.invalid:{receiver.port}/hook", poster)
    unknown_maker = post(f"https://127.0.0.1:{receiver.port}/hook")
    for outcome in (other_name, unknown_maker):
        assert "the certificate is not accepted" in str(outcome.error)
    assert receiver.got == []
