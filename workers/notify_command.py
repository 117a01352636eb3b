"""The command `notify`: the process that delivers alerts."""

from __future__ import annotations

import asyncio
import signal
from datetime import timedelta
from threading import Event
from typing import Annotated

import typer

from models.db import connect, migrate
from settings import end_with_parent, log_to_stderr, read_settings
from workers.dispatcher import Dispatcher
from workers.overdue import OverdueWatch
from workers.queue import open_queue
from workers.sending.courier import Courier
from workers.wake import Wake


def notify(tied: Annotated[bool, typer.Option("--tied", hidden=True)] = False) -> None:
    """Deliver alerts to webhooks, chat and e-mail until stopped. Several may run."""
    settings = read_settings()
    if tied:
        end_with_parent()
    log_to_stderr(settings)
    stopped = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    engine = connect(settings.database)
    migrate(engine)
    history = timedelta(days=settings.alert_days)
    dispatcher = Dispatcher(engine, Courier.of(settings), history=history)
    # Workers look too, but who is late must be known also where none of them runs.
    watch = OverdueWatch(engine, open_queue(settings.redis))
    watch.start()
    asyncio.run(dispatcher.run(Wake(settings.redis), stopped))
    watch.stop()
