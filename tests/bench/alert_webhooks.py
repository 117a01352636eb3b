"""How long an alert takes from the commit of its event to the request at a receiver on this
machine, through `overtone notify` as a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from models.db import connect, migrate, writing
from models.subscription import Wanted, save_subscription
from settings import Settings
from tests.alert_events import write_event
from tests.receivers import Receiver, receiving
from workers.embedded import embedded_valkey
from workers.queue import open_queue

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0
# Angry calls come one by one, even in a large house.
PAUSE_S = 0.05


def measure_webhooks(alerts: int = 200) -> list[float]:
    """Milliseconds from commit to receipt, one for each alert."""
    with TemporaryDirectory(prefix="ovt-hooks-") as name, receiving() as receiver:
        settings = Settings(data_dir=Path(name))
        with embedded_valkey(settings.queue_socket, Path(name) / "queue"):
            return _measure(settings, receiver, alerts)


def _measure(settings: Settings, receiver: Receiver, alerts: int) -> list[float]:
    engine = connect(settings.database)
    migrate(engine)
    with writing(engine) as session:
        save_subscription(session, "bench", Wanted("webhook", receiver.url))
        session.commit()
    connection = open_queue(settings.redis).connection
    process = _notify(settings)
    try:
        _wait(lambda: connection.pubsub_numsub("overtone:alerts")[0][1])
        committed: dict[str, float] = {}
        for _ in range(alerts):
            number = write_event(engine)
            committed[f"evt_{number}"] = time.time()
            connection.publish("overtone:alerts", "alerts")
            time.sleep(PAUSE_S)
        _wait(lambda: len(receiver.got) >= alerts)
    finally:
        process.kill()
        process.wait()
        engine.dispose()
    return [(got.at - committed[got.headers["webhook-id"]]) * 1000 for got in receiver.got]


def _notify(settings: Settings) -> subprocess.Popen[bytes]:
    environment = os.environ | {
        "OVERTONE_DATA_DIR": str(settings.data_dir),
        "OVERTONE_WEBHOOK_PRIVATE": "127.0.0.1",
    }
    with (settings.data_dir / "notify.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "overtone", "notify"],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def _wait(ready: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not ready():
        assert time.monotonic() < until, "nothing came for too long"
        time.sleep(0.01)


if __name__ == "__main__":
    found = sorted(measure_webhooks())
    sys.stdout.write(
        f"{len(found)} alerts, ms: median {found[len(found) // 2]:.0f}, "
        f"p95 {found[int(len(found) * 0.95)]:.0f}, most {found[-1]:.0f}\n"
    )
