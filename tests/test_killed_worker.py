"""A killed worker loses nothing: its call is heard again, and its rows appear once."""

from __future__ import annotations

from pathlib import Path

from tests.killing import kill_workers
from workers.queue import CallQueue


def test_every_call_ends_analysed_once_however_often_the_worker_is_killed(
    tmp_path: Path, valkey_url: str, queue: CallQueue
) -> None:
    outcome = kill_workers(tmp_path, valkey_url, kills=2, seed=1)
    assert (outcome.done, outcome.doubled_turns) == (outcome.calls, 0)
    assert outcome.attempts > outcome.calls
    assert queue.depth() == 0
