"""Alert rules as they are stored: added, changed, switched on and off, deleted, seeded.

This module knows a rule's definition as plain JSON and does not look into it: that it works is for
its callers to see to. The *revision* is a number that rises whenever anything about rules changes,
so that whoever holds them knows when to read them again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from json import dumps
from typing import Any

from sqlalchemy import Column, Integer, String, func
from sqlalchemy.orm.attributes import flag_modified
from sqlmodel import Field, Session, SQLModel, col, select

from models.columns import Json, Moment, now
from models.db import insert_into

MAX_NAME_CHARS = 100
MOST_RULES = 200
_THE_ROW = 1


class AlertRule(SQLModel, table=True):
    """`version` rises with each change of what the rule says; an alert keeps that of its time.
    `changed_by` is the name of a key, None for Overtone itself. `seeded` rules are as they came
    with Overtone.
    """

    __tablename__ = "alert_rule"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(sa_column=Column(String(MAX_NAME_CHARS), unique=True, nullable=False))
    severity: str = Field(sa_column=Column(String(10), nullable=False))
    definition: dict[str, Any] = Field(sa_column=Column(Json, nullable=False))
    enabled: bool
    version: int = 1
    acknowledge_within_s: float | None = None
    seeded: bool = False
    created_at: datetime = Field(default_factory=now, sa_column=Column(Moment, nullable=False))
    updated_at: datetime = Field(default_factory=now, sa_column=Column(Moment, nullable=False))
    changed_by: str | None = Field(default=None, sa_column=Column(String(100)))


class AlertRuleRevision(SQLModel, table=True):
    """One row with the revision, and the names of all rules that were ever seeded: one that
    somebody deleted does not come back. Whoever changes rules holds it until they commit.
    """

    __tablename__ = "alert_rule_revision"

    id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    number: int
    seeded: list[str] = Field(sa_column=Column(Json, nullable=False))


@dataclass(frozen=True, slots=True)
class RuleText:
    """What a rule says. `enabled` is None where that is left as it is; a new rule is then off."""

    definition: Mapping[str, Any]
    severity: str
    acknowledge_within_s: float | None = None
    enabled: bool | None = None


class TooManyRules(Exception):
    """No more rules can be stored; the text says what to do."""


def rules_revision(session: Session) -> int:
    """The number of the rules as they are now; 0 where there never were any."""
    wanted = select(AlertRuleRevision.number).where(AlertRuleRevision.id == _THE_ROW)
    return session.exec(wanted).first() or 0


def list_rules(session: Session, *, enabled: bool | None = None) -> list[AlertRule]:
    """All rules by name, or those that are on, or off."""
    wanted = select(AlertRule).order_by(col(AlertRule.name))
    if enabled is not None:
        wanted = wanted.where(col(AlertRule.enabled).is_(enabled))
    return list(session.exec(wanted))


def find_rule(session: Session, name: str) -> AlertRule | None:
    """The rule of that name, as it is now."""
    wanted = select(AlertRule).where(AlertRule.name == name)
    return session.exec(wanted.execution_options(populate_existing=True)).first()


def save_rule(session: Session, name: str, wanted: RuleText, *, by: str | None) -> AlertRule:
    """Add a rule, or change the one of that name, and commit.

    Raises `TooManyRules` where a new one would be one of more than 200.
    """
    revision = _lock(session)
    rule = find_rule(session, name)
    if rule is None:
        if session.exec(select(func.count()).select_from(AlertRule)).one() >= MOST_RULES:
            raise TooManyRules(f"there are {MOST_RULES} rules, which is the most: delete one first")
        rule = _new(name, wanted)
    elif _says_else(rule, wanted):
        _change(rule, wanted)
        rule.seeded = False
    rule.enabled = rule.enabled if wanted.enabled is None else wanted.enabled
    return _store(session, rule, revision, by=by)


def switch_rule(session: Session, name: str, *, enabled: bool, by: str | None) -> AlertRule | None:
    """Switch a rule on or off and commit; None where there is none."""
    revision = _lock(session)
    rule = find_rule(session, name)
    if rule is None:
        return None
    rule.enabled = enabled
    return _store(session, rule, revision, by=by)


def delete_rule(session: Session, name: str) -> bool:
    """Remove a rule and commit; its alerts stay. False where there is none."""
    revision = _lock(session)
    rule = find_rule(session, name)
    if rule is None:
        return False
    session.delete(rule)
    revision.number += 1
    session.add(revision)
    session.commit()
    return True


def seed_rules(session: Session, seeds: Mapping[str, RuleText], *, renew: bool) -> int:
    """Add the rules that come with Overtone, once each, and commit; returns how many were written.

    With `renew`, those that nobody changed since say what these say. Any number of processes may do
    it at once.
    """
    revision = _lock(session)
    written = 0
    for name, wanted in seeds.items():
        rule = find_rule(session, name)
        if rule is None and name not in revision.seeded:
            rule = _new(name, wanted)
            rule.seeded = True
        elif rule is not None and renew and rule.seeded and _says_else(rule, wanted):
            _change(rule, wanted)
        else:
            continue
        session.add(rule)
        written += 1
    revision.number += bool(written)
    revision.seeded = sorted({*revision.seeded, *seeds})
    session.add(revision)
    session.commit()
    return written


def _lock(session: Session) -> AlertRuleRevision:
    """Keep all others from changing rules until this session commits."""
    statement = (
        insert_into(session, AlertRuleRevision)
        .values(id=_THE_ROW, number=0, seeded=[])
        .on_conflict_do_update(
            index_elements=["id"], set_={"number": col(AlertRuleRevision.number)}
        )
        .returning(AlertRuleRevision)
    )
    fresh = {"populate_existing": True}
    row: AlertRuleRevision = session.scalars(statement, execution_options=fresh).one()
    return row


def _new(name: str, wanted: RuleText) -> AlertRule:
    return AlertRule(
        name=name,
        severity=wanted.severity,
        definition=dict(wanted.definition),
        enabled=bool(wanted.enabled),
        acknowledge_within_s=wanted.acknowledge_within_s,
    )


def _says_else(rule: AlertRule, wanted: RuleText) -> bool:
    # As JSON: Python takes True for 1.
    before, after = (
        dumps([one.definition, one.severity, one.acknowledge_within_s], sort_keys=True)
        for one in (rule, wanted)
    )
    return before != after


def _change(rule: AlertRule, wanted: RuleText) -> None:
    rule.definition = dict(wanted.definition)
    flag_modified(rule, "definition")  # SQLAlchemy too takes True for 1
    rule.severity = wanted.severity
    rule.acknowledge_within_s = wanted.acknowledge_within_s
    rule.version += 1
    rule.updated_at = now()


def _store(
    session: Session, rule: AlertRule, revision: AlertRuleRevision, *, by: str | None
) -> AlertRule:
    """Write a rule that somebody changed, and commit."""
    if rule.id is None or session.is_modified(rule):
        rule.changed_by, rule.updated_at = by, now()
        revision.number += 1
        session.add_all([rule, revision])
    session.commit()
    return rule
