"""Posts a body to an address, within ten seconds in all and at most 64 KiB of answer, whatever the
other side does. Follows no redirect and no proxy.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from http import HTTPStatus
from time import monotonic
from typing import Any

import httpcore
import httpx

from models.columns import now
from models.delivery import Outcome
from workers.sending.addresses import (
    AddressRefused,
    Reach,
    Resolve,
    Target,
    look_up,
    read_url,
    resolve,
)
from workers.sending.retry_after import OVERLOADED, retry_after_s

TIMEOUT_S = 10.0
CONNECT_S = 4.0
MAX_ANSWER_BYTES = 64 * 1024
EXCERPT_CHARS = 500
USER_AGENT = "Overtone"


class _CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were checked, whatever the name leads to by now. The name itself
    still goes into TLS (SNI, the certificate) and the Host header.
    """

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - looked up and checked before
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failure: httpcore.NetworkError | httpcore.TimeoutException | None = None
        for address in self._addresses:
            try:
                return await self._network.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        assert failure is not None, "`Reach.check` gives at least one address"
        raise failure


@dataclass(frozen=True, slots=True)
class Poster:
    """Posts to what `reach` allows; `timeout_s` is for everything from the look-up to the end of
    the answer.
    """

    reach: Reach = field(default_factory=Reach)
    resolve: Resolve = resolve
    timeout_s: float = TIMEOUT_S
    # Reading the certificates takes longer than a request.
    tls: ssl.SSLContext = field(default_factory=httpx.create_ssl_context)

    async def check(self, url: str) -> None:
        """Raises `AddressRefused` for an address that nothing would be sent to now."""
        try:
            async with asyncio.timeout(self.timeout_s):
                await look_up(read_url(url), self.reach, self.resolve)
        except TimeoutError as error:
            raise AddressRefused("looking the host up takes too long") from error

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """Send one request on a connection of its own. What goes wrong is the outcome's `error`."""
        since = monotonic()
        got = _Answer()
        error: str | None
        try:
            async with asyncio.timeout(self.timeout_s):
                await self._exchange(url, body, headers, got)
            error = None
        except TimeoutError:
            error = f"no answer within {self.timeout_s:g} s"
        except AddressRefused as refused:
            error = str(refused)
        except (httpcore.NetworkError, httpcore.TimeoutException, ssl.SSLError, OSError) as failure:
            error = _in_words(failure)
        except (httpcore.ProtocolError, ValueError):
            error = "what answers does not speak HTTP"
        if got.status is not None:
            # The status has come: what befell the rest of the answer changes nothing.
            error = _of_status(got.status)
        ms = round((monotonic() - since) * 1000)
        return Outcome(got.status, error, ms, got.excerpt, got.asked_s)

    async def _exchange(
        self, url: str, body: bytes, headers: Mapping[str, str], got: _Answer
    ) -> None:
        target = read_url(url)
        addresses = await look_up(target, self.reach, self.resolve)
        async with self._connection(target, addresses) as connection:
            request = httpcore.Request(
                "POST",
                httpcore.URL(
                    scheme=_scheme(target),
                    host=target.host.encode(),
                    port=target.port,
                    target=target.path.encode(),
                ),
                headers=_all_headers(target, body, headers),
                content=body,
                extensions={"timeout": {"connect": CONNECT_S}},
            )
            response = await connection.handle_async_request(request)
            got.status = response.status
            got.asked_s = _asked_s(response)
            try:
                async for chunk in response.aiter_stream():
                    got.body += chunk
                    if len(got.body) >= MAX_ANSWER_BYTES:
                        break
            finally:
                await response.aclose()

    def _connection(
        self, target: Target, addresses: Sequence[str]
    ) -> AbstractAsyncContextManager[httpcore.AsyncHTTPConnection]:
        return httpcore.AsyncHTTPConnection(
            httpcore.Origin(_scheme(target), target.host.encode(), target.port),
            ssl_context=self.tls,
            network_backend=_CheckedNetwork(addresses),
        )


@dataclass(slots=True)
class _Answer:
    """What has come so far."""

    status: int | None = None
    asked_s: float | None = None
    body: bytes = b""

    @property
    def excerpt(self) -> str:
        return self.body[: EXCERPT_CHARS * 4].decode(errors="replace")[:EXCERPT_CHARS]


def _scheme(target: Target) -> bytes:
    return b"https" if target.is_tls else b"http"


def _all_headers(target: Target, body: bytes, headers: Mapping[str, str]) -> list[tuple[str, str]]:
    ordinary = 443 if target.is_tls else 80
    host = f"[{target.host}]" if ":" in target.host else target.host
    return [
        ("Host", host if target.port == ordinary else f"{host}:{target.port}"),
        ("User-Agent", USER_AGENT),
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Connection", "close"),
        *headers.items(),
    ]


def _asked_s(response: httpcore.Response) -> float | None:
    """How long a receiver that is overloaded asks to be left alone."""
    if response.status not in OVERLOADED:
        return None
    for name, value in response.headers:
        if name.lower() == b"retry-after":
            return retry_after_s(value.decode("latin-1"), now())
    return None


def _of_status(status: int) -> str | None:
    """What a status means for a delivery; None for success."""
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return f"answered {status}, a redirect: none is followed, subscribe the address it leads to"
    try:
        return f"answered {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"answered {status}"


def _in_words(failure: Exception) -> str:
    """A network's error without the address."""
    causes = [failure, failure.__cause__, failure.__context__]
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate is not accepted: {cause.verify_message}"
    if isinstance(failure, httpcore.ConnectTimeout):
        return "the host does not answer"
    if isinstance(failure, httpcore.ConnectError):
        return "no connection could be made"
    return f"the connection broke ({type(failure).__name__})"
