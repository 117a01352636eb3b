"""The commands of this room: `api`, `search`, `show`."""

from __future__ import annotations

from typing import Annotated

import typer

from api.app import make_app
from api.call_filter import Mood, Who
from api.local import with_database
from api.server import serve
from models.call import Speaker
from models.db import connect, reading
from models.filters import CallQuery, Sort
from models.query import BadQuery
from models.reading import WholeCall, read_call
from models.search import Finder, Found
from settings import end_with_parent, log_to_stderr, read_settings


def api(tied: Annotated[bool, typer.Option("--tied", hidden=True)] = False) -> None:
    """Serve the HTTP API until stopped."""
    settings = read_settings()
    if tied:
        end_with_parent()
    log_to_stderr(settings)
    serve(make_app(settings), settings)


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
    settings = with_database()
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
    settings = with_database()
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
