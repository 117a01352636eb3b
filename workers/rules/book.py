"""The rules that are on: what hearing judges calls by, read anew when any of them changed.

Also what comes with Overtone, in `workers/data/alert_rules.toml`.
"""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import Engine

from models.alert_rule import (
    AlertRule,
    RuleText,
    list_rules,
    rules_revision,
    seed_rules,
)
from models.db import reading, writing
from settings import Settings
from workers.rules.definition import NamedRule, RuleError, RuleTable, read_as
from workers.rules.rule import Rule

logger = logging.getLogger(__name__)

SEEDS = Path(__file__).parents[1] / "data" / "alert_rules.toml"


class RuleBook:
    """Always holds the rules that are on now; may be shared by threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = Lock()
        self._revision: int | None = None
        self._rules: tuple[Rule, ...] = ()

    def current(self) -> tuple[Rule, ...]:
        """The rules at this moment, by name. One short query; read anew only where they changed.

        A stored rule that this Overtone cannot read, such as one of a later version, is left out
        and named in the log: the others go on, and so does hearing.
        """
        with self._lock, reading(self._engine) as session:
            # Were the number read after the rules, it could stand for newer ones than these.
            number = rules_revision(session)
            if number != self._revision:
                rows = list_rules(session, enabled=True)
                self._rules = tuple(_readable(rows))
                self._revision = number
            return self._rules


def _readable(rows: Iterable[AlertRule]) -> Iterator[Rule]:
    for row in rows:
        try:
            yield stored_rule(row)
        except RuleError as error:
            logger.error("rule %s is not judged: %s", row.name, error)


def stored_rule(row: AlertRule) -> Rule:
    """A stored rule, ready to judge. Raises `RuleError`."""
    return Rule.of(row.name, stored_table(row), version=row.version)


def stored_table(row: AlertRule) -> RuleTable:
    """A stored rule as it is written. Raises `RuleError`."""
    table = {
        **row.definition,
        "severity": row.severity,
        "enabled": row.enabled,
        "acknowledge_within_s": row.acknowledge_within_s,
    }
    return read_as(RuleTable, table, where=f"rule {row.name}")


def as_text(table: RuleTable) -> RuleText:
    """A rule as it is stored."""
    return RuleText(table.definition, table.severity, table.acknowledge_within_s, table.enabled)


def seed_alert_rules(engine: Engine, settings: Settings, *, renew: bool = False) -> int:
    """Add the rules that come with Overtone, once each; returns how many were written.

    With `renew`, those that nobody changed follow the settings: for workers, which judge by them.
    """
    seeds = {rule.name: as_text(rule) for rule in shipped_rules(settings)}
    with writing(engine) as session:
        return seed_rules(session, seeds, renew=renew)


def shipped_rules(settings: Settings) -> list[NamedRule]:
    """The rules that come with Overtone, their anger as the settings have it."""
    tables = tomllib.loads(SEEDS.read_text(encoding="utf-8"))["rules"]
    return [read_as(NamedRule, _filled(table, settings), where=SEEDS.name) for table in tables]


def _filled(table: dict[str, Any], settings: Settings) -> dict[str, Any]:
    usual = {"at_least": settings.alert_anger, "for_s": settings.alert_anger_s}
    for condition in (*table.get("all_of", ()), *table.get("any_of", ())):
        if "anger" in condition:
            condition["anger"] = usual | condition["anger"]
    return table
