"""Saved searches: the parameters of a search, by name, for everybody who may read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Column, String, func, text
from sqlmodel import Field, Session, SQLModel, col, select

from models.columns import Json, Moment, now
from models.db import insert_into, is_sqlite

MAX_NAME_CHARS = 100
MOST_SEARCHES = 500


class SavedSearch(SQLModel, table=True):
    """`query` is the parameters of `GET /calls`; `owner` is the name of the key that saved it last.

    Whether the parameters are right is for its callers to see to.
    """

    __tablename__ = "saved_search"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(sa_column=Column(String(MAX_NAME_CHARS), unique=True, nullable=False))
    owner: str = Field(sa_column=Column(String(100), nullable=False))
    query: dict[str, Any] = Field(sa_column=Column(Json, nullable=False))
    created_at: datetime = Field(default_factory=now, sa_column=Column(Moment, nullable=False))
    updated_at: datetime = Field(default_factory=now, sa_column=Column(Moment, nullable=False))


class TooManySearches(Exception):
    """No more can be saved; the text says what to do."""


def saved_searches(session: Session) -> list[SavedSearch]:
    """All of them, by name."""
    return list(session.exec(select(SavedSearch).order_by(col(SavedSearch.name))))


def find_search(session: Session, name: str) -> SavedSearch | None:
    """The search of that name."""
    return session.exec(select(SavedSearch).where(SavedSearch.name == name)).first()


def save_search(
    session: Session, name: str, *, query: Mapping[str, Any], owner: str
) -> SavedSearch:
    """Save a search, in the place of the one of that name, and commit.

    Raises `TooManySearches` where a new one would be one of more than 500.
    """
    if not is_sqlite(session):
        # Two at once would each count 499. SQLite has but one writer.
        session.execute(text("LOCK TABLE saved_search IN SHARE ROW EXCLUSIVE MODE"))
    if find_search(session, name) is None and _count(session) >= MOST_SEARCHES:
        raise TooManySearches(
            f"there are {MOST_SEARCHES} saved searches, which is the most: delete one first"
        )
    moment = now()
    row = {"query": dict(query), "owner": owner, "updated_at": moment}
    statement = (
        insert_into(session, SavedSearch)
        .values(name=name, created_at=moment, **row)
        .on_conflict_do_update(index_elements=["name"], set_=row)
        .returning(SavedSearch)
    )
    options = {"populate_existing": True}
    saved: SavedSearch = session.scalars(statement, execution_options=options).one()
    session.commit()
    return saved


def forget_search(session: Session, name: str) -> bool:
    """Remove a search and commit; False where there is none."""
    saved = find_search(session, name)
    if saved is None:
        return False
    session.delete(saved)
    session.commit()
    return True


def _count(session: Session) -> int:
    return session.exec(select(func.count()).select_from(SavedSearch)).one()
