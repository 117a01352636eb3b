"""Alert rules as rows: versions and revisions rise, seeds come once, two writers take turns."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Engine, insert, inspect

import models.alert_rule
from models.alert_rule import (
    AlertRule,
    RuleText,
    TooManyRules,
    delete_rule,
    find_rule,
    list_rules,
    rules_revision,
    save_rule,
    seed_rules,
    switch_rule,
)
from models.columns import now
from models.db import migrate, reading, writing

SAYS = RuleText({"who": "customer", "all_of": [{"metadata": {"key": "a", "equals": 1}}]}, "high")


def save(engine: Engine, name: str, wanted: RuleText, by: str | None = "managers") -> AlertRule:
    with writing(engine) as session:
        return save_rule(session, name, wanted, by=by)


def revision(engine: Engine) -> int:
    with reading(engine) as session:
        return rules_revision(session)


def seed(engine: Engine, *, renew: bool = False, **seeds: RuleText) -> int:
    with writing(engine) as session:
        return seed_rules(session, seeds, renew=renew)


def found(engine: Engine, name: str) -> AlertRule | None:
    with reading(engine) as session:
        return find_rule(session, name)


def test_a_new_rule_is_off_and_of_version_1(engine: Engine) -> None:
    assert revision(engine) == 0
    rule = save(engine, "a", SAYS)
    assert (rule.enabled, rule.version, rule.seeded, rule.changed_by) == (
        False,
        1,
        False,
        "managers",
    )
    assert revision(engine) == 1
    assert save(engine, "b", replace(SAYS, enabled=True)).enabled
    with reading(engine) as session:
        assert [one.name for one in list_rules(session)] == ["a", "b"]
        assert [one.name for one in list_rules(session, enabled=True)] == ["b"]


@pytest.mark.parametrize(
    "other",
    [
        replace(SAYS, severity="low"),
        replace(SAYS, acknowledge_within_s=60.0),
        replace(SAYS, definition={**SAYS.definition, "who": "agent"}),
        RuleText(
            {**SAYS.definition, "all_of": [{"metadata": {"key": "a", "equals": True}}]}, "high"
        ),
    ],
)
def test_a_change_of_what_it_says_raises_version_and_revision(
    engine: Engine, other: RuleText
) -> None:
    before = save(engine, "a", replace(SAYS, enabled=True))
    rule = save(engine, "a", other, by="command line")
    assert (rule.version, rule.enabled, rule.changed_by) == (2, True, "command line")
    assert rule.updated_at > before.created_at
    assert revision(engine) == 2
    again = save(engine, "a", other)
    assert (again.version, again.changed_by, again.updated_at) == (
        2,
        "command line",
        rule.updated_at,
    )
    assert revision(engine) == 2


def test_switching_raises_the_revision_alone(engine: Engine) -> None:
    save(engine, "a", SAYS)
    with writing(engine) as session:
        rule = switch_rule(session, "a", enabled=True, by="managers")
    assert rule
    assert (rule.enabled, rule.version) == (True, 1)
    assert revision(engine) == 2
    with writing(engine) as session:
        switch_rule(session, "a", enabled=True, by="managers")
        assert switch_rule(session, "b", enabled=True, by="managers") is None
    assert revision(engine) == 2
    assert save(engine, "a", replace(SAYS, enabled=False)).version == 1
    assert revision(engine) == 3


def test_a_deleted_rule_is_gone(engine: Engine) -> None:
    save(engine, "a", SAYS)
    with writing(engine) as session:
        assert delete_rule(session, "a")
    with writing(engine) as session:
        assert not delete_rule(session, "a")
    assert found(engine, "a") is None
    assert revision(engine) == 2


def test_seeds_come_once_and_a_deleted_one_stays_deleted(engine: Engine) -> None:
    assert seed(engine, a=replace(SAYS, enabled=True), b=SAYS) == 2
    assert revision(engine) == 1
    assert seed(engine, a=replace(SAYS, enabled=True), b=SAYS) == 0
    assert revision(engine) == 1
    with writing(engine) as session:
        delete_rule(session, "a")
    assert seed(engine, renew=True, a=SAYS, b=SAYS, c=SAYS) == 1
    assert found(engine, "a") is None
    rule = found(engine, "c")
    assert rule
    assert (rule.seeded, rule.enabled, rule.changed_by) == (True, False, None)


def test_a_seed_is_renewed_only_while_nobody_changed_it(engine: Engine) -> None:
    newer = replace(SAYS, severity="low", enabled=True)
    seed(engine, a=SAYS, b=SAYS)
    with writing(engine) as session:
        switch_rule(session, "a", enabled=True, by="managers")
    save(engine, "b", replace(SAYS, severity="critical"))
    assert seed(engine, a=newer, b=newer) == 0
    assert seed(engine, renew=True, a=newer, b=newer) == 1
    a, b = found(engine, "a"), found(engine, "b")
    assert a
    assert b
    assert (a.severity, a.version, a.enabled, a.seeded) == ("low", 2, True, True)
    assert (b.severity, b.version, b.enabled, b.seeded) == ("critical", 2, False, False)


def test_a_rule_of_somebody_is_no_seed(engine: Engine) -> None:
    save(engine, "a", SAYS)
    assert seed(engine, renew=True, a=replace(SAYS, severity="low")) == 0
    with writing(engine) as session:
        delete_rule(session, "a")
    assert seed(engine, a=SAYS) == 0


def test_there_is_a_most(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models.alert_rule, "MOST_RULES", 2)
    save(engine, "a", SAYS)
    save(engine, "b", SAYS)
    with pytest.raises(TooManyRules, match="2 rules, which is the most: delete one first"):
        save(engine, "c", SAYS)
    assert save(engine, "b", replace(SAYS, severity="low")).version == 2


def test_many_writers_take_turns(engine: Engine) -> None:
    def change(number: int) -> int:
        return save(engine, "a", replace(SAYS, acknowledge_within_s=float(number))).version

    with ThreadPoolExecutor(8) as pool:
        versions = list(pool.map(change, range(1, 17)))
        seeded = list(pool.map(lambda _: seed(engine, b=SAYS), range(8)))
    assert sorted(versions) == list(range(1, 17))
    assert sum(seeded) == 1
    assert revision(engine) == 17


def test_going_back_before_rules_takes_only_them(engine: Engine) -> None:
    with engine.begin() as connection:
        row = {"name": "a", "severity": "high", "definition": {}, "enabled": True, "version": 1}
        moments = {"seeded": False, "created_at": now(), "updated_at": now()}
        connection.execute(insert(AlertRule), [row | moments])
    migrate(engine, "0008")
    assert not {"alert_rule", "alert_rule_revision"} & set(inspect(engine).get_table_names())
    migrate(engine)
    assert found(engine, "a") is None
