"""Cursors: where a page of calls ended, so that the next one goes on from there."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

from models.query import BadQuery

MOST = 1 << 62


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call stands in an order: its rank (0 where the order has none), the value sorted by,
    and its id.
    """

    rank: int
    value: float
    call_id: int


def write_cursor(place: Place, fingerprint: str) -> str:
    """The place as text that goes into an address, good for one query alone."""
    packed = json.dumps([fingerprint, place.rank, place.value, place.call_id]).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def read_cursor(cursor: str, fingerprint: str) -> Place:
    """The place. Raises `BadQuery` for what `write_cursor` did not write for this query."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        whose, rank, value, call_id = json.loads(base64.urlsafe_b64decode(padded))
        if not all(isinstance(one, int) and abs(one) < MOST for one in (rank, call_id)):
            raise ValueError("no places")
        if not isinstance(value, int | float) or not -MOST < value < MOST:
            raise ValueError("no value")
    except (ValueError, TypeError, RecursionError) as error:
        raise BadQuery(
            "cursor", "not a cursor; take `next_cursor` of an answer as it is"
        ) from error
    if whose != fingerprint:
        raise BadQuery("cursor", "belongs to another query; leave it out to start this one")
    return Place(rank, value, call_id)
