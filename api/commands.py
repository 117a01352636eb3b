"""The commands of this room: `api`, `push`, `search`, `show`, `key`."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import httpx
import typer

from api.app import make_app
from api.call_filter import Mood, Who
from api.client import Client, PushFailed
from api.server import serve
from models.call import Speaker
from models.db import connect, is_current, migrate, reading, writing
from models.filters import CallQuery, Sort
from models.key import (
    SCOPES,
    KeyNameTaken,
    NoSuchKey,
    all_keys,
    create_key,
    revoke_key,
)
from models.query import BadQuery
from models.reading import WholeCall, read_call
from models.search import Finder, Found
from settings import Settings, end_with_parent, log_to_stderr, read_settings

keys = typer.Typer(help="API keys: create, list, revoke.", no_args_is_help=True)
LOCAL_KEY = "local-key"


def api(tied: Annotated[bool, typer.Option("--tied", hidden=True)] = False) -> None:
    """Serve the HTTP API until stopped."""
    settings = read_settings()
    if tied:
        end_with_parent()
    log_to_stderr(settings)
    serve(make_app(settings), settings)


def push(
    paths: Annotated[list[Path], typer.Argument(help="Recordings, or folders of them.")],
    url: Annotated[str, typer.Option(help="The API; this machine's when left out.")] = "",
    key: Annotated[str, typer.Option(help="An API key (better: OVERTONE_KEY).")] = "",
    agent: Annotated[str, typer.Option(help="Who answered.")] = "",
    line: Annotated[str, typer.Option(help="The number dialled.")] = "",
    agent_channel: Annotated[str, typer.Option(help="The agent's side: left or right.")] = "",
) -> None:
    """Upload recordings through the API. A JSON file of the same name beside one gives its
    metadata.
    """
    given = {"agent": agent, "line": line, "agent_channel": agent_channel}
    fields = {name: value for name, value in given.items() if value}
    client = client_of(url, key)
    failed = 0
    recordings = recordings_in(paths)
    if not recordings:
        typer.echo("overtone: there is no recording in there", err=True)
        raise typer.Exit(1)
    with client:
        for path in recordings:
            try:
                pushed = client.push(path, fields)
            except httpx.TransportError as error:
                typer.echo(
                    f"overtone: no API answers at {client.http.base_url}: start `overtone up`, or "
                    "give --url",
                    err=True,
                )
                raise typer.Exit(1) from error
            except (PushFailed, OSError) as error:
                failed += 1
                typer.echo(f"{path.name}: {error}", err=True)
            else:
                again = "" if pushed.created else " (was there already)"
                typer.echo(f"{path.name}: call {pushed.id} {pushed.status}{again}")
    if failed:
        raise typer.Exit(1)


def client_of(url: str, key: str) -> Client:
    """A client of the API at `url`, or of this machine's, with `key`, or with the one known
    here.
    """
    settings = read_settings()
    if not url and not settings.api_port:
        typer.echo("overtone: OVERTONE_API_PORT is 0, so any port: say which with --url", err=True)
        raise typer.Exit(1)
    return Client(url or f"http://127.0.0.1:{settings.api_port}", key or _known_key(settings))


def recordings_in(paths: list[Path]) -> list[Path]:
    """The files named, and those of the folders named that look like recordings, sorted."""
    found: list[Path] = []
    for path in paths:
        found += (
            sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES)
            if path.is_dir()
            else [path]
        )
    return found


SUFFIXES = {".wav", ".mp3", ".ogg", ".opus", ".flac", ".gsm", ".au", ".m4a", ".aac", ".amr"}


def search(
    q: Annotated[str, typer.Argument(help='Words; "in quotes" next to each other.')] = "",
    mood: Annotated[Mood | None, typer.Option(help="Of the customer, or of --speaker.")] = None,
    min_anger: Annotated[float | None, typer.Option(min=0, max=1)] = None,
    lexicon: Annotated[str, typer.Option(help="Calls with hits of this lexicon.")] = "",
    speaker: Annotated[Who | None, typer.Option(help="Only what this speaker said.")] = None,
    sort: Annotated[
        Sort | None, typer.Option(help="By relevance when left out, or the latest first.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
) -> None:
    """Find calls in the database of this machine, each with the second to play."""
    settings = _with_database()
    values = {"mood": mood, "lexicon": lexicon}
    query = CallQuery(
        q=q or None,
        speaker=speaker,
        values={name: (value,) for name, value in values.items() if value},
        ranges={} if min_anger is None else {"anger": (min_anger, None)},
        sort=sort,
    )
    try:
        with reading(connect(settings.database)) as session:
            page = Finder().find(session, query, limit=limit)
    except BadQuery as error:
        typer.echo(f"overtone: {error}", err=True)
        raise typer.Exit(2) from error
    for found in page.items:
        typer.echo(describe(found))
    if not page.items:
        typer.echo("no call matches")


def describe(found: Found) -> str:
    """A found call in a few lines: who, how, and what was said when."""
    call = found.call
    anger = "" if call.anger is None else f"  anger {call.anger:.2f}"
    tags = f"  [{', '.join(found.tags)}]" if found.tags else ""
    state = "" if call.status == "done" else f"  {call.status}"
    when = f"{call.started_at:%Y-%m-%d %H:%M}"
    lines = [f"call {call.id}  {call.external_id}  {when}{state}{anger}{tags}"]
    lines += [
        f"    {snippet.start_s:7.2f} s  {snippet.speaker}: {marked(snippet.text, snippet.marks)}"
        for snippet in found.snippets
    ]
    return "\n".join(lines)


def marked(text: str, marks: tuple[tuple[int, int], ...]) -> str:
    """The text with [brackets] around its marks."""
    for start, end in sorted(marks, reverse=True):
        text = f"{text[:start]}[{text[start:end]}]{text[end:]}"
    return text


def show(call_id: Annotated[int, typer.Argument(help="The call's number.")]) -> None:
    """Print one call: turns with moods, hits and alerts."""
    settings = _with_database()
    with reading(connect(settings.database)) as session:
        whole = read_call(session, call_id)
    if whole is None:
        typer.echo(f"overtone: there is no call {call_id}", err=True)
        raise typer.Exit(1)
    _print_call(whole)


def _print_call(whole: WholeCall) -> None:
    call = whole.call
    typer.echo(
        f"call {call.id}  {call.external_id}  {call.status}  {call.started_at:%Y-%m-%d %H:%M}"
    )
    if call.error:
        typer.echo(f"error: {call.error}")
    for warning in call.warnings:
        typer.echo(f"warning: {warning}")
    for speaker in whole.speakers:
        anger = "" if speaker.anger is None else f"  {speaker.mood}, anger {speaker.anger:.2f}"
        typer.echo(f"{speaker.name} spoke {speaker.talk_s:.0f} s{_manner(speaker)}{anger}")
    for silence in call.silences or ():
        lasts_s = silence["end_s"] - silence["start_s"]
        typer.echo(f"nobody speaks for {lasts_s:.0f} s from {silence['start_s']:.2f} s")
    if call.dropped_words:
        typer.echo(f"{call.dropped_words} words that nobody said are left out")
    for turn in whole.turns:
        anger = "    " if turn.anger is None else f"{turn.anger:.2f}"
        when = f"{turn.start_s:7.2f} {turn.end_s:7.2f}"
        doubt = "(uncertain) " if turn.uncertain else ""
        typer.echo(f"{when}  {turn.speaker:<9} {anger}  {doubt}{turn.text}")
    for hit in whole.hits:
        typer.echo(
            f"hit {hit.start_s:.2f} s  {hit.lexicon}: {hit.term} ({hit.speaker}: {hit.matched})"
        )
    for alert in whole.alerts:
        typer.echo(f"alert {alert.start_s:.2f} s  {alert.rule}: {alert.reason}")


def _manner(speaker: Speaker) -> str:
    """How a speaker took part, as far as it was known when the call was heard."""
    figures = (
        (speaker.talk_ratio, " ({:.0%})"),
        (speaker.words_per_minute, ", {:.0f} words a minute"),
        (speaker.longest_monologue_s, ", longest monologue {:.0f} s"),
        (speaker.interruptions, ", interruptions {}"),
    )
    return "".join(shown.format(figure) for figure, shown in figures if figure is not None)


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
    if not name.strip():
        raise typer.BadParameter("a key needs a name that says what it is for")
    settings = _with_database()
    try:
        with writing(connect(settings.database)) as session:
            typer.echo(create_key(session, name, scopes))
    except KeyNameTaken as error:
        typer.echo(f"overtone: {error}", err=True)
        raise typer.Exit(1) from error


@keys.command("list")
def show_keys() -> None:
    """List keys; what they are is not stored."""
    settings = _with_database()
    with reading(connect(settings.database)) as session:
        for key in all_keys(session):
            state = "revoked" if key.revoked_at else ", ".join(key.scopes)
            typer.echo(f"{key.created_at:%Y-%m-%d}  {key.name}  {state}")


@keys.command("revoke")
def revoke(name: str) -> None:
    """A key works no more from now on."""
    settings = _with_database()
    try:
        with writing(connect(settings.database)) as session:
            revoke_key(session, name)
    except NoSuchKey as error:
        typer.echo(f"overtone: {error}", err=True)
        raise typer.Exit(1) from error


def local_key(settings: Settings) -> tuple[str, bool]:
    """The key of this machine's own commands, and whether it was made just now.

    It lies in the data folder where only this user can read it.
    """
    path = settings.data_dir.absolute() / LOCAL_KEY
    if path.is_file():
        return path.read_text().strip(), False
    with writing(connect(settings.database)) as session:
        with suppress(NoSuchKey):  # there is none at the first start on a data folder
            revoke_key(session, LOCAL_KEY)
        text = create_key(session, LOCAL_KEY)
    path.touch(mode=0o600)
    path.write_text(text)
    return text, True


def _known_key(settings: Settings) -> str:
    if settings.key is not None:
        return settings.key.get_secret_value()
    path = settings.data_dir.absolute() / LOCAL_KEY
    if not path.is_file():
        typer.echo("overtone: give --key (or start `overtone up` here first)", err=True)
        raise typer.Exit(2)
    return path.read_text().strip()


def _with_database() -> Settings:
    settings = read_settings()
    engine = connect(settings.database)
    if not is_current(engine):
        migrate(engine)
    return settings
