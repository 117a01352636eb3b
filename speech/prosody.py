"""What a mood head and a manager want to know of a turn's voice, measured once on its samples.

Knows neither words nor moods.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speech.voice import CEPSTRA, HOP_S, WINDOW, Floats, Samples, VoiceTrack, decibel, track

SILENCE_DB = -100.0

_ACTIVE_RANGE_DB = 32.0
_ACTIVE_FLOOR_DB = -65.0
_VOICED_STRENGTH = 0.55
_VOICED_FRAMES = 5  # fewer say nothing of a voice

STATISTICS: tuple[str, ...] = (
    "loudness_db",
    "loudness_p20",
    "loudness_p80",
    "loudness_std",
    "loudness_slope",
    "onsets_per_s",
    "active_share",
    "pitch_st",
    "pitch_p20",
    "pitch_p80",
    "pitch_std",
    "pitch_slope",
    "voiced_share",
    "harmonicity_mean",
    "harmonicity_std",
    "tilt_mean",
    "tilt_std",
    "tilt_loud",
    "centroid_mean",
    "centroid_std",
    "hammarberg_mean",
    "flux_mean",
    *(f"cepstrum{i}_mean" for i in range(1, CEPSTRA + 1)),
    *(f"cepstrum{i}_std" for i in range(1, CEPSTRA + 1)),
)


@dataclass(frozen=True, slots=True, eq=False)
class Prosody:
    """What was measured on one turn's samples.

    `speech_s` counts only what sounds; `loudness_db` is dB below full scale over that;
    `pitch_hz` is None where nothing was voiced. `statistics` has the order of
    :data:`STATISTICS`, NaN where a value could not be measured.
    """

    speech_s: float
    loudness_db: float
    pitch_hz: float | None
    voiced_share: float
    statistics: Floats


def prosody(samples: Samples) -> Prosody:
    """Measure mono samples at 16 kHz; silence and scraps too short to measure are allowed."""
    if len(samples) < WINDOW:
        return _nothing()
    voice = track(samples)
    loudest = float(np.percentile(voice.loudness_db, 95))
    active = voice.loudness_db > max(loudest - _ACTIVE_RANGE_DB, _ACTIVE_FLOOR_DB)
    if not active.any():
        return _nothing()
    voiced = active & (voice.strength > _VOICED_STRENGTH)
    loudness_db = decibel(np.mean(10.0 ** (voice.loudness_db[active] / 10.0)))
    return Prosody(
        speech_s=float(active.sum() * HOP_S),
        loudness_db=float(loudness_db),
        pitch_hz=float(np.median(voice.pitch_hz[voiced])) if voiced.any() else None,
        voiced_share=float(voiced.sum() / active.sum()),
        statistics=_statistics(voice, active, voiced),
    )


def _nothing() -> Prosody:
    return Prosody(0.0, SILENCE_DB, None, 0.0, np.full(len(STATISTICS), np.nan, np.float32))


def _statistics(voice: VoiceTrack, active: NDArray[np.bool_], voiced: NDArray[np.bool_]) -> Floats:
    loudness = voice.loudness_db[active]
    seconds = max(len(active) * HOP_S, HOP_S)
    smooth = np.convolve(voice.loudness_db, np.ones(3) / 3.0, mode="same")
    rises = (smooth[1:-1] > smooth[:-2]) & (smooth[1:-1] >= smooth[2:])
    onsets = float((rises & active[1:-1]).sum()) / seconds
    values = [
        float(decibel(np.mean(10.0 ** (loudness / 10.0)))),
        float(np.percentile(loudness, 20)),
        float(np.percentile(loudness, 80)),
        float(loudness.std()),
        float(np.abs(np.diff(loudness)).mean()) if len(loudness) > 1 else 0.0,
        onsets,
        float(active.mean()),
    ]
    if voiced.sum() < _VOICED_FRAMES:
        missing = np.full(len(STATISTICS) - len(values), np.nan)
        return np.concatenate([values, missing]).astype(np.float32)
    pitch_st = 12.0 * np.log2(voice.pitch_hz[voiced] / 100.0)
    joined = np.diff(np.flatnonzero(voiced)) == 1
    steps = np.abs(np.diff(pitch_st))[joined]
    tilt = voice.tilt_db[voiced]
    level = voice.loudness_db[voiced]
    strength = np.minimum(voice.strength[voiced], 0.999)
    harmonicity = 10.0 * np.log10(strength / (1.0 - strength))
    cepstra = voice.cepstra[voiced]
    values += [
        float(np.median(pitch_st)),
        float(np.percentile(pitch_st, 20)),
        float(np.percentile(pitch_st, 80)),
        float(np.percentile(pitch_st, 90) - np.percentile(pitch_st, 10)),
        float(np.median(steps)) if len(steps) else 0.0,
        float(voiced.sum() / active.sum()),
        float(harmonicity.mean()),
        float(harmonicity.std()),
        float(tilt.mean()),
        float(tilt.std()),
        float(tilt[level >= np.median(level)].mean()),
        float(voice.centroid_st[voiced].mean()),
        float(voice.centroid_st[voiced].std()),
        float(voice.hammarberg_db[voiced].mean()),
        float(voice.flux[voiced].mean()),
    ]
    return np.concatenate([values, cepstra.mean(axis=0), cepstra.std(axis=0)]).astype(np.float32)
