"""What the first bytes of a file say that FFmpeg does not tell.

Knows nothing of sound.
"""

from __future__ import annotations

import struct
from pathlib import Path

from av import time_base
from av.container import InputContainer

# Formats whose header says how long they are; elsewhere FFmpeg guesses from the first bit rate.
_TELLS_LENGTH = ("flac", "aiff", "au", "mov", "matroska")
# Writers that cannot seek back leave 0 or a number from here on as the length of a WAV.
_OPEN_LENGTH = 0x7FFFF000


def promised_s(path: Path, container: InputContainer, heard_s: float) -> float:
    """Seconds that the header promises, or those heard where it promises nothing."""
    name = container.format.name
    if name == "wav":
        return heard_s / _share_of_wav(path)
    with path.open("rb") as file:
        start = file.read(1 << 17)
    counted = name == "mp3" and (b"Xing" in start or b"Info" in start)
    if counted or name.split(",")[0] in _TELLS_LENGTH:
        return float((container.duration or 0) / time_base)
    return heard_s


def wav_rate_hz(path: Path) -> int | None:
    """The rate in a WAV's header; None for what is no WAV, or begins otherwise than most do."""
    with path.open("rb") as file:
        head = file.read(28)
    if len(head) < 28 or head[:4] != b"RIFF" or head[8:16] != b"WAVEfmt ":
        return None
    return int.from_bytes(head[24:28], "little")


def _share_of_wav(path: Path) -> float:
    """How much of the data that a WAV announces is there, above 0 to 1 (FFmpeg does not tell)."""
    with path.open("rb") as file:
        file.seek(12)
        for _ in range(100):  # chunks before the data; more than a few are damage
            head = file.read(8)
            if len(head) < 8:
                break
            kind, size = struct.unpack("<4sI", head)
            if kind == b"data":
                there = path.stat().st_size - file.tell()
                return there / size if 0 < there < size < _OPEN_LENGTH else 1.0
            file.seek(size + size % 2, 1)
    return 1.0
