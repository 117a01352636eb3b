"""Labelled clips as calls would carry them: telephone band, other lines and voices, packed.

For training and measuring mood heads only. Knows nothing of heads or of calls as they are heard.
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import librosa
import numpy as np
from numpy.typing import NDArray

from speech.audio import decode
from speech.frames import FRAMES_PER_S, FrameStats
from speech.mood_head import MOODS, features
from speech.mood_lines import Floats, Line, carry
from speech.prosody import prosody
from speech.voice import HOP_S, SAMPLE_RATE_HZ

logger = logging.getLogger(__name__)

Encode = Callable[[Sequence[Floats]], Floats]
"""Sounds up to 30 s each to Whisper's encoder frames (sounds, 1500, width)."""

WINDOW_S = 30.0
GAP_S = 0.3
_BATCH = 4


class ClipsUnreadable(Exception):
    """A table of clips that cannot be used; the text names what is wrong."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One labelled recording of one speaker in one mood, at most 29 s long."""

    path: Path
    speaker: str
    mood: str


@dataclass(frozen=True, slots=True, eq=False)
class HeardClips:
    """What was measured on `n` clips over one line: `turns` (n, F) as a head reads them.

    `moods` are indices into :data:`speech.mood_head.MOODS`, `seconds` is speech.
    """

    turns: NDArray[np.float64]
    seconds: NDArray[np.float64]
    speakers: NDArray[np.str_]
    moods: NDArray[np.int64]


def read_clips(table: Path) -> list[Clip]:
    """Read a .tsv or .csv with the columns path (relative to the table), speaker and mood.

    Raises ClipsUnreadable.
    """
    clips: list[Clip] = []
    try:
        with table.open(newline="", encoding="utf-8") as lines:
            rows = csv.DictReader(lines, delimiter="," if table.suffix == ".csv" else "\t")
            for number, row in enumerate(rows, start=2):
                clip = Clip(table.parent / row["path"], row["speaker"], row["mood"])
                if clip.mood not in MOODS:
                    raise ClipsUnreadable(f"{table}, row {number}: no such mood: {clip.mood!r}")
                if not clip.path.is_file():
                    raise ClipsUnreadable(f"{table}, row {number}: no such file: {clip.path}")
                clips.append(clip)
    except KeyError as error:
        raise ClipsUnreadable(f"{table} has no column {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ClipsUnreadable(f"{table} cannot be read: {error}") from error
    if not clips:
        raise ClipsUnreadable(f"{table} holds no clips")
    return clips


def hear_clips(clips: Sequence[Clip], encode: Encode, *, line: Line, seed: int = 0) -> HeardClips:
    """Send every clip over `line`, pack them by speaker into windows, encode and measure."""
    random = np.random.default_rng(seed)
    sounds = carry(
        [_mono(clip.path) for clip in clips],
        [clip.speaker for clip in clips],
        line,
        random=random,
    )
    turns: list[NDArray[np.float64] | None] = [None] * len(clips)
    seconds = np.zeros(len(clips))
    windows = list(_pack(clips, sounds, alone=line.alone, random=random))
    for start in range(0, len(windows), _BATCH):
        batch = windows[start : start + _BATCH]
        encoded = encode([_lay_out(window, sounds) for window in batch])
        for window, frames in zip(batch, encoded, strict=True):
            for i, at in window:
                first, last = _spoken_span(sounds[i])
                spoken = frames[int(at * FRAMES_PER_S) + first : int(at * FRAMES_PER_S) + last]
                measured = prosody(sounds[i])
                turns[i] = features(FrameStats.of(spoken), measured)
                seconds[i] = measured.speech_s
        logger.info("%s: %d of %d windows heard", line.name, start + len(batch), len(windows))
    return HeardClips(
        np.stack([turn for turn in turns if turn is not None]),
        seconds,
        np.array([clip.speaker for clip in clips]),
        np.array([MOODS.index(clip.mood) for clip in clips]),
    )


def _mono(path: Path) -> Floats:
    recording = decode(path)
    sides = [
        recording.samples(channel, 0.0, recording.duration_s)
        for channel in range(len(recording.channels))
    ]
    return np.asarray(np.mean(sides, axis=0), dtype=np.float32)


def _pack(
    clips: Sequence[Clip],
    sounds: Sequence[Floats],
    *,
    alone: bool,
    random: np.random.Generator,
) -> Iterator[list[tuple[int, float]]]:
    """Windows of at most 30 s: clips (by index) of one speaker in random order, and starts."""
    for speaker in sorted({clip.speaker for clip in clips}):
        window: list[tuple[int, float]] = []
        end_s = 0.0
        for i in random.permutation([i for i, c in enumerate(clips) if c.speaker == speaker]):
            length_s = len(sounds[i]) / SAMPLE_RATE_HZ
            if window and (alone or end_s + length_s > WINDOW_S):
                yield window
                window, end_s = [], 0.0
            window.append((int(i), end_s))
            end_s = np.ceil((end_s + length_s + GAP_S) * FRAMES_PER_S) / FRAMES_PER_S
        yield window


def _lay_out(window: Sequence[tuple[int, float]], sounds: Sequence[Floats]) -> Floats:
    starts = [round(at * SAMPLE_RATE_HZ) for _, at in window]
    last, _ = window[-1]
    laid = np.zeros(min(starts[-1] + len(sounds[last]), int(WINDOW_S * SAMPLE_RATE_HZ)), np.float32)
    for (i, _), start in zip(window, starts, strict=True):
        laid[start : start + len(sounds[i])] = sounds[i][: len(laid) - start]
    return laid


def _spoken_span(sound: Floats) -> tuple[int, int]:
    """First and last frame of speech, as a transcript's first and last word would have them."""
    hop = int(HOP_S * SAMPLE_RATE_HZ)
    rms = librosa.feature.rms(y=sound, frame_length=2 * hop, hop_length=hop)[0]
    heard = np.flatnonzero(rms > 0.025 * np.percentile(rms, 95))
    return (int(heard[0]), int(heard[-1]) + 1) if len(heard) else (0, max(len(rms), 1))
