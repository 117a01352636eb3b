"""Pushed calls whose recordings lie in stores: their ids, and many of them in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from models.call import MAX_EXTERNAL_ID, Call, CallPush, Channel, call_of

AT_ONCE = 500
TRIES = 5


@dataclass(frozen=True, slots=True)
class NamedPush:
    """A push whose id and recording are settled."""

    push: CallPush
    recording: str
    external_id: str


def id_of_recording(reference: str) -> str:
    """The `external_id` of a call that is pushed by its recording's name and has none: that name,
    or its SHA-256 where it is too long for an id.
    """
    if len(reference) <= MAX_EXTERNAL_ID:
        return reference
    return f"name-sha256:{hashlib.sha256(reference.encode()).hexdigest()}"


def calls_named(session: Session, external_ids: Iterable[str]) -> dict[str, Call]:
    """The calls that there are of these `external_id`s."""
    wanted = sorted(set(external_ids))
    found: dict[str, Call] = {}
    for first in range(0, len(wanted), AT_ONCE):
        some = wanted[first : first + AT_ONCE]
        calls = session.exec(select(Call).where(col(Call.external_id).in_(some)))
        found |= {call.external_id: call for call in calls}
    return found


def add_calls(
    session: Session, pushes: Sequence[NamedPush], *, agent_channel: Channel
) -> list[tuple[Call, bool]]:
    """`models.call.add_call` for many, in the order of `pushes` and in one transaction: all new
    calls are stored, or none.
    """
    for _ in range(TRIES):
        there = calls_named(session, (one.external_id for one in pushes))
        new = _rows(pushes, there, agent_channel)
        # In one order, so that two transactions with the same calls cannot wait for each other.
        session.add_all(new[name] for name in sorted(new))
        try:
            session.commit()
        except IntegrityError as error:  # somebody pushed one of them since we looked
            session.rollback()
            taken = error
            continue
        fresh = set(new)
        known = there | new
        answers = []
        for one in pushes:
            answers.append((known[one.external_id], one.external_id in fresh))
            fresh.discard(one.external_id)
        return answers
    raise taken


def _rows(
    pushes: Sequence[NamedPush], there: dict[str, Call], agent_channel: Channel
) -> dict[str, Call]:
    """The rows to add; of two pushes of one call, the first one's."""
    rows: dict[str, Call] = {}
    for one in pushes:
        if one.external_id not in there and one.external_id not in rows:
            rows[one.external_id] = call_of(
                one.push,
                one.recording,
                external_id=one.external_id,
                agent_channel=agent_channel,
            )
    return rows
