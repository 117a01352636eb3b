"""What is written of an analysed call: once, whole, and the same when it is written again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, SQLModel, select

from lexicons.lexicon import shipped
from lexicons.matcher import Matcher
from models import Alert, Call, CallTag, Hit, Speaker, Turn
from models.db import reading, writing
from models.filters import CallQuery
from models.search import Finder
from tests.fakes import ANGRY, CALM, conversation, turn
from tests.records import RULE, store_call
from workers.pipeline import Analysis, agent_talk_ratio, analyse, call_anger, record

MATCHER = Matcher(shipped())
TURNS = (
    turn("agent", 1.0, "Good morning."),
    turn("customer", 3.0, "Where is my bearing number two oh four?"),
    turn("customer", 9.0, "You are useless idiots, all of you, I am so tired of it.", ANGRY),
)


def contents(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    """Every row, less ids and moments."""
    fleeting = {"id", "turn_id", "heard_at", "updated_at", "created_at"}
    tables: list[type[SQLModel]] = [Call, Speaker, CallTag, Turn, Hit, Alert]
    with Session(engine) as session:
        return {
            table.__name__: [
                row.model_dump(exclude=fleeting) for row in session.exec(select(table))
            ]
            for table in tables
        }


def analysis(*turns: Any) -> Analysis:
    return analyse(conversation(*turns), MATCHER, [RULE])


def test_all_that_is_known_is_written(engine: Engine) -> None:
    store_call(engine, "a", *TURNS)
    rows = contents(engine)
    (call,) = rows["Call"]
    assert (call["status"], call["anger"], call["duration_s"]) == ("done", ANGRY.anger, 60.0)
    assert [row["tag"] for row in rows["CallTag"]] == ["abusive", "angry", "product"]
    assert [(row["name"], row["mood"]) for row in rows["Speaker"]] == [
        ("agent", "neutral"),
        ("customer", "angry"),
    ]
    bearing = next(row for row in rows["Hit"] if row["lexicon"] == "product")
    assert bearing["matched"] == "bearing number two oh four"
    assert (bearing["start_s"], bearing["end_s"]) == pytest.approx((4.2, 6.2))
    assert len(rows["Alert"]) == 1


def test_how_the_conversation_went_is_written(engine: Engine) -> None:
    number = store_call(engine, "a", *TURNS)
    heard = conversation(
        replace(turn("agent", 1.0, "one two three four five six seven eight"), language="en"),
        replace(turn("customer", 3.4, "Wait, I want a refund"), language="ru"),
        turn("agent", 9.4, "mm-hm"),
        duration_s=20.0,
    )
    with writing(engine) as session:
        record(session, number, analyse(replace(heard, dropped_words=7), MATCHER, [RULE]))
    rows = contents(engine)
    (call,) = rows["Call"]
    assert call["silences"] == [
        {"start_s": pytest.approx(5.4), "end_s": pytest.approx(9.4)},
        {"start_s": pytest.approx(9.8), "end_s": pytest.approx(20.0)},
    ]
    assert (call["silence_s"], call["longest_silence_s"]) == (14.2, 10.2)
    assert (call["overlap_s"], call["interruptions"], call["dropped_words"]) == (0.8, 1, 7)
    assert call["agent_talk_ratio"] == 0.643
    figures = ("name", "talk_s", "talk_ratio", "words_per_minute", "longest_monologue_s")
    assert [tuple(row[name] for name in figures) for row in rows["Speaker"]] == [
        ("agent", 3.6, 0.643, 150.0, 3.2),
        ("customer", 2.0, 0.357, 150.0, 2.0),
    ]
    assert [row["interruptions"] for row in rows["Speaker"]] == [0, 1]
    assert [(row["language"], row["confidence"]) for row in rows["Turn"]] == [
        ("en", 0.9),
        ("ru", 0.9),
        (None, 0.9),
    ]
    assert [row["interrupts"] for row in rows["Turn"]] == [False, True, False]


def test_what_one_channel_cannot_tell_is_none(engine: Engine) -> None:
    number = store_call(engine, "a", *TURNS)
    heard = replace(conversation(turn("speaker_1", 1.0, "one two three")), channels=1)
    with writing(engine) as session:
        record(session, number, analyse(heard, MATCHER, [RULE]))
    rows = contents(engine)
    (call,), (speaker,), (said,) = rows["Call"], rows["Speaker"], rows["Turn"]
    assert (call["overlap_s"], call["interruptions"], call["agent_talk_ratio"]) == (None,) * 3
    assert (speaker["interruptions"], said["interrupts"]) == (None, None)
    assert (call["longest_silence_s"], speaker["talk_ratio"]) == (57.8, 1.0)


def test_a_call_in_which_nobody_speaks_is_written(engine: Engine) -> None:
    number = store_call(engine, "a")
    with Session(engine) as session:
        call = session.get(Call, number)
    assert call is not None
    assert (call.status, call.silences, call.interruptions) == ("done", [], 0)
    assert call.agent_talk_ratio is None


def test_the_talk_ratio_is_the_agents_where_somebody_is_known_to_be_it() -> None:
    agent, customer = turn("agent", 0, "a b c"), turn("customer", 9, "a")
    assert agent_talk_ratio(conversation(agent, customer).talk) == 0.75
    assert agent_talk_ratio(conversation(customer).talk) == 0.0
    assert agent_talk_ratio(conversation(turn("speaker_1", 0, "a b c")).talk) is None


def test_writing_again_gives_the_same_rows(engine: Engine) -> None:
    number = store_call(engine, "a", *TURNS)
    before = contents(engine)
    with writing(engine) as session:
        assert record(session, number, analysis(*TURNS))
    assert contents(engine) == before


def test_hearing_again_replaces_what_was_heard_and_keeps_the_alert(engine: Engine) -> None:
    number = store_call(engine, "a", *TURNS)
    with Session(engine) as session:
        alert_id = session.exec(select(Alert)).one().id
    with writing(engine) as session:
        record(session, number, analysis(turn("customer", 2.0, "You are a liar, a damn liar.")))
    rows = contents(engine)
    assert [row["text"] for row in rows["Turn"]] == ["You are a liar, a damn liar."]
    with Session(engine) as session:
        alert = session.exec(select(Alert)).one()
    assert alert.id == alert_id
    assert "sounds angry" not in alert.reason
    with reading(engine) as session:
        assert not Finder().find(session, CallQuery(q="bearing"), limit=5).items
        assert Finder().find(session, CallQuery(q="liar"), limit=5).items


def test_a_call_deleted_meanwhile_is_left_alone(engine: Engine) -> None:
    with writing(engine) as session:
        assert not record(session, 99, analysis(*TURNS))
    assert not any(contents(engine).values())


def test_nothing_is_written_when_something_breaks_half_way(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = store_call(engine, "a", *TURNS)
    before = contents(engine)

    def broken(*_: object, **_more: object) -> None:
        raise RuntimeError("half-way")

    monkeypatch.setattr("workers.pipeline.write_alerts", broken)
    with writing(engine) as session, pytest.raises(RuntimeError):
        record(session, number, analysis(turn("customer", 1.0, "You damn liar.")))
    assert contents(engine) == before


def test_the_anger_of_a_call_is_the_customers() -> None:
    heard = conversation(
        turn("agent", 0, "a b c d e f g", ANGRY), turn("customer", 9, "a b c", CALM)
    )
    assert call_anger(heard) == CALM.anger
    assert call_anger(conversation(turn("speaker_1", 0, "a b c d e f", ANGRY))) == ANGRY.anger
    assert call_anger(conversation(turn("agent", 0, "a b c d e f", ANGRY))) is None


def test_the_anger_of_a_speaker_is_explained(engine: Engine) -> None:
    said = "this is the third time now"
    store_call(
        engine,
        "a",
        *(turn("customer", 10.0 * i, said, CALM) for i in range(2)),
        turn("customer", 30.0, said, ANGRY),
        turn("agent", 50.0, "I am sorry.", None),
    )
    agent, customer = contents(engine)["Speaker"]
    names = ("anger", "anger_mean", "anger_share", "anger_trend", "anger_at_s")
    assert [customer[name] for name in names] == [0.92, 0.34, 0.333, 0.87, 30.0]
    assert [agent[name] for name in ("mood", "angry", *names)] == [None] * 7


def test_an_angry_turn_says_why_and_its_moods_stay_plain(engine: Engine) -> None:
    angry = replace(ANGRY, evidence={"encoder": 1.2345, "colour": -0.4})
    calm = replace(CALM, evidence={"encoder": -2.0, "colour": 0.1})
    store_call(
        engine,
        "a",
        turn("customer", 1.0, "Good morning, you idiot.", calm),
        turn("customer", 9.0, "You are useless idiots, all of you.", angry),
    )
    first, second = contents(engine)["Turn"]
    assert first["anger_parts"] is None
    parts = second["anger_parts"]
    assert parts["evidence"] == {"encoder": 1.23, "colour": -0.4}
    assert {word["start_s"] >= 9.0 for word in parts["words"]} == {True}
    assert parts["reason"].startswith("the voice itself (Whisper's encoder) speaks for anger; says")
    assert [turn["moods"].keys() for turn in (first, second)] == [
        {"angry", "happy", "neutral", "sad", "anger"}
    ] * 2
