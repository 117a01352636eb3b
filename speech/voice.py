"""A voice over time: loudness, pitch and colour every 20 ms, in the band a telephone carries.

Knows nothing of turns. Narrow and wide recordings measure alike, since nothing above 4 kHz is used.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Samples = NDArray[np.float32] | NDArray[np.int16]
"""Mono sound at 16 kHz: float32 from -1 to 1, or int16."""

SAMPLE_RATE_HZ = 16_000
HOP_S = 0.02
CEPSTRA = 10
WINDOW = 768  # 48 ms: three periods of the lowest pitch we look for (Boersma 1993)

_HOP = int(SAMPLE_RATE_HZ * HOP_S)
_FFT = 1024
_BINS = _FFT // 4 + 1  # 0 to 4 kHz: all that a telephone can carry
_BLOCK = 1500  # frames at a time, so that a long monologue does not cost memory
_PITCH_HZ = (65.0, 600.0)
_OCTAVE_COST = 0.03
_BANDS = 24
_BAND_HZ = (250.0, 3600.0)
_MIDDLE_HZ = 1000.0


@dataclass(frozen=True, slots=True, eq=False)
class VoiceTrack:
    """One value per frame of 20 ms; `cepstra` has the shape (frames, CEPSTRA).

    `strength` is how periodic the frame is, 0 to 1. `tilt_db` is treble (1 to 3.6 kHz) over bass
    (250 Hz to 1 kHz), `hammarberg_db` the highest peak below 2 kHz over the highest above,
    `centroid_st` semitones from 1 kHz, `flux` how much the spectrum's shape changes.
    """

    loudness_db: Floats
    pitch_hz: Floats
    strength: Floats
    tilt_db: Floats
    centroid_st: Floats
    hammarberg_db: Floats
    flux: Floats
    cepstra: Floats


def track(samples: Samples) -> VoiceTrack:
    """Follow a voice through at least WINDOW samples."""
    return VoiceTrack(*(np.concatenate(column) for column in zip(*_blocks(samples), strict=True)))


def as_floats(samples: Samples) -> Floats:
    """The same sound as float32 from -1 to 1."""
    scale = np.float32(1 / 32768 if samples.dtype == np.int16 else 1)
    return np.asarray(samples * scale, dtype=np.float32)


def decibel(power: NDArray[np.floating] | np.floating) -> Floats:
    return np.asarray(10.0 * np.log10(np.maximum(power, 1e-10)), dtype=np.float32)


def mel_bands() -> Floats:
    """Triangles (bands, bins) even on the mel scale of Slaney's "Auditory Toolbox" (1998)."""
    low, high = (_mel(hz) for hz in _BAND_HZ)
    edges = _hertz(np.linspace(low, high, _BANDS + 2))[:, None]
    hz = np.arange(_BINS) * SAMPLE_RATE_HZ / _FFT
    rising = (hz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - hz) / (edges[2:] - edges[1:-1])
    return np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)


def _mel(hz: float) -> float:
    return 3.0 * hz / 200.0 if hz < 1000.0 else 15.0 + 27.0 * math.log(hz / 1000.0, 6.4)


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < 15.0, 200.0 * mel / 3.0, 1000.0 * 6.4 ** ((mel - 15.0) / 27.0))


@dataclass(frozen=True, slots=True, eq=False)
class _Tables:
    """What is the same for every sound. `own` is the autocorrelation of the window itself."""

    window: Floats
    window_energy: float
    own: NDArray[np.float64]
    hz: NDArray[np.float64]
    bands: Floats
    cosine: NDArray[np.float64]


@cache
def _tables() -> _Tables:
    window = np.hanning(WINDOW).astype(np.float32)
    order = np.arange(1, CEPSTRA + 1)[:, None]
    return _Tables(
        window=window,
        window_energy=float(np.square(window).sum()),
        own=np.fft.irfft(np.square(np.abs(np.fft.rfft(window, _FFT)))[:_BINS]),
        hz=np.arange(_BINS) * SAMPLE_RATE_HZ / _FFT,
        bands=mel_bands(),
        cosine=np.sqrt(2 / _BANDS) * np.cos(np.pi * order * (np.arange(_BANDS) + 0.5) / _BANDS),
    )


