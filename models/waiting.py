"""Calls on their way to being heard: which wait, and which may be heard once more."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from models.call import Call, Status
from models.columns import now


class NothingToHear(Exception):
    """The call has no recording."""


class UnderHold(Exception):
    """The call is under legal hold, so that what is known of it stays; the text says what ends
    that.
    """


def waiting_calls(session: Session, before: datetime, limit: int) -> list[Call]:
    """Calls that still have to be heard and that nothing has touched since `before`, oldest
    first.
    """
    waiting = [Status.QUEUED, Status.HEARING]
    return list(
        session.exec(
            select(Call)
            .where(col(Call.status).in_(waiting), col(Call.updated_at) < before)
            .order_by(col(Call.updated_at), col(Call.id))
            .limit(limit)
        )
    )


def ask_again(session: Session, call_id: int) -> Call | None:
    """Make a call wait for hearing once more, with its counts at zero; None where there is no such
    call. Raises `NothingToHear`, `UnderHold`.
    """
    call = session.get(Call, call_id, with_for_update=True)
    if call is None:
        return None
    if not call.recording:
        raise NothingToHear("this call has no recording")
    if stays_as_heard(call):
        raise UnderHold(
            f"call {call_id} is under legal hold: what was heard in it stays until "
            f"DELETE /calls/{call_id}/hold?reason=... ends that"
        )
    call.status = Status.QUEUED
    call.error = None
    call.attempts = call.failures = 0
    call.updated_at = now()
    session.add(call)
    session.commit()
    return call


def stays_as_heard(call: Call) -> bool:
    """Whether nobody may hear a call again: it was heard, and is under legal hold. One that never
    was may be heard, since that replaces nothing.
    """
    return call.legal_hold and call.heard_at is not None


def leave_as_heard(call: Call) -> bool:
    """Where a call was put under hold after it was asked for again, give up hearing it; False where
    it may be heard. The caller commits.
    """
    if not stays_as_heard(call):
        return False
    call.status = Status.DONE
    call.error = None
    call.updated_at = now()
    return True
