"""How a turn sounds, and how that differs from the same speaker's other turns in the call.

Knows neither the words themselves nor moods.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speech.conversation import Acoustics
from speech.frames import FrameStats
from speech.prosody import Prosody, prosody
from speech.voice import SAMPLE_RATE_HZ, Samples

__all__ = ["Prosody", "TurnSound", "describe", "prosody", "turn_sound"]

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class TurnSound:
    """One turn's sound: `samples` (mono, 16 kHz, float32 or int16) and what was measured on it.

    `frames` is None where the words came from something other than Whisper.
    """

    speaker: str
    samples: Samples
    word_count: int
    frames: FrameStats | None
    prosody: Prosody

    @property
    def duration_s(self) -> float:
        return len(self.samples) / SAMPLE_RATE_HZ


def turn_sound(
    speaker: str, samples: Samples, *, word_count: int, frames: FrameStats | None
) -> TurnSound:
    """Measure a turn's `samples` and keep them, uncopied, with what was measured."""
    return TurnSound(speaker, samples, word_count, frames, prosody(samples))


def describe(sounds: Sequence[TurnSound]) -> list[Acoustics]:
    """Acoustics of every turn of one call; the changes are against the same speaker's other turns.

    Those weigh by their seconds of speech. `tempo_change` is relative: 0.2 is a fifth faster.
    """
    found: list[Acoustics | None] = [None] * len(sounds)
    for speaker in dict.fromkeys(sound.speaker for sound in sounds):
        own = [i for i, sound in enumerate(sounds) if sound.speaker == speaker]
        for i, acoustics in zip(own, _compare([sounds[i] for i in own]), strict=True):
            found[i] = acoustics
    return [acoustics for acoustics in found if acoustics is not None]


def _compare(own: Sequence[TurnSound]) -> list[Acoustics]:
    """Acoustics of all the turns of one speaker."""
    pitches = [sound.prosody.pitch_hz for sound in own]
    speech_s = np.array([sound.prosody.speech_s for sound in own])
    words = np.array([sound.word_count for sound in own], dtype=float)
    spans_s = np.array([sound.duration_s for sound in own])
    heard = speech_s > 0.0
    loudness_db = np.array([sound.prosody.loudness_db for sound in own])
    pitch_st = np.array([12.0 * np.log2(pitch) if pitch else 0.0 for pitch in pitches])
    tempo_wps = np.divide(words, spans_s, out=np.zeros(len(own)), where=heard)
    usual_db = _mean_of_others(loudness_db, speech_s)
    pitched_s = np.where([pitch is not None for pitch in pitches], speech_s, 0.0)
    usual_st = _mean_of_others(pitch_st, pitched_s)
    usual_wps = _mean_of_others(tempo_wps, np.where(heard, spans_s, 0.0))
    return [
        Acoustics(
            loudness_db=sound.prosody.loudness_db,
            pitch_hz=sound.prosody.pitch_hz,
            tempo_wps=float(tempo_wps[i]),
            loudness_change_db=_number(loudness_db[i] - usual_db[i]) if heard[i] else None,
            pitch_change_st=_number(pitch_st[i] - usual_st[i]) if pitches[i] else None,
            tempo_change=_number(tempo_wps[i] / usual_wps[i] - 1.0)
            if heard[i] and usual_wps[i] > 0.0
            else None,
        )
        for i, sound in enumerate(own)
    ]


def _mean_of_others(values: Doubles, weights: Doubles) -> Doubles:
    """For each value the weighed mean of all the others; NaN where nothing else has weight."""
    others = weights.sum() - weights
    total = (values * weights).sum() - values * weights
    unknown = np.full(len(values), np.nan)
    return np.asarray(np.divide(total, others, out=unknown, where=others > 1e-9))


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
