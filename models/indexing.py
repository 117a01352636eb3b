"""The search index of calls: their text, their words, their facets. It follows from their rows.

Whoever writes rows that search looks at has `index_calls` or `models.facets.refresh` called in the
same transaction; `index_missing` does what an upgrade left.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from models.call import Call
from models.call_text import forget_text, write_text
from models.db import writing
from models.facets import refresh

BATCH = 200


def index_calls(session: Session, call_ids: Sequence[int]) -> None:
    """Index these calls anew, whatever of them is there. Nothing is committed."""
    left = refresh(session, call_ids)
    forget_text(session, left)
    write_text(session, call_ids)


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
