"""What calls can be filtered and counted by: facets, each a name and a value, such as agent Alice.

`CallFacet` says which calls have a facet, in the order of their places; `Call.facets` which facets
a call has. Both follow from other rows and are laid anew by `refresh`. Nothing here commits.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    String,
    UniqueConstraint,
    bindparam,
    delete,
    text,
    update,
)
from sqlalchemy import select as select_rows
from sqlmodel import Field, Session, SQLModel

from models.bands import band
from models.call import Call, Speaker
from models.columns import columns_of
from models.db import insert_into, slices, take_lock
from models.hit import Hit
from models.label import tags_of
from models.numbers import number_key

Pair = tuple[str, str]
MAX_NAME = 100
MAX_VALUE = 200
META = "meta."
NUMBER = "number"
"""The caller's number however it is written (`models.numbers`), beside `caller` as it was told."""
AT_ONCE = 200
ID_BITS = 20
# Keeps a facet from being deleted as nobody's while another transaction is about to give it to a
# call. Any number will do that no other lock of ours has.
FACETS_LOCK = 0x0E27_FACE
_PAIRS = {
    "sqlite": "json_each(:pairs) AS wanted CROSS",
    "postgresql": "json_array_elements(CAST(:pairs AS json)) AS wanted",
}
# Each pair is looked up in the index: SQLite reads the whole table for `(name, value) IN (...)`.
_NUMBERS = """
    SELECT facet.name, facet.value, facet.id FROM {pairs} JOIN facet
    ON facet.name = wanted.value ->> 0 AND facet.value = wanted.value ->> 1
"""
OWN = ("agent", "line", "caller", "direction", "outcome", "language", "review", "assignee")


class Facet(SQLModel, table=True):
    """One name and value; a row never changes."""

    __tablename__ = "facet"
    __table_args__ = (UniqueConstraint("name", "value"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(sa_column=Column(String(MAX_NAME), nullable=False))
    value: str = Field(sa_column=Column(String(MAX_VALUE), nullable=False))


class CallFacet(SQLModel, table=True):
    """That the call of a place has a facet. No foreign keys: a call that goes takes its rows along
    by `forget`, and a row that is left behind finds nothing, since places are not given again.
    """

    __tablename__ = "call_facet"
    __table_args__ = ({"sqlite_with_rowid": False},)

    facet_id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    place: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))


CALL, SPEAKER = columns_of(Call), columns_of(Speaker)
HIT, FACET, CALL_FACET = columns_of(Hit), columns_of(Facet), columns_of(CallFacet)


def as_pair(name: str, value: object) -> Pair:
    """A facet as it is stored: cut to what indexes hold, booleans and whole numbers as in JSON."""
    if isinstance(value, bool):
        value = str(value).lower()
    elif isinstance(value, float) and value.is_integer():
        value = int(value)
    return name[:MAX_NAME], str(value)[:MAX_VALUE]


def numbers_of(session: Session, pairs: Collection[Pair]) -> dict[Pair, int]:
    """The numbers of those facets that any call ever had."""
    statement = text(_NUMBERS.format(pairs=_PAIRS[session.get_bind().dialect.name]))
    rows = session.execute(statement, {"pairs": json.dumps(sorted(pairs))})
    return {(name, value): number for name, value, number in rows}


def packed(numbers: Iterable[int]) -> bytes:
    """Numbers of facets as `Call.facets` holds them: four bytes each, little-endian, rising."""
    return np.array(sorted(numbers), dtype="<i4").tobytes()


def unpacked(facets: bytes | None) -> set[int]:
    """The numbers that `packed` was given."""
    return set(np.frombuffer(facets or b"", dtype="<i4").tolist())


def refresh(session: Session, call_ids: Collection[int]) -> list[int]:
    """Lay the places and facets of these calls anew from their rows; the session is flushed first.

    Call it once in a transaction: all writers add new facets in one order, so that on PostgreSQL
    none waits for another that waits for it. Returns places that calls have left, since they began
    at another time than was known.
    """
    session.flush()
    parts = list(slices(sorted(call_ids), AT_ONCE))
    wanted: dict[int, set[Pair]] = {}
    for some in parts:
        wanted |= _facets_of(session, some)
    numbers = _known_numbers(session, {pair for pairs in wanted.values() for pair in pairs})
    after = {call_id: {numbers[pair] for pair in pairs} for call_id, pairs in wanted.items()}
    return [left for some in parts for left in _lay(session, some, after)]


