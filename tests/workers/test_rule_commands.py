"""`overtone rules`: listed, imported, tried, switched, exported and deleted from a command line."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from models.alert_rule import find_rule
from models.db import reading
from overtone import app
from settings import Settings
from tests.fakes import turn
from tests.records import store_call
from workers.rules.files import read_rule_file, to_toml

REFUND = """
[[rules]]
name = "refund «важно»"
severity = "low"
acknowledge_within_s = 600
all_of = [
  { hits = { lexicon = "abusive" }, window = { first_s = 30 } },
  { metadata = { key = 'a "b"', equals = true }, not = true },
]
any_of = [{ silence = { at_least_s = 4.5 } }, { outcome = { one_of = ["missed"] } }]
"""


class Overtone:
    """Runs `overtone rules` over the test's own database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(app, ["rules", *words])

    def says(self, *words: str) -> str:
        """What it prints; it must succeed."""
        done = self.run(*words)
        assert done.exit_code == 0, done.output
        return done.stdout

    def refuses(self, *words: str) -> str:
        """The reason; no traceback."""
        done = self.run(*words)
        assert done.exit_code == 1, done.output
        assert isinstance(done.exception, SystemExit)
        return done.stderr

    def file(self, content: str) -> str:
        path = self.folder / "rules.toml"
        path.write_text(content, encoding="utf-8")
        return str(path)


@pytest.fixture
def overtone(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Overtone:
    monkeypatch.setenv("OVERTONE_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("OVERTONE_DATABASE_URL", settings.database)
    return Overtone(tmp_path)


def test_the_rules_that_come_with_overtone_are_listed_and_shown(overtone: Overtone) -> None:
    assert overtone.says("list").splitlines() == [
        "off  angry-at-the-end  high, version 1",
        "on   angry-or-abusive  high, version 1",
        "off  left-in-silence  medium, version 1",
        "off  threats  critical, version 1",
    ]
    shown = overtone.says("show", "angry-or-abusive")
    assert 'name = "angry-or-abusive"' in shown
    assert "{ anger = { at_least = 0.6, for_s = 3.0 } }," in shown


def test_a_rule_is_imported_tried_switched_and_deleted(overtone: Overtone, engine: Engine) -> None:
    number = store_call(engine, "1", turn("customer", 1.0, "You liar."))
    store_call(engine, "2", turn("customer", 1.0, "Hello."))
    file = overtone.file(REFUND)

    told = overtone.says("test", file).splitlines()
    assert told[0] == "refund «важно»: fires on 1 of 2 calls, 1.0 a day"
    assert told[1].startswith(
        f"  call {number}  1  1.40 s  1 abusive hit in the first 30 s: “liar”"
    )
    plain = json.loads(overtone.says("test", file, "--json"))["refund «важно»"]
    assert (plain["fired"], plain["shown"][0]["call_id"], plain["per_day"]) == (1, number, 1.0)
    assert "0 of 0 calls" in overtone.says("test", file, "--from", "2030-01-01")
    assert "on 1 of 1 calls" in overtone.says("test", file, "--to", "2026-11-02T10:30:00")
    assert "  fires on every call" in overtone.says("test", file, "--to", "2026-11-02T10:30:00")
    assert "refund" not in overtone.says("list")

    told = overtone.says("import", file)
    assert "fires on 1 of 2 calls" in overtone.says("test", "refund «важно»")
    assert told == "refund «важно» version 1 is off: `overtone rules enable refund «важно»`\n"
    assert overtone.says("enable", "refund «важно»") == "refund «важно» is on\n"
    changed = overtone.file(REFUND.replace('"low"', '"high"'))
    assert overtone.says("import", changed) == "refund «важно» version 2 is on\n"
    with reading(engine) as session:
        rule = find_rule(session, "refund «важно»")
    assert rule
    assert (rule.severity, rule.changed_by) == ("high", "command line")
    assert overtone.says("disable", "refund «важно»") == "refund «важно» is off\n"
    assert overtone.says("delete", "refund «важно»") == "refund «важно» is deleted\n"
    assert "refund" not in overtone.says("list")


def test_what_is_exported_is_imported_as_the_same(overtone: Overtone, tmp_path: Path) -> None:
    overtone.says("import", overtone.file(REFUND))
    out = tmp_path / "out.toml"
    overtone.says("export", "--out", str(out))
    assert out.read_text(encoding="utf-8") == overtone.says("export")
    assert len(tomllib.loads(out.read_text(encoding="utf-8"))["rules"]) == 5
    assert [line.split()[2:] for line in overtone.says("import", str(out)).splitlines()][:2] == [
        ["1", "is", "off:", "`overtone", "rules", "enable", "angry-at-the-end`"],
        ["1", "is", "on"],
    ]
    [rule] = [one for one in read_rule_file(out) if one.name.startswith("refund")]
    [before] = read_rule_file(Path(overtone.file(REFUND)))
    assert (rule.definition, rule.severity) == (before.definition, before.severity)
    assert rule.acknowledge_within_s == 600
    assert to_toml([(rule.name, rule)]) in out.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "must hold rules and nothing else, each begun by [[rules]]"),
        ("rules = 3", "must hold rules and nothing else"),
        ("rules = [3]", "rules.toml: rule 1: Input should be"),
        ("[[rules]\n", "is not TOML in UTF-8"),
        (REFUND + "\n[more]\n", "must hold rules and nothing else"),
        (REFUND * 2, "two rules are called refund «важно»"),
        (REFUND.replace("first_s = 30", "first_s = 0"), "rule 1: all_of.0.window.first_s: Input"),
        (REFUND.replace("refund", "a/b"), "rule 1: name: String should match"),
    ],
)
def test_what_cannot_be_used_is_said_in_words(overtone: Overtone, content: str, said: str) -> None:
    for command in ("test", "import"):
        assert said in overtone.refuses(command, overtone.file(content))


def test_a_lexicon_that_is_not_there_is_warned_of(overtone: Overtone) -> None:
    file = overtone.file(REFUND.replace('"abusive"', '"abuse"'))
    for words in (("test", file), ("import", file), ("test", "refund «важно»")):
        done = overtone.run(*words)
        assert done.exit_code == 0, done.output
        assert "hits of the lexicon abuse, and there is no such lexicon published" in done.stderr
    assert overtone.run("import", overtone.file(REFUND)).stderr == ""


def test_nothing_of_a_file_with_a_mistake_is_imported(overtone: Overtone) -> None:
    second = REFUND.replace("refund", "another").replace('"low"', '"lowest"')
    told = overtone.refuses("import", overtone.file(REFUND + second))
    assert told == "overtone: rules.toml: rule 2: severity: " + (
        "Input should be 'low', 'medium', 'high' or 'critical'\n"
    )
    assert "refund" not in overtone.says("list")


def test_a_rule_or_file_that_is_not_there_is_said(overtone: Overtone, tmp_path: Path) -> None:
    for command in ("show", "enable", "disable", "delete"):
        assert overtone.refuses(command, "nobody") == (
            "overtone: there is no rule nobody: `overtone rules list` lists them\n"
        )
    assert "neither a stored rule nor a file" in overtone.refuses("test", str(tmp_path / "no.toml"))
    assert "cannot be read: No such file" in overtone.refuses("import", str(tmp_path / "no.toml"))
    nowhere = tmp_path / "no" / "out.toml"
    assert "No such file" in overtone.refuses("export", "--out", str(nowhere))
