"""`overtone mood`: the report over a database, and training called with what was asked."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from models.call import Call
from models.db import writing
from models.verdict import give_verdict
from overtone import app
from settings import Settings
from tests.fakes import ANGRY, turn
from tests.records import store_call

ROOT = Path(__file__).parents[2]


@pytest.fixture
def overtone(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """Runs commands over the test's own database."""
    monkeypatch.setenv("OVERTONE_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("OVERTONE_DATABASE_URL", settings.database)
    return CliRunner()


def judged_call(engine: Engine, name: str, model: str) -> None:
    number = store_call(
        engine,
        name,
        turn("agent", 0.0, "Good morning."),
        turn("customer", 3.0, "You never called me back, not once.", ANGRY),
    )
    with writing(engine) as session:
        session.get_one(Call, number).mood_model = model
        session.commit()
        give_verdict(session, number, speaker="customer", angry=True, given_by=None)
        give_verdict(session, number, speaker="agent", angry=False, given_by=None)


def test_the_report_is_on_the_model_of_the_call_heard_last(
    overtone: CliRunner, engine: Engine
) -> None:
    judged_call(engine, "1", "older")
    judged_call(engine, "2", "newer")

    shown = overtone.invoke(app, ["mood", "report"])

    assert shown.exit_code == 0, shown.output
    assert "mood model newer: 2 verdicts, 1 of them angry" in shown.output
    assert "left out: 2 verdicts on speakers judged under another model" in shown.output
    assert "give 28 more verdicts before you change a threshold" in shown.output
    assert "to set it" not in shown.output
    older = overtone.invoke(app, ["mood", "report", "--model", "older"])
    assert "mood model older: 2 verdicts" in older.output


def test_the_report_comes_as_json(
    overtone: CliRunner, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVERTONE_ALERT_ANGER", "0.95")
    judged_call(engine, "1", "fake")
    shown = overtone.invoke(app, ["mood", "report", "--json", "--precision", "0.5"])
    figures = json.loads(shown.output)
    assert (figures["model"], figures["verdicts"], figures["angry"]) == ("fake", 2, 1)
    assert figures["at_alert"]["threshold"] == 0.95
    assert (figures["at_alert"]["precision"], figures["at_alert"]["recall"]) == (None, 0.0)
    assert (figures["wanted_precision"], figures["suggested"]["threshold"]) == (0.5, 0.05)
    assert len(figures["bins"]) == 10


def test_the_report_needs_no_verdicts(overtone: CliRunner, engine: Engine) -> None:
    assert engine
    shown = overtone.invoke(app, ["mood", "report"])
    assert shown.exit_code == 0, shown.output
    assert "no call was heard with a mood model yet" in shown.output
    assert "PUT /calls/NUMBER/verdict" in shown.output


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What training was called with; it does nothing."""
    import speech.mood_training

    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(
        speech.mood_training,
        "train_folder",
        lambda table, **asked: calls.append({"table": table} | asked),
        raising=False,
    )
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    return calls


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_training_is_called_with_what_was_asked(
    overtone: CliRunner, settings: Settings, trained: list[dict[str, Any]], tmp_path: Path
) -> None:
    folder, out = tmp_path / "clips", tmp_path / "head"
    folder.mkdir()
    table = folder / "clips.tsv"
    table.touch()
    (folder / "notes.txt").touch()
    asked = ["--whisper", "small", "--licence", "our calls, ours"]
    done = overtone.invoke(app, ["mood", "train", str(folder), "--out", str(out), *asked])
    assert done.exit_code == 0
    assert done.output == f"the head is in {out}\nto use it: OVERTONE_MOOD_MODEL={out}\n"
    overtone.invoke(app, ["mood", "train", str(table), "--out", str(out)])
    first = {
        "table": table,
        "whisper": "small",
        "out": out,
        "data": "our calls, ours",
        "models": settings.models,
    }
    assert trained == [first, first | {"whisper": "base", "data": "not stated"}]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("tables", "reason"),
    [((), "it holds none"), (("a.tsv", "b.csv"), "it holds several: a.tsv, b.csv")],
)
def test_a_folder_without_the_one_table_is_refused(
    overtone: CliRunner,
    trained: list[dict[str, Any]],
    tmp_path: Path,
    tables: tuple[str, ...],
    reason: str,
) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in tables:
        (folder / name).touch()
    done = overtone.invoke(app, ["mood", "train", str(folder), "--out", str(tmp_path / "head")])
    assert done.exit_code == 1
    assert reason in done.stderr
    assert trained == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_training_that_cannot_be_done_ends_in_words(
    overtone: CliRunner, trained: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from speech.mood import MoodError
    from speech.mood_clips import ClipsUnreadable
    from speech.whisper_files import ModelMissing

    assert trained == []
    for kind in (ClipsUnreadable, ModelMissing, MoodError):

        def fail(*_: Any, error: type[Exception] = kind, **__: Any) -> None:
            raise error("this is why")

        monkeypatch.setattr("speech.mood_training.train_folder", fail)
        done = overtone.invoke(app, ["mood", "train", "clips.tsv", "--out", "head"])
        assert (done.exit_code, done.stderr) == (1, "overtone: this is why\n")


def test_training_names_what_is_not_installed() -> None:
    code = (
        "import sys; sys.modules['librosa'] = None; sys.argv[1:] = ['mood', 'train', 'x.tsv', "
        "'--out', 'head']; import overtone; overtone.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1
    assert done.stderr == (
        "overtone: librosa is not installed here: pip install 'overtone[worker]'\n"
    )
