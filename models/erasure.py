"""Erases everything about one caller: all calls of their number, however it is written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from models.audit import Action, note
from models.call import Call
from models.call_number import CallNumber, calls_of_number
from models.deletion import Deleted, Order, Stays, delete_calls, why_it_stays
from models.history import CallEvent, Change
from models.numbers import number_key
from models.stores import Stores

BATCH = 100
EVENTS_AT_ONCE = 500
ERASED = "erased"
"""What stands in the history of another call where it had the number."""
WHAT_IS_HASHED = (
    "the SHA-256 of the digits of the caller's number, with the country's code where it was given"
)

OnProgress = Callable[[int], None]
"""Calls deleted so far."""


def erase_caller(
    session: Session,
    stores: Stores,
    caller: str,
    order: Order,
    *,
    on_progress: OnProgress | None = None,
) -> Deleted:
    """Delete all calls of a number with their recordings, in batches that are committed one by one:
    those whose caller it is, that went out to it, or that have it in their metadata. What had it
    before a later push said otherwise stays, but its history forgets the number.

    The audit trail keeps the number's SHA-256 alone. Asking again goes on where a crash ended it.
    """
    total = Deleted()
    last = 0
    while ids := calls_of_number(session, caller, after=last, limit=BATCH):
        last = ids[-1]
        total = _sum(total, delete_calls(session, stores, ids, order))
        if on_progress:
            on_progress(len(total.calls))
    _hide_in_histories(session, number_key(caller))
    note(
        session,
        Action.ERASURE,
        key_name=order.key_name,
        by=order.by,
        caller_sha256=hashlib.sha256(number_key(caller).encode()).hexdigest(),
        note=WHAT_IS_HASHED,
        erased=len(total.calls),
        held=len(total.held),
        being_heard=len(total.being_heard),
    )
    session.commit()
    return total


@dataclass(frozen=True, slots=True)
class Found:
    """The calls of a number: how many may go, and which may not, since they are under legal hold or
    being heard.
    """

    free: int
    held: tuple[int, ...]
    being_heard: tuple[int, ...]


def find_caller(session: Session, caller: str) -> Found:
    """What `erase_caller` would find now; nothing is done."""
    wanted = (
        select(Call.id, Call.legal_hold, Call.status)
        .join(CallNumber, col(CallNumber.call_id) == Call.id)
        .where(CallNumber.number == number_key(caller))
        .order_by(col(Call.id))
    )
    found: dict[Stays | None, list[int]] = {None: [], "held": [], "being heard": []}
    for number, is_held, status in session.exec(wanted):
        assert number is not None  # it is stored
        found[why_it_stays(is_held=is_held, status=status)].append(number)
    return Found(len(found[None]), tuple(found["held"]), tuple(found["being heard"]))


def _hide_in_histories(session: Session, key: str) -> None:
    """Have what later pushes said otherwise name this number no more, but for calls under legal
    hold; in batches that are committed one by one.
    """
    wanted = (
        select(CallEvent)
        .join(Call, col(Call.id) == col(CallEvent.call_id))
        .where(CallEvent.kind == Change.PUSHED, ~col(Call.legal_hold))
        .order_by(col(CallEvent.id))
        .limit(EVENTS_AT_ONCE)
    )
    last = 0
    while events := session.exec(wanted.where(col(CallEvent.id) > last)).all():
        for event in events:
            event.before = _without_number(event.before, key)
            event.after = _without_number(event.after, key)
        last = events[-1].id or 0
        session.commit()


def _without_number(said: str | None, key: str) -> str | None:
    """What an event says, with `ERASED` for each value that is this number; the same text where
    none is.
    """
    if said is None:
        return None
    fields = json.loads(said)
    hidden = _hidden(fields, key)
    return said if hidden == fields else json.dumps(hidden, ensure_ascii=False)


def _hidden(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return {name: _hidden(one, key) for name, one in value.items()}
    is_number = isinstance(value, str) or type(value) is int
    return ERASED if is_number and number_key(str(value)) == key else value


def _sum(one: Deleted, other: Deleted) -> Deleted:
    return Deleted(
        calls=one.calls + other.calls,
        held=one.held + other.held,
        being_heard=one.being_heard + other.being_heard,
        left=one.left + other.left,
        pending=one.pending + other.pending,
    )
