"""`overtone lexicon`: edited, checked, published and judged from a command line."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import select
from typer.testing import CliRunner, Result

from lexicons.lexicon import from_table, shipped
from models.db import reading, writing
from models.hit import Hit
from models.hit_verdict import give_hit_verdict, verdicts_by_hit
from models.rematch import list_rematches
from overtone import app
from settings import Settings
from tests.fakes import turn
from tests.records import store_call
from workers.console import with_progress
from workers.lexicon_files import read_lexicon_file, to_toml

RETURNS = """
name = "returns"
purpose = "custom"
terms = ["money back", { text = "refund", mode = "stem" }]
"""

VERSION = shipped()[0].version


class Overtone:
    """Runs `overtone lexicon` over the test's own database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(app, ["lexicon", *words])

    def says(self, *words: str) -> str:
        """What it prints; it must succeed."""
        done = self.run(*words)
        assert done.exit_code == 0, done.output
        return done.stdout

    def refuses(self, *words: str) -> str:
        """The reason; it must be one line and no traceback."""
        done = self.run(*words)
        assert done.exit_code == 1, done.output
        assert done.stderr.count("\n") == 1
        return done.stderr

    def file(self, name: str, content: str | bytes) -> str:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)


@pytest.fixture
def overtone(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Overtone:
    monkeypatch.setenv("OVERTONE_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("OVERTONE_DATABASE_URL", settings.database)
    return Overtone(tmp_path)


def terms_of(engine: Engine, number: int) -> list[str]:
    with reading(engine) as session:
        wanted = select(Hit.term).where(Hit.call_id == number, Hit.lexicon == "returns")
        return sorted(session.exec(wanted))


def test_the_lexicons_that_come_with_overtone_are_listed_and_shown(overtone: Overtone) -> None:
    listed = overtone.says("list").splitlines()
    assert [line.split()[0] for line in listed] == ["product", "abusive", "praise"]
    assert f"published {VERSION}" in listed[0]
    shown = overtone.says("show", "praise").splitlines()
    assert shown[0].startswith(f"praise {VERSION} (praise), ")
    assert any("thank you so much" in line for line in shown)


def test_a_lexicon_is_imported_compared_published_and_found(
    overtone: Overtone, engine: Engine
) -> None:
    number = store_call(engine, "1", turn("customer", 1.0, "I want my money back, a refund."))
    told = overtone.says("import", overtone.file("returns.toml", RETURNS))
    assert told.splitlines()[0] == "returns 1 is a draft of 2 terms"
    assert "draft 1, 2 terms" in overtone.says("list")
    assert overtone.says("diff", "returns") == "+ money back\n+ refund  (mode stem)\n"
    assert terms_of(engine, number) == []

    preview = overtone.says("preview", "returns").splitlines()
    assert preview[0] == "1 call matched: 1 would get the tag returns, 0 would lose it"
    assert any("I want my money back" in line for line in preview)
    assert json.loads(overtone.says("preview", "returns", "--json"))["gained"] == 1
    assert terms_of(engine, number) == []

    told = overtone.says("publish", "returns")
    assert told.splitlines() == [
        "returns 1 is published",
        "1 call changed: 2 hits more, 0 hits less",
    ]
    assert terms_of(engine, number) == ["money back", "refund"]
    with reading(engine) as session:
        assert [one.state for one in list_rematches(session)] == ["done"]

    overtone.says(
        "import",
        overtone.file(
            "less.json",
            json.dumps({"name": "returns", "purpose": "custom", "terms": ["money back"]}),
        ),
    )
    assert overtone.says("diff", "returns") == "- refund  (mode stem)\n"
    assert overtone.says("diff", "returns", "2", "1") == "+ refund  (mode stem)\n"
    assert overtone.says("diff", "returns", "1", "1") == "nothing differs\n"
    told = overtone.says("publish", "returns", "--no-retag")
    assert "overtone lexicon retag" in told
    assert terms_of(engine, number) == ["money back", "refund"]
    assert overtone.says("retag") == "1 call changed: 0 hits more, 1 hit less\n"
    assert terms_of(engine, number) == ["money back"]
    assert "refund" in overtone.says("show", "returns", "--version", "1")


def test_a_preview_tells_of_one_hit_of_two_that_would_go(
    overtone: Overtone, engine: Engine
) -> None:
    said = turn("customer", 1.0, "A refund for tickets. And then, on top of that, I want a refund.")
    store_call(engine, "1", said)
    overtone.says("import", overtone.file("returns.toml", RETURNS))
    overtone.says("publish", "returns")
    overtone.says("exclude", "returns", "refund", "for tickets")
    lines = overtone.says("preview", "returns").splitlines()
    assert lines[1] == "0 hits more, 1 hit less"
    assert lines[2] == "refund: gained in 0 calls, lost in 1"
    assert "1 call changed: 0 hits more, 1 hit less" in overtone.says("publish", "returns")


def test_a_file_of_another_purpose_is_not_taken_for_a_lexicon_that_is_published(
    overtone: Overtone,
) -> None:
    file = overtone.file("shop.csv", "name\nbig blue widget\n")
    assert "of the purpose abusive, not product" in overtone.refuses(
        "import", file, "--name", "abusive"
    )


def test_a_verdict_stays_through_a_retag(overtone: Overtone, engine: Engine) -> None:
    number = store_call(engine, "1", turn("customer", 1.0, "I want my money back."))
    overtone.says("import", overtone.file("returns.toml", RETURNS))
    overtone.says("publish", "returns")
    with writing(engine) as session:
        (hit,) = session.exec(select(Hit).where(Hit.call_id == number))
        give_hit_verdict(session, number, hit.id or 0, right=False, given_by=None)
        session.delete(hit)
        session.commit()
    overtone.says("import", overtone.file("again.toml", RETURNS))
    overtone.says("publish", "returns")
    with reading(engine) as session:
        hits = session.exec(select(Hit).where(Hit.call_id == number)).all()
        (verdict,) = verdicts_by_hit(session, number, hits).values()
    assert verdict.right is False


@pytest.mark.parametrize("number", range(3))
def test_what_is_exported_reads_back_the_same(number: int) -> None:
    lexicon = shipped()[number]
    assert from_table(tomllib.loads(to_toml(lexicon))) == lexicon


def test_an_export_is_imported_under_another_name(overtone: Overtone) -> None:
    path = str(overtone.folder / "out.toml")
    assert overtone.says("export", "praise", "--out", path) == ""
    assert Path(path).read_text(encoding="utf-8") == overtone.says("export", "praise")
    overtone.says("import", path, "--name", "thanks")
    ours, theirs = overtone.says("export", "thanks", "--draft"), overtone.says("export", "praise")
    assert tomllib.loads(ours)["terms"] == tomllib.loads(theirs)["terms"]


def test_quotes_backslashes_and_other_scripts_survive_a_file(overtone: Overtone) -> None:
    table = {
        "name": "odd",
        "purpose": "custom",
        "terms": [{"text": 'a "bearing" \\ 204', "note": "two\nlines"}, "החזר כספי", "возврат"],
    }
    read = read_lexicon_file(Path(overtone.file("odd.json", json.dumps(table))))
    again = read_lexicon_file(Path(overtone.file("odd.toml", to_toml(read.lexicon))))
    assert again.lexicon == read.lexicon


def test_a_product_list_is_imported_and_its_bad_lines_are_named(overtone: Overtone) -> None:
    rows = "артикул;название;синонимы\n6204-2RS;подшипник шариковый;подшипник 204\n;в;\n"
    path = overtone.file("catalogue.csv", rows.encode("cp1251"))
    done = overtone.run("import", path)
    assert done.exit_code == 0, done.output
    assert done.stderr.startswith("line 3: ")
    assert "catalogue 1 is a draft of 1 term, 1 line with problems" in done.stdout
    checked = overtone.run("check", path)
    assert (checked.exit_code, checked.stdout) == (1, "catalogue.csv: 1 working term\n")
    assert checked.stderr.startswith("line 3: ")


def test_a_file_is_checked_without_saving_it(overtone: Overtone) -> None:
    good = overtone.says("check", overtone.file("returns.toml", RETURNS))
    assert good == "returns.toml: 2 working terms\n"
    assert "returns" not in overtone.says("list")
    bad = {"name": "bad", "purpose": "abusive", "terms": ["idiot", "x" * 10_000]}
    done = overtone.run("check", overtone.file("bad.json", json.dumps(bad)))
    assert done.exit_code == 1
    assert [line.partition(" ")[0] for line in done.stderr.splitlines()] == ["bad.json:"] * 3
    assert "has 10000 characters" in done.stderr


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.txt", "", "is no .toml, .json or .csv file"),
        ("a.toml", "name = ", "is not TOML"),
        ("a.toml", b"\xff\xfe", "is not TOML in UTF-8"),
        ("a.json", "{", "is not JSON"),
        ("a.json", "[]", "must be a table"),
        ("a.toml", 'name = "a"\npurpose = "custom"', "has no terms"),
        ("a.toml", 'name = "angry"\npurpose = "custom"\nterms = ["a b"]', "another name"),
        ("a.csv", "", "a.csv"),
    ],
)
def test_a_file_that_is_no_lexicon_is_refused(
    overtone: Overtone, name: str, content: str | bytes, says: str
) -> None:
    done = overtone.run("import", overtone.file(name, content))
    assert done.exit_code == 1, done.output
    assert says in done.stderr
    assert "Traceback" not in done.output


