"""The commands `lexicon ...`: edit lexicons on this machine's database, and see how right they are.

They do at once what the API asks workers to do.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Engine

from lexicons.changes import compare, exclude
from lexicons.checking import check
from lexicons.lexicon import as_table, from_table
from lexicons.precision import WANTED, measure
from models.db import reading, writing
from models.hit_verdict import judged_hits
from models.lexicon import (
    LexiconRefused,
    VersionSummary,
    list_lexicons,
    lock_lexicons,
    publish,
    save_draft,
    table_of,
)
from settings import read_settings
from workers.console import with_progress
from workers.judging import Judge
from workers.lexicon_console import (
    named_version,
    open_database,
    or_words,
    stored_version,
)
from workers.lexicon_files import LexiconFile, read_lexicon_file, to_toml
from workers.lexicon_report import (
    HOW_TO_JUDGE,
    as_dict,
    changes_in_words,
    counted,
    next_steps,
    precision_in_words,
    preview_in_words,
    term_in_words,
)
from workers.rematch import preview_in_process, retag_in_process

lexicon = typer.Typer(
    help="Lexicons: edit, check, publish, and see how right their hits are.", no_args_is_help=True
)
Name = Annotated[str, typer.Argument(help="A lexicon's name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Everything, as JSON.")]
BY = "command line"
"""Who changed a lexicon, where a key's name would stand."""


@lexicon.command("list")
def list_all() -> None:
    """List lexicons with what is published and what is drafted."""
    with reading(open_database()) as session:
        found = list_lexicons(session)
    for one in found:
        state = "retired" if one.retired else _version("published", one.current)
        draft = f", {_version('draft', one.draft)}" if one.draft else ""
        typer.echo(f"{one.name}  ({one.purpose})  {state}{draft}")


@lexicon.command()
def show(
    name: Name,
    version: Annotated[int | None, typer.Option(min=1, help="An older version.")] = None,
    draft: Annotated[bool, typer.Option("--draft", help="What is being worked on.")] = False,
) -> None:
    """Print a lexicon's terms; what is as usual is left out."""
    with or_words(), reading(open_database()) as session:
        found = stored_version(session, name, version=version, draft=draft)
    terms = counted(len(found.terms), "term")
    typer.echo(f"{found.name} {found.version} ({found.purpose}), {terms}")
    _print(term_in_words(term) for term in found.terms)


@lexicon.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="TOML, JSON, or a product list in CSV.")],
    name: Annotated[
        str, typer.Option(help="What to call it; as the file says when left out.")
    ] = "",
) -> None:
    """Save a file as a lexicon's draft, in the place of the draft before."""
    with or_words():
        read = read_lexicon_file(file, name)
        with writing(open_database()) as session:
            version = save_draft(session, as_table(read.lexicon), by=BY)
    _print_problems(read)
    problems = f", {counted(len(read.problems), 'line')} with problems" if read.problems else ""
    terms = counted(len(read.lexicon.terms), "term")
    typer.echo(f"{read.lexicon.name} {version} is a draft of {terms}{problems}")
    _print(next_steps(read.lexicon.name))


@lexicon.command()
def export(
    name: Name,
    out: Annotated[
        Path | None, typer.Option(dir_okay=False, help="The file; printed when left out.")
    ] = None,
    version: Annotated[int | None, typer.Option(min=1, help="An older version.")] = None,
    draft: Annotated[bool, typer.Option("--draft", help="What is being worked on.")] = False,
) -> None:
    """Write a lexicon as TOML, to edit and import again."""
    with or_words(), reading(open_database()) as session:
        text = to_toml(stored_version(session, name, version=version, draft=draft))
    if out is None:
        typer.echo(text, nl=False)
        return
    with or_words():
        out.write_text(text, encoding="utf-8")


@lexicon.command("check")
def check_file(
    file: Annotated[Path, typer.Argument(help="TOML, JSON, or a product list in CSV.")],
) -> None:
    """Say what of a file cannot work; nothing is saved. Status 1 where there is anything."""
    with or_words():
        read = read_lexicon_file(file)
    _print_problems(read)
    typer.echo(f"{file.name}: {counted(len(read.lexicon.terms), 'working term')}")
    if read.problems:
        raise typer.Exit(1)


