"""Cursors: where a page of calls ended, so that the next one goes on from there."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import datetime

from models.query import BadQuery

Value = float | datetime


@dataclass(frozen=True, slots=True)
class Place:
    """A call's place in an order: its rank (0 where the order has none), the value sorted by, and
    its id.
    """

    rank: int
    value: Value
    call_id: int


def write_cursor(place: Place, fingerprint: str) -> str:
    """The place as text that goes into an address, good for one query alone."""
    is_moment = isinstance(place.value, datetime)
    plain = place.value.isoformat() if isinstance(place.value, datetime) else place.value
    packed = json.dumps([fingerprint, is_moment, place.rank, plain, place.call_id]).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def read_cursor(cursor: str, fingerprint: str) -> Place:
    """The place. Raises `BadQuery` for what `write_cursor` did not write for this query."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        whose, is_moment, rank, plain, call_id = json.loads(base64.urlsafe_b64decode(padded))
        value: Value = datetime.fromisoformat(plain) if is_moment else float(plain)
        if isinstance(value, datetime):
            value.astimezone()  # beyond what the calendar holds, an error of ours
        place = Place(int(rank), value, int(call_id))
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise BadQuery(
            "cursor", "not a cursor; take `next_cursor` of an answer as it is"
        ) from error
    if whose != fingerprint:
        raise BadQuery("cursor", "belongs to another query; leave it out to start this one")
    return place
