"""Sounds without words: as long as asked, the same from one seed, never too loud for a line."""

from __future__ import annotations

import numpy as np
import pytest

from tests.accuracy.noises import NOISES, RATE_HZ, Noise, cadence, hold


@pytest.mark.parametrize("make", [*NOISES.values(), hold], ids=[*NOISES, "hold"])
def test_a_noise_is_long_enough_and_the_same_from_one_seed(make: Noise) -> None:
    sound, again = (make(8.0, np.random.default_rng(3)) for _ in range(2))
    assert sound.shape == (8 * RATE_HZ,)
    assert sound.dtype == np.float32
    assert np.abs(sound).max() <= 1.0
    assert np.array_equal(sound, again)


def test_all_but_silence_can_be_heard() -> None:
    for name, make in NOISES.items():
        rms = float(np.sqrt(np.mean(make(8.0, np.random.default_rng(1)) ** 2)))
        assert (rms > 1e-3) == (name != "silence"), name


def test_a_tone_has_its_pitch_and_its_cadence() -> None:
    sound = cadence((425,), 1.0, 4.0)(10.0, np.random.default_rng(0))
    spectrum = np.abs(np.fft.rfft(sound[:RATE_HZ]))
    assert spectrum.argmax() == 425
    loud = np.abs(sound).reshape(10, RATE_HZ).max(axis=1) > 0.05
    assert loud.tolist() == [True, False, False, False, False] * 2
