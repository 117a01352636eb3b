"""The mood of each turn: what a mood model promises, and the one on Whisper's own encoder frames.

Knows neither words nor how a head is trained (:mod:`speech.mood_training`).
"""

from __future__ import annotations

import json
import logging
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np

from speech.acoustics import TurnSound
from speech.conversation import Mood
from speech.mood_head import MOODS, Floats, Head, features
from speech.prosody import STATISTICS

logger = logging.getLogger(__name__)

MIN_SPEECH_S = 0.8
"""Turns with less speech than this get no mood of their own."""

FORMAT = 2

_WEIGHTS = Path(__file__).parent / "weights"


class MoodError(Exception):
    """What can be wrong with a mood model.

    MoodError
    ├── MoodModelMissing   there is no such head or model, or it cannot be read
    ├── MoodModelMismatch  the head belongs to another Whisper model
    └── MoodLabelsUnknown  a model's labels cannot be read as our moods
    """


class MoodModelMissing(MoodError):
    pass


class MoodModelMismatch(MoodError):
    pass


class MoodLabelsUnknown(MoodError):
    pass


class MoodModel(Protocol):
    """Feels the mood of turns. `name` stands beside its results."""

    name: str

    def moods(self, sounds: Sequence[TurnSound]) -> list[Mood | None]:
        """The mood of every turn of one call; None where a turn has under 0.8 s of speech."""
        ...


class EncoderMood:
    """Mood by a head on Whisper's own encoder frames: next to nothing beyond the transcript."""

    def __init__(self, head: Head) -> None:
        self.head = head
        self.name = f"encoder:{head.whisper}:{_digest(head)}"

    @classmethod
    def load(cls, folder: Path, whisper_model: str | None = None) -> Self:
        """A head from the folder that :mod:`speech.mood_training` wrote.

        Raises:
            MoodModelMissing: there is no readable head in `folder`.
            MoodModelMismatch: the head was made for another model than `whisper_model`.
        """
        head = _read(folder)
        if whisper_model is not None and whisper_name(whisper_model) != whisper_name(head.whisper):
            raise MoodModelMismatch(
                f"the mood head in {folder} was made for Whisper {head.whisper!r}, not for "
                f"{whisper_model!r}: give another, or train one (overtone mood train)"
            )
        return cls(head)

    @classmethod
    def shipped(cls, whisper_model: str) -> Self:
        """The head that comes with Overtone for a Whisper model, named by size, hub id or folder.

        Raises MoodModelMissing where there is none.
        """
        metadata = sorted(_WEIGHTS.glob("*/head.json"))
        known = {json.loads(path.read_text("utf-8"))["whisper"]: path.parent for path in metadata}
        name = whisper_name(whisper_model)
        if name not in known:
            raise MoodModelMissing(
                f"no mood head is shipped for Whisper {name!r}, "
                f"only for {', '.join(known) or 'none'}: "
                "train one (overtone mood train) or set a hub mood model"
            )
        return cls.load(known[name], whisper_model)

    def moods(self, sounds: Sequence[TurnSound]) -> list[Mood | None]:
        """The mood of every turn of one call; None under 0.8 s of speech or without frames.

        Raises MoodModelMismatch where the frames are not of the head's width.
        """
        found: list[Mood | None] = [None] * len(sounds)
        heard: list[int] = []
        rows: list[Floats] = []
        for i, sound in enumerate(sounds):
            frames = sound.frames
            if frames is None or not frames.count or sound.prosody.speech_s < MIN_SPEECH_S:
                continue
            if frames.width != self.head.width:
                raise MoodModelMismatch(
                    f"encoder frames of width {frames.width} do not belong to Whisper "
                    f"{self.head.whisper!r}, whose width is {self.head.width}"
                )
            heard.append(i)
            rows.append(features(frames, sound.prosody))
        if not heard:
            return found
        turns = np.stack(rows)
        logits = self.head.logits(
            turns,
            [sounds[i].speaker for i in heard],
            seconds=np.array([sounds[i].prosody.speech_s for i in heard]),
        )
        evidence = self.head.evidence(turns, logits)
        for i, mood, parts in zip(heard, self.head.moods(logits), evidence, strict=True):
            found[i] = replace(mood, evidence=parts)
        return found


def _digest(head: Head) -> str:
    """Tells heads apart, so that figures of one are never taken for those of another."""
    numbers = [getattr(head, name) for name in _NUMBERS]
    arrays = [getattr(head, name).ravel() for name in _ARRAYS]
    values = np.concatenate([*arrays, numbers]).astype("<f4")
    return sha256(values.tobytes()).hexdigest()[:8]


def whisper_name(model: str) -> str:
    """`base` for `base`, `Systran/faster-whisper-base` and `/models/whisper-base` alike."""
    last = model.rstrip("/\\").replace("\\", "/").rsplit("/", 1)[-1]
    return last.removeprefix("faster-").removeprefix("whisper-")


def write_head(head: Head, folder: Path, *, figures: dict[str, Any]) -> None:
    """Write head.npz and head.json, which :meth:`EncoderMood.load` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {name: getattr(head, name).astype(np.float32) for name in _ARRAYS}
    np.savez_compressed(folder / "head.npz", **arrays)
    numbers = {name: getattr(head, name) for name in _NUMBERS}
    layout = {"format": FORMAT, "whisper": head.whisper, "width": head.width}
    described = layout | numbers | {"moods": MOODS, "statistics": STATISTICS, "figures": figures}
    (folder / "head.json").write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")


_ARRAYS = ("center", "spread", "weights", "bias")
_NUMBERS = (
    "baseline_s",
    "change_center",
    "change_width",
    "temperature",
    "anger_slope",
    "anger_offset",
)


def _read(folder: Path) -> Head:
    try:
        described = json.loads((folder / "head.json").read_text("utf-8"))
        with np.load(folder / "head.npz", allow_pickle=False) as stored:
            arrays = {name: stored[name].astype(np.float64) for name in _ARRAYS}
        if described["format"] != FORMAT or tuple(described["statistics"]) != STATISTICS:
            raise MoodModelMismatch(
                f"the mood head in {folder} was made by another version of Overtone: train it again"
            )
        values: dict[str, Any] = arrays | {name: float(described[name]) for name in _NUMBERS}
        head = Head(whisper=described["whisper"], width=int(described["width"]), **values)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise MoodModelMissing(f"no mood head can be read from {folder}") from error
    size = head.width + len(STATISTICS)
    if head.center.shape != (size,) or head.weights.shape != (size, len(MOODS)):
        raise MoodModelMismatch(f"the mood head in {folder} does not fit its own description")
    logger.info("mood head loaded: Whisper %s, %d features", head.whisper, size)
    return head
