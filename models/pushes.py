"""Pushed calls become rows, one or many in one transaction; one that is there already stays one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import timedelta

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from models.call import MAX_EXTERNAL_ID, Call, CallPush, Channel
from models.call_number import note_numbers
from models.columns import now
from models.db import slices
from models.indexing import index_rows
from models.push_again import CallGone, NamedPush, news_of, write_news

AT_ONCE = 500
PIPELINE = "pipeline"
"""Who is written down for a push without a key."""
TRIES = 5


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
    for some in slices(wanted, AT_ONCE):
        calls = session.exec(select(Call).where(col(Call.external_id).in_(some)))
        found |= {call.external_id: call for call in calls}
    return found


def add_call(
    session: Session,
    push: CallPush,
    recording: str,
    *,
    external_id: str,
    agent_channel: Channel,
    copy_of: str | None = None,
    by: str = PIPELINE,
) -> tuple[Call, bool]:
    """Store a pushed call and commit; for an `external_id` that is there already, bring the call
    that it names up to date (`models.push_again`). `by` is whose key it is pushed with.

    Returns the call and whether it is new. `external_id` and `agent_channel` stand where the push
    has none; `copy_of` is as in `NamedPush`.
    """
    one = NamedPush(push, recording, push.external_id or external_id, copy_of)
    return add_calls(session, [one], agent_channel=agent_channel, by=by)[0]


def call_named(session: Session, external_id: str) -> Call | None:
    """The call of this `external_id`, or None."""
    return calls_named(session, [external_id]).get(external_id)


def add_calls(
    session: Session,
    pushes: Sequence[NamedPush],
    *,
    agent_channel: Channel,
    by: str = PIPELINE,
) -> list[tuple[Call, bool]]:
    """`add_call` for many, in the order of `pushes` and in one transaction: all is stored, or
    nothing.
    """
    for _ in range(TRIES):
        there = calls_named(session, (one.external_id for one in pushes))
        new = _rows(pushes, there, agent_channel)
        # In one order, so that two transactions with the same calls cannot wait for each other.
        session.add_all(new[name] for name in sorted(new))
        try:
            session.flush()
            changed = write_news(session, _news(pushes, there | new), by=by)
            _index(session, list(new.values()), changed)
            session.commit()
        except (IntegrityError, CallGone) as error:
            # Somebody pushed or deleted one of them since we looked.
            session.rollback()
            overtaken = error
            continue
        fresh = set(new)
        known = there | new
        answers = []
        for one in pushes:
            answers.append((known[one.external_id], one.external_id in fresh))
            fresh.discard(one.external_id)
        return answers
    raise overtaken


def _index(session: Session, new: list[Call], changed: list[Call]) -> None:
    """Have new and changed calls found. All at once, so that writers of facets keep one order."""
    calls = {call.id: call for call in (*new, *changed)}.values()
    note_numbers(session, calls)
    index_rows(session, calls)


def _news(pushes: Sequence[NamedPush], known: dict[str, Call]) -> dict[int, list[NamedPush]]:
    """The pushes of each call that is not as one of them says."""
    of_call: dict[int, list[NamedPush]] = {}
    unlike: set[int] = set()
    for one in pushes:
        call = known[one.external_id]
        assert call.id is not None  # it is stored
        of_call.setdefault(call.id, []).append(one)
        if news_of(call, one):
            unlike.add(call.id)
    return {number: of_call[number] for number in unlike}


def _rows(
    pushes: Sequence[NamedPush], there: dict[str, Call], agent_channel: Channel
) -> dict[str, Call]:
    """The rows to add; of two pushes of one call, the first one's."""
    rows: dict[str, Call] = {}
    for one in pushes:
        if one.external_id not in there and one.external_id not in rows:
            rows[one.external_id] = _row(
                one.push,
                one.recording,
                external_id=one.external_id,
                agent_channel=agent_channel,
            )
    return rows


def _row(push: CallPush, recording: str, *, external_id: str, agent_channel: Channel) -> Call:
    """The row of a pushed call. Where there is no recording, only its rules are judged."""
    started_at = push.started_at or now().astimezone()
    offset = started_at.utcoffset() or timedelta()
    return Call(
        external_id=external_id,
        agent=push.agent,
        line=push.line,
        caller=push.caller,
        direction=push.direction,
        outcome=push.outcome,
        started_at=started_at,
        utc_offset_min=round(offset.total_seconds() / 60),
        agent_channel=push.agent_channel or agent_channel,
        language_wanted=push.language,
        urgent=push.urgent,
        details=push.metadata,
        recording=recording,
        warnings=[],
    )