def test_a_file_that_is_too_large_is_not_read(
    overtone: Overtone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.lexicon_files.MAX_FILE_MB", 0)
    assert "make several of it" in overtone.refuses("check", overtone.file("a.toml", RETURNS))


def test_what_is_not_there_is_said_in_one_line(overtone: Overtone) -> None:
    overtone.says("import", overtone.file("returns.toml", RETURNS))
    for words, says in (
        (("show", "nothing"), "overtone: there is no lexicon nothing: `overtone lexicon list`"),
        (("show", "returns"), "was never published"),
        (("show", "praise", "--version", "9"), "praise has no version 9"),
        (("publish", "praise"), "praise has no draft: `overtone lexicon import` makes one"),
        (("preview", "praise"), "praise has no draft"),
        (("report", "nothing"), "there is no lexicon nothing"),
        (("exclude", "praise", "nothing", "x y"), "is not in it"),
        (("check", str(overtone.folder / "no.toml")), "no.toml: cannot be read"),
        (("export", "praise", "--out", "/nowhere/a.toml"), "/nowhere/a.toml: No such file"),
    ):
        assert says in overtone.refuses(*words)
    assert overtone.run("diff", "praise", "old").exit_code == 2


def test_the_report_leads_to_an_exclusion_and_a_better_lexicon(
    overtone: Overtone, engine: Engine
) -> None:
    overtone.says("import", overtone.file("returns.toml", RETURNS))
    overtone.says("publish", "returns")
    assert "PUT /calls/NUMBER/hits/NUMBER/verdict" in overtone.says("report", "returns")
    for i in range(8):
        said = "there is no refund for tickets" if i % 2 else "give me a refund please"
        number = store_call(engine, str(i), turn("customer", 1.0, said))
        assert terms_of(engine, number) == []
    overtone.says("retag")
    with writing(engine) as session:
        for hit in session.exec(select(Hit).where(Hit.lexicon == "returns")).all():
            right = hit.call_id % 2 == 1
            give_hit_verdict(session, hit.call_id, hit.id or 0, right=right, given_by=None)
    told = overtone.says("report")
    assert "returns 1: 8 hits judged, precision 0.50, at least 0.22" in told
    assert f"praise {VERSION}: no verdicts yet" in told
    assert "tighten: add “tickets” to its unless: 4 of 4 wrong hits go" in told
    assert "overtone lexicon exclude returns refund tickets" in told
    assert "draft returns 2" in overtone.says("exclude", "returns", "refund", "tickets")
    overtone.says("publish", "returns")
    (figures,) = json.loads(overtone.says("report", "returns", "--json"))
    (term,) = figures["terms"]
    assert (term["confirmed"], term["rejected"], term["gone"]) == (4, 0, 4)
    assert (figures["version"], figures["precision"], term["action"]) == (2, 1.0, "keep")


def test_long_work_shows_on_a_terminal_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)

    def work(what: str, on_progress: Callable[[int, int], None]) -> dict[str, Any]:
        on_progress(3, 10)
        return {"what": what}

    assert with_progress("matching calls", work, "all") == {"what": "all"}
    assert "matching calls: 3 of 10" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\033[K")


class Terminal(StringIO):
    """Somebody looks at it."""

    def isatty(self) -> bool:
        return True
