"""The front door: mounts every command of the rooms, and `up`, which runs them all on one
machine.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import IO

import httpx
import typer
from redis import RedisError

from api import alert_commands, key_commands, push_commands, subscription_commands
from api import commands as api_commands
from api.local import local_key
from models.db import connect, migrate
from settings import BadSettings, Settings, read_settings
from workers import commands as worker_commands
from workers import lexicon_commands, mood_commands, record_commands, rule_commands
from workers.embedded import EmbeddedQueueError
from workers.notify_command import notify
from workers.queue import QueueDown, open_queue

app = typer.Typer(
    help="Speech analytics for call recordings.",
    no_args_is_help=True,
    add_completion=False,
    # Typer's own tracebacks print code and values; a plain one says as much and keeps secrets.
    pretty_exceptions_enable=False,
)
for command in (
    worker_commands.queue,
    worker_commands.worker,
    worker_commands.listen,
    notify,
    record_commands.purge,
    record_commands.erase,
    api_commands.api,
    push_commands.push,
    api_commands.search,
    api_commands.show,
):
    app.command()(command)
app.add_typer(key_commands.keys, name="key")
app.add_typer(alert_commands.alerts, name="alerts")
app.add_typer(subscription_commands.subscriptions, name="subscriptions")
app.add_typer(mood_commands.mood, name="mood")
app.add_typer(lexicon_commands.lexicon, name="lexicon")
app.add_typer(rule_commands.rules, name="rules")

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 10
# A process that ends this often within a minute will not get better by being started again.
MOST_RESTARTS = 5


class NotStarted(Exception):
    """A process did not come up, or does not stay up; the text names its log."""


@dataclass(slots=True)
class Process:
    """One command run as a process of its own, started again when it ends unasked."""

    command: str
    log: Path
    environment: dict[str, str]
    running: subprocess.Popen[bytes] | None = None
    starts: list[float] = field(default_factory=list)

    def start(self) -> None:
        """Start it, its output going to its log."""
        self.starts = [at for at in self.starts if time.monotonic() - at < 60]
        if len(self.starts) >= MOST_RESTARTS:
            raise NotStarted(f"{self.command} ends again and again; see {self.log}")
        self.starts.append(time.monotonic())
        out: IO[bytes]
        with self.log.open("ab") as out:
            self.running = subprocess.Popen(
                [sys.executable, "-m", "overtone", self.command, "--tied"],
                # Never written to: that it closes tells the process that `up` is gone.
                stdin=subprocess.PIPE,
                env=self.environment,
                stdout=out,
                stderr=subprocess.STDOUT,
                # Ctrl-C reaches only `up`, which stops the others in the right order.
                start_new_session=True,
            )

    def ended(self) -> bool:
        """Whether it ended by itself."""
        return self.running is not None and self.running.poll() is not None

    def stop(self) -> None:
        """End it: politely, then not. A call in a worker's hands is heard again after the next
        start.
        """
        if self.running is None or self.running.poll() is not None:
            return
        self.running.terminate()
        try:
            self.running.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.running.kill()
            self.running.wait()


@app.command()
def up() -> None:
    """Run queue, worker, deliveries and API on this machine until Ctrl-C."""
    settings = read_settings()
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    logs = settings.data_dir.absolute() / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    names = ["worker", "notify", "api"]
    if settings.redis_url is None:
        names = ["queue", *names]
    with _alone(settings.data_dir.absolute() / "up.lock"):
        port = _free_port(settings)
        settings = settings.model_copy(update={"api_port": port})
        environment = os.environ | {"OVERTONE_API_PORT": str(port)}
        processes = {name: Process(name, logs / f"{name}.log", environment) for name in names}
        try:
            _start_all(settings, processes, stop)
            while not stop.wait(1.0):
                for process in processes.values():
                    if process.ended():
                        typer.echo(
                            f"{process.command} ended and is started again; see {process.log}"
                        )
                        process.start()
            typer.echo("stopping ...")
        finally:
            for name in reversed(names):
                processes[name].stop()


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a data folder for this process; the lock goes when the process goes, however it ends."""
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise NotStarted(f"overtone is running on {path.parent} already") from error
        yield


def _free_port(settings: Settings) -> int:
    """The port asked for, or a free one for 0. Raises `NotStarted` where somebody has it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.api_host, settings.api_port))
        except OSError as error:
            raise NotStarted(
                f"{settings.api_host}:{settings.api_port} cannot be listened on "
                f"({error.strerror}): set OVERTONE_API_PORT to another port, or to 0"
            ) from error
        return int(probe.getsockname()[1])


def _start_all(settings: Settings, processes: dict[str, Process], stop: Event) -> None:
    migrate(connect(settings.database))
    key, made = local_key(settings)
    if "queue" in processes:
        processes["queue"].start()
        _wait(processes["queue"], lambda: _answers(settings), stop)
    processes["api"].start()
    processes["worker"].start()
    processes["notify"].start()
    address = f"http://{settings.api_host}:{settings.api_port}"
    _wait(processes["api"], lambda: _healthy(address), stop)
    if stop.is_set():
        return
    typer.echo(f"API      {address}   (its pages: {address}/docs)")
    typer.echo(f"key      {key}{'   (made just now)' if made else ''}")
    typer.echo(f"data     {settings.data_dir.absolute()}")
    typer.echo(f"logs     {processes['api'].log.parent}")
    if settings.retention_days is not None:
        typer.echo(f"deletes  calls that began more than {settings.retention_days} days ago")
    typer.echo("Running until Ctrl-C. The worker needs a few seconds to load its models.")


def _wait(process: Process, ready: Callable[[], bool], stop: Event) -> None:
    """Until `ready`. Raises `NotStarted` where the process ends first or takes too long."""
    until = time.monotonic() + START_TIMEOUT_S
    while not stop.is_set():
        if process.ended():
            last = process.log.read_text(errors="replace").strip().splitlines()[-3:]
            raise NotStarted(
                f"{process.command} did not start (see {process.log}):\n" + "\n".join(last)
            )
        if ready():
            return
        if time.monotonic() > until:
            raise NotStarted(f"{process.command} does not answer; see {process.log}")
        stop.wait(0.1)


def _answers(settings: Settings) -> bool:
    try:
        open_queue(settings.redis).check()
    except QueueDown:
        return False
    return True


def _healthy(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz", timeout=2).is_success
    except httpx.HTTPError:
        return False


def main() -> None:
    """Run the command line; what goes wrong is one line that says what to do, and status 1 or 2."""
    # Recordings and transcripts are nobody else's on this machine.
    os.umask(0o077)
    try:
        app()
    except BadSettings as error:
        _stop(str(error), 2)
    except (NotStarted, QueueDown, EmbeddedQueueError, RedisError) as error:
        _stop(str(error), 1)
    except ModuleNotFoundError as error:
        # The base install serves and searches; hearing needs more.
        _stop(f"{error.name} is not installed here: pip install 'overtone[worker]'", 1)


def _stop(reason: str, status: int) -> None:
    typer.echo(f"overtone: {reason}", err=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
