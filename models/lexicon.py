"""The life of lexicons: drafted, published, retired, seeded.

Each has numbered versions, of which one may be a draft; published ones never change, and the
highest of them counts. This module knows lexicons as plain tables (what `lexicons.lexicon.as_table`
gives) and does not look at their terms: that those work is for its callers to see to. The
*revision* is a number that rises whenever something is published or retired; it stands for all that
is published at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from sqlalchemy import func
from sqlmodel import Session, SQLModel, col, select
from sqlmodel.sql.expression import SelectOfScalar

from models.columns import now
from models.lexicon_rows import (
    Lexicon,
    LexiconRefused,
    LexiconRevision,
    LexiconVersion,
    VersionState,
    check_table,
    lock_lexicons,
    revision,
    set_revision,
)
from models.lexicon_versions import (
    LexiconSummary,
    VersionSummary,
    lexicon_names,
    list_lexicons,
    published_tables,
    table_of,
    versions_of,
)

__all__ = [
    "Lexicon",
    "LexiconRefused",
    "LexiconRevision",
    "LexiconSummary",
    "LexiconVersion",
    "VersionState",
    "VersionSummary",
    "drop_draft",
    "lexicon_names",
    "list_lexicons",
    "lock_lexicons",
    "publish",
    "published_tables",
    "retire",
    "revision",
    "save_draft",
    "seed_lexicons",
    "table_of",
    "versions_of",
]

_Row = TypeVar("_Row", bound=SQLModel)


def seed_lexicons(session: Session, tables: Iterable[Mapping[str, Any]]) -> int:
    """Publish the lexicons that come with Overtone, and commit; returns how many.

    One that is absent is added; a newer one takes the place of what is published only where that
    came with Overtone too, and was not retired. Any number of processes may do it at once.
    """
    number = lock_lexicons(session)
    published = 0
    for table in tables:
        name = str(table["name"])
        lexicon = _lexicon(session, name)
        if lexicon is None:
            lexicon = _add_lexicon(session, table)
        elif lexicon.retired or not _is_older(_current(session, lexicon), table):
            continue
        version = max(_highest(session, lexicon) + 1, int(table["version"]))
        row = _version(lexicon, table, version=version, by=None)
        row.shipped = True
        _make_current(lexicon, row, by=None)
        session.add_all([lexicon, row])
        session.flush()
        published += 1
    if published:
        set_revision(session, number + 1)
    session.commit()
    return published


def save_draft(session: Session, table: Mapping[str, Any], *, by: str | None) -> int:
    """Make this table the draft of the lexicon that it names, in the place of a draft that is
    there, and commit; a name that is new makes a lexicon. Returns the version's number.

    Raises `LexiconRefused`.
    """
    check_table(table)
    lock_lexicons(session)
    lexicon = _lexicon(session, str(table["name"])) or _add_lexicon(session, table)
    published = _current(session, lexicon) is not None
    if published and lexicon.purpose != table["purpose"]:
        raise LexiconRefused(
            f"{lexicon.name} is of the purpose {lexicon.purpose}, not {table['purpose']}: give it "
            "that purpose, or take another name"
        )
    row = _draft(session, lexicon)
    if row is None:
        row = _version(lexicon, table, version=_highest(session, lexicon) + 1, by=by)
    row.definition, row.terms = dict(table), _count(table)
    row.created_by, row.created_at = by, now()
    if not published:
        lexicon.purpose = str(table["purpose"])
    session.add_all([lexicon, row])
    session.commit()
    return row.version


def drop_draft(session: Session, name: str) -> bool:
    """Throw a draft away and commit; False where there is none. A lexicon that was never published
    goes with it.
    """
    lock_lexicons(session)
    lexicon = _lexicon(session, name)
    row = _draft(session, lexicon) if lexicon else None
    if lexicon is not None and row is not None:
        session.delete(row)
        session.flush()
        if _highest(session, lexicon) == 0:
            session.delete(lexicon)
    session.commit()
    return row is not None


def publish(session: Session, name: str, *, by: str | None) -> int | None:
    """Publish a lexicon's draft and commit; a retired lexicon finds again. Returns the version's
    number, None where there is no draft, also because somebody else has just published it.
    """
    number = lock_lexicons(session)
    lexicon = _lexicon(session, name)
    row = _draft(session, lexicon) if lexicon else None
    if lexicon is not None and row is not None:
        # A newer shipped version may have come while the draft lay there.
        if row.version != _highest(session, lexicon):
            row.version = _highest(session, lexicon) + 1
        _make_current(lexicon, row, by=by)
        session.add_all([lexicon, row])
        set_revision(session, number + 1)
    session.commit()
    return None if row is None else row.version


def retire(session: Session, name: str, *, by: str | None) -> bool:
    """Have a lexicon find nothing any more and commit; its versions and its draft stay. False where
    there is no such lexicon, or it is retired already.
    """
    number = lock_lexicons(session)
    lexicon = _lexicon(session, name)
    retires = lexicon is not None and not lexicon.retired
    if lexicon is not None and retires:
        lexicon.retired, lexicon.retired_by = True, by
        session.add(lexicon)
        set_revision(session, number + 1)
    session.commit()
    return retires


def _lexicon(session: Session, name: str) -> Lexicon | None:
    return session.exec(_fresh(select(Lexicon).where(Lexicon.name == name))).first()


def _draft(session: Session, lexicon: Lexicon) -> LexiconVersion | None:
    wanted = select(LexiconVersion).where(
        LexiconVersion.lexicon_id == lexicon.id, LexiconVersion.state == VersionState.DRAFT
    )
    return session.exec(_fresh(wanted)).first()


def _current(session: Session, lexicon: Lexicon) -> LexiconVersion | None:
    wanted = (
        select(LexiconVersion)
        .where(
            LexiconVersion.lexicon_id == lexicon.id,
            LexiconVersion.state == VersionState.PUBLISHED,
        )
        .order_by(col(LexiconVersion.version).desc())
        .limit(1)
    )
    return session.exec(_fresh(wanted)).first()


def _fresh(wanted: SelectOfScalar[_Row]) -> SelectOfScalar[_Row]:
    """Rows as they are now, not as this session saw them before it waited for the lock."""
    return wanted.execution_options(populate_existing=True)


def _highest(session: Session, lexicon: Lexicon) -> int:
    wanted = select(func.max(LexiconVersion.version)).where(LexiconVersion.lexicon_id == lexicon.id)
    return session.exec(wanted).one() or 0


def _is_older(current: LexiconVersion | None, table: Mapping[str, Any]) -> bool:
    """Whether what is published came with an older Overtone than this table."""
    if current is None or not current.shipped:
        return False
    return int(current.definition["version"]) < int(table["version"])


def _add_lexicon(session: Session, table: Mapping[str, Any]) -> Lexicon:
    lexicon = Lexicon(name=str(table["name"]), purpose=str(table["purpose"]))
    session.add(lexicon)
    session.flush()
    return lexicon


def _version(
    lexicon: Lexicon, table: Mapping[str, Any], *, version: int, by: str | None
) -> LexiconVersion:
    assert lexicon.id is not None  # it is stored
    return LexiconVersion(
        lexicon_id=lexicon.id,
        version=version,
        state=VersionState.DRAFT,
        definition=dict(table),
        terms=_count(table),
        created_by=by,
    )


def _make_current(lexicon: Lexicon, row: LexiconVersion, *, by: str | None) -> None:
    row.state = VersionState.PUBLISHED
    row.published_by, row.published_at = by, now()
    lexicon.purpose = str(row.definition["purpose"])
    lexicon.retired, lexicon.retired_by = False, None


def _count(table: Mapping[str, Any]) -> int:
    """How many terms there are, also where they stand in groups."""
    groups = [table, *table.get("groups", ())]
    return sum(len(group.get("terms", ())) for group in groups)
