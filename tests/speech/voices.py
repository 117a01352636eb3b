"""Voices made of sums of sines, for tests: known loudness and pitch, no recordings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000


def voice(
    seconds: float = 2.0, *, pitch_hz: float = 150.0, level: float = 0.05, low_cut_hz: float = 0.0
) -> NDArray[np.float32]:
    """A buzz in syllables of a fifth of a second; harmonics between `low_cut_hz` and 3400 Hz."""
    time_s = np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    harmonics = [n for n in range(1, 60) if low_cut_hz <= n * pitch_hz < 3400.0]
    wave = sum(np.sin(2 * np.pi * n * pitch_hz * time_s + n * n) / n for n in harmonics)
    syllables = 0.6 + 0.4 * np.sin(2 * np.pi * 5.0 * time_s)
    shaped = np.asarray(wave * syllables)
    return (level * shaped / np.sqrt(np.square(shaped).mean())).astype(np.float32)
