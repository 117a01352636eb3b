"""Erases everything about one caller: all calls of their number, however it is punctuated."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from sqlalchemy import ColumnElement, and_, func, or_
from sqlmodel import Session, col, select

from models.audit import Action, note
from models.call import Call
from models.deletion import Deleted, Order, delete_calls
from models.stores import Stores

BATCH = 100
# Spaces, dashes and brackets, as people and machines write them into numbers.
PUNCTUATION = " \u00a0\u202f-\u2010\u2011\u2012\u2013()[]"
WHAT_IS_HASHED = (
    "the SHA-256 of the caller's number without spaces, dashes, brackets and a leading +"
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
    """Delete all calls of a number with their recordings, in batches that are committed one by one.
    A number is the same with and without spaces, dashes, brackets and a leading +.

    The audit trail keeps the number's SHA-256 alone. Asking again goes on where a crash ended it.
    """
    total = Deleted()
    last = 0
    while ids := _next_calls(session, caller, after=last):
        last = ids[-1]
        total = _sum(total, delete_calls(session, stores, ids, order))
        if on_progress:
            on_progress(len(total.calls))
    note(
        session,
        Action.ERASURE,
        key_name=order.key_name,
        by=order.by,
        caller_sha256=hashlib.sha256(plain_number(caller).encode()).hexdigest(),
        note=WHAT_IS_HASHED,
        erased=len(total.calls),
        held=len(total.held),
        being_heard=len(total.being_heard),
    )
    session.commit()
    return total


def plain_number(caller: str) -> str:
    """A number without its punctuation; what has nothing else stays as it is."""
    plain = caller.translate(dict.fromkeys(map(ord, PUNCTUATION))).lstrip("+")
    return plain or caller


def _next_calls(session: Session, caller: str, *, after: int) -> list[int]:
    stored = col(Call.caller)
    plain: ColumnElement[str] = func.coalesce(stored, "")
    for mark in PUNCTUATION:
        plain = func.replace(plain, mark, "")
    plain = func.ltrim(plain, "+")
    same = or_(stored == caller, and_(plain != "", plain == plain_number(caller)))
    wanted = select(Call.id).where(col(Call.id) > after, same).order_by(col(Call.id)).limit(BATCH)
    return [number for number in session.exec(wanted) if number is not None]


def _sum(one: Deleted, other: Deleted) -> Deleted:
    return Deleted(
        calls=one.calls + other.calls,
        held=one.held + other.held,
        being_heard=one.being_heard + other.being_heard,
        left=one.left + other.left,
        pending=one.pending + other.pending,
    )
