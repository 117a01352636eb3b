"""Deletes calls: the row and all that hangs on it, the words in the index, excerpts in previews,
and the uploaded recording. What is under legal hold stays, and so does what is being heard now.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from sqlalchemy import ColumnElement, delete, func
from sqlmodel import Session, col, select

from models.audit import Action, note
from models.call import Call, Status
from models.delivery import lock_deliveries
from models.doomed import DoomedRecording, is_ours, remove_doomed
from models.facets import forget
from models.rematch import forget_excerpts
from models.stores import Stores

Stays = Literal["held", "being heard"]


class Why(StrEnum):
    """What a call was deleted for, as the audit trail has it."""

    ASKED = "asked"
    RETENTION = "retention"
    PURGE = "purge"
    ERASURE = "erasure"


@dataclass(frozen=True, slots=True)
class Order:
    """Why calls are deleted, with which key, and for whom; neither where nobody asked."""

    why: Why
    key_name: str | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Deleted:
    """The calls that were deleted, and those that were not: under legal hold, and being heard. Of
    the recordings, how many were `left` in other people's stores, and how many are still to be
    deleted, which workers do.
    """

    calls: tuple[int, ...] = ()
    held: tuple[int, ...] = ()
    being_heard: tuple[int, ...] = ()
    left: int = 0
    pending: int = 0


class CannotDelete(Exception):
    """The call must stay for now; the text says why and what to do."""


def delete_call(session: Session, stores: Stores, call_id: int, order: Order) -> Deleted | None:
    """Delete one call and commit; None where there is none. Raises `CannotDelete`."""
    done = delete_calls(session, stores, [call_id], order)
    if done.held:
        raise CannotDelete(
            f"call {call_id} is under legal hold: DELETE /calls/{call_id}/hold?reason=... ends that"
        )
    if done.being_heard:
        raise CannotDelete(f"call {call_id} is being heard right now: delete it when that is done")
    return done if done.calls else None


def why_it_stays(*, is_held: bool, status: str) -> Stays | None:
    """What keeps a call from being deleted now; None where it may go."""
    if is_held:
        return "held"
    return "being heard" if status == Status.HEARING else None


def delete_calls(
    session: Session, stores: Stores, call_ids: Collection[int], order: Order
) -> Deleted:
    """Delete those of these calls that may go, and commit; first the rows, then the recordings."""
    wanted = (
        select(Call.id, Call.recording, Call.legal_hold, Call.status)
        .where(col(Call.id).in_(call_ids))
        .order_by(col(Call.id))
        .with_for_update()
    )
    going: dict[int, str] = {}
    stay: dict[Stays, list[int]] = {"held": [], "being heard": []}
    for number, recording, is_held, status in session.exec(wanted):
        assert number is not None  # it is stored
        why = why_it_stays(is_held=is_held, status=status)
        if why is None:
            going[number] = recording
        else:
            stay[why].append(number)
    doomed = _delete_rows(session, going, order)
    session.commit()
    removed = remove_doomed(session, stores, doomed) if doomed else 0
    return Deleted(
        calls=tuple(going),
        held=tuple(stay["held"]),
        being_heard=tuple(stay["being heard"]),
        left=sum(1 for one in going.values() if one and not is_ours(one)),
        pending=len(doomed) - removed,
    )


def delete_older(
    session: Session, stores: Stores, before: datetime, order: Order, *, limit: int
) -> Deleted:
    """Delete some calls that began before this moment, the oldest first, and commit; none are left
    where none is deleted.
    """
    wanted = select(Call.id).where(*_deletable(before))
    oldest = wanted.order_by(col(Call.started_at), col(Call.id)).limit(limit)
    ids = [number for number in session.exec(oldest) if number is not None]
    return delete_calls(session, stores, ids, order)


def count_older(session: Session, before: datetime) -> tuple[int, int]:
    """How many calls began before this moment: those that may go, and those under legal hold."""
    count = select(func.count()).select_from(Call)
    held = count.where(col(Call.started_at) < before, col(Call.legal_hold))
    return session.exec(count.where(*_deletable(before))).one(), session.exec(held).one()


def _deletable(before: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        col(Call.started_at) < before,
        ~col(Call.legal_hold),
        col(Call.status) != Status.HEARING,
    )


def _delete_rows(
    session: Session, recordings: dict[int, str], order: Order
) -> list[DoomedRecording]:
    """Delete calls, by id with their recordings; returns the recordings that have to go."""
    if not recordings:
        return []
    forget(session, recordings)
    forget_excerpts(session, recordings)
    lock_deliveries(session, alone=True)
    session.execute(delete(Call).where(col(Call.id).in_(recordings)))
    doomed: list[DoomedRecording] = []
    for number, recording in recordings.items():
        if is_ours(recording):
            doomed.append(DoomedRecording(recording=recording, call_id=number))
        note(
            session,
            Action.DELETION,
            key_name=order.key_name,
            call_id=number,
            why=order.why,
            by=order.by,
            audio=_fate(recording),
        )
    session.add_all(doomed)
    return doomed


def _fate(recording: str) -> str | None:
    """What the trail says of a recording at the time its call goes; that it is gone, it says when
    it is.
    """
    if not recording:
        return None
    return "pending" if is_ours(recording) else "left"
