"""Metadata in file names."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from api.file_names import NamePattern, PatternError


@pytest.fixture(autouse=True)
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("pattern", "name", "told"),
    [
        (
            "{started_at:%Y%m%d-%H%M%S}_{caller}_{line}_{agent}",
            "20261102-091500_+442079460958_200_Alice_Smith.wav",
            {
                "started_at": "2026-11-02T09:15:00+01:00",
                "caller": "+442079460958",
                "line": "200",
                "agent": "Alice_Smith",
            },
        ),
        (
            "{caller}{started_at:%H%M %d%m%Y}",
            "4920915 02072026.wav",
            {"caller": "492", "started_at": "2026-07-02T09:15:00+02:00"},
        ),
        (
            "{metadata.site}/{_}/{external_id}",
            "x/north/2026/q-1.wav",
            {"metadata": {"site": "north"}, "external_id": "q-1"},
        ),
        (
            "[{direction}] {_}-{_}-{line}",
            "[inbound] a-b-c-d.mp3",
            {"direction": "inbound", "line": "c-d"},
        ),
        ("q-{external_id}-in", "q-1-2-in.wav", {"external_id": "1-2"}),
        ("{agent}", "a/b/Алиса.wav", {"agent": "Алиса"}),
        ("{outcome}", "answered.wav", {"outcome": "answered"}),
    ],
)
def test_what_names_tell(pattern: str, name: str, told: dict[str, Any]) -> None:
    assert NamePattern.parse(pattern).read(name) == told


@pytest.mark.parametrize(
    ("pattern", "name", "moment"),
    [
        ("{started_at:%Y-%m-%dT%H%M%S%z}", "2026-07-02T091500+0000", "2026-07-02T09:15:00+00:00"),
        ("{started_at}", "2026-07-02T09:15:00", "2026-07-02T09:15:00+02:00"),
        ("{started_at:%d.%m.%y %I-%M %p}", "02.07.26 09-15 PM", "2026-07-02T21:15:00+02:00"),
    ],
)
def test_times_are_of_this_machine_s_zone_unless_they_say(
    pattern: str, name: str, moment: str
) -> None:
    assert NamePattern.parse(pattern).read(f"{name}.wav") == {"started_at": moment}


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("{started_at:%Y%m%d}_{caller}", "20261302_1.wav"),
        ("{started_at:%Y%m%d}_{caller}", "2026112_1.wav"),
        ("{started_at}", "yesterday.wav"),
        ("{caller}_{line}", "1.wav"),
        ("{caller}_{line}", "_1.wav"),
        ("{caller}_{line}", "a_b/1.wav"),
        ("{metadata.site}/{line}", "1.wav"),
    ],
)
def test_what_does_not_fit(pattern: str, name: str) -> None:
    assert NamePattern.parse(pattern).read(name) is None


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("calls", "no field"),
        ("{caller", "no field"),
        ("{caller}_{line", "brace"),
        ("{name}", "{name} is no field; there are external_id, agent"),
        ("{metadata}", "is no field"),
        ("{metadata.}", "is no field"),
        ("{}", "is no field"),
        ("{caller:%Y}", "takes no format"),
        ("{caller}_{caller}", "twice"),
        ("{caller}{line}", "nothing stands between {caller}"),
        ("{started_at:%A}", "%A is not understood"),
        ("{started_at:%}", "is not understood"),
    ],
)
def test_patterns_that_cannot_be_used(pattern: str, words: str) -> None:
    with pytest.raises(PatternError) as error:
        NamePattern.parse(pattern)
    assert words in str(error.value)


def test_a_long_name_that_does_not_fit_is_seen_at_once() -> None:
    pattern = NamePattern.parse("_".join(f"{{metadata.k{number}}}" for number in range(9)) + "=")
    assert pattern.read("_a" * 2000 + ".wav") is None
