"""The tables behind lexicons, the lock on them, and which tables they cannot keep.

`models.lexicon` says what becomes of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, ForeignKey, Index, Integer, String, UniqueConstraint, text, update
from sqlmodel import Field, Session, SQLModel, col, select

from models.columns import Json, Moment, now
from models.db import insert_into

MAX_NAME_CHARS = 100
TAGS_OF_MOOD = ("angry",)
"""A lexicon's name is the tag of its calls; these tags are taken."""
_THE_ROW = 1


class VersionState(StrEnum):
    """Whether a version is being worked on, or is how it is for good."""

    DRAFT = "draft"
    PUBLISHED = "published"


class Lexicon(SQLModel, table=True):
    """A lexicon's name and purpose; a retired one finds nothing until it is published again."""

    __tablename__ = "lexicon"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(sa_column=Column(String(MAX_NAME_CHARS), unique=True, nullable=False))
    purpose: str = Field(sa_column=Column(String(20), nullable=False))
    created_at: datetime = Field(default_factory=now, sa_column=Column(Moment, nullable=False))
    retired: bool = False
    retired_by: str | None = Field(default=None, sa_column=Column(String(100)))


class LexiconVersion(SQLModel, table=True):
    """One version. `definition` is the table as it was handed in: the `version` in there is the
    file's, `version` here is ours. `terms` is how many there are. `created_by` and `published_by`
    are names of keys; `shipped` versions came with Overtone.
    """

    __tablename__ = "lexicon_version"
    __table_args__ = (
        UniqueConstraint("lexicon_id", "version"),
        Index(
            "lexicon_draft",
            "lexicon_id",
            unique=True,
            sqlite_where=text("state = 'draft'"),
            postgresql_where=text("state = 'draft'"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    lexicon_id: int = Field(
        sa_column=Column(Integer, ForeignKey("lexicon.id", ondelete="CASCADE"), nullable=False)
    )
    version: int
    state: str = Field(sa_column=Column(String(10), nullable=False))
    definition: dict[str, Any] = Field(sa_column=Column(Json, nullable=False))
    terms: int
    shipped: bool = False
    created_by: str | None = Field(default=None, sa_column=Column(String(100)))
    created_at: datetime = Field(default_factory=now, sa_column=Column(Moment, nullable=False))
    published_by: str | None = Field(default=None, sa_column=Column(String(100)))
    published_at: datetime | None = Field(default=None, sa_column=Column(Moment))


class LexiconRevision(SQLModel, table=True):
    """One row with the revision. Whoever changes lexicons holds it until they commit."""

    __tablename__ = "lexicon_revision"

    id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    number: int


class LexiconRefused(Exception):
    """A table that cannot be stored; the text says what to do."""


def lock_lexicons(session: Session) -> int:
    """Keep all others from changing lexicons until this session commits; returns the revision."""
    statement = (
        insert_into(session, LexiconRevision)
        .values(id=_THE_ROW, number=0)
        .on_conflict_do_update(index_elements=["id"], set_={"number": col(LexiconRevision.number)})
        .returning(col(LexiconRevision.number))
    )
    return int(session.execute(statement).scalar_one())


def revision(session: Session) -> int:
    """The number of what is published now; 0 where nothing ever was."""
    number = session.exec(
        select(LexiconRevision.number).where(LexiconRevision.id == _THE_ROW)
    ).first()
    return number or 0


def set_revision(session: Session, number: int) -> None:
    """Give what is published from this commit on its number."""
    session.execute(update(LexiconRevision).values(number=number))


def check_table(table: Mapping[str, Any]) -> None:
    """Raises `LexiconRefused` for what databases or tags cannot carry."""
    name, purpose = table.get("name"), table.get("purpose")
    if not isinstance(name, str) or not isinstance(purpose, str):
        raise LexiconRefused("a lexicon needs a name and a purpose, both texts")
    if not name or name != name.strip() or not name.isprintable() or "/" in name:
        raise LexiconRefused(
            "a lexicon's name must not be empty, nor have a slash, control characters, or spaces "
            "around it: take another name"
        )
    if len(name) > MAX_NAME_CHARS:
        raise LexiconRefused(f"a lexicon's name has at most {MAX_NAME_CHARS} characters")
    if name in TAGS_OF_MOOD:
        raise LexiconRefused(f"{name} is a tag that comes of the voice: take another name")
    if not all(_can_be_stored(text) for text in _texts(table)):
        raise LexiconRefused(
            f"{name}: holds a NUL or half a character, which no database keeps: remove it"
        )


def _texts(value: object) -> Iterable[str]:
    """Every text in a table, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from _texts(inner)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _texts(inner)


def _can_be_stored(said: str) -> bool:
    return "\0" not in said and not any("\ud800" <= character <= "\udfff" for character in said)
