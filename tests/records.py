"""Analysed calls in a database, made the way workers make them: through the pipeline's own
transaction.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from lexicons.lexicon import shipped
from lexicons.matcher import Matcher
from models.call import CallPush
from models.db import writing
from models.filters import CallQuery
from models.pushes import add_call
from settings import Settings
from speech.conversation import Turn
from tests.fakes import conversation
from workers.pipeline import analyse, record
from workers.rules.book import shipped_rules
from workers.rules.rule import Rule

MATCHER = Matcher(shipped())
RULE = Rule.of(*next((rule.name, rule) for rule in shipped_rules(Settings()) if rule.enabled))
FIRST = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def asked(**filters: Any) -> CallQuery:
    """A query out of the names that `GET /calls` takes, one value each."""
    plain = {name: filters.pop(name) for name in ("q", "speaker", "sort", "fuzzy") & filters.keys()}
    outside = frozenset(filters.pop("outside", ()))
    ranges: dict[str, tuple[Any, Any]] = {}
    values: dict[str, tuple[str, ...]] = {}
    without: dict[str, tuple[str, ...]] = {}
    for name, value in filters.items():
        mark, _, figure = name.partition("_")
        if mark in ("min", "max") or name in ("started_from", "started_to"):
            figure = "started" if mark == "started" else figure
            low, high = ranges.get(figure, (None, None))
            is_low = mark == "min" or name == "started_from"
            ranges[figure] = (value, high) if is_low else (low, value)
        else:
            many = tuple(map(str, value)) if isinstance(value, list) else (str(value),)
            (without if mark == "not" else values)[name.removeprefix("not_")] = many
    return CallQuery(**plain, values=values, without=without, ranges=ranges, outside=outside)


def store_call(engine: Engine, external_id: str, *turns: Turn, **push: Any) -> int:
    """Push and analyse a call; each one began an hour after the one before."""
    with writing(engine) as session:
        call, _created = add_call(
            session,
            CallPush(external_id=external_id, **push),
            "upload:none.wav",
            external_id=external_id,
            agent_channel="left",
        )
        assert call.id is not None
        if "started_at" not in push:
            call.started_at = FIRST + timedelta(hours=call.id)
            session.add(call)
            session.commit()
        record(session, call.id, analyse(conversation(*turns), MATCHER, [RULE]))
        return call.id
