"""What is wrong with the sound itself: an offset, clipping, a silent side, one sound on both sides.

Knows nothing of files or of speech. Sound is looked at a minute at a time, whatever its length, and
judged by sums over each second.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speech.recording import Recording

FULL_SCALE = 32768
# An offset from here on, as a share of full scale, is removed: real calls have a hundredth of it.
OFFSET = 0.005
# From here on a sample may be clipped: the highest steps of mu-law and A-law are 32124 and 32256,
# the next ones 31100 and 31232. They are legal: speech as loud as full scale allows has up to 5 %
# of its loud samples there, 6 dB too loud 8 to 25 %.
CLIPPED, LOUD, CLIPPED_SHARE = 32_000, FULL_SCALE // 2, 0.1
# A shorter time in all at full scale is a click.
CLICK_S = 0.02
# Channels are one sound where in every second what differs, after the best gain, is this far below
# the sound, or this far below the loud seconds: a codec's noise differs on each side. Two sides of
# a call, echo and all, do not come below -6 dB while both speak.
SAME_DB, SAME_QUIET_DB = -15.0, -35.0
# Where only one side speaks, its echo or cross-talk is the same sound, but is weaker by more.
SAME_GAIN_DB = 5.0
# Less is the rounding of sums, not sound.
_NOTHING = 1e-5

Sums = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Measures:
    """What each second of each channel is like: arrays of shape (channels, seconds).

    `together` is the mean product of the first and last channel about their means, (seconds,).
    """

    means: Sums
    powers: Sums
    together: Sums
    loud: NDArray[np.int64]
    clipped: NDArray[np.int64]


def cleaned(recording: Recording) -> Recording:
    """The recording with its offsets known, one channel where both carry one sound, and a warning
    of each thing that is wrong with the sound. Its samples are neither copied nor changed.
    """
    if not len(recording.channels[0]):
        return recording
    measures = _measured(recording)
    warnings = list(recording.warnings)
    heard = list(range(len(recording.channels)))
    if len(heard) == 2 and _same(measures):
        warnings.append("both channels carry the same sound: heard as one")
        heard = [int(measures.powers[1].sum() > measures.powers[0].sum())]
    names = ("the left channel", "the right channel") if len(heard) == 2 else ("the recording",)
    silent = [bool(measures.powers[channel].max() < _NOTHING) for channel in heard]
    offsets = [_offset(measures.means[channel], measures.powers[channel]) for channel in heard]
    for name, channel, offset in zip(names, heard, offsets, strict=True):
        if offset:
            warnings.append(f"{name} is {abs(offset) / FULL_SCALE:.1%} off zero: corrected")
        clipped, loud = int(measures.clipped[channel].sum()), int(measures.loud[channel].sum())
        if clipped > max(CLICK_S * recording.stored_rate_hz, CLIPPED_SHARE * loud):
            warnings.append(
                f"{name} is clipped: {clipped / loud:.0%} of its loud samples are at full scale"
            )
    if any(silent) and not all(silent):
        warnings.append(f"{names[silent.index(True)]} is silent")
    return replace(
        recording,
        channels=tuple(recording.channels[channel] for channel in heard),
        warnings=tuple(warnings),
        offsets=tuple(offsets) if any(offsets) else (),
    )


def _measured(recording: Recording) -> _Measures:
    rate_hz, length = recording.stored_rate_hz, len(recording.channels[0])
    # The last second takes what is left over.
    starts = np.arange(0, max(0, length - rate_hz) + 1, rate_hz)
    minutes = []
    for first in range(0, len(starts), 60):
        within = starts[first : first + 60]
        end = starts[first + 60] if first + 60 < len(starts) else length
        sound = np.array([channel[within[0] : end] for channel in recording.channels], np.float64)
        minutes.append(_minute(sound, within - within[0]))
    return _Measures(*(np.concatenate(parts, axis=-1) for parts in zip(*minutes, strict=True)))


def _minute(sound: Sums, starts: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
    """The fields of `_Measures` for some seconds of `sound`, of shape (channels, samples)."""
    lengths = np.diff(starts, append=sound.shape[1])
    means = np.add.reduceat(sound, starts, axis=1) / lengths
    powers = np.add.reduceat(sound * sound, starts, axis=1) / lengths - means**2
    together = np.add.reduceat(sound[0] * sound[-1], starts) / lengths - means[0] * means[-1]
    sizes = np.abs(sound, out=sound)
    loud = np.add.reduceat(sizes >= LOUD, starts, axis=1, dtype=np.int64)
    clipped = np.add.reduceat(sizes >= CLIPPED, starts, axis=1, dtype=np.int64)
    return means, powers, together, loud, clipped


def _offset(means: Sums, powers: Sums) -> int:
    """What a channel is off zero by, or 0 where that is too little to matter.

    The median over its seconds, as sound is not off zero for long, and silence put in its place
    where it was lost is not off at all.
    """
    means = means[means**2 + powers > _NOTHING]
    offset = round(float(np.median(means))) if len(means) else 0
    return offset if abs(offset) > OFFSET * FULL_SCALE else 0


def _same(measures: _Measures) -> bool:
    """Whether both channels are one sound, up to their loudness and sign and a codec's noise."""
    left, right = measures.powers
    if left.max() < _NOTHING or right.max() < _NOTHING:
        return False
    gain = measures.together.sum() / left.sum()
    if abs(10 * np.log10(gain**2 + 1e-12)) > SAME_GAIN_DB:
        return False
    differs = right - 2 * gain * measures.together + gain**2 * left
    sound = np.maximum(right, gain**2 * left)
    loud = (sound**2).sum() / sound.sum()
    allowed = np.maximum(10 ** (SAME_DB / 10) * sound, 10 ** (SAME_QUIET_DB / 10) * loud)
    return bool((differs <= allowed).all())
