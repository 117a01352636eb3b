"""Decoded sound in memory, heard at 16 kHz whatever it is kept at.

Knows nothing of files or of speech. Telephone sound is kept at its own 8 kHz, half the memory, and
doubled when a stretch of it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000
NARROW_RATE_HZ = 8_000
# The filter between two stored samples: flat within 0.1 dB to 3.76 kHz, what it mirrors from there
# to above 4.4 kHz at -78 dB. Kaiser and Schafer, "On the use of the I0-sinh window for spectrum
# analysis", IEEE ASSP 28 (1980), has the window; 8 is a stop band of about 80 dB.
_REACH, _KAISER = 32, 8.0
# Whole numbers, so that every sum is exact in a float64 and no stretch depends on where it is cut.
_SCALE = 1 << 15


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Decoded sound: `channels` are int16 arrays of one length, in the file's order, kept as they
    came at `stored_rate_hz` (8 or 16 kHz). Whoever wants sound asks for `samples` or a `view`:
    there it is at 16 kHz, and about zero where a channel has one of `offsets`.
    """

    channels: tuple[NDArray[np.int16], ...]
    warnings: tuple[str, ...] = ()
    stored_rate_hz: int = SAMPLE_RATE_HZ
    offsets: tuple[int, ...] = ()

    @property
    def duration_s(self) -> float:
        return len(self.channels[0]) / self.stored_rate_hz

    def samples(self, channel: int, start_s: float, end_s: float) -> NDArray[np.float32]:
        """Sound of one channel between two times, 16 kHz, float32 in -1 to 1."""
        sound = self.view(channel, start_s, end_s).astype(np.float32)
        sound /= 32768.0
        return sound

    def view(self, channel: int, start_s: float, end_s: float) -> NDArray[np.int16]:
        """The same as int16; not copied where the recording is kept at 16 kHz and about zero."""
        length = len(self.channels[channel]) * SAMPLE_RATE_HZ // self.stored_rate_hz
        start, end = (
            min(max(0, round(time_s * SAMPLE_RATE_HZ)), length) for time_s in (start_s, end_s)
        )
        if start >= end or self.stored_rate_hz == SAMPLE_RATE_HZ:
            return self._stored(channel, start, end)
        first, last = start // 2, -(-end // 2)
        low, high = first - _REACH + 1, last + _REACH
        around = np.pad(
            self._stored(channel, max(0, low), high),
            (max(0, -low), max(0, high - len(self.channels[channel]))),
        )
        doubled = _doubled(around)
        return doubled[start - 2 * first : end - 2 * first]

    def _stored(self, channel: int, start: int, end: int) -> NDArray[np.int16]:
        """Samples [start, end) at the stored rate."""
        sound = self.channels[channel][start:end]
        if not any(self.offsets):
            return sound
        centred: NDArray[np.int32] = np.clip(sound - np.int32(self.offsets[channel]), -32768, 32767)
        return centred.astype(np.int16)


def _doubled(around: NDArray[np.int16]) -> NDArray[np.int16]:
    """8 kHz sound at 16 kHz, without the samples at its ends that only the filter needs."""
    kept = around[_REACH - 1 : -_REACH]
    between = np.convolve(around.astype(np.float64), _between(), "valid") / _SCALE
    doubled = np.empty((len(kept), 2), np.int16)
    doubled[:, 0] = kept
    doubled[:, 1] = np.clip(np.rint(between), -32768, 32767)
    return doubled.reshape(-1)


@cache
def _between() -> NDArray[np.float64]:
    """The value half way between the 64 samples around it: the odd phase of a half-band filter."""
    at = np.arange(-_REACH, _REACH) + 0.5
    window = np.i0(_KAISER * np.sqrt(1.0 - (at / _REACH) ** 2)) / np.i0(_KAISER)
    taps: NDArray[np.float64] = np.rint(np.sinc(at) * window * _SCALE)
    return taps
