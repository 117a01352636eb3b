"""Why a turn is angry: what is known, and of that only what is notable, in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lexicons.lexicon import shipped
from lexicons.matcher import Matcher
from speech.conversation import Acoustics, Turn
from tests.fakes import ANGRY, conversation, turn
from workers.call_facts import said_term, spoken_turn
from workers.hits import by_turn, find_hits
from workers.reasons import anger_parts

MATCHER = Matcher(shipped())
RAISED = Acoustics(-20.0, 220.0, 3.0, 6.04, 3.2, 0.204)
EVIDENCE = {"encoder": 1.941, "loudness": 0.7, "tempo": 0.05, "pitch": 0.4, "colour": -0.12}


def angry(
    acoustics: Acoustics | None = None,
    evidence: dict[str, float] | None = None,
    text: str = "Not once.",
) -> Turn:
    said = turn("customer", 3.0, text, replace(ANGRY, evidence=evidence))
    return replace(said, acoustics=acoustics)


def reason(
    acoustics: Acoustics | None = None,
    evidence: dict[str, float] | None = None,
    text: str = "Not once.",
) -> str:
    return str(parts(angry(acoustics, evidence, text))["reason"])


def parts(said: Turn) -> dict[str, Any]:
    hits = find_hits(conversation(said), MATCHER)
    return anger_parts(spoken_turn(0, said), map(said_term, hits))


def test_voice_evidence_and_words_are_told_apart() -> None:
    said = angry(RAISED, EVIDENCE, "You idiot, where is my bearing number two oh four?")

    told = parts(said)

    assert told["voice"] == {"louder_db": 6.0, "higher_st": 3.2, "faster": 0.2}
    assert told["evidence"] == EVIDENCE | {"encoder": 1.94}
    (word,) = told["words"]
    assert (word["term"], word["lexicon"]) == ("idiot", "abusive")
    assert word["grade"]
    assert (word["start_s"], word["end_s"]) == pytest.approx((3.4, 3.8))
    assert (told["start_s"], told["end_s"]) == (3.0, said.end_s)
    assert told["reason"] == (
        "louder than their other turns by 6 dB, pitch up by 3 semitones, 20 % faster, "
        "the voice itself (Whisper's encoder) speaks for anger; says “idiot”"
    )


def test_what_is_not_known_is_left_out() -> None:
    assert parts(angry())["voice"] == {}
    assert parts(angry())["evidence"] is None
    alone = Acoustics(-20.0, None, 3.0, loudness_change_db=2.5)
    assert parts(angry(alone))["voice"] == {"louder_db": 2.5}
    assert reason(alone) == "louder than their other turns by 2 dB"


def test_only_what_is_notable_and_upwards_is_named() -> None:
    assert reason(Acoustics(-20.0, 180.0, 3.0, 1.9, 0.9, 0.09)) == "the tone of voice"
    assert reason(Acoustics(-20.0, 180.0, 3.0, -6.0, -3.0, -0.3)) == "the tone of voice"
    assert reason(evidence={"encoder": 0.4, "colour": -2.0, "loudness": 3.0}) == "the tone of voice"
    assert reason(Acoustics(-20.0, 180.0, 3.0, None, 1.0, 0.1)) == (
        "pitch up by 1 semitone, 10 % faster"
    )


def test_the_encoder_and_the_colour_are_named_together() -> None:
    assert reason(evidence={"colour": 0.5}) == "the colour of the voice speaks for anger"
    assert reason(evidence={"encoder": 2.0, "colour": 0.5}) == (
        "the voice itself (Whisper's encoder) and the colour of the voice speak for anger"
    )


def test_words_of_other_lexicons_are_no_reason() -> None:
    assert reason(text="Where is my bearing number two oh four?") == "the tone of voice"


def test_many_words_are_counted_and_each_named_once() -> None:
    told = reason(text="You idiot, idiot, damn liar, shut up, this is bullshit.")
    assert told.startswith("the tone of voice; says “idiot”, “damn”, “liar” and ")
    assert told.endswith(" more")


def test_hits_are_found_by_their_turn() -> None:
    heard = conversation(
        turn("customer", 0.0, "You idiot, you liar."),
        turn("agent", 5.0, "Good morning."),
        turn("customer", 9.0, "You damn liar."),
    )
    found = by_turn(find_hits(heard, MATCHER))
    assert {position: {hit.position for hit in hits} for position, hits in found.items()} == {
        0: {0},
        2: {2},
    }
