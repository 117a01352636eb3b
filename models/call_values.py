"""The values that filters of the search use."""

from __future__ import annotations

from collections.abc import Collection

from sqlmodel import Session


def refresh(session: Session, call_ids: Collection[int]) -> None:
    """Lay the filterable values of these calls anew, from their rows as the session has them. The
    caller commits.
    """
