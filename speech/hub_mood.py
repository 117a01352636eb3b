"""Mood by any transformers audio-classification model: for GPUs and other languages.

Knows nothing of Whisper's frames; its anger is the model's own probability, not calibrated by us.
Only this module imports torch and transformers.
"""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

from speech.acoustics import TurnSound
from speech.conversation import Mood
from speech.mood import MIN_SPEECH_S, MoodLabelsUnknown, MoodModelMissing
from speech.mood_head import MOODS
from speech.voice import SAMPLE_RATE_HZ, Samples, as_floats

logger = logging.getLogger(__name__)

PIECE_S = 15.0
"""A longer turn is heard in equal pieces, their probabilities averaged: attention is quadratic."""

SYNONYMS: Mapping[str, str] = {
    **dict.fromkeys(("angry", "anger", "ang", "annoyed", "annoyance", "rage"), "angry"),
    **dict.fromkeys(("happy", "happiness", "hap", "joy", "joyful", "excited"), "happy"),
    **dict.fromkeys(("positive", "enthusiasm"), "happy"),
    **dict.fromkeys(("neutral", "neutrality", "neu", "calm"), "neutral"),
    **dict.fromkeys(("sad", "sadness"), "sad"),
}


class HubMood:
    """A classifier's labels read as our four moods; those of other moods (fear) are left out.

    `labels` gives the mood of a label where its name does not tell (`{"LABEL_0": "angry"}`); it is
    asked first. `device` is a torch device; by default CUDA where there is one, else the CPU.

    Raises:
        MoodModelMissing: the model cannot be loaded, or it has no trained classifier.
        MoodLabelsUnknown: no label means anger, or `labels` names what is not there.
    """

    def __init__(
        self,
        model: str,
        *,
        device: str | None = None,
        batch_size: int = 16,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        self.name = f"hub:{model}"
        self._device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self._half = self._device.type == "cuda"
        self._batch_size = batch_size
        self._extractor, loaded = _load(model)
        self._columns = mood_columns(loaded.config.id2label, labels)
        self._model = loaded.to(self._device, torch.float16 if self._half else torch.float32).eval()
        self._accepted = set(inspect.signature(self._model.forward).parameters)

    def moods(self, sounds: Sequence[TurnSound]) -> list[Mood | None]:
        """The mood of each turn; None where it has under 0.8 s of speech."""
        heard = [i for i, sound in enumerate(sounds) if sound.prosody.speech_s >= MIN_SPEECH_S]
        pieces = [(i, piece) for i in heard for piece in _pieces(sounds[i].samples)]
        pieces.sort(key=lambda numbered: len(numbered[1]))  # like lengths share a batch
        sums: dict[int, NDArray[np.float64]] = {}
        for start in range(0, len(pieces), self._batch_size):
            batch = pieces[start : start + self._batch_size]
            found = self._probabilities([piece for _, piece in batch])
            for (i, piece), row in zip(batch, found, strict=True):
                sums[i] = sums.get(i, np.zeros(len(row))) + row * len(piece)
        return [self._mood(sums[i]) if i in sums else None for i in range(len(sounds))]

    def _probabilities(self, pieces: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
        padding: dict[str, Any] = {"padding": True, "return_attention_mask": True}
        if hasattr(self._extractor, "nb_max_frames"):  # Whisper's encoder wants all of its 30 s
            padding = {}
        inputs = self._extractor(
            list(pieces), sampling_rate=SAMPLE_RATE_HZ, return_tensors="pt", **padding
        )
        ready = {
            name: value.to(self._device, torch.float16 if self._half else None)
            if value.is_floating_point()
            else value.to(self._device)
            for name, value in inputs.items()
            if name in self._accepted
        }
        with torch.inference_mode():
            logits = self._model(**ready).logits
        return np.asarray(logits.float().softmax(dim=-1).cpu().numpy(), dtype=np.float64)

    def _mood(self, row: NDArray[np.float64]) -> Mood:
        row = row / row.sum()
        mass = {mood: float(row[columns].sum()) for mood, columns in self._columns.items()}
        known = sum(mass.values()) or 1.0
        shares = {mood: value / known for mood, value in mass.items()}
        return Mood(
            angry=shares["angry"],
            happy=shares["happy"],
            neutral=shares["neutral"],
            sad=shares["sad"],
            anger=min(mass["angry"], 1.0),
        )


def mood_columns(
    id2label: Mapping[int, str], labels: Mapping[str, str] | None = None
) -> dict[str, list[int]]:
    """Which of a classifier's outputs belong to each of our moods.

    A label's words are compared with :data:`SYNONYMS`, so that `female_angry` is understood.
    """
    given = dict(labels or {})
    if wrong := sorted(set(given.values()) - set(MOODS)):
        raise MoodLabelsUnknown(f"no such mood: {', '.join(wrong)}; ours are {', '.join(MOODS)}")
    if wrong := sorted(set(given) - set(id2label.values())):
        raise MoodLabelsUnknown(f"the model has no label {', '.join(wrong)}: {_listed(id2label)}")
    columns: dict[str, list[int]] = {mood: [] for mood in MOODS}
    for index, label in id2label.items():
        words = re.findall(r"[^\W\d_]+", label.lower())
        mood = given.get(label) or next((SYNONYMS[w] for w in words if w in SYNONYMS), None)
        if mood:
            columns[mood].append(int(index))
    if not columns["angry"]:
        raise MoodLabelsUnknown(
            f"no label of the model means anger: {_listed(id2label)}; "
            "say which mood each label means (the mood labels setting)"
        )
    return columns


def _listed(id2label: Mapping[int, str]) -> str:
    return "its labels are " + ", ".join(id2label.values())


def _load(model: str) -> tuple[Any, Any]:
    try:
        extractor = AutoFeatureExtractor.from_pretrained(model)  # type: ignore[no-untyped-call]
        loaded, report = AutoModelForAudioClassification.from_pretrained(
            model, output_loading_info=True
        )
    except (OSError, ValueError) as error:
        raise MoodModelMissing(
            f"the mood model {model!r} cannot be loaded: give the folder of a transformers "
            "audio-classification model, or a hub id where the hub can be reached"
        ) from error
    untrained = sorted(set(report["missing_keys"]) - {"masked_spec_embed"})
    untrained = [key for key in untrained if not key.endswith(".masked_spec_embed")]
    if untrained:
        raise MoodModelMissing(
            f"{model!r} is no trained classifier: it has no weights for {', '.join(untrained[:3])}"
        )
    logger.info("mood model loaded: %d labels", len(loaded.config.id2label))
    return extractor, loaded


def _pieces(samples: Samples) -> Iterator[NDArray[np.float32]]:
    count = int(np.ceil(len(samples) / (PIECE_S * SAMPLE_RATE_HZ)))
    yield from np.array_split(as_floats(samples), count)
