"""Diarization error rates, checked by hand and against counting moment by moment."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.accuracy.der import COLLAR_S, SpeakerErrors, Spoken, read_rttm, speaker_errors

TRUTH = [("ann", 0.0, 10.0), ("bob", 12.0, 20.0)]


def test_names_do_not_matter() -> None:
    assert speaker_errors(TRUTH, [("2", 0.0, 10.0), ("1", 12.0, 20.0)], 20.0).rate == 0.0


def test_borders_within_the_collar_are_forgiven_and_beyond_it_are_not() -> None:
    near = [("1", 0.2, 9.8), ("2", 12.2, 19.8)]
    assert speaker_errors(TRUTH, near, 20.0).rate == 0.0
    late = speaker_errors(TRUTH, [("1", 1.0, 10.0), ("2", 12.0, 20.0)], 20.0)
    assert late.missed_s == pytest.approx(1.0 - COLLAR_S)
    # Two borders of ten seconds, two of eight: the first and the last collar are half outside.
    assert late.speech_s == pytest.approx(18.0 - 4 * COLLAR_S)


def test_one_speaker_for_two_confuses_the_shorter() -> None:
    errors = speaker_errors(TRUTH, [("1", 0.0, 10.0), ("1", 12.0, 20.0)], 20.0)
    assert errors.confused_s == pytest.approx(7.5)
    assert errors.missed_s == errors.invented_s == 0.0


def test_overlap_counts_for_both() -> None:
    truth = [("ann", 0.0, 10.0), ("bob", 4.0, 6.0)]
    errors = speaker_errors(truth, [("1", 0.0, 10.0)], 10.0)
    assert errors.missed_s == pytest.approx(2.0 - 2 * COLLAR_S)


def test_recordings_are_pooled_by_their_speech() -> None:
    pooled = SpeakerErrors(90.0) + SpeakerErrors(10.0, missed_s=4.0, confused_s=6.0)
    assert pooled.rate == pytest.approx(0.1)


def test_rttm_is_read(tmp_path: Path) -> None:
    path = tmp_path / "call.rttm"
    path.write_text(
        "SPKR-INFO call 1 <NA> <NA> <NA> unknown ann <NA>\n"
        "SPEAKER call 1 6.690 0.430 <NA> <NA> ann <NA> <NA>\n\n"
    )
    [(speaker, start_s, end_s)] = read_rttm(path)
    assert (speaker, start_s) == ("ann", 6.69)
    assert end_s == pytest.approx(7.12)


def _spoken(names: str) -> st.SearchStrategy[list[Spoken]]:
    """Segments on a grid of tenths of a second; one speaker's never touch."""
    borders = st.lists(st.integers(0, 60), unique=True, max_size=6)

    def segments(drawn: list[list[int]]) -> list[Spoken]:
        found: list[Spoken] = []
        for name, points in zip(names, drawn, strict=True):
            ordered = sorted(points)
            pairs = zip(ordered[::2], ordered[1::2], strict=False)
            found += [(name, first / 10, last / 10) for first, last in pairs]
        return found

    return st.tuples(*[borders for _ in names]).map(list).map(segments)


@settings(max_examples=60, deadline=None)
@given(_spoken("ab"), _spoken("xyz"))
def test_the_rate_is_what_counting_moments_gives(truth: list[Spoken], heard: list[Spoken]) -> None:
    errors = speaker_errors(truth, heard, 6.0)
    wrong_s, speech_s = _count(truth, heard)
    assert errors.speech_s == pytest.approx(speech_s, abs=1e-6)
    assert errors.missed_s + errors.invented_s + errors.confused_s == pytest.approx(
        wrong_s, abs=1e-6
    )


def _count(truth: list[Spoken], heard: list[Spoken]) -> tuple[float, float]:
    """(seconds wrong, seconds of speech), by moments of 10 ms, under the best of all mappings."""
    moments = np.arange(600) / 100 + 0.005
    borders = [time for _, *times in truth for time in times]
    kept = np.array([all(abs(m - b) > COLLAR_S for b in borders) for m in moments])

    def active(spoken: list[Spoken], names: str) -> np.ndarray:
        rows = [
            [any(n == name and s <= m < e for n, s, e in spoken) for m in moments] for name in names
        ]
        return np.array(rows)[:, kept]

    said, found = active(truth, "ab"), active(heard, "xyz")
    right = max(
        int((said[0] & found[i]).sum() + (said[1] & found[j]).sum())
        for i, j in permutations(range(3), 2)
    )
    wrong = np.maximum(said.sum(axis=0), found.sum(axis=0)).sum() - right
    return wrong / 100, said.sum() / 100
