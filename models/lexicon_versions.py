"""What is read of stored lexicons: which there are, their versions, their tables.

`models.lexicon` offers all of it too, beside what changes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlalchemy import select as select_rows
from sqlmodel import Session, col, select

from models.lexicon_rows import Lexicon, LexiconVersion, VersionState


@dataclass(frozen=True, slots=True)
class VersionSummary:
    """A version without its terms."""

    version: int
    state: str
    shipped: bool
    terms: int
    created_by: str | None
    created_at: datetime
    published_by: str | None
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class LexiconSummary:
    """A lexicon with the version that counts and the one being worked on, where there are any."""

    name: str
    purpose: str
    retired: bool
    current: VersionSummary | None
    draft: VersionSummary | None


def list_lexicons(session: Session) -> list[LexiconSummary]:
    """Every lexicon, retired ones too, in the order in which they were added."""
    versions: dict[int, list[VersionSummary]] = {}
    for lexicon_id, summary in _summaries(session):
        versions.setdefault(lexicon_id, []).append(summary)
    found: list[LexiconSummary] = []
    for lexicon in session.exec(select(Lexicon).order_by(col(Lexicon.id))):
        assert lexicon.id is not None  # it is stored
        own = versions.get(lexicon.id, [])
        drafts = [one for one in own if one.state == VersionState.DRAFT]
        published = [one for one in own if one.state == VersionState.PUBLISHED]
        found.append(
            LexiconSummary(
                lexicon.name,
                lexicon.purpose,
                lexicon.retired,
                next(iter(published), None),
                next(iter(drafts), None),
            )
        )
    return found


def versions_of(session: Session, name: str) -> list[VersionSummary]:
    """The versions of a lexicon, newest first; none where there is no such lexicon."""
    number = session.exec(select(Lexicon.id).where(Lexicon.name == name)).first()
    return [summary for lexicon_id, summary in _summaries(session) if lexicon_id == number]


def published_tables(session: Session) -> list[dict[str, Any]]:
    """What is published now, retired lexicons left out, in the order in which they were added."""
    newest = (
        select(LexiconVersion.lexicon_id, func.max(LexiconVersion.version).label("version"))
        .where(LexiconVersion.state == VersionState.PUBLISHED)
        .group_by(col(LexiconVersion.lexicon_id))
        .subquery()
    )
    rows = session.exec(
        select(Lexicon.name, LexiconVersion.version, LexiconVersion.definition)
        .join(LexiconVersion, col(LexiconVersion.lexicon_id) == Lexicon.id)
        .join(
            newest,
            (newest.c.lexicon_id == LexiconVersion.lexicon_id)
            & (newest.c.version == LexiconVersion.version),
        )
        .where(col(Lexicon.retired).is_(False))
        .order_by(col(Lexicon.id))
    )
    return [_table(name, version, definition) for name, version, definition in rows]


def table_of(
    session: Session, name: str, *, version: int | None = None, draft: bool = False
) -> dict[str, Any] | None:
    """A lexicon's table: its draft, one version of it, or the one that counts; None where there is
    no such thing. Its `version` is the stored one.
    """
    wanted = (
        select(LexiconVersion.version, LexiconVersion.definition)
        .join(Lexicon, col(Lexicon.id) == LexiconVersion.lexicon_id)
        .where(Lexicon.name == name)
        .order_by(col(LexiconVersion.version).desc())
    )
    if draft:
        wanted = wanted.where(LexiconVersion.state == VersionState.DRAFT)
    elif version is not None:
        wanted = wanted.where(LexiconVersion.version == version)
    else:
        wanted = wanted.where(LexiconVersion.state == VersionState.PUBLISHED)
    row = session.exec(wanted).first()
    return None if row is None else _table(name, row[0], row[1])


def lexicon_names(session: Session) -> set[str]:
    """The names of all lexicons, retired ones too: tags that come of words."""
    return set(session.exec(select(Lexicon.name)))


def _table(name: str, version: int, definition: Mapping[str, Any]) -> dict[str, Any]:
    return {**definition, "name": name, "version": version}


def _summaries(session: Session) -> list[tuple[int, VersionSummary]]:
    """Every version by its lexicon, newest first."""
    names = [name.name for name in fields(VersionSummary)]
    wanted = select_rows(
        col(LexiconVersion.lexicon_id), *(getattr(LexiconVersion, name) for name in names)
    ).order_by(col(LexiconVersion.lexicon_id), col(LexiconVersion.version).desc())
    return [(row[0], VersionSummary(*row[1:])) for row in session.execute(wanted)]
