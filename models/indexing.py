"""The search index of calls: their text, their words, their facets. It follows from their rows.

Whoever writes rows that search looks at has `index_calls`, `index_rows` or `models.facets.refresh`
called in the same transaction; `index_missing` does what an upgrade left.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from models.call import Call
from models.call_text import forget_text, write_text
from models.db import writing
from models.facets import place_of, refresh

BATCH = 200


def index_calls(session: Session, call_ids: Sequence[int]) -> None:
    """Index these calls anew, whatever of them is there. Nothing is committed."""
    left = refresh(session, call_ids)
    forget_text(session, left)
    write_text(session, call_ids)


def index_rows(session: Session, calls: Collection[Call]) -> None:
    """Index these stored calls, of which nothing but their own rows is new: what was said is
    written anew only where a call has another place. Nothing is committed.
    """
    ids: list[int] = []
    moved: list[int] = []
    for call in calls:
        assert call.id is not None  # it is stored
        ids.append(call.id)
        # What was never heard has no words.
        if call.heard_at is not None and call.place != place_of(call.started_at, call.id):
            moved.append(call.id)
    forget_text(session, refresh(session, ids))
    write_text(session, moved)


def index_missing(engine: Engine) -> int:
    """Index some calls that have no index yet, and commit; returns how many, 0 for no more."""
    with writing(engine) as session:
        missing = select(Call.id).where(col(Call.facets).is_(None)).order_by(col(Call.id))
        # Another process takes others; and nobody changes these while they are looked at.
        some = missing.limit(BATCH).with_for_update(skip_locked=True)
        numbers = [number for number in session.exec(some) if number is not None]
        if numbers:
            index_calls(session, numbers)
            session.commit()
        return len(numbers)
