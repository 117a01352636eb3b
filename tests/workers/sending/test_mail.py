"""Digests by e-mail, over a real SMTP server."""

from __future__ import annotations

import email
import socket
from collections.abc import Iterator
from email.message import EmailMessage
from threading import Event, Thread
from time import monotonic
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.workers.sending.test_messages import event
from workers.sending import mail
from workers.sending.mail import Mailer, digest
from workers.sending.told import Told

TO = ["boss@example.com", "deputy@example.com"]


class Postbox:
    """Takes mail, but for the addresses that it refuses."""

    def __init__(self) -> None:
        self.got: list[Envelope] = []
        self.refused: set[str] = set()
        self.answer = "250 OK"

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if address in self.refused:
            return "550 nobody of this name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        if self.answer.startswith("250"):
            self.got.append(envelope)
        return self.answer


@pytest.fixture
def postbox() -> Iterator[tuple[Postbox, str]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    box = Postbox()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box, f"smtp://127.0.0.1:{port}"
    finally:
        controller.stop()


def told(**body: Any) -> Told:
    return Told.of(event(**body), "https://calls.example")


def text_of(envelope: Envelope) -> str:
    content = envelope.original_content or b""
    message = email.message_from_bytes(content, _class=EmailMessage, policy=email.policy.default)
    body = message.get_body()
    assert body is not None
    return str(body.get_content())


def test_one_mail_says_all_that_came(postbox: tuple[Postbox, str]) -> None:
    box, url = postbox
    outcome = Mailer(url, "alerts@example.com").send(TO, [told(), told(reason="сердится")])
    assert outcome.error is None
    [got] = box.got
    assert (got.mail_from, got.rcpt_tos) == ("alerts@example.com", TO)
    text = text_of(got)
    for part in (
        "angry for 9 s",
        "сердится",
        "agent Alice",
        "1:07",
        "https://calls.example/listen/5?alert=3&at=67.3",
    ):
        assert part in text
    assert b"Subject: Overtone: 2 alert events" in (got.original_content or b"")


@pytest.mark.parametrize("field", ["reason", "agent", "rule", "severity", "external_id"])
def test_nothing_that_an_event_says_becomes_a_header(field: str) -> None:
    evil = told(**{field: "x\r\nBcc: thief@example.com\r\n\r\nhello\n.\n"})
    message = digest("alerts@example.com", TO, [evil])
    parsed = email.message_from_bytes(message.as_bytes())
    assert parsed["Bcc"] is None
    assert set(parsed.keys()) == {
        *("From", "To", "Date", "Subject", "Auto-Submitted"),
        *("Content-Type", "Content-Transfer-Encoding", "MIME-Version"),
    }


def test_a_sender_with_a_line_break_is_refused() -> None:
    with pytest.raises(ValueError, match="linefeed"):
        digest("alerts@example.com\nBcc: thief@example.com", TO, [told()])


def test_an_address_that_is_refused_does_not_keep_the_others_waiting(
    postbox: tuple[Postbox, str],
) -> None:
    box, url = postbox
    box.refused = {TO[0]}
    assert Mailer(url, "alerts@example.com").send(TO, [told()]).error is None
    assert box.got[0].rcpt_tos == TO[1:]
    box.refused = set(TO)
    outcome = Mailer(url, "alerts@example.com").send(TO, [told()])
    assert outcome.error == "the mail server refuses all of the addresses"


def test_a_server_that_refuses_says_its_code(postbox: tuple[Postbox, str]) -> None:
    box, url = postbox
    box.answer = "451 later"
    outcome = Mailer(url, "alerts@example.com").send(TO, [told()])
    assert outcome.error == "the mail server answered 451"


def test_a_password_is_not_sent_in_the_clear(postbox: tuple[Postbox, str]) -> None:
    box, url = postbox
    outcome = Mailer(url.replace("//", "//me:secret@"), "a@example.com").send(TO, [told()])
    assert "STARTTLS" in str(outcome.error)
    assert "secret" not in str(outcome.error)
    assert box.got == []


def test_a_server_that_drips_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "TIMEOUT_S", 0.5)
    over = Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"220 hello\r\n")
                while not over.wait(0.05):
                    try:
                        connection.sendall(b"250-more\r\n")
                    except OSError:
                        return

        thread = Thread(target=drip, daemon=True)
        thread.start()
        since = monotonic()
        outcome = Mailer(f"smtp://127.0.0.1:{server.getsockname()[1]}", "a@example.com").send(
            TO, [told()]
        )
        over.set()
        thread.join()
    assert outcome.error is not None
    assert monotonic() - since < 5


def test_a_server_that_is_not_there(postbox: tuple[Postbox, str]) -> None:
    _box, _url = postbox
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"smtp://127.0.0.1:{nobody.getsockname()[1]}"
        outcome = Mailer(url, "a@example.com").send(TO, [told()])
    assert outcome.error == "the mail could not be sent (ConnectionRefusedError)"
