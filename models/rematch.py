"""Re-matching: stored calls matched again from their stored words, as a job that can be watched,
cancelled and resumed.

A `retag` brings every call's hits to what is published now; a `preview` says what would change if a
lexicon's draft were published. The row is the truth of how far one is; who does the work is in
`workers.rematch`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from sqlalchemy import Column, Index, String, Text, cast, or_
from sqlmodel import Field, Session, SQLModel, col, select

from models.call import NEVER_REUSE_IDS, Call
from models.columns import Json, Moment, now
from models.lexicon import lock_lexicons, revision, table_of
from models.stored import count_calls

Kind = Literal["retag", "preview"]


class State(StrEnum):
    """Where a re-matching stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


UNFINISHED = (State.WAITING, State.RUNNING)


class Rematch(SQLModel, table=True):
    """`lexicon` and `draft` are whose draft a preview is of and that draft as it was when it was
    asked for. `revision` is that of the lexicons whose hits a retag writes. All calls up to
    `last_call_id` were looked at in this round; `done` of about `total` were matched. `attempts`
    counts the slices begun since anything was got done. `error` says why it ended early.

    `result` of a retag: `changed` calls, hits `added` and `removed`. Of a preview: as
    `workers.preview.Preview` has it.
    """

    __tablename__ = "rematch"
    __table_args__ = (Index("rematch_by_state", "state", "updated_at"), NEVER_REUSE_IDS)

    id: int | None = Field(default=None, primary_key=True)
    kind: str = Field(sa_column=Column(String(10), nullable=False))
    lexicon: str | None = Field(default=None, sa_column=Column(String(100)))
    draft: dict[str, Any] | None = Field(default=None, sa_column=Column(Json))
    state: str = Field(default=State.WAITING, sa_column=Column(String(10), nullable=False))
    revision: int
    total: int
    done: int = 0
    last_call_id: int = 0
    attempts: int = 0
    result: dict[str, Any] = Field(default_factory=dict, sa_column=Column(Json, nullable=False))
    error: str | None = Field(default=None, sa_column=Column(Text))
    created_by: str | None = Field(default=None, sa_column=Column(String(100)))
    created_at: datetime = Field(default_factory=now, sa_column=Column(Moment, nullable=False))
    updated_at: datetime = Field(default_factory=now, sa_column=Column(Moment, nullable=False))
    finished_at: datetime | None = Field(default=None, sa_column=Column(Moment))

    @property
    def unfinished(self) -> bool:
        """Whether there is work to be done on it."""
        return self.state in UNFINISHED


class CannotRematch(Exception):
    """There is nothing to match with, or it is over; the text says what to do."""


def ask_rematch(
    session: Session, *, kind: Kind, lexicon: str | None = None, by: str | None = None
) -> Rematch:
    """Ask for a re-matching and commit. It still has to be enqueued.

    A retag takes the place of an older one that is not finished; where that one has the same
    lexicons to write, it is what you get. Raises `CannotRematch`.
    """
    target = lock_lexicons(session)
    draft = None
    if kind == "preview":
        if lexicon is None:
            raise CannotRematch("name the lexicon whose draft shall be previewed")
        draft = table_of(session, lexicon, draft=True)
        if draft is None:
            raise CannotRematch(f"{lexicon} has no draft: save one first")
        total = count_calls(session)
    else:
        if lexicon is not None:
            raise CannotRematch("a retag is for all lexicons: name none")
        total = count_calls(session, other_than=target)
    older = _unfinished_retags(session) if kind == "retag" else []
    for there in older:
        if there.revision == target:
            session.commit()
            return there
    row = Rematch(
        kind=kind, lexicon=lexicon, draft=draft, revision=target, total=total, created_by=by
    )
    session.add(row)
    session.flush()
    for there in older:
        _end(there, State.CANCELLED, f"other lexicons were published: see re-matching {row.id}")
        session.add(there)
    session.commit()
    return row


def cancel_rematch(session: Session, rematch_id: int) -> Rematch | None:
    """Have a re-matching end after its current batch, and commit; one that is over stays as it is.
    None where there is no such one.
    """
    row = _locked(session, rematch_id)
    if row is not None and row.unfinished:
        _end(row, State.CANCELLED, "cancelled")
        session.add(row)
    session.commit()
    return row


def resume_rematch(session: Session, rematch_id: int) -> Rematch | None:
    """Have a cancelled or failed re-matching go on where it stopped, and commit; None where there
    is no such one. It still has to be enqueued.

    A retag goes on with what is published now: from the start, where that has changed. Raises
    `CannotRematch` for one that is done, or whose place another one has taken.
    """
    target = lock_lexicons(session)
    row = _locked(session, rematch_id)
    if row is None or row.unfinished:
        session.commit()
        return row
    if row.state == State.DONE:
        raise CannotRematch(f"re-matching {row.id} is done: ask for a new one")
    if row.kind == "retag":
        for there in _unfinished_retags(session):
            raise CannotRematch(f"re-matching {there.id} has taken its place: let it end")
        if row.revision != target:
            row.revision, row.last_call_id, row.done = target, 0, 0
            row.total = count_calls(session, other_than=target)
    row.state = State.WAITING
    row.error = row.finished_at = None
    row.attempts = 0
    row.updated_at = now()
    session.add(row)
    session.commit()
    return row


