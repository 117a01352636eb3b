"""Recordings in folders: still ones, and those that were pushed before."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.folder import Found, Memory, Stillness, recordings_in


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    folder = tmp_path / "calls"
    folder.mkdir()
    for name in ("1.wav", "2.wav"):
        (folder / name).write_bytes(name.encode())
    return folder


def test_a_file_is_still_when_nothing_about_it_changed_for_two_seconds(calls: Path) -> None:
    stillness = Stillness()
    found = recordings_in([calls])
    assert stillness.still(found, 0.0) == []
    assert stillness.still(found, 1.9) == []
    (calls / "2.json").write_text("{")
    assert stillness.still(found, 2.0) == found[:1]
    assert stillness.still(found, 4.0) == found


def test_an_empty_file_is_waited_for(calls: Path) -> None:
    (calls / "1.wav").write_bytes(b"")
    stillness = Stillness()
    found = recordings_in([calls])
    for now_s in (0.0, 60.0):
        still = stillness.still(found, now_s)
    assert [one.name for one in still] == ["2.wav"]


def test_ids_tell_the_name_and_stay_within_their_length(calls: Path) -> None:
    path = calls / "1.wav"
    assert Found(path, "north/1.wav").external_id() == "north/1.wav#2601ae18888a"
    long = Found(path, "x" * 300 + "\n.wav").external_id()
    assert len(long) == 200
    assert long.isprintable()
    assert "x?.wav#" in long


def test_a_memory_cut_off_by_a_crash_is_still_of_use(calls: Path, tmp_path: Path) -> None:
    first, second = recordings_in([calls])
    memory = Memory(tmp_path / "memory.jsonl")
    memory.remember(first, first.stamp(), "one")
    memory.remember(second, second.stamp(), "two")
    text = (tmp_path / "memory.jsonl").read_text()
    (tmp_path / "memory.jsonl").write_text(text[:-9])
    again = Memory(tmp_path / "memory.jsonl")
    assert (again.knows(first), again.knows(second)) == (True, False)
    assert (again.name_of(first), again.name_of(second)) == ("one", None)
    first.path.unlink()
    again.forget_gone()
    assert (tmp_path / "memory.jsonl").read_text() == ""
