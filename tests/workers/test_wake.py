"""Being woken over a real Valkey: at once, once for a burst, and never stuck where it is away."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer
from time import monotonic

import pytest

from workers.embedded import embedded_valkey
from workers.queue import CallQueue, open_queue
from workers.wake import Wake

LONG_S = 30.0


@pytest.fixture
def wake(valkey_url: str) -> Iterator[Wake]:
    wake = Wake(valkey_url)
    wake.wait(0.1)  # subscribes
    yield wake
    wake.close()


def waits(wake: Wake, timeout_s: float) -> float:
    since = monotonic()
    wake.wait(timeout_s)
    return monotonic() - since


def test_a_word_ends_the_wait(wake: Wake, queue: CallQueue) -> None:
    Timer(0.2, queue.wake_alerts).start()
    assert 0.1 < waits(wake, LONG_S) < 10


def test_a_word_that_came_before_the_wait_counts(wake: Wake, queue: CallQueue) -> None:
    queue.wake_alerts()
    assert waits(wake, LONG_S) < 10


def test_a_burst_of_words_wakes_once(wake: Wake, queue: CallQueue) -> None:
    for _ in range(50):
        queue.wake_alerts()
    assert waits(wake, LONG_S) < 10
    assert waits(wake, 0.3) >= 0.3


def test_silence_ends_in_time(wake: Wake) -> None:
    assert 0.3 <= waits(wake, 0.3) < 5


def test_where_nobody_answers_the_wait_ends_in_time_and_it_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "workers.wake"):
        wake = Wake(f"unix://{tmp_path / 'nobody.sock'}")
        for _ in range(3):
            assert 0.2 <= waits(wake, 0.2) < 3
    assert len(caplog.records) == 1
    caplog.clear()
    open_queue("redis://127.0.0.1:9").wake_alerts()
    assert "nobody could be woken" in caplog.text


def test_it_listens_again_when_redis_is_back() -> None:
    with TemporaryDirectory(prefix="ovt-") as folder:
        socket, files = Path(folder) / "v.sock", Path(folder) / "queue"
        wake = Wake(f"unix://{socket}")
        for _ in range(2):
            with embedded_valkey(socket, files):
                wake.wait(0.2)
                open_queue(f"unix://{socket}").wake_alerts()
                assert waits(wake, LONG_S) < 10
            assert 0.2 <= waits(wake, 0.2) < 3
        wake.close()
