"""What commands use of this machine: its own database, and the key of its own commands."""

from __future__ import annotations

import re
from itertools import chain, count

import typer

from api.client import Client
from models.db import connect, is_current, migrate, writing
from models.key import all_keys, create_key, revoke_key
from settings import Settings, read_settings

LOCAL_KEY = "local-key"
# Names are not given again: the key that comes after a revoked one has a number.
OUR_NAME = re.compile(rf"{LOCAL_KEY}(-[0-9]+| \(revoked .*)?")


def with_database() -> Settings:
    """The settings, once the database's schema is the newest."""
    settings = read_settings()
    engine = connect(settings.database)
    if not is_current(engine):
        migrate(engine)
    return settings


def local_key(settings: Settings) -> tuple[str, bool]:
    """The key of this machine's own commands, and whether it was made just now.

    It lies in the data folder where only this user can read it.
    """
    path = settings.data_dir.absolute() / LOCAL_KEY
    if path.is_file():
        return path.read_text().strip(), False
    with writing(connect(settings.database)) as session:
        ours = [key for key in all_keys(session) if OUR_NAME.fullmatch(key.name)]
        for key in ours:  # of a data folder that was lost
            if key.revoked_at is None:
                revoke_key(session, key.name)
        taken = {key.name for key in ours}
        names = chain([LOCAL_KEY], (f"{LOCAL_KEY}-{number}" for number in count(2)))
        text = create_key(session, next(name for name in names if name not in taken))
    path.touch(mode=0o600)
    path.write_text(text)
    return text, True


def known_key(settings: Settings) -> str:
    """The key that commands send: that of the settings, or of the data folder. Ends the command
    where there is none.
    """
    if settings.key is not None:
        return settings.key.get_secret_value()
    path = settings.data_dir.absolute() / LOCAL_KEY
    if not path.is_file():
        typer.echo("overtone: give --key (or start `overtone up` here first)", err=True)
        raise typer.Exit(2)
    return path.read_text().strip()


def client_of(url: str, key: str) -> Client:
    """A client of the API at `url`, or of this machine's, with `key`, or with the one known here.
    Ends the command where there is none.
    """
    settings = read_settings()
    if not url and not settings.api_port:
        typer.echo("overtone: OVERTONE_API_PORT is 0, so any port: say which with --url", err=True)
        raise typer.Exit(1)
    return Client(url or f"http://127.0.0.1:{settings.api_port}", key or known_key(settings))
