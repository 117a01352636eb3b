"""Telephone calls with known truth: read sentences of two speakers placed on two channels at known
times.

The sentences are LibriSpeech's (CC BY 4.0), read from ../shared/data and never copied into the
project.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.signal import resample_poly

DATA = Path(__file__).parents[2] / "shared" / "data"
RATE_HZ = 8000
MU = 255.0
# Where a sentence begins and ends within its clip: 10 ms frames less than this below the loudest.
SPEECH_DB = -35.0
FRAME = RATE_HZ // 100


@dataclass(frozen=True, slots=True)
class Utterance:
    """One sentence, as placed: seconds on the call's clock, silence at its ends not counted."""

    speaker: str
    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedCall:
    """`samples` of shape (2, n) at 8 kHz, agent left; every utterance in order of its start."""

    samples: NDArray[np.float32]
    utterances: tuple[Utterance, ...]

    @property
    def duration_s(self) -> float:
        return self.samples.shape[1] / RATE_HZ

    def write(self, path: Path, *, mono: bool = False) -> None:
        """Write as mu-law WAV, as a telephone system would."""
        sound = self.samples.mean(axis=0) if mono else self.samples.T
        soundfile.write(path, sound, RATE_HZ, subtype="ULAW")


def simulate_call(
    seed: int, *, sentences: int = 8, overlap_share: float = 0.15, noise_db: float = -55.0
) -> SimulatedCall:
    """A call of two LibriSpeech speakers who take turns, `sentences` each.

    Gaps last 0.3 to 20 s (mostly short), some sentences begin before the other's end. LibriSpeech's
    sample has one sentence a speaker, so a "speaker" is one of two disjoint halves of the readers.
    """
    chance = np.random.default_rng(seed)
    clips = _clips()
    chosen = chance.permutation(len(clips))[: 2 * sentences]
    placed: list[tuple[int, float, NDArray[np.float32], str, tuple[float, float]]] = []
    now_s = float(chance.uniform(0.3, 3.0))
    for number, index in enumerate(chosen):
        sound, text = clips[index]
        first_s, last_s = _speech_in(sound)
        if number and chance.random() < overlap_share:
            now_s -= float(chance.uniform(0.2, 1.2))
        elif number:
            now_s += float(0.3 + min(chance.exponential(2.0), 19.7))
        placed.append((number % 2, now_s, sound, text, (first_s, last_s)))
        now_s += last_s - first_s
    total = int((now_s + 3.0) * RATE_HZ)
    samples = chance.normal(0.0, 10 ** (noise_db / 20), (2, total)).astype(np.float32)
    utterances = []
    for channel, start_s, sound, text, (first_s, last_s) in placed:
        begin = max(0, round((start_s - first_s) * RATE_HZ))
        piece = sound[: total - begin]
        samples[channel, begin : begin + len(piece)] += piece
        speaker = ("agent", "customer")[channel]
        utterances.append(Utterance(speaker, text, start_s, start_s + last_s - first_s))
    return SimulatedCall(_mu_law(samples), tuple(utterances))


_loaded: list[tuple[NDArray[np.float32], str]] = []


def _clips() -> list[tuple[NDArray[np.float32], str]]:
    """All sentences at 8 kHz, at one loudness."""
    if not _loaded:
        with (DATA / "speech" / "librispeech.tsv").open(encoding="utf-8") as table:
            for row in csv.DictReader(table, delimiter="\t"):
                sound, rate = soundfile.read(DATA / "speech" / row["path"], dtype="float32")
                low = resample_poly(sound, RATE_HZ, rate).astype(np.float32)
                low *= 0.06 / max(float(np.sqrt(np.mean(low**2))), 1e-6)
                _loaded.append((np.clip(low, -0.98, 0.98), row["text"]))
    return _loaded


def _speech_in(sound: NDArray[np.float32]) -> tuple[float, float]:
    frames = sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME)
    level_db = 20 * np.log10(np.sqrt((frames**2).mean(axis=1)) + 1e-9)
    loud = np.flatnonzero(level_db > level_db.max() + SPEECH_DB)
    return float(loud[0]) * 0.01, float(loud[-1] + 1) * 0.01


def _mu_law(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """G.711 mu-law there and back (ITU-T G.711, the continuous companding curve at 8 bits)."""
    squeezed = np.sign(samples) * np.log1p(MU * np.abs(np.clip(samples, -1, 1))) / np.log1p(MU)
    coarse = np.round(squeezed * 127) / 127
    wide = np.sign(coarse) * np.expm1(np.abs(coarse) * np.log1p(MU)) / MU
    return wide.astype(np.float32)
