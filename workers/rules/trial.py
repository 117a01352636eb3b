"""What a rule would have done: stored calls judged by it, newest first, nothing written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from sqlalchemy import Engine

from models.db import reading, slices
from models.heard import newest_heard, read_heard
from workers.call_facts import stored_facts
from workers.rules.definition import RuleTable
from workers.rules.rule import Rule
from workers.rules.scene import Scenes

BATCH = 200
MOST_CALLS = 10_000
MOST_SHOWN = 100
SECONDS = 20.0
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Fired:
    """A call that would have raised an alert, with its reason and the second to play from."""

    call_id: int
    external_id: str
    started_at: datetime
    start_s: float
    reason: str


@dataclass(frozen=True, slots=True)
class Trial:
    """`fired` of the `looked_at` newest calls would have raised an alert; `shown` are the newest
    `MOST_SHOWN` of them. `since` and `until` are when the oldest and the newest call that was
    looked at began. `complete` is False where time was not enough for all calls.
    """

    complete: bool
    looked_at: int
    fired: int
    since: datetime | None
    until: datetime | None
    shown: tuple[Fired, ...]

    @property
    def per_day(self) -> float | None:
        """Alerts in 24 hours, over the time that the calls looked at span, a day at least. None
        where there were no calls.
        """
        if self.since is None or self.until is None:
            return None
        days = max(1.0, (self.until - self.since).total_seconds() / DAY_S)
        return self.fired / days

    @property
    def warning(self) -> str | None:
        """What is wrong with a rule that tells nothing apart."""
        if self.looked_at and self.fired == self.looked_at:
            return "fires on every call: it tells none from the others"
        return None


def try_rule(
    engine: Engine,
    table: RuleTable,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    most: int = MOST_CALLS,
    seconds: float = SECONDS,
) -> Trial:
    """Judge the newest `most` calls that began at or after `since` and before `until`. After
    `seconds` no other batch of calls is begun.
    """
    ends = monotonic() + seconds
    rule = Rule.of("tried", table)
    with reading(engine) as session:
        wanted = newest_heard(session, since=since, until=until, most=most)
    tried = fired = 0
    began: list[datetime] = []
    shown: list[Fired] = []
    for batch in slices(wanted, BATCH):
        found, moments = _judged(engine, rule, batch)
        tried += len(batch)
        fired += len(found)
        began += moments
        shown += _told(engine, rule, found[: MOST_SHOWN - len(shown)])
        if monotonic() >= ends:
            break
    return Trial(
        complete=tried == len(wanted),
        looked_at=len(began),
        fired=fired,
        since=min(began, default=None),
        until=max(began, default=None),
        shown=tuple(shown),
    )


def _judged(
    engine: Engine, rule: Rule, call_ids: Sequence[int]
) -> tuple[list[int], list[datetime]]:
    """On which of these calls it fires, and when all of them began."""
    with reading(engine) as session:
        calls = read_heard(session, call_ids, voices=False)
    fires = [call.id for call in calls if rule.fires(Scenes(stored_facts(call)))]
    return fires, [call.started_at for call in calls]


def _told(engine: Engine, rule: Rule, call_ids: Sequence[int]) -> list[Fired]:
    """Why it fires on these calls: for that the voices are needed too."""
    with reading(engine) as session:
        calls = read_heard(session, call_ids, voices=True)
    told: list[Fired] = []
    for call in calls:
        scenes = Scenes(stored_facts(call))
        if rule.fires(scenes):  # it may have been heard again just now
            draft = rule.draft(scenes)
            told.append(
                Fired(call.id, call.external_id, call.started_at, draft.start_s, draft.reason)
            )
    return told
