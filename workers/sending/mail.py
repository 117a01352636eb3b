"""E-mail: what came since the last one as one plain message, over SMTP."""

from __future__ import annotations

import logging
import smtplib
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime
from threading import Timer
from time import monotonic
from urllib.parse import unquote, urlsplit

from models.columns import now
from models.delivery import Outcome
from workers.sending.told import Told

logger = logging.getLogger(__name__)

# An address as browsers take it, in ASCII: https://html.spec.whatwg.org/#valid-e-mail-address
ADDRESS = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$"
STEP_TIMEOUT_S = 10.0
TIMEOUT_S = 30.0
MAX_REASON_CHARS = 500


class MailRefused(Exception):
    """The server cannot be used as it is set up; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Mailer:
    """The SMTP server at `url` (smtp:// or smtps://, with user and password where it wants them),
    and who the messages are from.
    """

    url: str = field(repr=False)
    sender: str

    def send(self, addresses: Sequence[str], told: Sequence[Told]) -> Outcome:
        """Send one message; blocks, for half a minute at most. What goes wrong is the outcome's
        `error`.
        """
        since = monotonic()
        error: str | None = None
        try:
            self._send(digest(self.sender, addresses, told))
        except MailRefused as refused:
            error = str(refused)
        except smtplib.SMTPRecipientsRefused:
            error = "the mail server refuses all of the addresses"
        except smtplib.SMTPResponseException as answer:
            error = f"the mail server answered {answer.smtp_code}"
        except (smtplib.SMTPException, OSError, ValueError) as failure:
            error = f"the mail could not be sent ({type(failure).__name__})"
        return Outcome(None, error, round((monotonic() - since) * 1000))

    def _send(self, message: EmailMessage) -> None:
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        with self._connected(host, parts.port, is_tls=parts.scheme == "smtps") as server:
            server.ehlo()
            if parts.scheme == "smtp" and server.has_extn("starttls"):
                server.starttls(context=ssl.create_default_context())
                server.ehlo()
            elif parts.scheme == "smtp" and parts.password:
                raise MailRefused(
                    "the mail server offers no STARTTLS, and a password is not sent in the clear"
                )
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            refused = server.send_message(message)
        if refused:
            # Sent to the others: another attempt would reach those twice.
            logger.warning("the mail server refused %d addresses of a digest", len(refused))

    @contextmanager
    def _connected(self, host: str, port: int | None, *, is_tls: bool) -> Iterator[smtplib.SMTP]:
        """A connection that is cut after half a minute, however slowly the server speaks."""
        server: smtplib.SMTP
        if is_tls:
            context = ssl.create_default_context()
            server = smtplib.SMTP_SSL(host, port or 465, timeout=STEP_TIMEOUT_S, context=context)
        else:
            server = smtplib.SMTP(host, port or 587, timeout=STEP_TIMEOUT_S)
        end = Timer(TIMEOUT_S, _cut, [server])
        end.daemon = True
        end.start()
        try:
            yield server
            with suppress(smtplib.SMTPException, OSError):  # the message is accepted already
                server.quit()
        finally:
            end.cancel()
            server.close()


def digest(sender: str, addresses: Sequence[str], told: Sequence[Told]) -> EmailMessage:
    """One message about these events, oldest first; nothing that they say goes into a header."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = ", ".join(addresses)
    message["Date"] = format_datetime(now())
    message["Subject"] = f"Overtone: {len(told)} alert event{'s' * (len(told) != 1)}"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n\n".join(map(_paragraph, told)) + "\n")
    return message


def _paragraph(told: Told) -> str:
    play = f"play from {told.place}" + (f": {told.link}" if told.link else "")
    lines = [
        f"{told.heading} ({told.severity}, {told.rule})",
        " ".join(told.reason.split())[:MAX_REASON_CHARS],
        f"agent {told.agent}, call {told.call}, {told.at:%Y-%m-%d %H:%M} UTC",
        play,
    ]
    return "\n".join(" ".join(line.split()) for line in lines)


def _cut(server: smtplib.SMTP) -> None:
    with suppress(OSError):
        if server.sock is not None:
            server.sock.shutdown(socket.SHUT_RDWR)