@lexicon.command()
def diff(
    name: Name,
    before: Annotated[str, typer.Argument(metavar="[FROM]", help="A number or draft.")] = "",
    after: Annotated[str, typer.Argument(metavar="[TO]", help="A number or draft.")] = "draft",
) -> None:
    """Say what differs between two versions: what is published and the draft when left out."""
    with or_words(), reading(open_database()) as session:
        changes = compare(named_version(session, name, before), named_version(session, name, after))
    _print(changes_in_words(changes))


@lexicon.command()
def preview(name: Name, as_json: AsJson = False) -> None:
    """Say what would change in stored calls if the draft were published; nothing is written."""
    with or_words():
        engine = open_database()
        with reading(engine) as session:
            draft = stored_version(session, name, draft=True)
        result = with_progress("matching calls", preview_in_process, engine, draft)
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False, indent=2))
    else:
        _print(preview_in_words(result))


@lexicon.command("publish")
def publish_draft(
    name: Name,
    retag: Annotated[
        bool, typer.Option(help="Match stored calls again, so that they have the new hits.")
    ] = True,
) -> None:
    """Have the draft find hits from now on, and match stored calls again."""
    with or_words():
        engine = open_database()
        with reading(engine) as session:
            check(stored_version(session, name, draft=True), source=name)
        with writing(engine) as session:
            version = publish(session, name, by=BY)
        if version is None:
            raise LexiconRefused(f"{name} has no draft any more: somebody published or dropped it")
        typer.echo(f"{name} {version} is published")
        if retag:
            _retag(engine)
        else:
            typer.echo("stored calls keep their hits until `overtone lexicon retag`")


@lexicon.command("retag")
def retag_calls() -> None:
    """Match all stored calls with what is published, without hearing them again."""
    with or_words():
        _retag(open_database())


@lexicon.command("exclude")
def exclude_phrase(
    name: Name,
    term: Annotated[str, typer.Argument(help="The text of one of its terms.")],
    phrase: Annotated[str, typer.Argument(help="Words that speak against it, where near.")],
) -> None:
    """Have words speak against a term, in the draft; it is made where there is none."""
    with or_words(), writing(open_database()) as session:
        lock_lexicons(session)
        table = table_of(session, name, draft=True)
        found = stored_version(session, name) if table is None else from_table(table, source=name)
        version = save_draft(session, as_table(exclude(found, term, phrase)), by=BY)
    typer.echo(f"the draft {name} {version} leaves out {term} near {phrase.strip()}")
    _print(next_steps(name))


@lexicon.command()
def report(
    name: Annotated[str, typer.Argument(help="A lexicon; all of them when left out.")] = "",
    precision: Annotated[
        float, typer.Option(min=0, max=1, help="The precision a term is held to.")
    ] = WANTED,
    as_json: AsJson = False,
) -> None:
    """Say how right each term's hits are, by the verdicts, and which to tighten or drop."""
    with or_words(), reading(open_database()) as session:
        names = [name] if name else [one.name for one in list_lexicons(session) if one.current]
        measured = [
            measure(stored_version(session, one), judged_hits(session, one), wanted=precision)
            for one in names
        ]
    if as_json:
        typer.echo(json.dumps([as_dict(one) for one in measured], ensure_ascii=False, indent=2))
        return
    for one in measured:
        _print(precision_in_words(one))
    if not any(one.terms for one in measured):
        typer.echo(HOW_TO_JUDGE)


def _retag(engine: Engine) -> None:
    judge = Judge.of(engine, read_settings())
    result = with_progress("matching calls", retag_in_process, engine, judge)
    counts = {"changed": 0, "added": 0, "removed": 0} | result
    typer.echo(
        f"{counted(counts['changed'], 'call')} changed: {counted(counts['added'], 'hit')} more, "
        f"{counted(counts['removed'], 'hit')} less"
    )


def _version(state: str, found: VersionSummary | None) -> str:
    if found is None:
        return "never published"
    return f"{state} {found.version}, {counted(found.terms, 'term')}"


def _print_problems(read: LexiconFile) -> None:
    for line, reason in read.problems:
        typer.echo(f"line {line}: {reason}", err=True)


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        typer.echo(line)