def _blocks(samples: Samples) -> Iterator[tuple[Floats, ...]]:
    """The columns of a track, some 30 s at a time."""
    whole: NDArray[Any] = samples
    frames = np.lib.stride_tricks.sliding_window_view(whole, WINDOW)[::_HOP]
    tables = _tables()
    hz, (lowest, highest) = tables.hz, _BAND_HZ
    bass = (hz >= lowest) & (hz < _MIDDLE_HZ)
    treble = (hz >= _MIDDLE_HZ) & (hz < highest)
    heard = bass | treble
    for start in range(0, len(frames), _BLOCK):
        block = as_floats(frames[start : start + _BLOCK])
        block = (block - block.mean(axis=1, keepdims=True)) * tables.window
        power = np.square(np.abs(np.fft.rfft(block, _FFT)[:, :_BINS])).astype(np.float32)
        loudness_db = decibel(2.0 * power.sum(axis=1) / (_FFT * tables.window_energy))
        pitch_hz, strength = _pitch(power, tables)
        bands = power @ tables.bands.T
        shape = bands / (bands.sum(axis=1, keepdims=True) + 1e-9)
        flux = np.abs(np.diff(shape, axis=0, prepend=shape[:1])).sum(axis=1)
        level = power[:, heard]
        centroid_hz = (level * hz[heard]).sum(axis=1) / (level.sum(axis=1) + 1e-9)
        yield (
            loudness_db,
            pitch_hz,
            strength,
            decibel(power[:, treble].sum(axis=1)) - decibel(power[:, bass].sum(axis=1)),
            (12.0 * np.log2(np.maximum(centroid_hz, lowest) / _MIDDLE_HZ)).astype(np.float32),
            decibel(power[:, hz < 2000].max(axis=1)) - decibel(power[:, hz >= 2000].max(axis=1)),
            flux.astype(np.float32),
            (np.log(bands + 1e-6) @ tables.cosine.T).astype(np.float32),
        )


def _pitch(power: Floats, tables: _Tables) -> tuple[Floats, Floats]:
    """Pitch (Hz) and its strength (0 to 1) for each row of a power spectrum up to 4 kHz.

    Autocorrelation divided by the window's own: Boersma, "Accurate short-term analysis of the
    fundamental frequency", IFA Proceedings 17 (1993). Works where the line cuts the fundamental.
    """
    lag_rate_hz = SAMPLE_RATE_HZ / 2
    hz, own = tables.hz, tables.own
    waves = np.fft.irfft(np.where((hz > 60) & (hz < 2000), power, 0.0))
    first, last = int(lag_rate_hz / _PITCH_HZ[1]), int(lag_rate_hz / _PITCH_HZ[0]) + 1
    likeness = waves[:, : last + 2] / np.maximum(waves[:, :1], 1e-12) / (own / own[0])[: last + 2]
    lags = np.arange(first, last + 1)
    here, before, after = likeness[:, lags], likeness[:, lags - 1], likeness[:, lags + 1]
    peak = (here >= before) & (here >= after)
    shift = np.where(peak, 0.5 * (before - after) / np.minimum(before - 2 * here + after, -1e-6), 0)
    height = here - 0.25 * (before - after) * shift  # parabola through the three
    cost = _OCTAVE_COST * np.log2(lags / first)
    best = np.where(peak, height - cost, -1.0).argmax(axis=1)
    row = np.arange(len(power))
    pitch_hz = lag_rate_hz / (lags[best] + np.clip(shift[row, best], -0.5, 0.5))
    strength = np.where(peak[row, best], np.clip(height[row, best], 0.0, 1.0), 0.0)
    return pitch_hz.astype(np.float32), strength.astype(np.float32)
