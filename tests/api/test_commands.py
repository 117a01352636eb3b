"""What the commands print of calls in the database."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from models.call import Call, Speaker
from models.db import writing
from overtone import app
from settings import Settings
from tests.fakes import turn
from tests.records import store_call


@pytest.fixture
def overtone(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """Runs commands over the test's own database."""
    monkeypatch.setenv("OVERTONE_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("OVERTONE_DATABASE_URL", settings.database)
    return CliRunner()


def test_show_prints_how_a_call_went(overtone: CliRunner, engine: Engine) -> None:
    unsure = turn("customer", 3.4, "Wait, I want a refund")
    unsure = replace(unsure, words=tuple(replace(word, probability=0.4) for word in unsure.words))
    number = store_call(
        engine, "1", turn("agent", 1.0, "one two three four five six seven"), unsure
    )
    with writing(engine) as session:
        session.get_one(Call, number).dropped_words = 7
        session.commit()

    shown = overtone.invoke(app, ["show", str(number)])

    assert shown.exit_code == 0, shown.output
    lines = shown.output.splitlines()
    assert (
        "agent spoke 3 s (58%), 150 words a minute, longest monologue 3 s, interruptions 0"
        "  neutral, anger 0.05"
    ) in lines
    assert (
        "customer spoke 2 s (42%), 150 words a minute, longest monologue 2 s, interruptions 1"
        "  neutral, anger 0.05"
    ) in lines
    assert "nobody speaks for 55 s from 5.40 s" in lines
    assert "7 words that nobody said are left out" in lines
    assert "   1.00    3.80  agent     0.05  one two three four five six seven" in lines
    assert "   3.40    5.40  customer  0.05  (uncertain) Wait, I want a refund" in lines


def test_show_leaves_out_what_was_not_known_when_a_call_was_heard(
    overtone: CliRunner, engine: Engine
) -> None:
    number = store_call(engine, "1", turn("agent", 1.0, "one two three"))
    with writing(engine) as session:
        speaker = session.get_one(Speaker, (number, "agent"))
        speaker.talk_ratio = speaker.words_per_minute = speaker.longest_monologue_s = None
        speaker.interruptions = session.get_one(Call, number).silences = None
        session.commit()

    lines = overtone.invoke(app, ["show", str(number)]).output.splitlines()

    assert "agent spoke 1 s  neutral, anger 0.05" in lines
    assert not [line for line in lines if "nobody" in line]


def test_show_says_that_there_is_no_such_call(overtone: CliRunner, engine: Engine) -> None:
    assert engine
    shown = overtone.invoke(app, ["show", "99"])
    assert (shown.exit_code, shown.stderr) == (1, "overtone: there is no call 99\n")
