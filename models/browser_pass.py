"""What a browser keeps once its key was checked: a pass. It opens for some hours what the pages for
listening need, and nothing else.

A pass names its key and its end, and is sealed (HMAC-SHA-256) with the hash that the key is stored
as. So there is nothing to store and no secret to set up, and the passes of a revoked key end with
it. The key itself would be simpler to keep; but browsers write cookies to disk and send them to
whatever listens on other ports of the same host, and a key has no end and may do more than listen.
Whoever reads the table of keys could seal a pass, and reads the calls there without one.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime

from sqlmodel import Session

from models.columns import now
from models.key import Key, KeyRevoked

PURPOSE = "overtone pass"
_PASS = re.compile(r"([1-9]\d{0,9})\.(\d{1,12})\.([0-9a-f]{64})", re.ASCII)
_MOST_ID = 2**31 - 1


class PassOver(Exception):
    """The pass was good, and its time is over."""


def write_pass(key: Key, until: datetime) -> str:
    """A pass for this key, in characters that a cookie may have."""
    until_s = int(until.timestamp())
    return f"{key.id}.{until_s}.{_seal(key, until_s)}"


def read_pass(session: Session, text: str) -> Key | None:
    """The live key that this pass is of, or None where nobody sealed it. Raises `KeyRevoked` or
    `PassOver` for one that opens nothing any more.
    """
    parts = _PASS.fullmatch(text)
    if parts is None or int(parts[1]) > _MOST_ID:
        return None
    key = session.get(Key, int(parts[1]))
    until_s = int(parts[2])
    if key is None or not hmac.compare_digest(_seal(key, until_s), parts[3]):
        return None
    if key.revoked_at is not None:
        raise KeyRevoked("this API key was revoked")
    if now().timestamp() >= until_s:
        raise PassOver("you were signed in for long enough: sign in again")
    return key


def _seal(key: Key, until_s: int) -> str:
    message = f"{PURPOSE} {key.id} {until_s}"
    return hmac.new(key.hash.encode(), message.encode(), hashlib.sha256).hexdigest()
