"""Rules: what each condition looks for, where, of whom; what is said of it; what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.conversation import Conversation, Turn
from speech.talk import talk_metrics
from tests.fakes import ANGRY, CALM, conversation, turn
from tests.records import MATCHER
from workers.alert_draft import AlertDraft
from workers.call_facts import About, CallFacts, heard_facts
from workers.hits import find_hits
from workers.rules import Rule, RuleError, RuleTable, judge
from workers.rules.definition import read_as
from workers.rules.rule import lowest_anger
from workers.rules.scene import Scene

LONG = "this has now gone wrong for the third time today"  # 10 words, 4 s
ANGER = {"anger": {"at_least": 0.6, "for_s": 3.0}}
ABUSIVE = {"hits": {"lexicon": "abusive"}}


def rule(*all_of: dict[str, Any], **more: Any) -> Rule:
    table = {"all_of": list(all_of), **more}
    return Rule.of("a rule", read_as(RuleTable, table, where=""), version=7)


def facts(*turns: Turn, about: About | None = None, **heard: Any) -> CallFacts:
    of_call: Conversation = replace(conversation(*turns), **heard)
    hits = find_hits(of_call, MATCHER)
    return heard_facts(of_call, hits, about or About(), explained_from=0.0)


def fired(found: CallFacts, *all_of: dict[str, Any], **more: Any) -> AlertDraft | None:
    return next(iter(judge([rule(*all_of, **more)], found)), None)


def wrong(table: dict[str, Any]) -> str:
    with pytest.raises(RuleError) as error:
        read_as(RuleTable, table, where="")
    return str(error.value)


def test_anger_is_that_of_one_speaker_and_lasts() -> None:
    angry = facts(turn("customer", 0, LONG, ANGRY), turn("agent", 10, LONG, ANGRY))
    assert fired(angry, ANGER)
    assert not fired(angry, {"anger": {"at_least": 0.95, "for_s": 3.0}})
    assert not fired(angry, {"anger": {"at_least": 0.6, "for_s": 5.0}}, who="anybody")
    assert fired(angry, {"anger": {"at_least": 0.6, "for_s": 4.0}}, who="agent")


def test_who_is_the_customer_where_nobody_is_known_to_be() -> None:
    voices = facts(turn("speaker_1", 0, LONG, CALM), turn("speaker_2", 9, LONG, ANGRY))
    assert fired(voices, ANGER)
    assert fired(voices, {**ANGER, "who": "anybody"})
    for negated in (False, True):
        assert not fired(voices, {**ANGER, "who": "agent", "not": negated})
    alone = facts(turn("customer", 0, LONG, ANGRY))
    assert fired(alone, {**ANGER, "who": "agent", "not": True})


@pytest.mark.parametrize(
    ("window", "fires"),
    [
        ({"first_s": 22.9}, False),
        ({"first_s": 23.0}, True),
        ({"last_s": 39.0}, True),
        ({"last_s": 38.9}, False),
        ({"first_percent": 38}, False),
        ({"first_percent": 39}, True),
        ({"last_percent": 66}, True),
        ({"last_percent": 61}, False),
        ({"last_s": 36_000.0}, True),
    ],
)
def test_of_a_turn_the_seconds_in_the_window_count(window: dict[str, float], fires: bool) -> None:
    call = facts(turn("customer", 20.0, LONG, ANGRY))  # 20 to 24 s of 60
    assert bool(fired(call, {**ANGER, "window": window})) is fires


def test_hits_are_counted_by_lexicon_grade_and_term_where_they_begin() -> None:
    call = facts(
        turn("customer", 1.0, "You idiot."),
        turn("agent", 10.0, "I will sue you."),
        turn("customer", 50.0, "You idiot, you liar."),
    )
    assert fired(call, {"hits": {"lexicon": "abusive", "times": 3}})
    assert not fired(call, {"hits": {"lexicon": "abusive", "times": 4}})
    assert fired(call, {"hits": {"lexicon": "abusive", "times": 4}}, who="anybody")
    assert fired(call, {"hits": {"term": "IDIOT", "times": 2}})
    assert not fired(call, {"hits": {"term": "idiot", "lexicon": "product"}})
    assert fired(call, {"hits": {"grade": "threat"}, "who": "agent"})
    assert not fired(call, {"hits": {"grade": "threat"}})
    assert not fired(call, {"hits": {"term": "idiot", "times": 2}, "window": {"last_s": 20}})
    assert fired(call, {"hits": {"term": "idiot"}, "window": {"last_s": 20}})
    assert not fired(call, {"hits": {"term": "idiot"}, "window": {"first_s": 1.0}})


def test_a_silence_counts_as_far_as_it_lies_in_the_window() -> None:
    call = facts(turn("customer", 0.0, LONG), turn("agent", 24.0, LONG), duration_s=28.0)
    assert fired(call, {"silence": {"at_least_s": 20.0}})
    assert not fired(call, {"silence": {"at_least_s": 20.5}})
    assert fired(call, {"silence": {"at_least_s": 10.0}, "window": {"first_s": 14.0}})
    assert not fired(call, {"silence": {"at_least_s": 10.1}, "window": {"first_s": 14.0}})


def test_interruptions_are_counted_by_who_interrupts() -> None:
    call = facts(
        turn("customer", 0.0, LONG),
        turn("agent", 3.5, LONG),
        turn("customer", 7.0, LONG),
        turn("agent", 10.5, LONG),
    )
    twice = {"interruptions": {"at_least": 2}}
    assert fired(call, twice, who="agent")
    assert not fired(call, twice)
    assert fired(call, {"interruptions": {"at_least": 3}}, who="anybody")
    assert not fired(call, {**twice, "window": {"last_s": 50.0}}, who="agent")


def test_what_is_not_known_holds_neither_way() -> None:
    one_channel = facts(turn("customer", 0.0, LONG, None), turn("agent", 9.0, LONG), channels=1)
    unheard = replace(one_channel, silences=None)
    for sign in (ANGER, {"interruptions": {"at_least": 1}}, {"silence": {"at_least_s": 3}}):
        assert not fired(unheard, sign)
        assert not fired(unheard, {**sign, "not": True})
    assert not fired(facts(), {"talk_ratio": {"at_most": 1.0}}, who="anybody")


def test_of_a_call_without_a_recording_only_how_it_went_is_known() -> None:
    missed = facts(about=About(outcome="missed"), duration_s=0.0)
    signs: list[dict[str, Any]] = [ANGER, ABUSIVE, {"silence": {"at_least_s": 3}}]
    signs += [{"interruptions": {"at_least": 1}}, {"duration": {"at_most_s": 10}}]
    for sign in signs:
        assert not fired(missed, sign, who="anybody")
        assert not fired(missed, {**sign, "not": True}, who="anybody")
    assert fired(missed, {"outcome": {"one_of": ["missed"]}})
    assert fired(missed, {"outcome": {"one_of": ["answered"]}, "not": True})


def test_the_talk_ratio_lies_between_its_bounds() -> None:
    call = facts(turn("agent", 0.0, "a b c d e f"), turn("customer", 5.0, "a b"))
    assert fired(call, {"talk_ratio": {"at_least": 0.75}}, who="agent")
    assert fired(call, {"talk_ratio": {"at_least": 0.7, "at_most": 0.8}}, who="agent")
    assert not fired(call, {"talk_ratio": {"at_most": 0.74}}, who="agent")
    assert fired(call, {"talk_ratio": {"at_most": 0.25}})
    assert fired(call, {"talk_ratio": {"at_least": 1.0}, "window": {"last_s": 55}})
    assert not fired(call, {"talk_ratio": {"at_most": 1.0}, "window": {"last_s": 30}})


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["agent", "customer", "speaker_3"]),
            st.integers(0, 50),
            st.integers(1, 20),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_the_talk_ratio_of_the_whole_call_is_that_of_the_talk_metrics(
    said: list[tuple[str, int, int]],
) -> None:
    turns = [turn(who, start_s, " ".join(["word"] * words)) for who, start_s, words in said]
    call = facts(*turns)
    talk = talk_metrics(conversation(*turns).turns, duration_s=60.0, channels=2)
    for speaker in talk.speakers:
        if speaker.name in ("agent", "customer"):
            scene = Scene.of(call, speaker.name)  # type: ignore[arg-type]
            assert scene.talk_ratio == pytest.approx(speaker.talk_ratio)


ABOUT = About("Alice", "+44 20", "inbound", None, {"queue": "orders", "vip": True, "tries": 1})


@pytest.mark.parametrize(
    ("sign", "holds"),
    [
        ({"outcome": {"one_of": ["missed", "voicemail"]}}, False),
        ({"direction": {"equals": "inbound"}}, True),
        ({"direction": {"equals": "outbound"}}, False),
        ({"agent": {"equals": "Alice"}}, True),
        ({"agent": {"equals": "alice"}}, False),
        ({"line": {"equals": "+44 20"}}, True),
        ({"metadata": {"key": "queue", "equals": "orders"}}, True),
        ({"metadata": {"key": "queue", "equals": "service"}}, False),
        ({"metadata": {"key": "none", "equals": "orders"}}, False),
        ({"metadata": {"key": "vip", "equals": True}}, True),
        ({"metadata": {"key": "vip", "equals": 1}}, False),
        ({"metadata": {"key": "tries", "equals": True}}, False),
        ({"metadata": {"key": "tries", "equals": 1.0}}, True),
        ({"duration": {"at_least_s": 60}}, True),
        ({"duration": {"at_least_s": 60.5}}, False),
        ({"duration": {"at_most_s": 60}}, True),
    ],
)
def test_what_is_true_of_the_whole_call(sign: dict[str, Any], holds: bool) -> None:
    call = facts(turn("customer", 0.0, LONG), about=ABOUT)
    assert bool(fired(call, sign)) is holds
    assert bool(fired(call, {**sign, "not": True})) is not holds


def test_all_of_and_any_of_are_met_together() -> None:
    angry = facts(turn("customer", 0, LONG, ANGRY))
    abusive = facts(turn("customer", 0, "You idiot."))
    both = facts(turn("customer", 0, f"You idiot, {LONG}", ANGRY))
    assert [bool(fired(call, ANGER, ABUSIVE)) for call in (angry, abusive, both)] == [0, 0, 1]
    either = Rule.of("either", RuleTable.model_validate({"any_of": [ANGER, ABUSIVE]}))
    assert [len(judge([either], call)) for call in (angry, abusive, both)] == [1, 1, 1]
    found = fired(both, {"duration": {"at_least_s": 1}}, any_of=[ABUSIVE, {**ANGER, "not": True}])
    assert found
    assert "angry" not in found.reason
    assert not fired(angry, {"duration": {"at_least_s": 1}}, any_of=[ABUSIVE])


def test_the_draft_says_all_that_was_found_in_words_and_seconds() -> None:
    call = facts(
        turn("customer", 4.0, "You idiot."),
        turn("customer", 20.0, LONG, ANGRY),
        turn("agent", 40.0, "Good morning."),
        about=About(outcome="answered"),
    )
    draft = fired(
        call,
        {"outcome": {"one_of": ["answered"]}},
        {**ANGER, "window": {"last_percent": 70}},
        ABUSIVE,
        {"hits": {"lexicon": "abusive", "term": "idiot"}},
        {"hits": {"lexicon": "praise", "times": 2}, "who": "anybody", "not": True},
        {"silence": {"at_least_s": 19}},
        severity="critical",
        acknowledge_within_s=60.0,
    )
    assert draft
    assert draft.reason == (
        "outcome is answered; customer sounds angry for 4 s of speech in one turn in the last "
        "70 %, anger up to 0.92: the tone of voice; 1 abusive hit: “idiot” (customer); 1 abusive "
        "hit: “idiot” (customer); fewer than 2 praise hits; nobody speaks for 19 s from 40.80 s"
    )
    assert [piece["kind"] for piece in draft.evidence] == [
        "call",
        "absence",
        "hit",
        "mood",
        "silence",
    ]
    assert {piece["rule_version"] for piece in draft.evidence} == {7}
    assert all(0 <= piece["start_s"] < piece["end_s"] <= 60 for piece in draft.evidence)
    assert draft.start_s == pytest.approx(4.4)
    assert (draft.rule, draft.severity, draft.acknowledge_within_s) == ("a rule", "critical", 60.0)


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        (ANGER, "customer does not sound angry (0.6 or more) for 3 s"),
        ({**ANGER, "who": "anybody"}, "nobody sounds angry (0.6 or more) for 3 s"),
        (
            {"hits": {"term": "refund"}, "window": {"last_s": 60}},
            "no hit “refund” of the customer in the last 60 s",
        ),
        ({"silence": {"at_least_s": 40}}, "no silence of 40 s"),
        ({"interruptions": {"at_least": 2}}, "customer does not interrupt 2 times"),
        ({"talk_ratio": {"at_most": 0.2}}, "customer has 50 % of the talk"),
        ({"agent": {"equals": "Alice"}}, "agent is not known"),
        ({"duration": {"at_most_s": 10}}, "the call lasts 60 s"),
    ],
)
def test_what_is_not_there_is_said_too(condition: dict[str, Any], reason: str) -> None:
    call = facts(turn("customer", 20.0, LONG), turn("agent", 30.0, LONG))
    draft = fired(call, {**condition, "not": True})
    assert draft
    assert draft.reason == reason
    assert [piece["kind"] for piece in draft.evidence] == ["absence"]


def test_the_evidence_of_something_missing_is_where_it_is_missing() -> None:
    missing = {"hits": {"term": "goodbye"}, "who": "agent", "not": True}
    draft = fired(facts(turn("agent", 1.0, LONG)), {**missing, "window": {"last_s": 10}})
    assert draft
    assert (draft.start_s, draft.evidence[0]["end_s"]) == (50.0, 60.0)


def test_evidence_is_bounded_and_the_angriest_of_it_is_kept() -> None:
    turns = [
        turn("customer", 5.0 * at, LONG, replace(ANGRY, anger=0.6 + at / 100)) for at in range(9)
    ]
    draft = fired(facts(*turns), ANGER)
    assert draft
    assert [piece["anger"] for piece in draft.evidence] == pytest.approx(
        [0.64, 0.65, 0.66, 0.67, 0.68]
    )
    assert "36 s of speech in 9 turns, anger up to 0.68" in draft.reason


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "give it conditions in all_of or any_of"),
        ({"all_of": [ANGER] * 11}, "all_of: Tuple should have at most 10 items"),
        ({"all_of": [{}]}, "all_of.0: name one of anger, hits, silence"),
        ({"all_of": [{**ANGER, **ABUSIVE}]}, "all_of.0: name one of anger, hits, silence"),
        ({"all_of": [{"angre": {}}]}, "all_of.0.angre: Extra inputs are not permitted"),
        ({"all_of": [{"anger": {"at_least": 0.6}}]}, "all_of.0.anger.for_s: Field required"),
        ({"all_of": [{"anger": {"at_least": 2, "for_s": 1}}]}, "all_of.0.anger.at_least: Input"),
        ({"all_of": [{"anger": {"at_least": "1", "for_s": 1}}]}, "all_of.0.anger.at_least: Input"),
        ({"all_of": [{"anger": {"at_least": 1, "for_s": float("nan")}}]}, "all_of.0.anger.for_s"),
        ({"all_of": [{"hits": {"times": 2}}]}, "all_of.0.hits: name a lexicon, a grade or a term"),
        ({"all_of": [{"hits": {"term": "a\0"}}]}, "all_of.0.hits.term: String should match"),
        ({"all_of": [{"hits": {"term": "\ud800"}}]}, "all_of.0.hits.term: "),
        ({"all_of": [{"metadata": {"key": "a\0", "equals": 1}}]}, "all_of.0.metadata.key: "),
        ({"all_of": [{"metadata": {"key": "a", "equals": "\0"}}]}, "all_of.0.metadata.equals"),
        ({"all_of": [{"metadata": {"key": "a", "equals": float("inf")}}]}, "metadata.equals"),
        ({"all_of": [{"metadata": {"key": "a", "equals": float("nan")}}]}, "metadata.equals"),
        ({"all_of": [{"metadata": {"key": "a", "equals": None}}]}, "metadata.equals"),
        ({"all_of": [{"hits": {"term": "a", "times": True}}]}, "all_of.0.hits.times: Input"),
        ({"all_of": [{"silence": {"at_least_s": 2}}]}, "all_of.0.silence.at_least_s: Input"),
        ({"all_of": [{"talk_ratio": {}}]}, "all_of.0.talk_ratio: name at_least, at_most or both"),
        (
            {"all_of": [{"talk_ratio": {"at_least": 0.6, "at_most": 0.5}}]},
            "all_of.0.talk_ratio: at_least is above at_most",
        ),
        ({"all_of": [{"outcome": {"one_of": []}}]}, "all_of.0.outcome.one_of: Tuple"),
        ({"all_of": [{**ANGER, "window": {}}]}, "all_of.0.window: name one of first_s"),
        (
            {"all_of": [{**ANGER, "window": {"first_s": 1, "last_s": 1}}]},
            "all_of.0.window: name one of first_s",
        ),
        ({"all_of": [{**ANGER, "window": {"last_percent": 101}}]}, "all_of.0.window.last_percent"),
        (
            {"any_of": [{"outcome": {"one_of": ["missed"]}, "window": {"last_s": 3}}]},
            "any_of.0: outcome has no window: leave it out",
        ),
        (
            {"any_of": [{"silence": {"at_least_s": 5}, "who": "agent"}]},
            "any_of.0: silence is nobody's: leave out who",
        ),
        ({"all_of": [ANGER], "severity": "urgent"}, "severity: Input should be 'low'"),
        ({"all_of": [ANGER], "acknowledge_within_s": 0}, "acknowledge_within_s: Input"),
        ({"all_of": [ANGER], "pattern": "(a+)+$"}, "pattern: Extra inputs are not permitted"),
    ],
)
def test_what_is_wrong_is_named_by_its_place(table: dict[str, Any], said: str) -> None:
    assert said in wrong(table)


def test_what_was_given_is_not_repeated_in_an_error() -> None:
    told = wrong({"all_of": [{"line": {"equals": "+44 20 7946\n0100", "more": "+44"}}]})
    assert "all_of.0.line.equals" in told
    assert "+44" not in told


def test_a_definition_reads_back_as_the_same_rule() -> None:
    table = read_as(
        RuleTable,
        {
            "who": "agent",
            "all_of": [{**ANGER, "not": True, "window": {"last_percent": 20}, "who": "anybody"}],
            "any_of": [{"metadata": {"key": "vip", "equals": True}}],
        },
        where="",
    )
    assert table.definition == {
        "who": "agent",
        "all_of": [{**ANGER, "not": True, "window": {"last_percent": 20.0}, "who": "anybody"}],
        "any_of": [{"metadata": {"key": "vip", "equals": True}}],
    }
    assert RuleTable.model_validate(table.definition) == table


def test_rules_below_the_usual_anger_have_their_turns_explained() -> None:
    low = rule({"anger": {"at_least": 0.3, "for_s": 1.0}})
    assert lowest_anger([rule(ABUSIVE), low], 0.6) == 0.3
    assert lowest_anger([rule(ANGER)], 0.5) == 0.5
    assert lowest_anger([], 0.6) == 0.6
