"""What re-matching reads of stored calls, and how it writes their hits and tags: many calls at a
time, only the columns that it takes.

It compares nothing and knows no lexicon. Nothing here commits.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from json import loads
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Text,
    bindparam,
    cast,
    delete,
    func,
    insert,
    or_,
    update,
)
from sqlalchemy import select as select_rows
from sqlmodel import Session, col, select

from models.call import Call, CallTag
from models.hit import Hit
from models.turn import Turn


class StoredTurn(NamedTuple):
    """What of a turn is matched. Its words stay as JSON until they are asked for: the lists of all
    turns of a batch would keep the garbage collector busy.
    """

    call_id: int
    id: int
    speaker: str
    start_s: float
    text: str
    json: str

    @property
    def words(self) -> list[list[Any]]:
        """As in `models.turn`; made anew each time."""
        words: list[list[Any]] = loads(self.json)
        return words


class StoredHit(NamedTuple):
    """A hit as it is stored."""

    call_id: int
    id: int
    turn_id: int
    speaker: str
    lexicon: str
    lexicon_version: int
    term: str
    grade: str | None
    matched: str
    start_s: float
    end_s: float
    score: float
    parts: dict[str, float] | None


@dataclass(frozen=True, slots=True)
class StoredCall:
    """A call with its turns in order, its hits and its tags. `heard_at` tells one hearing from
    another.
    """

    id: int
    external_id: str
    duration_s: float | None
    heard_at: datetime
    turns: list[StoredTurn] = field(default_factory=list)
    hits: list[StoredHit] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)

    @property
    def lasts_s(self) -> float:
        """Its length; where nobody wrote that down, the end of its last word."""
        if self.duration_s is not None:
            return self.duration_s
        last = [words[-1] for turn in self.turns if (words := turn.words)]
        return max((float(end_s) for _text, _start_s, end_s, _probability in last), default=0.0)


def count_calls(session: Session, *, other_than: int | None = None) -> int:
    """How many calls have stored words; with `other_than`, and hits of another revision."""
    return session.exec(select(func.count()).where(*_heard(other_than))).one()


def stored_calls(
    session: Session,
    *,
    after: int,
    limit: int,
    other_than: int | None = None,
    lexicon: str | None = None,
) -> list[StoredCall]:
    """The next calls with stored words whose id is greater than `after`, in order of their ids.

    `other_than` leaves out those whose hits are of that revision; with `lexicon`, only its hits are
    read.
    """
    wanted = (
        select(Call.id, Call.external_id, Call.duration_s, Call.heard_at)
        .where(*_heard(other_than), col(Call.id) > after)
        .order_by(col(Call.id))
        .limit(limit)
    )
    calls: dict[int, StoredCall] = {}
    for number, external_id, duration_s, heard_at in session.exec(wanted):
        assert number is not None  # it is stored
        assert heard_at is not None  # it was asked for
        calls[number] = StoredCall(number, external_id, duration_s, heard_at)
    turns = (
        select_rows(
            col(Turn.call_id),
            col(Turn.id),
            col(Turn.speaker),
            col(Turn.start_s),
            col(Turn.text),
            cast(col(Turn.words), Text),
        )
        .where(col(Turn.call_id).in_(calls))
        .order_by(col(Turn.call_id), col(Turn.position))
    )
    for row in session.execute(turns):
        calls[row[0]].turns.append(StoredTurn._make(row))
    hits = select_rows(*(getattr(Hit, name) for name in StoredHit._fields)).where(
        col(Hit.call_id).in_(calls)
    )
    if lexicon is not None:
        hits = hits.where(col(Hit.lexicon) == lexicon)
    for row in session.execute(hits.order_by(col(Hit.id))):
        calls[row[0]].hits.append(StoredHit._make(row))
    tags = select(CallTag.call_id, CallTag.tag).where(col(CallTag.call_id).in_(calls))
    for number, tag in session.exec(tags):
        calls[number].tags.add(tag)
    return list(calls.values())


def hold_calls(session: Session, calls: Collection[StoredCall]) -> list[StoredCall]:
    """Hold calls until this session commits. Those that were deleted or heard again since they
    were read are left out.
    """
    wanted = (
        select(Call.id, Call.heard_at)
        .where(col(Call.id).in_([call.id for call in calls]))
        .order_by(col(Call.id))
        .with_for_update()
    )
    there = {tuple(row) for row in session.exec(wanted)}
    return [call for call in calls if (call.id, call.heard_at) in there]


def stamp_calls(session: Session, call_ids: Sequence[int], revision: int) -> None:
    """The hits of these calls are of this revision now."""
    session.execute(
        update(Call).where(col(Call.id).in_(call_ids)).values(lexicon_revision=revision),
        execution_options={"synchronize_session": False},
    )


def write_hits(
    session: Session,
    *,
    removed: Sequence[int],
    changed: Sequence[Mapping[str, Any]],
    added: Sequence[Mapping[str, Any]],
) -> None:
    """Remove hits by their ids, give others (`hit_id`) a new `lexicon_version`, `score` and
    `parts`, and add rows.
    """
    table = Hit.__table__  # type: ignore[attr-defined]
    connection = session.connection()
    by_id = table.c.id == bindparam("hit_id")
    if removed:
        connection.execute(delete(table).where(by_id), [{"hit_id": number} for number in removed])
    if changed:
        values: dict[str, BindParameter[Any]] = {
            name: bindparam(f"new_{name}") for name in ("lexicon_version", "score", "parts")
        }
        rows = [
            {"hit_id": row["hit_id"], **{f"new_{name}": row[name] for name in values}}
            for row in changed
        ]
        connection.execute(update(table).where(by_id).values(values), rows)
    if added:
        connection.execute(insert(table), list(added))


def write_tags(
    session: Session,
    *,
    removed: Sequence[tuple[int, str]],
    added: Sequence[tuple[int, str]],
) -> None:
    """Remove and add tags of calls."""
    table = CallTag.__table__  # type: ignore[attr-defined]
    connection = session.connection()
    if removed:
        this = (table.c.call_id == bindparam("of_call")) & (table.c.tag == bindparam("old_tag"))
        rows = [{"of_call": number, "old_tag": tag} for number, tag in removed]
        connection.execute(delete(table).where(this), rows)
    if added:
        connection.execute(
            insert(table), [{"call_id": number, "tag": tag} for number, tag in added]
        )


def _heard(other_than: int | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [col(Call.heard_at).is_not(None)]
    if other_than is not None:
        revision = col(Call.lexicon_revision)
        conditions.append(or_(revision.is_(None), revision != other_than))
    return conditions
