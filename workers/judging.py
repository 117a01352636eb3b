"""Rules asked anew about stored calls, of which something else is known than when they were heard:
a retag found other hits, or a push told something else. What the voices sounded like stays what
hearing wrote down, so a call of which nothing else is known keeps its alerts as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from sqlalchemy import Engine
from sqlmodel import Session

from models.alert_life import write_alerts
from models.columns import now
from models.db import reading, writing
from models.heard import read_heard
from models.unjudged import any_unjudged, take_unjudged
from settings import Settings
from workers.alert_draft import AlertDraft
from workers.call_facts import stored_facts
from workers.rules import judge
from workers.rules.book import RuleBook


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges stored calls by the rules that are on. Nobody is told of what is found in a call that
    began longer ago than `history`.
    """

    engine: Engine
    rules: RuleBook
    history: timedelta

    @classmethod
    def of(cls, engine: Engine, settings: Settings) -> Self:
        """As the settings want it."""
        return cls(engine, RuleBook(engine), timedelta(days=settings.alert_days))

    def judge_again(self, session: Session, call_ids: Sequence[int]) -> list[int]:
        """Bring the alerts of these calls up to date with what is stored of the calls, as the last
        thing before the commit; the caller holds their rows. Returns the ids of alerts that were
        raised, changed or reopened.
        """
        rules = self.rules.current() if call_ids else ()
        if not rules:
            return []
        judged = frozenset(rule.name for rule in rules)
        # All are judged before the first alert is written: from there on, others wait.
        found = [
            (call.id, unhurried(judge(rules, stored_facts(call)), call.started_at, self.history))
            for call in read_heard(session, call_ids, voices=True)
        ]
        return [
            alert
            for number, drafts in found
            for alert in write_alerts(session, number, drafts, judged=judged)
        ]

    def judge_news(self, call_id: int | None = None) -> int:
        """Judge calls of which pushes told something that rules were not asked about, some at a
        time, or this one, and commit. Returns how many, 0 where none is left. Calls that wait to be
        heard, or are being heard, are left until that is over. Safe to run twice, and at once.
        """
        with reading(self.engine) as session:
            # Most looks find nothing, and need not take the write lock of SQLite for that.
            if not any_unjudged(session, call_id):
                return 0
        with writing(self.engine) as session:
            taken = take_unjudged(session, call_id)
            self.judge_again(session, taken)
            session.commit()
        return len(taken)


def unhurried(
    drafts: Iterable[AlertDraft], began: datetime, history: timedelta
) -> tuple[AlertDraft, ...]:
    """The drafts of a call that began then: nobody is told of those of a call of long ago, so
    nobody can be late.
    """
    if now() - began <= history:
        return tuple(drafts)
    return tuple(replace(draft, acknowledge_within_s=None) for draft in drafts)
