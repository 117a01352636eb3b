"""What is written of an analysed call: once, whole, and the same when it is written again."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, SQLModel, select

from lexicons.lexicon import shipped
from lexicons.matcher import Matcher
from models import Alert, Call, CallTag, Hit, Speaker, Turn
from models.db import reading, writing
from models.search import CallQuery, find_calls
from tests.fakes import ANGRY, CALM, conversation, turn
from tests.records import RULE, store_call
from workers.pipeline import Analysis, analyse, call_anger, record

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
        assert not find_calls(session, CallQuery(q="bearing"), limit=5).items
        assert find_calls(session, CallQuery(q="liar"), limit=5).items


def test_a_call_deleted_meanwhile_is_left_alone(engine: Engine) -> None:
    with writing(engine) as session:
        assert not record(session, 99, analysis(*TURNS))
    assert not any(contents(engine).values())


def test_nothing_is_written_when_something_breaks_half_way(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = store_call(engine, "a", *TURNS)
    before = contents(engine)

    def broken(*_: object) -> None:
        raise RuntimeError("half-way")

    monkeypatch.setattr("workers.pipeline._write_alert", broken)
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
