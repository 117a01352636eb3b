"""Addresses of recordings in remote stores, read in the one way that everybody agrees about."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

SCHEMES = ("https", "s3")
HTTPS_PORT = 443
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
# What clients, proxies and servers read in different ways, or what leads away from the path.
_DOUBTFUL = re.compile(r"[\\?#\s]")


def canonical(address: str) -> str | None:
    """The address with its host in small letters and without a port that goes without saying; None
    where it is no plain https:// or s3:// address.

    Not plain are steps such as `..`, also encoded, encoded slashes and percent signs, a name and
    password, a query or a fragment: with them, the start of an address would not say what it is in.
    """
    if _DOUBTFUL.search(address) or not address.isprintable():
        return None
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    host = parts.hostname or ""
    if parts.scheme not in SCHEMES or not _HOST.fullmatch(host) or "@" in parts.netloc:
        return None
    if parts.scheme == "s3":
        # A key is taken letter by letter: nothing in it is encoded.
        steps = parts.path.split("/")
        if parts.netloc != host:
            return None
    else:
        steps = [unquote(step) for step in parts.path.split("/")]
        if any(re.search(r"[/\\%]", step) or not step.isprintable() for step in steps):
            return None
        if port not in (None, HTTPS_PORT):
            host = f"{host}:{port}"
    if len(steps) < 2 or "" in steps[1:-1] or {".", ".."} & set(steps):
        return None
    return f"{parts.scheme}://{host}{parts.path}"
