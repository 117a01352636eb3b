"""What rules look at of calls that were heard: many at a time, only the columns that it takes.

It judges nothing, and writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import null
from sqlalchemy import select as select_rows
from sqlmodel import Session, col, select

from models.call import Call
from models.hit import Hit
from models.turn import Turn


class TurnRow(NamedTuple):
    """One turn; `acoustics` and `anger_parts` are None where they were not asked for."""

    call_id: int
    id: int
    position: int
    speaker: str
    start_s: float
    end_s: float
    anger: float | None
    interrupts: bool | None
    acoustics: dict[str, float | None] | None
    anger_parts: dict[str, Any] | None


class HitRow(NamedTuple):
    """One hit."""

    call_id: int
    turn_id: int
    speaker: str
    start_s: float
    end_s: float
    lexicon: str
    term: str
    grade: str | None


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call with its turns in order and its hits; `details` is the metadata of its push."""

    id: int
    external_id: str
    started_at: datetime
    agent: str | None
    line: str | None
    direction: str | None
    outcome: str | None
    details: dict[str, Any]
    duration_s: float | None
    silences: list[dict[str, float]] | None
    turns: list[TurnRow] = field(default_factory=list)
    hits: list[HitRow] = field(default_factory=list)


_CALL = (
    *("id", "external_id", "started_at", "agent", "line", "direction", "outcome", "details"),
    *("duration_s", "silences"),
)
_VOICE = ("acoustics", "anger_parts")


def newest_heard(
    session: Session, *, since: datetime | None = None, until: datetime | None = None, most: int
) -> list[int]:
    """The ids of the calls that were heard and began at or after `since` and before `until`, at
    most `most`, the newest first.
    """
    wanted = select(Call.id).where(col(Call.heard_at).is_not(None))
    if since is not None:
        wanted = wanted.where(col(Call.started_at) >= since)
    if until is not None:
        wanted = wanted.where(col(Call.started_at) < until)
    newest = (col(Call.started_at).desc(), col(Call.id).desc())
    found = session.exec(wanted.order_by(*newest).limit(most))
    return [number for number in found if number is not None]


def read_heard(session: Session, call_ids: Sequence[int], *, voices: bool) -> list[CallRow]:
    """These calls in this order, without those that are gone. Without `voices`, what the voices
    sounded like is left out, which is most of what there is to read.
    """
    calls: dict[int, CallRow] = {}
    columns = [getattr(Call, name) for name in _CALL]
    for row in session.execute(select_rows(*columns).where(col(Call.id).in_(call_ids))):
        calls[row[0]] = CallRow(*row)
    of_turn = [
        getattr(Turn, name) if voices or name not in _VOICE else null().label(name)
        for name in TurnRow._fields
    ]
    turns = (
        select_rows(*of_turn)
        .where(col(Turn.call_id).in_(calls))
        .order_by(col(Turn.call_id), col(Turn.position))
    )
    for row in session.execute(turns):
        calls[row[0]].turns.append(TurnRow._make(row))
    of_hit = [getattr(Hit, name) for name in HitRow._fields]
    for row in session.execute(select_rows(*of_hit).where(col(Hit.call_id).in_(calls))):
        calls[row[0]].hits.append(HitRow._make(row))
    return [calls[number] for number in call_ids if number in calls]
