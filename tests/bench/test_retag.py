"""The stored calls of the retag bench are what it says: all have to be written."""

from __future__ import annotations

from pathlib import Path

from tests.bench.retag import retag


def test_the_bench_retags_calls_and_writes_their_hits(tmp_path: Path) -> None:
    taken_s, result = retag(tmp_path, calls=20)
    assert taken_s > 0
    assert result["added"] > result["changed"] > 10
    assert result["removed"] == 0
