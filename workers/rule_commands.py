"""The commands `rules ...`: read, write, switch and try alert rules on this machine's database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Engine

from models.alert_rule import (
    AlertRule,
    TooManyRules,
    delete_rule,
    find_rule,
    list_rules,
    save_rule,
    switch_rule,
)
from models.db import connect, is_current, migrate, reading, writing
from models.lexicon_versions import list_lexicons
from settings import read_settings
from workers.published import seed
from workers.rules import RuleError, RuleTable
from workers.rules.book import as_text, seed_alert_rules, stored_table
from workers.rules.files import read_rule_file, to_toml
from workers.rules.trial import MOST_CALLS, Trial, try_rule

rules = typer.Typer(
    help="Alert rules: which calls raise an alert, and what a rule would have done.",
    no_args_is_help=True,
)
Name = Annotated[str, typer.Argument(help="A rule's name.")]
File = Annotated[Path, typer.Argument(help="A TOML file, as `rules export` writes it.")]
DAYS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
BY = "command line"
"""Who changed a rule, where a key's name would stand."""


class NoSuchRule(Exception):
    """There is no rule of that name; the text says where they are listed."""


@rules.command("list")
def list_all() -> None:
    """List rules: whether they are on, their severity and version."""
    with reading(_open_database()) as session:
        for rule in list_rules(session):
            state = "on " if rule.enabled else "off"
            typer.echo(f"{state}  {rule.name}  {rule.severity}, version {rule.version}")


@rules.command()
def show(name: Name) -> None:
    """Print one rule as a file has it."""
    with _or_words(), reading(_open_database()) as session:
        rule = _there(find_rule(session, name), name)
        typer.echo(to_toml([(rule.name, stored_table(rule))]), nl=False)


@rules.command("import")
def import_file(file: File) -> None:
    """Add the rules of a file, or change those of the same names. A new rule is off unless the file
    says `enabled = true`.
    """
    with _or_words():
        found = read_rule_file(file)
        engine = _open_database()
        for rule in found:
            with writing(engine) as session:
                saved = save_rule(session, rule.name, as_text(rule), by=BY)
            state = "on" if saved.enabled else f"off: `overtone rules enable {saved.name}`"
            typer.echo(f"{saved.name} version {saved.version} is {state}")
            _warn(engine, rule.name, rule)


@rules.command()
def export(
    out: Annotated[
        Path | None, typer.Option(dir_okay=False, help="The file; printed when left out.")
    ] = None,
) -> None:
    """Write all rules as TOML, to edit and import again."""
    with _or_words():
        with reading(_open_database()) as session:
            text = to_toml((rule.name, stored_table(rule)) for rule in list_rules(session))
        if out is None:
            typer.echo(text, nl=False)
        else:
            out.write_text(text, encoding="utf-8")


@rules.command("test")
def try_rules(
    named: Annotated[str, typer.Argument(help="A stored rule's name, or a TOML file.")],
    since: Annotated[
        datetime | None,
        typer.Option("--from", formats=DAYS, help="Calls that began then or later."),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--to", formats=DAYS, help="Calls that began before, in UTC.")
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="So many calls, the newest.")] = MOST_CALLS,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,
) -> None:
    """Say on which stored calls the rules of a file, or a stored rule, would have fired; nothing is
    written.
    """
    engine = _open_database()
    with _or_words():
        found = _named(engine, named)
    trials = {
        name: try_rule(
            engine, table, since=_in_utc(since), until=_in_utc(until), most=most, seconds=inf
        )
        for name, table in found.items()
    }
    if as_json:
        plain = {
            name: asdict(trial) | {"per_day": trial.per_day, "warning": trial.warning}
            for name, trial in trials.items()
        }
        typer.echo(json.dumps(plain, ensure_ascii=False, indent=2, default=str))
        return
    for name, trial in trials.items():
        for line in _in_words(name, trial):
            typer.echo(line)
        _warn(engine, name, found[name])


@rules.command()
def enable(name: Name) -> None:
    """Judge calls by a rule from the next one on."""
    _switch(name, enabled=True)


@rules.command()
def disable(name: Name) -> None:
    """Judge calls by a rule no more; its alerts stay."""
    _switch(name, enabled=False)


@rules.command()
def delete(name: Name) -> None:
    """Delete a rule; its alerts stay."""
    with _or_words(), writing(_open_database()) as session:
        if not delete_rule(session, name):
            raise _no_rule(name)
    typer.echo(f"{name} is deleted")


def _switch(name: str, *, enabled: bool) -> None:
    with _or_words(), writing(_open_database()) as session:
        _there(switch_rule(session, name, enabled=enabled, by=BY), name)
    typer.echo(f"{name} is {'on' if enabled else 'off'}")


def _named(engine: Engine, named: str) -> dict[str, RuleTable]:
    """The rules of a file, or a stored rule, by their names; a rule goes before a file."""
    with reading(engine) as session:
        rule = find_rule(session, named)
        if rule is not None:
            return {rule.name: stored_table(rule)}
    if not Path(named).exists():
        raise NoSuchRule(
            f"{named} is neither a stored rule nor a file: `overtone rules list` lists the rules"
        )
    return {one.name: one for one in read_rule_file(Path(named))}


def _in_words(name: str, trial: Trial) -> Iterator[str]:
    rate = "" if trial.per_day is None else f", {trial.per_day:.1f} a day"
    yield f"{name}: fires on {trial.fired} of {trial.looked_at} calls{rate}"
    if trial.warning:
        yield f"  {trial.warning}"
    for call in trial.shown:
        yield f"  call {call.call_id}  {call.external_id}  {call.start_s:.2f} s  {call.reason}"
    if trial.fired > len(trial.shown):
        yield f"  ... and {trial.fired - len(trial.shown)} older calls"


def _warn(engine: Engine, name: str, table: RuleTable) -> None:
    """Say which lexicons a rule counts hits of although nothing of them is published."""
    asked = {
        one.hits.lexicon for one in (*table.all_of, *table.any_of) if one.hits and one.hits.lexicon
    }
    if not asked:
        return
    seed(engine)
    with reading(engine) as session:
        found = {one.name for one in list_lexicons(session) if one.current and not one.retired}
    for missing in sorted(asked - found):
        typer.echo(
            f"overtone: warning: {name} counts hits of the lexicon {missing}, and there is no such "
            "lexicon published: `overtone lexicon list` lists them",
            err=True,
        )


def _in_utc(day: datetime | None) -> datetime | None:
    return day and day.replace(tzinfo=UTC)


def _open_database() -> Engine:
    """This machine's database, with its tables and the rules that come with Overtone."""
    settings = read_settings()
    engine = connect(settings.database)
    if not is_current(engine):
        migrate(engine)
    seed_alert_rules(engine, settings)
    return engine


def _there(rule: AlertRule | None, name: str) -> AlertRule:
    if rule is None:
        raise _no_rule(name)
    return rule


def _no_rule(name: str) -> NoSuchRule:
    return NoSuchRule(f"there is no rule {name}: `overtone rules list` lists them")


@contextmanager
def _or_words() -> Iterator[None]:
    """What goes wrong is said in words, a line for each thing, with status 1."""
    try:
        yield
    except (RuleError, TooManyRules, NoSuchRule) as error:
        typer.echo(f"overtone: {error}", err=True)
        raise typer.Exit(1) from error
    except OSError as error:
        typer.echo(f"overtone: {error.filename}: {error.strerror}", err=True)
        raise typer.Exit(1) from error
