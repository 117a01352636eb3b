"""The rules in force: read anew when they change, seeded from the settings."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, event

from models.alert_rule import RuleText, delete_rule, find_rule, list_rules, save_rule, switch_rule
from models.db import reading, writing
from settings import Settings
from workers.rules import Rule
from workers.rules.book import RuleBook, seed_alert_rules, shipped_rules, stored_table

ABUSIVE = RuleText({"all_of": [{"hits": {"lexicon": "abusive"}}]}, "low", None, True)


def test_a_change_holds_from_the_next_look_on(engine: Engine) -> None:
    book = RuleBook(engine)
    assert book.current() == ()
    with writing(engine) as session:
        save_rule(session, "a", ABUSIVE, by=None)
    [rule] = book.current()
    assert (rule.name, rule.version, rule.severity) == ("a", 1, "low")
    with writing(engine) as session:
        save_rule(session, "a", RuleText(ABUSIVE.definition, "high"), by=None)
    assert [(one.version, one.severity) for one in book.current()] == [(2, "high")]
    with writing(engine) as session:
        switch_rule(session, "a", enabled=False, by=None)
    assert book.current() == ()
    with writing(engine) as session:
        switch_rule(session, "a", enabled=True, by=None)
    assert len(book.current()) == 1
    with writing(engine) as session:
        delete_rule(session, "a")
    assert book.current() == ()


def test_one_statement_tells_that_nothing_changed(engine: Engine) -> None:
    seed_alert_rules(engine, Settings())
    book = RuleBook(engine)
    before = book.current()
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    assert book.current() is before
    assert sum("SELECT" in one for one in statements) == 1


def test_a_stored_rule_that_cannot_be_read_is_named_and_left_out(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    newer = RuleText({"all_of": [{"laughter": {"at_least": 1}}]}, "low", None, True)
    a_rule = RuleText({"all_of": [{"silence": {"at_least_s": 9}}]}, "low", None, True)
    with writing(engine) as session:
        save_rule(session, "from the future", newer, by=None)
        save_rule(session, "of today", a_rule, by=None)
    assert [rule.name for rule in RuleBook(engine).current()] == ["of today"]
    assert "rule from the future: all_of.0.laughter: " in caplog.text


def test_what_comes_with_overtone_takes_its_anger_from_the_settings() -> None:
    rules = {rule.name: rule for rule in shipped_rules(Settings(alert_anger=0.72, alert_anger_s=5))}
    assert [name for name, rule in rules.items() if rule.enabled] == ["angry-or-abusive"]
    assert rules["angry-or-abusive"].definition == {
        "who": "customer",
        "any_of": [
            {"anger": {"at_least": 0.72, "for_s": 5.0}},
            {"hits": {"lexicon": "abusive"}, "who": "anybody"},
        ],
    }
    assert all(Rule.of(name, rule) for name, rule in rules.items())


def test_workers_have_seeds_follow_the_settings_and_others_do_not(engine: Engine) -> None:
    def anger() -> float:
        with reading(engine) as session:
            rule = find_rule(session, "angry-or-abusive")
        assert rule
        return float(stored_table(rule).definition["any_of"][0]["anger"]["at_least"])

    assert seed_alert_rules(engine, Settings()) == 4
    assert seed_alert_rules(engine, Settings(alert_anger=0.7)) == 0
    assert anger() == 0.6
    assert seed_alert_rules(engine, Settings(alert_anger=0.7), renew=True) == 2
    assert anger() == 0.7
    assert seed_alert_rules(engine, Settings(alert_anger=0.7), renew=True) == 0
    with reading(engine) as session:
        assert {rule.version for rule in list_rules(session)} == {1, 2}
