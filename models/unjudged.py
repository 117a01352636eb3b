"""Calls of which a push told something that rules have not been asked about yet.

The mark is written with what the push told (`models.push_again`), so that it cannot get lost, and
goes in the transaction that writes what the rules say.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from models.call import Call, Status

AT_ONCE = 100
# What rules can look at of all that a push may say otherwise.
JUDGED = frozenset({"agent", "line", "direction", "outcome", "details"})


def is_unjudged(call: Call) -> bool:
    """Whether rules should be asked about a call now: hearing it would ask them by itself."""
    return call.unjudged_since is not None and call.status in (Status.DONE, Status.FAILED)


def any_unjudged(session: Session, call_id: int | None = None) -> bool:
    """Whether there is such a call, or this is one; takes no lock."""
    return session.exec(select(Call.id).where(*_unjudged(call_id)).limit(1)).first() is not None


def take_unjudged(session: Session, call_id: int | None = None) -> list[int]:
    """The ids of some such calls, or of this one, which are held and no longer marked; nothing is
    committed.
    """
    wanted = select(Call).where(*_unjudged(call_id)).order_by(col(Call.id)).limit(AT_ONCE)
    held = wanted.with_for_update().execution_options(populate_existing=True)
    taken: list[int] = []
    for call in session.exec(held):
        assert call.id is not None  # it is stored
        call.unjudged_since = None
        taken.append(call.id)
    session.flush()
    return taken


def _unjudged(call_id: int | None) -> list[ColumnElement[bool]]:
    """As `is_unjudged` says it."""
    conditions: list[ColumnElement[bool]] = [
        col(Call.unjudged_since).is_not(None),
        col(Call.status).in_([Status.DONE, Status.FAILED]),
    ]
    if call_id is not None:
        conditions.append(col(Call.id) == call_id)
    return conditions