def get_rematch(session: Session, rematch_id: int) -> Rematch | None:
    """A re-matching, or None."""
    return session.get(Rematch, rematch_id, populate_existing=True)


def list_rematches(session: Session, limit: int = 20) -> list[Rematch]:
    """The last ones that were asked for, newest first."""
    return list(session.exec(select(Rematch).order_by(col(Rematch.id).desc()).limit(limit)))


def waiting_rematches(session: Session, before: datetime) -> list[Rematch]:
    """Those that are not finished and that nothing has touched since `before`, oldest first."""
    return list(
        session.exec(
            select(Rematch)
            .where(col(Rematch.state).in_(UNFINISHED), col(Rematch.updated_at) < before)
            .order_by(col(Rematch.id))
        )
    )


def begin_slice(session: Session, rematch_id: int) -> Rematch | None:
    """Mark a re-matching as running, count the attempt, and commit; None where it is over."""
    row = _locked(session, rematch_id)
    if row is not None and row.unfinished:
        row.state = State.RUNNING
        row.attempts += 1
        row.updated_at = now()
        session.add(row)
    session.commit()
    return row if row is not None and row.unfinished else None


def claim(session: Session, seen: Rematch) -> Rematch | None:
    """Hold a re-matching until this session commits, to write what comes after where it was `seen`
    to be. None where it was ended, or somebody else has written that already.
    """
    row = _locked(session, seen.id)
    if row is None or not row.unfinished:
        return None
    same = (row.last_call_id, row.revision) == (seen.last_call_id, seen.revision)
    return row if same else None


def move_on(row: Rematch, *, last_call_id: int, done: int) -> None:
    """So far is it now, and `done` more calls are matched. The caller commits."""
    row.state = State.RUNNING
    row.last_call_id = last_call_id
    row.done += done
    row.total = max(row.total, row.done)
    row.attempts = 0
    row.updated_at = now()


def finish(row: Rematch) -> None:
    """All is matched. The caller commits."""
    row.total = row.done  # calls went, or came, while it ran
    _end(row, State.DONE, None)


def fail_rematch(session: Session, rematch_id: int, reason: str) -> None:
    """End it with a reason, and commit."""
    row = _locked(session, rematch_id)
    if row is not None and row.unfinished:
        _end(row, State.FAILED, reason)
        session.add(row)
    session.commit()


def forget_excerpts(session: Session, call_ids: Collection[int]) -> None:
    """Take what these calls said out of the results of previews. The caller holds the calls, and
    commits.
    """
    result = cast(col(Rematch.result), Text)
    named = [result.contains(f'"call_id": {number},') for number in call_ids]
    wanted = select(Rematch).where(Rematch.kind == "preview", or_(*named)).with_for_update()
    for row in session.exec(wanted.execution_options(populate_existing=True)):
        row.result = _without_excerpts(row.result, call_ids)
        session.add(row)


def without_the_gone(session: Session, result: dict[str, Any]) -> dict[str, Any]:
    """The result of a preview without excerpts of calls that were deleted meanwhile; what it
    counted stays.
    """
    shown = {
        excerpt["call_id"]
        for term in result["terms"]
        for excerpt in term["gained_in"] + term["lost_in"]
    }
    there = session.exec(select(Call.id).where(col(Call.id).in_(shown)))
    return _without_excerpts(result, shown - set(there))


def lexicons_moved_on(session: Session, row: Rematch) -> bool:
    """Whether others are published now than those that a retag writes the hits of."""
    return row.kind == "retag" and revision(session) != row.revision


def _without_excerpts(result: dict[str, Any], call_ids: Collection[int]) -> dict[str, Any]:
    def others(excerpts: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [excerpt for excerpt in excerpts if excerpt["call_id"] not in call_ids]

    terms = [
        term | {"gained_in": others(term["gained_in"]), "lost_in": others(term["lost_in"])}
        for term in result["terms"]
    ]
    return result | {"terms": terms}


def _end(row: Rematch, state: State, error: str | None) -> None:
    row.state, row.error = state, error
    row.finished_at = row.updated_at = now()


def _locked(session: Session, rematch_id: int | None) -> Rematch | None:
    wanted = select(Rematch).where(Rematch.id == rematch_id).with_for_update()
    return session.exec(wanted.execution_options(populate_existing=True)).first()


def _unfinished_retags(session: Session) -> list[Rematch]:
    wanted = (
        select(Rematch)
        .where(Rematch.kind == "retag", col(Rematch.state).in_(UNFINISHED))
        .order_by(col(Rematch.id))
        .with_for_update()
    )
    return list(session.exec(wanted.execution_options(populate_existing=True)))
