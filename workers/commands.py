"""The commands of this room: `queue`, `worker`, `listen`. Models load only when a command needs
them.
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from models.turn import is_uncertain
from settings import end_with_parent, log_to_stderr, read_settings

if TYPE_CHECKING:
    from speech.conversation import Conversation, Mood, Turn
    from speech.speaker_mood import SpeakerMood
    from speech.talk import TalkMetrics


def queue(tied: Annotated[bool, typer.Option("--tied", hidden=True)] = False) -> None:
    """Run the embedded Valkey of the data folder until stopped (`up` does this for you)."""
    from workers.embedded import embedded_valkey

    settings = read_settings()
    if tied:
        end_with_parent()
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with embedded_valkey(settings.queue_socket, settings.data_dir.absolute() / "queue"):
        typer.echo(f"queue: {settings.redis}")
        stop.wait()


def worker(
    burst: Annotated[bool, typer.Option(help="Stop when no call waits any more.")] = False,
    tied: Annotated[bool, typer.Option("--tied", hidden=True)] = False,
) -> None:
    """Hear calls from the queue until stopped. Run as many as the machine carries."""
    from models.db import connect, migrate
    from speech.mood import MoodError
    from speech.whisper_files import ModelMissing
    from workers.worker import work

    settings = read_settings()
    if tied:
        end_with_parent()
    log_to_stderr(settings)
    migrate(connect(settings.database))
    try:
        work(settings, burst=burst)
    except (ModelMissing, MoodError) as error:
        _give_up(error)


def listen(
    file: Annotated[Path, typer.Argument(help="A recording in any usual format.")],
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,
    agent: Annotated[str, typer.Option(help="The agent's side of a stereo recording.")] = "",
    language: Annotated[str, typer.Option(help="Pin the language, such as ru or en.")] = "",
) -> None:
    """Hear one recording and print the conversation; needs no database and no queue."""
    from speech.audio import AudioError
    from speech.listen import listen as hear
    from speech.mood import MoodError
    from speech.whisper_files import ModelMissing
    from workers.station import audio_limits, hotwords, load_ears

    settings = read_settings()
    side = agent or settings.agent_channel
    if side not in ("left", "right"):
        raise typer.BadParameter("left or right", param_hint="--agent")
    try:
        conversation = hear(
            file,
            load_ears(settings),
            agent_channel=0 if side == "left" else 1,
            language=language or settings.language,
            hotwords=hotwords(settings),
            limits=audio_limits(settings),
            on_progress=_show_progress if sys.stderr.isatty() else None,
        )
    except (AudioError, ModelMissing, MoodError) as error:
        _give_up(error)
    if as_json:
        plain = conversation.as_dict(settings.alert_anger)
        typer.echo(json.dumps(plain, ensure_ascii=False, indent=2))
    else:
        _print(conversation, settings.alert_anger)


def _give_up(error: Exception) -> NoReturn:
    typer.echo(f"overtone: {error}", err=True)
    raise typer.Exit(1) from error


def _show_progress(step: str, share: float) -> None:
    end = "\r" if (step, share) != ("mood", 0.0) else "\r\033[K"
    sys.stderr.write(f"\r\033[K{step} {share:.0%}{end}")
    sys.stderr.flush()


def _print(conversation: Conversation, alert_anger: float) -> None:
    language = conversation.language or (
        "language not claimed" if conversation.turns else "no speech"
    )
    typer.echo(
        f"{conversation.duration_s:.1f} s, {conversation.channels} channel(s), {language}, "
        f"Whisper {conversation.whisper_model}, mood {conversation.mood_model or 'off'}"
    )
    for warning in conversation.warnings:
        typer.echo(f"warning: {warning}")
    if conversation.dropped_words:
        typer.echo(f"{conversation.dropped_words} words that nobody said are left out")
    _print_talk(conversation.talk, conversation.moods(alert_anger))
    for turn in conversation.turns:
        when = f"{turn.start_s:7.2f} {turn.end_s:7.2f}"
        doubt = "(uncertain) " if is_uncertain(turn.confidence) else ""
        typer.echo(f"{when}  {turn.speaker:<9} {_mood(turn.mood)}  {doubt}{turn.text}")
        if turn.mood and turn.mood.anger >= alert_anger:
            typer.echo(f"{'':17}{_why(turn)}")


def _print_talk(talk: TalkMetrics, moods: dict[str, SpeakerMood]) -> None:
    for speaker in talk.speakers:
        parts = [f"{speaker.name} spoke {speaker.talk_s:.0f} s ({speaker.talk_ratio:.0%})"]
        if speaker.words_per_minute is not None:
            parts.append(f"{speaker.words_per_minute:.0f} words a minute")
        parts.append(f"longest monologue {speaker.longest_monologue_s:.0f} s")
        if speaker.interruptions is not None:
            parts.append(f"interruptions {speaker.interruptions}")
        typer.echo(", ".join(parts))
        if speaker.name in moods:
            typer.echo(f"  {_anger(moods[speaker.name])}")
    for silence in talk.silences:
        typer.echo(f"nobody speaks for {silence.duration_s:.0f} s from {silence.start_s:.2f} s")


def _mood(mood: Mood | None) -> str:
    return f"{mood.label:<7} {mood.anger:.2f}" if mood else " " * 12


def _anger(mood: SpeakerMood) -> str:
    """A speaker's anger, and where to hear it."""
    trend = "" if mood.trend is None else f", trend {mood.trend:+.2f}"
    return (
        f"anger {mood.peak:.2f} at its peak, {mood.mean:.2f} in the mean, "
        f"{mood.share:.0%} of their speech angry{trend}, angriest from {mood.at_s:.2f} s"
    )


def _why(turn: Turn) -> str:
    """Why a turn is taken for angry. No lexicon is at hand here: words are left out."""
    from workers.call_facts import spoken_turn
    from workers.reasons import anger_parts

    return str(anger_parts(spoken_turn(0, turn), ())["reason"])
