"""Erases everything about one caller: all calls of their number, however it is written."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from sqlmodel import Session, col, select

from models.audit import Action, note
from models.call import Call, Status
from models.call_number import CallNumber, calls_of_number
from models.deletion import Deleted, Order, delete_calls
from models.numbers import number_key
from models.stores import Stores

BATCH = 100
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
    those whose caller it is, that went out to it, or that have it in their metadata.

    The audit trail keeps the number's SHA-256 alone. Asking again goes on where a crash ended it.
    """
    total = Deleted()
    last = 0
    while ids := calls_of_number(session, caller, after=last, limit=BATCH):
        last = ids[-1]
        total = _sum(total, delete_calls(session, stores, ids, order))
        if on_progress:
            on_progress(len(total.calls))
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
    free = 0
    held: list[int] = []
    being_heard: list[int] = []
    for number, is_held, status in session.exec(wanted):
        assert number is not None  # it is stored
        if is_held:
            held.append(number)
        elif status == Status.HEARING:
            being_heard.append(number)
        else:
            free += 1
    return Found(free, tuple(held), tuple(being_heard))


def _sum(one: Deleted, other: Deleted) -> Deleted:
    return Deleted(
        calls=one.calls + other.calls,
        held=one.held + other.held,
        being_heard=one.being_heard + other.being_heard,
        left=one.left + other.left,
        pending=one.pending + other.pending,
    )
