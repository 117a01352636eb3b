"""The command `push`: recordings from files and folders through the API."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated, NoReturn

import httpx
import typer

from api.client import Client, KeyRefused
from api.file_names import NamePattern, PatternError
from api.folder import Memory, recordings_in
from api.local import known_key
from api.pushing import Pusher, push_all, watch
from settings import read_settings


def push(
    paths: Annotated[list[Path], typer.Argument(help="Recordings, or folders of them.")],
    url: Annotated[str, typer.Option(help="The API; this machine's when left out.")] = "",
    key: Annotated[str, typer.Option(help="An API key (better: OVERTONE_KEY).")] = "",
    agent: Annotated[str, typer.Option(help="Who answered.")] = "",
    line: Annotated[str, typer.Option(help="The number dialled.")] = "",
    agent_channel: Annotated[str, typer.Option(help="The agent's side: left or right.")] = "",
    pattern: Annotated[
        str,
        typer.Option(help="What file names tell, such as '{started_at:%Y%m%d-%H%M%S}_{caller}'."),
    ] = "",
    strict: Annotated[
        bool, typer.Option("--strict", help="Do not push what does not fit --pattern.")
    ] = False,
    move_to: Annotated[
        Path | None, typer.Option(help="Move what was pushed into this folder.")
    ] = None,
    keep_watching: Annotated[
        bool, typer.Option("--watch", help="Then go on with what comes, until Ctrl-C.")
    ] = False,
) -> None:
    """Upload recordings through the API. A JSON file of the same name beside one gives its
    metadata.
    """
    settings = read_settings()
    if not url and not settings.api_port:
        _stop("OVERTONE_API_PORT is 0, so any port: say which with --url")
    url = url or f"http://127.0.0.1:{settings.api_port}"
    given = {"agent": agent, "line": line, "agent_channel": agent_channel}
    with Client(url, key or known_key(settings)) as client:
        pusher = Pusher(
            client,
            {name: value for name, value in given.items() if value},
            pattern=_read_pattern(pattern),
            strict=strict,
            move_to=move_to,
        )
        try:
            if keep_watching:
                _watch(pusher, paths, Memory.of(settings.data_dir, paths, url))
            else:
                found = recordings_in(paths, less=move_to)
                if not found:
                    _stop("there is no recording in there")
                push_all(pusher, found)
        except KeyRefused as error:
            _stop(str(error))
        except httpx.TransportError:
            _stop(f"no API answers at {url}: start `overtone up`, or give --url")
    if pusher.failed:
        raise typer.Exit(1)


def _watch(pusher: Pusher, folders: list[Path], memory: Memory) -> None:
    for folder in folders:
        if not folder.is_dir():
            _stop(f"{folder} is no folder: --watch needs folders")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    memory.forget_gone()
    typer.echo(f"watching {', '.join(map(str, folders))} until Ctrl-C")
    try:
        watch(pusher, folders, memory)
    except KeyboardInterrupt:
        typer.echo(f"stopped: {pusher.pushed} pushed, {pusher.failed} failed")


def _read_pattern(text: str) -> NamePattern | None:
    try:
        return NamePattern.parse(text) if text else None
    except PatternError as error:
        raise typer.BadParameter(str(error), param_hint="--pattern") from error


def _stop(reason: str) -> NoReturn:
    typer.echo(f"overtone: {reason}", err=True)
    raise typer.Exit(1)
