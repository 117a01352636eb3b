"""The commands `purge` and `erase`: delete calls on this machine's database, with their
recordings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated

import typer
from sqlalchemy import Engine

from models.columns import now
from models.db import connect, is_current, migrate, reading, writing
from models.deletion import Order, Why, count_older, delete_older
from models.doomed import count_doomed
from models.erasure import erase_caller, find_caller
from models.stores import Stores
from settings import read_settings
from workers.console import with_progress
from workers.retention import BATCH, older_than, sweep

BY = "command line"
"""Who deleted calls, where a person's name would stand."""
MAX_DAYS = 100 * 365


def purge(
    older: Annotated[
        int, typer.Option("--older-than", min=0, max=MAX_DAYS, help="Days since the call began.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many.")] = False,
) -> None:
    """Delete calls that began longer ago, with their recordings; those under legal hold stay."""
    engine, stores = _open()
    before = older_than(older)
    with reading(engine) as session:
        count, held = count_older(session, before)
    kept = f"; under legal hold and kept: {held}" if held else ""
    if dry_run:
        typer.echo(f"{_counted(count)} began before {before:%Y-%m-%d %H:%M} UTC{kept}")
        return
    deleted, left = with_progress("deleted", _purge, engine, stores, before, count)
    typer.echo(f"{_counted(deleted)} deleted{kept}{_left(left)}")
    _remove_the_rest(engine, stores)


def erase(
    caller: Annotated[str, typer.Argument(help="The caller's number, however it is written.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many.")] = False,
) -> None:
    """Delete all calls of one caller, from and to their number, with their recordings; those under
    legal hold stay.
    """
    engine, stores = _open()
    if not caller.strip():
        raise typer.BadParameter("give the caller's number")
    if dry_run:
        with reading(engine) as session:
            found = find_caller(session, caller)
        typer.echo(f"{_counted(found.free)} would be erased")
        _name_those_that_stay(found.held, found.being_heard)
        if not (found.free or found.held or found.being_heard):
            _doubt(caller)
        return
    with writing(engine) as session:
        done = erase_caller(session, stores, caller, Order(Why.ERASURE, by=BY))
    typer.echo(f"{_counted(len(done.calls))} erased{_left(done.left)}")
    _remove_the_rest(engine, stores)
    _name_those_that_stay(done.held, done.being_heard)
    if not (done.calls or done.held or done.being_heard):
        _doubt(caller)


def _doubt(caller: str) -> None:
    """Nothing was found: say where that may be because of how the number is written."""
    if not caller.strip().startswith(("+", "00")):
        typer.echo(
            "overtone: nothing is stored with just this number; with its country's code, such as "
            "+44 20 7946 0100, it is another one: try both",
            err=True,
        )


def _name_those_that_stay(held: Sequence[int], being_heard: Sequence[int]) -> None:
    if held:
        typer.echo(f"under legal hold and not erased: {_listed(held)}")
    if being_heard:
        typer.echo(f"being heard and not erased, ask again: {_listed(being_heard)}")


def _purge(
    engine: Engine,
    stores: Stores,
    before: datetime,
    count: int,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[int, int]:
    """Delete batch by batch; how many calls, and how many recordings were left in their stores."""
    deleted = left = 0
    while True:
        with writing(engine) as session:
            order = Order(Why.PURGE, by=BY)
            done = delete_older(session, stores, before, order, limit=BATCH)
        if not done.calls:
            return deleted, left
        deleted += len(done.calls)
        left += done.left
        if on_progress:
            on_progress(deleted, max(count, deleted))


def _remove_the_rest(engine: Engine, stores: Stores) -> None:
    """Try again what could not be removed, now or earlier, and say what is still there."""
    sweep(engine, stores, now())
    with reading(engine) as session:
        pending = count_doomed(session)
    if pending:
        typer.echo(
            f"recordings of deleted calls that are still on the disk: {pending}; workers with the "
            "uploads folder go on trying, and so does this command when it is run again"
        )


def _open() -> tuple[Engine, Stores]:
    settings = read_settings()
    engine = connect(settings.database)
    if not is_current(engine):
        migrate(engine)
    return engine, Stores(settings.recordings, settings.stores)


def _counted(calls: int) -> str:
    return "1 call" if calls == 1 else f"{calls} calls"


def _left(recordings: int) -> str:
    return f"; recordings left in stores that are not ours: {recordings}" if recordings else ""


def _listed(calls: Sequence[int]) -> str:
    return ", ".join(map(str, calls))
