"""What calls can be filtered by beside words: values, each a facet or a column, and ranges.

`CallQuery` is what somebody asks for; `sets_of_filters` and `conditions_of_filters` say it in SQL.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, and_, func, literal_column, not_, or_
from sqlmodel import Session

from models.call import Call, Speaker
from models.call_sets import CallSet, with_facets, with_speaker
from models.columns import columns_of
from models.facets import META, NUMBER, Pair, as_pair, numbers_of
from models.numbers import number_key
from models.selection import Condition

Sort = Literal["relevance", "-started_at", "started_at", "-anger", "anger", "-duration", "duration"]
SORTS: tuple[Sort, ...] = get_args(Sort)
CALL = columns_of(Call)
Limits = tuple[Any, Any]
"""At least the first, below or at the second; None where it is open."""

# Filters whose facets are kept for each speaker, too: `speaker` narrows them.
SAID = ("mood", "lexicon", "term", "grade")
VALUES = (
    *("mood", "customer_mood", "agent_mood", "lexicon", "term", "grade", "said_by", "tag"),
    *("agent", "line", "caller", "direction", "outcome", "status", "review", "assignee"),
    *("language", "hour", "utm_source", "site", "region"),
)
# Filters that the call's own row answers.
_OF_ROW = {"status": CALL.status, "external_id": CALL.external_id}
FILTERS = (*VALUES, "external_id")
"""Filters by value; `VALUES` are those that are worth counting."""
# As their indexes have them: what is not known is -1.
ANGER: ColumnElement[Any] = func.coalesce(CALL.anger, literal_column("-1.0"))
DURATION: ColumnElement[Any] = func.coalesce(CALL.duration_s, literal_column("-1.0"))
RANGES: dict[str, ColumnElement[Any]] = {
    "anger": ANGER,
    "anger_trend": CALL.anger_trend,
    "duration": DURATION,
    "talk_ratio": CALL.agent_talk_ratio,
    "silence": CALL.longest_silence_s,
    "interruptions": CALL.interruptions,
    "started": CALL.started_at,
}
_FACET_OF = {
    "customer_mood": "mood:customer",
    "agent_mood": "mood:agent",
    "utm_source": f"{META}utm_source",
    "site": f"{META}site",
    "region": f"{META}region",
}


@dataclass(frozen=True, slots=True)
class CallQuery:
    """What to find. `speaker` narrows words, mood, anger and hits to what that speaker said.

    `values` has for a filter of `FILTERS`, or `meta.KEY`, the values of which a call must have one;
    `without` those of which it must have none. `ranges` has limits for names of `RANGES`; those in
    `outside` are turned around. `sort` None: by relevance where words are asked for, else the
    latest first. `fuzzy` says whether words near to those of `q` count.
    """

    q: str | None = None
    fuzzy: bool = True
    speaker: str | None = None
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    without: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ranges: Mapping[str, Limits] = field(default_factory=dict)
    outside: frozenset[str] = frozenset()
    sort: Sort | None = None

    @property
    def order(self) -> Sort:
        """The order in force."""
        return self.sort or ("-started_at" if self.q is None else "relevance")

    def fingerprint(self) -> str:
        """Tells this query's cursors from those of another."""
        plain = asdict(self) | {"outside": sorted(self.outside)}
        packed = json.dumps(plain, default=str, sort_keys=True)
        return hashlib.sha256(packed.encode()).hexdigest()[:12]


def sets_of_filters(session: Session, query: CallQuery) -> list[CallSet] | None:
    """The sets of calls that the filters name; None where one of them holds no call."""
    sets: list[CallSet] = []
    for asked, without in ((query.values, False), (query.without, True)):
        for name, values in asked.items():
            if name in _OF_ROW:
                continue
            numbers = numbers_of(session, {_pair(name, value, query.speaker) for value in values})
            if numbers:
                sets.append(with_facets(sorted(numbers.values()), without=without))
            elif not without:
                return None
    if query.speaker:
        if not any(name in query.values for name in SAID):
            number = numbers_of(session, {("speaker", query.speaker)})
            if not number:
                return None
            sets.append(with_facets(list(number.values()), without=False))
        if "anger" in query.ranges:
            anger = _between(query, "anger", columns_of(Speaker).anger)
            sets.append(with_speaker(query.speaker, anger))
    return sets


def conditions_of_filters(query: CallQuery) -> list[Condition]:
    """What the call's own row must say."""
    conditions: list[Condition] = []
    for name, column in _OF_ROW.items():
        if values := query.values.get(name):
            conditions.append(Condition(column, partial(_is_one_of, values)))
        if others := query.without.get(name):
            conditions.append(Condition(column, partial(_is_none_of, others)))
    for name in query.ranges:
        if not (name == "anger" and query.speaker):
            conditions.append(Condition(RANGES[name], partial(_between, query, name)))
    return conditions


def facet_of(name: str, speaker: str | None) -> str:
    """The facet that a filter is counted by."""
    if speaker and name in SAID:
        return f"{name}:{speaker}"
    return _FACET_OF.get(name, name)


def _pair(name: str, value: str, speaker: str | None) -> Pair:
    """The facet that a call has where a filter finds it."""
    if name == "caller":
        return as_pair(NUMBER, number_key(value))
    return as_pair(facet_of(name, speaker), value)


def _is_one_of(values: Sequence[str], column: ColumnElement[Any]) -> ColumnElement[bool]:
    return column.in_(values)


def _is_none_of(values: Sequence[str], column: ColumnElement[Any]) -> ColumnElement[bool]:
    return column.not_in(values)


def _between(query: CallQuery, name: str, column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Within the limits, or outside of them; what is not known is neither. Moments end before their
    second limit, figures at it.
    """
    low, high = query.ranges[name]
    within: list[ColumnElement[bool]] = []
    if low is not None:
        within.append(column >= low)
    if high is not None:
        within.append(column < high if isinstance(high, datetime) else column <= high)
    said = or_(*(not_(one) for one in within)) if name in query.outside else and_(*within)
    return said & (column >= 0) if name in ("anger", "duration") else said
