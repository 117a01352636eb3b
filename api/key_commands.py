"""The commands `key ...`: make, list and revoke API keys."""

from __future__ import annotations

from typing import Annotated

import typer

from api.local import with_database
from models.db import connect, reading, writing
from models.key import (
    MAX_NAME,
    SCOPES,
    Key,
    KeyNameTaken,
    NoSuchKey,
    all_keys,
    create_key,
    revoke_key,
)

keys = typer.Typer(help="API keys: create, list, revoke.", no_args_is_help=True)


@keys.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    scope: Annotated[
        list[str] | None, typer.Option(help=f"Any of {', '.join(SCOPES)}; all when left out.")
    ] = None,
) -> None:
    """Make a key and show it, this once."""
    scopes = tuple(scope or SCOPES)
    if unknown := set(scopes) - set(SCOPES):
        raise typer.BadParameter(f"{', '.join(unknown)}: there is only {', '.join(SCOPES)}")
    name = name.strip()
    if not name.isprintable() or not 0 < len(name) <= MAX_NAME:
        raise typer.BadParameter(
            f"a key needs a name that says what it is for, of at most {MAX_NAME} letters"
        )
    settings = with_database()
    try:
        with writing(connect(settings.database)) as session:
            typer.echo(create_key(session, name, scopes))
    except KeyNameTaken as error:
        typer.echo(f"overtone: {error}", err=True)
        raise typer.Exit(1) from error


@keys.command("list")
def show_keys() -> None:
    """List keys with their scopes, and when each was used last; what they are is not stored."""
    settings = with_database()
    with reading(connect(settings.database)) as session:
        for key in all_keys(session):
            scopes = ", ".join(key.scopes)
            typer.echo(f"{key.created_at:%Y-%m-%d}  {key.name}  {scopes}  {_state(key)}")


@keys.command("revoke")
def revoke(name: Annotated[str, typer.Argument(help="The key's name.")]) -> None:
    """A key works no more from now on; no other key gets its name."""
    settings = with_database()
    try:
        with writing(connect(settings.database)) as session:
            revoke_key(session, name)
    except NoSuchKey as error:
        typer.echo(f"overtone: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{name} is revoked: that key works no more")


def _state(key: Key) -> str:
    used = f"last used {key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never used"
    return f"{used}, revoked" if key.revoked_at else used
