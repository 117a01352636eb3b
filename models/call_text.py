"""The words of calls, as the search indexes them."""

from __future__ import annotations

from collections.abc import Collection

from sqlmodel import Session


def forget(session: Session, call_ids: Collection[int]) -> None:
    """Take the words of these calls out of the index, before their rows go. The caller commits."""
