"""What the commands about lexicons share: the database, its versions, errors in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NoReturn

import typer
from sqlalchemy import Engine
from sqlmodel import Session

from lexicons.checking import LexiconUnusableError
from lexicons.lexicon import Lexicon, from_table
from lexicons.terms import LexiconError
from models.db import connect, is_current, migrate
from models.lexicon import LexiconRefused, lexicon_names, table_of
from settings import read_settings
from workers.published import seed
from workers.rematch import RematchEnded


def open_database() -> Engine:
    """This machine's database, with its tables and the lexicons that come with Overtone."""
    engine = connect(read_settings().database)
    if not is_current(engine):
        migrate(engine)
    seed(engine)
    return engine


def stored_version(
    session: Session, name: str, *, version: int | None = None, draft: bool = False
) -> Lexicon:
    """A version of a lexicon. Raises `LexiconRefused` where there is none."""
    table = table_of(session, name, version=version, draft=draft)
    if table is not None:
        return from_table(table, source=name)
    if name not in lexicon_names(session):
        raise LexiconRefused(f"there is no lexicon {name}: `overtone lexicon list` lists them")
    if draft:
        raise LexiconRefused(f"{name} has no draft: `overtone lexicon import` makes one")
    if version is not None:
        raise LexiconRefused(f"{name} has no version {version}")
    raise LexiconRefused(f"{name} was never published: publish its draft first, or give --draft")


def named_version(session: Session, name: str, version: str) -> Lexicon:
    """The draft, the version of this number, or for no text what is published: nothing, where
    there is only a draft.
    """
    drafted = table_of(session, name, draft=True)
    if not version and drafted is not None and table_of(session, name) is None:
        return replace(from_table(drafted, source=name), version=0, terms=())
    if version in ("", "draft"):
        return stored_version(session, name, draft=version == "draft")
    if not (version.isascii() and version.isdigit() and 0 < int(version) < 2**31):
        raise typer.BadParameter(f"{version}: give a version's number, or draft")
    return stored_version(session, name, version=int(version))


@contextmanager
def or_words() -> Iterator[None]:
    """What goes wrong is one line that says what to do, or a line for each problem."""
    try:
        yield
    except LexiconUnusableError as error:
        for problem in error.problems:
            typer.echo(problem.text, err=True)
        if error.more:
            typer.echo(f"... and more: these are the first {len(error.problems)}", err=True)
        raise typer.Exit(1) from error
    except (LexiconError, LexiconRefused, RematchEnded) as error:
        _give_up(str(error), error)
    except OSError as error:
        _give_up(f"{error.filename}: {error.strerror}", error)


def _give_up(reason: str, error: Exception) -> NoReturn:
    typer.echo(f"overtone: {reason}", err=True)
    raise typer.Exit(1) from error
