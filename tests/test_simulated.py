"""Simulated calls: what they promise of their truth, which every figure of hearing rests on."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from tests import simulated
from tests.simulated import (
    DATA,
    PAUSE_S,
    RATE_HZ,
    SHORTEST_PIECE_S,
    SIDES,
    Clip,
    simulate_call,
    simulate_dialogue,
    spoken_in,
)
from tests.speech.voices import voice

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"no recordings in {DATA}")


def spoken(*stretches: tuple[float, float], seconds: float, noise_db: float = -70.0) -> np.ndarray:
    """A voice in these stretches, over noise, at 8 kHz."""
    noise = np.random.default_rng(0).normal(0.0, 10 ** (noise_db / 20), round(seconds * RATE_HZ))
    for start_s, end_s in stretches:
        sound = voice(end_s - start_s)[::2]
        noise[round(start_s * RATE_HZ) :][: len(sound)] += sound
    return noise.astype(np.float32)


@pytest.mark.parametrize("noise_db", [-120.0, -70.0, -50.0])
def test_speech_is_found_by_level_however_loud_the_room(noise_db: float) -> None:
    truth = [(0.5, 2.0), (2.7, 4.0)]
    found = spoken_in(spoken(*truth, seconds=5.0, noise_db=noise_db))
    assert np.array(found) == pytest.approx(np.array(truth), abs=0.03)


def test_short_pauses_and_clicks_part_nothing() -> None:
    sound = spoken((0.5, 2.0), (2.2, 4.0), seconds=6.0)
    sound[5 * RATE_HZ : 5 * RATE_HZ + 40] += 0.3
    assert np.array(spoken_in(sound)) == pytest.approx(np.array([(0.5, 4.0)]), abs=0.03)


def test_a_call_is_the_same_from_one_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulated, "_readers", lambda: table(readers=4, each=1))
    one, same, other = simulate_call(3), simulate_call(3), simulate_call(4)
    assert np.array_equal(one.samples, same.samples)
    assert one.utterances == same.utterances
    assert one.utterances != other.utterances


@pytest.mark.parametrize(("readers", "each"), [(8, 1), (3, 5), (2, 9)])
def test_no_reader_is_heard_on_both_sides(
    readers: int, each: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulated, "_readers", lambda: table(readers=readers, each=each))
    for seed in range(5):
        call = simulate_call(seed, sentences=4)
        heard = [{said.text.split()[0] for said in call.of(side) if said.text} for side in SIDES]
        assert not heard[0] & heard[1]
        assert [len(call.of(side)) for side in SIDES] == [4, 4]


def test_two_real_speakers_talk_whether_they_have_many_sentences_or_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for each in (1, 6):
        monkeypatch.setattr(simulated, "_readers", lambda each=each: table(readers=2, each=each))
        call = simulate_dialogue(1)
        assert {said.text is None for said in call.utterances} == {each == 1}
        for said in call.utterances:
            speech_s = sum(end_s - start_s for start_s, end_s in said.stretches)
            assert speech_s >= SHORTEST_PIECE_S


def test_what_is_said_sounds_where_the_truth_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulated, "_readers", lambda: table(readers=6, each=1))
    for call in (simulate_call(5, noise_db=-70.0), simulate_dialogue(5, noise_db=-70.0)):
        for channel, side in enumerate(SIDES):
            truth = [stretch for said in call.of(side) for stretch in said.stretches]
            found = spoken_in(call.samples[channel])
            assert np.array(found) == pytest.approx(np.array(truth), abs=0.05)


@needs_data
def test_gaps_and_overlaps_are_as_on_the_telephone() -> None:
    gaps_s: list[float] = []
    for seed in range(8):
        call = simulate_call(seed)
        assert call.samples.shape == (2, round(call.duration_s * RATE_HZ))
        for side in SIDES:
            borders = [s for said in call.of(side) for s in said.stretches]
            assert all(after[0] - before[1] > PAUSE_S - 0.02 for before, after in pairwise(borders))
        gaps_s += [b.start_s - a.end_s for a, b in pairwise(call.utterances)]
    assert -1.21 <= min(gaps_s) < 0.0
    assert 5.0 < max(gaps_s) <= 20.0


def table(*, readers: int, each: int) -> dict[str, tuple[Clip, ...]]:
    """Readers with a sentence of three stretches of speech, `each` times."""
    stretches = ((0.3, 2.3), (2.9, 4.9), (5.5, 7.5))
    sound = spoken(*stretches, seconds=8.0)
    return {
        f"reader{reader}": tuple(
            Clip(f"reader{reader}", f"reader{reader} says {n}", sound, stretches)
            for n in range(each)
        )
        for reader in range(readers)
    }
