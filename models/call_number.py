"""Which calls are somebody's: the numbers of each call, in an index. They follow from the call's
row, and go with it.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Column, Index, String, delete, insert
from sqlmodel import Field, Session, SQLModel, col, select

from models.call import Call, of_call
from models.db import slices
from models.numbers import number_key, numbers_of_call

MAX_CHARS = 100
AT_ONCE = 500


class CallNumber(SQLModel, table=True):
    """A number of a call, as `models.numbers.number_key` writes it."""

    __tablename__ = "call_number"
    __table_args__ = (
        Index("ix_call_number_call_id", "call_id"),
        {"sqlite_with_rowid": False},
    )

    number: str = Field(sa_column=Column(String(MAX_CHARS), primary_key=True))
    call_id: int = Field(sa_column=of_call(primary_key=True))


def note_numbers(session: Session, calls: Collection[Call]) -> None:
    """Lay the numbers of these calls, which are stored, anew. The caller commits."""
    ids = [call.id for call in calls if call.id is not None]
    for some in slices(ids, AT_ONCE):
        session.execute(delete(CallNumber).where(col(CallNumber.call_id).in_(some)))
    rows = [
        {"call_id": call.id, "number": number}
        for call in calls
        for number in numbers_of_call(
            caller=call.caller, line=call.line, direction=call.direction, details=call.details
        )
    ]
    if rows:
        session.execute(insert(CallNumber), rows)


def calls_of_number(session: Session, number: str, *, after: int, limit: int) -> list[int]:
    """Calls of a number, however it is written, with ids above `after`, in order."""
    wanted = select(CallNumber.call_id).where(
        CallNumber.number == number_key(number), col(CallNumber.call_id) > after
    )
    return list(session.exec(wanted.order_by(col(CallNumber.call_id)).limit(limit)))
