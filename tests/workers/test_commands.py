"""What `overtone listen` prints of a conversation it is told."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from overtone import app
from speech.conversation import Acoustics
from tests.fakes import ANGRY, conversation, turn

LOUD = Acoustics(-20.0, 220.0, 3.0, loudness_change_db=6.0, pitch_change_st=3.0)


@pytest.fixture
def overtone(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """Runs commands; whatever the file, this is heard in it."""
    heard = conversation(
        turn("agent", 1.0, "Good morning.", None),
        turn("customer", 3.0, "Where is my bearing then?"),
        turn("customer", 9.0, "I wait and wait here."),
        replace(turn("customer", 20.0, "Not one call back, idiots.", ANGRY), acoustics=LOUD),
    )
    monkeypatch.setattr("speech.listen.listen", lambda *_, **__: heard)
    monkeypatch.setattr("workers.station.load_ears", lambda _: None)
    return CliRunner()


def test_anger_is_summed_up_for_each_speaker_and_explained_for_each_angry_turn(
    overtone: CliRunner,
) -> None:
    lines = overtone.invoke(app, ["listen", "call.wav"]).output.splitlines()

    spoke = next(i for i, line in enumerate(lines) if line.startswith("customer spoke 6 s"))
    assert lines[spoke + 1] == (
        "  anger 0.92 at its peak, 0.34 in the mean, 33% of their speech angry, trend +0.87, "
        "angriest from 20.00 s"
    )
    assert lines[-2].endswith("Not one call back, idiots.")
    assert lines[-1].split("  ")[-1].strip() == (
        "louder than their other turns by 6 dB, pitch up by 3 semitones"
    )
    assert lines[-1].startswith(" " * 17)
    assert sum("at its peak" in line for line in lines) == 1
    assert sum("louder" in line for line in lines) == 1


def test_the_threshold_of_the_settings_decides(
    overtone: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVERTONE_ALERT_ANGER", "0.95")
    shown = overtone.invoke(app, ["listen", "call.wav"]).output
    assert "0% of their speech angry" in shown
    assert "louder" not in shown


def test_json_carries_each_speakers_mood(overtone: CliRunner) -> None:
    shown = json.loads(overtone.invoke(app, ["listen", "call.wav", "--json"]).output)
    assert list(shown["moods"]) == ["customer"]
    assert shown["moods"]["customer"]["peak"] == 0.92
    assert shown["moods"]["customer"]["share"] == pytest.approx(1 / 3)