def place_of(started_at: datetime, call_id: int) -> int:
    """The number by which the index knows a call: it rises with the second in which calls began,
    and with their ids within one. Unique but for ids a million apart in one second.
    """
    second = round(started_at.timestamp() // 1)
    return (second << ID_BITS) | (call_id & ((1 << ID_BITS) - 1))


def forget(session: Session, call_ids: Collection[int]) -> None:
    """Take facets of calls away, before these are deleted; and those that no other call has, which
    may be a caller's number.
    """
    for some in slices(sorted(call_ids), AT_ONCE):
        held = session.execute(select_rows(CALL.place, CALL.facets).where(CALL.id.in_(some)))
        rows = [(number, place) for place, facets in held for number in unpacked(facets)]
        _unlink(session, rows)
        take_lock(session, FACETS_LOCK)
        numbers = sorted({number for number, _place in rows})
        for part in slices(numbers, AT_ONCE):
            used = select_rows(CALL_FACET.place).where(CALL_FACET.facet_id == FACET.id)
            session.execute(delete(Facet).where(FACET.id.in_(part), ~used.exists()))


def _lay(session: Session, call_ids: Sequence[int], wanted: Mapping[int, set[int]]) -> list[int]:
    """Give calls the numbers of their facets; returns the places that they have left."""
    held = session.execute(
        select_rows(CALL.id, CALL.started_at, CALL.place, CALL.facets).where(CALL.id.in_(call_ids))
    )
    gone: list[tuple[int, int]] = []
    new: list[dict[str, int]] = []
    changed: list[dict[str, Any]] = []
    left: list[int] = []
    for call_id, started_at, old, facets in held:
        place = place_of(started_at, call_id)
        before, after = unpacked(facets), wanted[call_id]
        if (old, before) == (place, after):
            continue
        if old is not None and old != place:
            left.append(old)
        stays = before & after if old == place else set()
        gone += [(number, old) for number in before - stays]
        new += [{"facet_id": number, "place": place} for number in sorted(after - stays)]
        changed.append({"call_id": call_id, "to": place, "packed": packed(after)})
    _unlink(session, gone)
    if new:
        session.execute(insert_into(session, CallFacet).on_conflict_do_nothing(), new)
    if changed:
        laid = update(CALL.id.table).where(CALL.id == bindparam("call_id"))
        laid = laid.values(place=bindparam("to"), facets=bindparam("packed"))
        session.connection().execute(laid, changed)
    return left


def _unlink(session: Session, rows: Sequence[tuple[int, int]]) -> None:
    if rows:
        one = delete(CALL_FACET.place.table).where(
            CALL_FACET.facet_id == bindparam("number"), CALL_FACET.place == bindparam("at")
        )
        session.connection().execute(one, [{"number": number, "at": at} for number, at in rows])


def _known_numbers(session: Session, pairs: set[Pair]) -> dict[Pair, int]:
    """The numbers of all these facets; those that are new get one."""
    take_lock(session, FACETS_LOCK, shared=True)
    numbers = numbers_of(session, pairs)
    missing = sorted(pairs - numbers.keys())
    if missing:
        rows = [{"name": name, "value": value} for name, value in missing]
        session.execute(insert_into(session, Facet).on_conflict_do_nothing(), rows)
        numbers |= numbers_of(session, missing)
    return numbers


def _facets_of(session: Session, call_ids: Sequence[int]) -> dict[int, set[Pair]]:
    """What each call that is there has, from its rows."""
    calls = select_rows(
        CALL.id,
        CALL.agent,
        CALL.line,
        CALL.caller,
        CALL.direction,
        CALL.outcome,
        CALL.review,
        CALL.assignee,
        CALL.language,
        CALL.started_at,
        CALL.utc_offset_min,
        CALL.details,
        CALL.anger,
        CALL.anger_trend,
        CALL.duration_s,
        CALL.agent_talk_ratio,
        CALL.longest_silence_s,
        CALL.interruptions,
    ).where(CALL.id.in_(call_ids))
    found: dict[int, set[Pair]] = {
        row.id: {as_pair(name, value) for name, value in _own(row) if value is not None}
        for row in session.execute(calls)
    }
    for call_id, name, value in (
        *_of_speakers(session, call_ids),
        *_of_tags(session, call_ids),
        *_of_hits(session, call_ids),
    ):
        found[call_id].add(as_pair(name, value))
    return found


def _own(call: Any) -> Iterator[tuple[str, object]]:
    """What the call's own row says."""
    for name in OWN:
        yield name, getattr(call, name)
    if call.caller is not None:
        yield NUMBER, number_key(call.caller)
    there = call.started_at + timedelta(minutes=call.utc_offset_min)
    yield "hour", there.hour
    yield "day", there.date().isoformat()
    for key, value in call.details.items():
        yield META + key, value
    for name, figure in (
        ("anger", call.anger),
        ("anger_trend", call.anger_trend),
        ("duration", call.duration_s),
        ("talk_ratio", call.agent_talk_ratio),
        ("silence", call.longest_silence_s),
        ("interruptions", call.interruptions),
    ):
        yield name, band(name, figure)


def _of_speakers(session: Session, call_ids: Sequence[int]) -> Iterator[tuple[int, str, str]]:
    rows = select_rows(SPEAKER.call_id, SPEAKER.name, SPEAKER.mood)
    for call_id, name, mood in session.execute(rows.where(SPEAKER.call_id.in_(call_ids))):
        yield call_id, "speaker", name
        if mood is not None:
            yield call_id, f"mood:{name}", mood
            if name != "agent":
                yield call_id, "mood", mood


def _of_tags(session: Session, call_ids: Sequence[int]) -> Iterator[tuple[int, str, str]]:
    for call_id, tags in tags_of(session, call_ids).items():
        for tag in tags:
            yield call_id, "tag", tag


def _of_hits(session: Session, call_ids: Sequence[int]) -> Iterator[tuple[int, str, str]]:
    rows = select_rows(HIT.call_id, HIT.lexicon, HIT.term, HIT.grade, HIT.speaker).distinct()
    for call_id, lexicon, term, grade, speaker in session.execute(
        rows.where(HIT.call_id.in_(call_ids))
    ):
        yield call_id, "said_by", speaker
        for name, value in (("lexicon", lexicon), ("term", term), ("grade", grade)):
            if value is not None:
                yield call_id, name, value
                yield call_id, f"{name}:{speaker}", value
