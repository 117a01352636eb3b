"""The commands `mood report`, which compares anger with what people say, and `mood train`, which
makes a mood head. What hears loads only where it is needed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from models.db import connect, is_current, migrate, reading
from models.verdict import current_mood_model, judged
from settings import log_to_stderr, read_settings
from workers.mood_report import as_dict, in_words, make_report

mood = typer.Typer(
    help="Moods: how far they agree with verdicts, and training a head.", no_args_is_help=True
)
TABLES = {".tsv", ".csv"}


@mood.command()
def report(
    precision: Annotated[
        float, typer.Option(min=0, max=1, help="The precision a threshold is sought for.")
    ] = 0.9,
    model: Annotated[
        str, typer.Option(help="The mood model; that of the call heard last when left out.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,
) -> None:
    """Compare anger with the verdicts people gave, and say which alert threshold to set."""
    settings = read_settings()
    engine = connect(settings.database)
    if not is_current(engine):
        migrate(engine)
    with reading(engine) as session:
        made = make_report(
            judged(session),
            model or current_mood_model(session),
            alert_anger=settings.alert_anger,
            precision=precision,
        )
    typer.echo(json.dumps(as_dict(made), indent=2) if as_json else "\n".join(in_words(made)))


@mood.command()
def train(
    data: Annotated[
        Path,
        typer.Argument(help="A .tsv or .csv with path, speaker and mood, or the folder of one."),
    ],
    out: Annotated[Path, typer.Option(file_okay=False, help="The folder for the head.")],
    whisper: Annotated[
        str, typer.Option(help="The Whisper model it is for; that of the settings when left out.")
    ] = "",
    licence: Annotated[
        str, typer.Option(help="For the card: the data and its licence.")
    ] = "not stated",
) -> None:
    """Train a mood head for a Whisper model on labelled clips; takes minutes."""
    from speech.mood import MoodError
    from speech.mood_clips import ClipsUnreadable
    from speech.mood_training import train_folder
    from speech.whisper_files import ModelMissing

    settings = read_settings()
    log_to_stderr(settings)
    try:
        train_folder(
            _table(data),
            whisper=whisper or settings.whisper_model,
            out=out,
            data=licence,
            models=settings.models,
        )
    except (ClipsUnreadable, ModelMissing, MoodError) as error:
        typer.echo(f"overtone: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"the head is in {out}")
    typer.echo(f"to use it: OVERTONE_MOOD_MODEL={out.absolute()}")


def _table(data: Path) -> Path:
    """The table itself, or the only one of the folder."""
    if not data.is_dir():
        return data
    tables = sorted(path for path in data.iterdir() if path.suffix.lower() in TABLES)
    if len(tables) == 1:
        return tables[0]
    there = f"several: {', '.join(path.name for path in tables)}" if tables else "none"
    typer.echo(f"overtone: {data} should hold one .tsv or .csv, it holds {there}", err=True)
    raise typer.Exit(1)
