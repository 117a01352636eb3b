"""Finds calls: a `CallQuery` becomes one statement per page; snippets say which second to play.

Words are matched by the analyzer's keys in `models.words`, where the two databases differ.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, and_, func, literal, or_
from sqlmodel import Session, col, exists, select

from models.call import Call, CallTag, Speaker
from models.hit import Hit
from models.snippets import Snippet, snippets_of_anger, snippets_of_hits, snippets_of_words
from models.turn import Turn
from models.words import BadQuery, Phrase, matching_turns, parse_words

Sort = Literal["-started_at", "started_at", "-anger", "anger", "-duration", "duration"]
SORTS: tuple[Sort, ...] = get_args(Sort)


@dataclass(frozen=True, slots=True)
class CallQuery:
    """What to find. `speaker` narrows words, mood, anger and hits to what that speaker said."""

    q: str | None = None
    mood: str | None = None
    min_anger: float | None = None
    lexicon: str | None = None
    speaker: str | None = None
    agent: str | None = None
    line: str | None = None
    status: str | None = None
    started_from: datetime | None = None
    started_to: datetime | None = None
    sort: Sort = "-started_at"

    def fingerprint(self) -> str:
        """Tells this query's cursors from those of another."""
        plain = json.dumps(asdict(self), default=str, sort_keys=True)
        return hashlib.sha256(plain.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Found:
    """One call that matches, with its speakers, tags and best snippets."""

    call: Call
    speakers: tuple[Speaker, ...] = ()
    tags: tuple[str, ...] = ()
    snippets: tuple[Snippet, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """Calls in the order asked for, and the cursor of the next page, if there is one."""

    items: tuple[Found, ...] = field(default=())
    next_cursor: str | None = None


def find_calls(
    session: Session, query: CallQuery, *, limit: int, cursor: str | None = None
) -> Page:
    """One page of calls. Raises `BadQuery`."""
    phrases = parse_words(query.q)
    conditions = [_said(session, phrase, query.speaker) for phrase in phrases]
    conditions += _filters(query)
    column, descending = _sort_column(query.sort)
    if cursor is not None:
        value, last_id = _read_cursor(cursor, query)
        conditions.append(_beyond(column, literal(value, column.type), last_id, descending))
    order = (column.desc(), col(Call.id).desc()) if descending else (column, col(Call.id))
    rows = session.exec(
        select(Call, column).where(*conditions).order_by(*order).limit(limit + 1)
    ).all()
    page = [call for call, _value in rows[:limit]]
    next_cursor = None
    if len(rows) > limit:
        last, value = rows[limit - 1]
        next_cursor = _write_cursor(value, last.id, query)
    return Page(_dress(session, page, query, phrases), next_cursor)


def _said(session: Session, phrase: Phrase, speaker: str | None) -> ColumnElement[bool]:
    turns = select(Turn.call_id).where(matching_turns(session, [phrase]))
    if speaker:
        turns = turns.where(Turn.speaker == speaker)
    return col(Call.id).in_(turns)


def _filters(query: CallQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    speaker = col(Speaker.name) == query.speaker
    if query.mood:
        who = speaker if query.speaker else col(Speaker.name) != "agent"
        conditions.append(_has_speaker(who, col(Speaker.mood) == query.mood))
    if query.min_anger is not None:
        conditions.append(
            _has_speaker(speaker, col(Speaker.anger) >= query.min_anger)
            if query.speaker
            else col(Call.anger) >= query.min_anger
        )
    if query.lexicon:
        hit = exists().where(col(Hit.call_id) == Call.id, col(Hit.lexicon) == query.lexicon)
        conditions.append(hit.where(col(Hit.speaker) == query.speaker) if query.speaker else hit)
    if query.speaker:
        conditions.append(_has_speaker(speaker))
    for value, column in (
        (query.agent, Call.agent),
        (query.line, Call.line),
        (query.status, Call.status),
    ):
        if value:
            conditions.append(col(column) == value)
    if query.started_from:
        conditions.append(col(Call.started_at) >= query.started_from)
    if query.started_to:
        conditions.append(col(Call.started_at) < query.started_to)
    return conditions


def _has_speaker(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(col(Speaker.call_id) == Call.id, *conditions)


def _sort_column(sort: Sort) -> tuple[ColumnElement[Any], bool]:
    columns: dict[str, ColumnElement[Any]] = {
        "started_at": col(Call.started_at),  # type: ignore[dict-item]
        # Calls that have no such number yet come last when the largest come first.
        "anger": func.coalesce(Call.anger, -1.0),
        "duration": func.coalesce(Call.duration_s, -1.0),
    }
    return columns[sort.lstrip("-")], sort.startswith("-")


def _beyond(
    column: ColumnElement[Any], value: ColumnElement[Any], last_id: int, descending: bool
) -> ColumnElement[bool]:
    past, same = (
        (column < value, col(Call.id) < last_id)
        if descending
        else (
            column > value,
            col(Call.id) > last_id,
        )
    )
    return or_(past, and_(column == value, same))


def _write_cursor(value: Any, last_id: int | None, query: CallQuery) -> str:
    plain = value.isoformat() if isinstance(value, datetime) else value
    packed = json.dumps([query.fingerprint(), plain, last_id]).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def _read_cursor(cursor: str, query: CallQuery) -> tuple[Any, int]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        fingerprint, value, last_id = json.loads(base64.urlsafe_b64decode(padded))
        if query.sort.lstrip("-") == "started_at":
            value = datetime.fromisoformat(value)
        else:
            value = float(value)
        last_id = int(last_id)
    except (ValueError, TypeError) as error:
        raise BadQuery(
            "cursor", "not a cursor; take `next_cursor` of an answer as it is"
        ) from error
    if fingerprint != query.fingerprint():
        raise BadQuery("cursor", "belongs to another query; leave it out to start this one")
    return value, last_id


def _dress(
    session: Session, calls: Sequence[Call], query: CallQuery, phrases: Sequence[Phrase]
) -> tuple[Found, ...]:
    """The calls with what a list shows of each, in a fixed number of statements."""
    ids = [call.id for call in calls if call.id is not None]
    speakers: dict[int, list[Speaker]] = defaultdict(list)
    tags: dict[int, list[str]] = defaultdict(list)
    for speaker in session.exec(
        select(Speaker).where(col(Speaker.call_id).in_(ids)).order_by(col(Speaker.name))
    ):
        speakers[speaker.call_id].append(speaker)
    for tag in session.exec(
        select(CallTag).where(col(CallTag.call_id).in_(ids)).order_by(col(CallTag.tag))
    ):
        tags[tag.call_id].append(tag.tag)
    snippets = _snippets(session, ids, query, phrases)
    return tuple(
        Found(
            call,
            tuple(speakers[call.id or 0]),
            tuple(tags[call.id or 0]),
            tuple(snippets.get(call.id or 0, ())),
        )
        for call in calls
    )


def _snippets(
    session: Session, ids: Sequence[int], query: CallQuery, phrases: Sequence[Phrase]
) -> dict[int, list[Snippet]]:
    """The turns to hear first: with most of the words; else with hits of the lexicon; else
    angriest.
    """
    if phrases:
        return snippets_of_words(session, ids, phrases, speaker=query.speaker)
    if query.lexicon:
        return snippets_of_hits(session, ids, query.lexicon, speaker=query.speaker)
    if query.mood == "angry" or query.min_anger is not None or query.sort == "-anger":
        return snippets_of_anger(session, ids, speaker=query.speaker)
    return {}
