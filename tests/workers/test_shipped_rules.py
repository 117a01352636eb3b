"""When the rule `angry-or-abusive` raises an alert, with which reason and which seconds."""

from __future__ import annotations

from dataclasses import replace

from speech.conversation import Acoustics, Turn
from tests.fakes import ANGRY, CALM, conversation, turn
from tests.records import MATCHER, RULE
from workers.alert_draft import AlertDraft
from workers.pipeline import analyse

LONG = "this has now gone wrong for the third time and nobody calls me back"


def judge(*turns: Turn) -> AlertDraft | None:
    alerts = analyse(conversation(*turns), MATCHER, [RULE]).alerts
    return next(iter(alerts), None)


def test_a_calm_call_raises_none() -> None:
    assert judge(turn("agent", 0, "Good morning."), turn("customer", 3, LONG, CALM)) is None


def test_lasting_anger_of_the_customer_raises_one() -> None:
    alert = judge(turn("customer", 0, LONG, CALM), turn("customer", 20, LONG, ANGRY))
    assert alert is not None
    assert alert.rule == "angry-or-abusive"
    assert alert.start_s == 20
    assert "customer sounds angry for 6 s of speech in one turn, anger up to 0.92" in alert.reason


def test_anger_that_does_not_last_raises_none() -> None:
    assert judge(turn("customer", 0, "no way", ANGRY), turn("customer", 5, LONG, CALM)) is None


def test_anger_adds_up_over_turns() -> None:
    assert judge(*(turn("customer", 5 * i, "not once more", ANGRY) for i in range(3))) is not None


def test_anger_of_the_agent_is_not_the_customers() -> None:
    assert judge(turn("agent", 0, LONG, ANGRY)) is None


def test_an_abusive_hit_raises_one_whoever_said_it() -> None:
    alert = judge(turn("agent", 4, "You are a useless idiot."))
    assert alert is not None
    assert "abusive" in alert.reason
    assert "agent" in alert.reason
    assert alert.evidence[0]["start_s"] > 4


def test_reason_and_evidence_name_voice_and_words_together() -> None:
    alert = judge(turn("customer", 4, f"You are useless idiots, {LONG}", ANGRY))
    assert alert is not None
    assert {piece["kind"] for piece in alert.evidence} == {"mood", "hit"}
    assert alert.start_s == min(piece["start_s"] for piece in alert.evidence)


def test_turns_without_a_mood_raise_none() -> None:
    assert judge(turn("customer", 0, LONG, None)) is None


def test_the_reason_is_that_of_the_angriest_turn_and_each_piece_has_its_own() -> None:
    loud = Acoustics(-20.0, None, 3.0, loudness_change_db=6.0)
    calmer = turn("customer", 0, f"You liar, {LONG}", replace(ANGRY, anger=0.7))
    angriest = replace(turn("customer", 20, f"You idiot, {LONG}", ANGRY), acoustics=loud)
    alert = judge(calmer, angriest)
    assert alert is not None
    why = "louder than their other turns by 6 dB; says “idiot”"
    assert f"in 2 turns, anger up to 0.92: {why}; 2 abusive hits" in alert.reason
    pieces = [piece for piece in alert.evidence if piece["kind"] == "mood"]
    assert [piece["reason"] for piece in pieces] == ["the tone of voice; says “liar”", why]
    assert pieces[1]["parts"]["voice"] == {"louder_db": 6.0}
    assert [word["term"] for word in pieces[1]["parts"]["words"]] == ["idiot"]
