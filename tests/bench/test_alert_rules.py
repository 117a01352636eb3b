"""The bench of rules measures what it says: many rules, of which some fire on all kinds."""

from __future__ import annotations

from tests.bench.alert_rules import RULES, TURNS, busy_call, many_rules
from workers.rules import judge


def test_the_bench_judges_a_long_call_by_many_rules() -> None:
    facts, rules = busy_call(), many_rules()
    assert (len(facts.turns), len(rules)) == (TURNS, RULES)
    drafts = judge(rules, facts)
    assert 5 <= len(drafts) <= 10
    kinds = {piece["kind"] for draft in drafts for piece in draft.evidence}
    assert kinds == {"mood", "hit", "absence", "silence", "talk_ratio", "call"}
