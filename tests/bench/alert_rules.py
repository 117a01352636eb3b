"""How long it takes to judge one call by many rules: `rules_ms` of `make bench NAME=alerts`.

RULES rules of all kinds of conditions judge a call of TURNS turns; one in five fires.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from statistics import median
from time import perf_counter
from typing import Any

from speech.conversation import Acoustics
from tests.fakes import ANGRY, CALM, conversation, turn
from tests.records import MATCHER
from workers.call_facts import About, CallFacts, heard_facts
from workers.hits import find_hits
from workers.rules import Rule, RuleTable, judge

RULES, TURNS, TIMES = 50, 60, 200
TURN_S = 4.0
EVIDENCE = {"encoder": 1.9, "loudness": 0.7, "tempo": 0.1, "pitch": 0.4, "colour": 0.6}


def measure_rules() -> float:
    """The median time in milliseconds to judge the call by all rules, drafts included."""
    facts, rules = busy_call(), many_rules()
    times: list[float] = []
    for _ in range(TIMES):
        since = perf_counter()
        judge(rules, facts)
        times.append((perf_counter() - since) * 1000)
    return median(times)


def busy_call() -> CallFacts:
    """Every third turn is angry, every fifth abusive."""
    texts = ("Where is my bearing number two oh four?", "You idiot, this is the third time now.")
    loud = Acoustics(-20.0, 220.0, 3.0, 6.0, 3.0, 0.2)
    turns = []
    for at in range(TURNS):
        mood = replace(ANGRY, evidence=EVIDENCE) if at % 3 == 0 else CALM
        said = turn(("agent", "customer")[at % 2], at * TURN_S, texts[at % 5 == 0], mood)
        turns.append(replace(said, acoustics=loud))
    heard = conversation(*turns, duration_s=TURNS * TURN_S + 30)
    hits = find_hits(heard, MATCHER)
    about = About(agent="Alice", outcome="answered", metadata={"queue": "orders"})
    return heard_facts(heard, hits, about, explained_from=0.6)


def many_rules() -> list[Rule]:
    """Rules that differ in their figures and windows; those that fire do so on all evidence."""
    rules = []
    for number in range(RULES):
        last = {"last_s": 30.0 + number}
        fires = number % 5 == 0
        conditions: list[dict[str, Any]] = [
            {"anger": {"at_least": 0.6, "for_s": 3.0 + number % 7}},
            {"hits": {"lexicon": "abusive", "times": 2}, "who": "anybody"},
            {"anger": {"at_least": 0.99, "for_s": 2.0}, "window": last, "not": True},
            {"silence": {"at_least_s": 10.0 if fires else 120.0}},
            {"talk_ratio": {"at_least": 0.1}, "window": last},
            {"metadata": {"key": "queue", "equals": "orders"}},
        ]
        table = {"severity": "high", "all_of": conditions}
        rules.append(Rule.of(f"rule {number}", RuleTable.model_validate(table)))
    return rules


def main() -> None:
    """Print the figure."""
    sys.stdout.write(f"rules_ms {measure_rules():.2f}\n")


if __name__ == "__main__":
    main()
