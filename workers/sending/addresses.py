"""Where a message may go: only to addresses of the public net, unless a setting names others.

A name is looked up once, its addresses are checked, and one of those very addresses is connected
to: a name that points elsewhere a moment later (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Sequence[str]]
MAX_URL_CHARS = 2000
LOOKUPS_AT_ONCE = 200
# What may be given out on the public net (RFC 4291). Addresses that hold an IPv4 address (mapped,
# compatible, NAT64) lie outside, and where they lead is not for us to tell ...
GIVEN_OUT = ip_network("2000::/3")
# ... as that of these, which lie inside: 6to4 and Teredo.
TUNNELS = (ip_network("2002::/16"), ip_network("2001::/32"))


class AddressRefused(Exception):
    """Nothing is sent there; the text says why and never repeats the address."""


@dataclass(frozen=True, slots=True)
class Target:
    """The parts of an address; `path` is what is asked for there, with the query."""

    is_tls: bool
    host: str
    port: int
    path: str = "/"


@dataclass(frozen=True, slots=True)
class Reach:
    """What may be reached beside the public net: hosts by name, and networks."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def of(cls, named: Sequence[str]) -> Reach:
        """Out of the setting's parts; each is a network, an address or a host."""
        hosts, networks = set[str](), []
        for part in named:
            try:
                networks.append(ip_network(part))
            except ValueError:
                hosts.add(_plain(part))
        return cls(frozenset(hosts), tuple(networks))

    def check(self, target: Target, found: Sequence[str]) -> list[str]:
        """The addresses that a name was looked up to, all of which must be allowed. Raises
        `AddressRefused`.
        """
        if not found:
            raise AddressRefused("the host has no address")
        for text in found:
            address = ip_address(text.partition("%")[0])
            is_private = target.host in self.hosts or any(
                address.version == network.version and address in network
                for network in self.networks
            )
            if not (is_private or is_public(address)):
                raise AddressRefused(
                    "the host has an address that is private or reserved: name it in "
                    "OVERTONE_WEBHOOK_PRIVATE if it is meant"
                )
            if not (is_private or target.is_tls):
                raise AddressRefused(
                    "http:// is for hosts that OVERTONE_WEBHOOK_PRIVATE names: use https://"
                )
        return list(found)


def is_public(address: Address) -> bool:
    """Whether an address belongs to somebody on the public net, as far as the registries say."""
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    if address.version == 4:
        return True
    return address in GIVEN_OUT and not any(address in tunnel for tunnel in TUNNELS)


def read_url(url: str) -> Target:
    """What a subscription's address says. Raises `AddressRefused` for what is no plain http(s)
    address.
    """
    if len(url) > MAX_URL_CHARS or not url.isascii() or not url.isprintable() or " " in url:
        raise AddressRefused(
            f"an address has up to {MAX_URL_CHARS:,} printable ASCII characters and no spaces"
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AddressRefused("this is no address") from error
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise AddressRefused("an address begins with https:// and a host")
    if "@" in parts.netloc:
        raise AddressRefused("no user or password goes into an address: use `authorization`")
    if "\\" in url or parts.fragment:
        raise AddressRefused("an address has no backslash and no fragment")
    is_tls = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(is_tls, _plain(parts.hostname), port or (443 if is_tls else 80), path)


def resolve(host: str, port: int) -> list[str]:
    """Look a name up; blocks. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def look_up(target: Target, reach: Reach, resolve: Resolve = resolve) -> list[str]:
    """The addresses of a target, checked. Raises `AddressRefused`.

    A look-up cannot be broken off: whoever stops waiting leaves a thread behind until it ends, so
    these have threads of their own.
    """
    try:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(_lookups(), resolve, target.host, target.port)
    except (OSError, UnicodeError) as error:
        raise AddressRefused("the host cannot be looked up") from error
    return reach.check(target, found)


@cache
def _lookups() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(LOOKUPS_AT_ONCE, thread_name_prefix="lookup")


def _plain(host: str) -> str:
    return host.lower().rstrip(".")
