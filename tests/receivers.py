"""A receiver of webhooks on this machine that behaves, or misbehaves, as it is told."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from time import time

Handler = BaseHTTPRequestHandler


@dataclass(frozen=True, slots=True)
class Got:
    """One request as it came, and when."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float


def answer(status: int, body: bytes = b"", **headers: str) -> Callable[[Handler], None]:
    """A behaviour: this answer to everything."""

    def behave(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return behave


@dataclass(slots=True)
class Receiver:
    """What came, and how it answers; `closing` is set when the test is over."""

    port: int = 0
    scheme: str = "http"
    behave: Callable[[Handler], None] = field(default_factory=lambda: answer(204))
    got: list[Got] = field(default_factory=list)
    closing: Event = field(default_factory=Event)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/hook"

    @property
    def ids(self) -> list[str]:
        """The message ids, in the order in which they came."""
        return [one.headers["webhook-id"] for one in self.got]

    def hang(self, handler: Handler) -> None:
        """A behaviour: never answer."""
        self.closing.wait()
        handler.close_connection = True

    def drip(self, handler: Handler) -> None:
        """A behaviour: 200 and a body of a byte now and then, without end."""
        handler.send_response(200)
        handler.end_headers()
        while not self.closing.wait(0.05):
            handler.wfile.write(b".")
            handler.wfile.flush()

    def drip_headers(self, handler: Handler) -> None:
        """A behaviour: headers without end."""
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        number = 0
        while not self.closing.wait(0.05):
            number += 1
            handler.wfile.write(f"X-{number}: 1\r\n".encode())
            handler.wfile.flush()

    def pour(self, handler: Handler) -> None:
        """A behaviour: 200 and a body as fast as it goes, without end."""
        handler.send_response(200)
        handler.end_headers()
        while not self.closing.is_set():
            handler.wfile.write(b"." * 65536)


@contextmanager
def receiving(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver that listens while the block runs."""
    receiver = Receiver(scheme="https" if tls else "http")

    class Hook(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.got.append(Got(self.path, headers, body, time()))
            try:
                receiver.behave(self)
            except OSError:
                self.close_connection = True  # the sender has had enough

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Hook)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    receiver.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
