"""Decodes any recording that FFmpeg's libraries understand into 16 kHz channels, within limits.

Knows nothing of speech: it says what is wrong with a file, in words for the person who sent it.

Error tree::

    AudioError                  the recording cannot be heard; trying again will not help
    +-- AudioMissing            there is no such file
    +-- AudioTooLarge           more bytes than allowed
    +-- AudioTooLong            more seconds than allowed
    +-- AudioUnreadable         empty, not audio, or damaged from the first byte
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000
MAX_CHANNELS = 2
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 1_000, 768_000
# Formats whose header says how long they are; elsewhere FFmpeg guesses from the first bit rate.
_TELLS_LENGTH = ("flac", "aiff", "au", "mov", "matroska")
# Writers that cannot seek back leave 0 or a number from here on as the length of a WAV.
_OPEN_LENGTH = 0x7FFFF000
# Demuxers of formats that telephone systems write. Playlists and other formats that can name
# further files or addresses (hls, concat, dash, sdp) are left out on purpose.
FORMATS = "wav,w64,mp3,ogg,flac,gsm,au,aiff,caf,amr,aac,mov,matroska,asf,g722"


class AudioError(Exception):
    """A recording that cannot be heard; the text says why and is fit for the person who sent it."""


class AudioMissing(AudioError):
    """There is no such file."""


class AudioTooLarge(AudioError):
    """The file has more bytes than the limit."""


class AudioTooLong(AudioError):
    """The recording lasts longer than the limit."""


class AudioUnreadable(AudioError):
    """The file is empty, is not audio, or is damaged from its first byte."""


@dataclass(frozen=True, slots=True)
class AudioLimits:
    """What a recording may have at most: `seconds` of sound and `bytes` on disk."""

    seconds: float = 4 * 3600.0
    bytes: int = 2 * 1024**3


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Decoded sound: `channels` are int16 arrays of one length at 16 kHz, in the file's order."""

    channels: tuple[NDArray[np.int16], ...]
    warnings: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        return len(self.channels[0]) / SAMPLE_RATE_HZ

    def samples(self, channel: int, start_s: float, end_s: float) -> NDArray[np.float32]:
        """Sound of one channel between two times, float32 in -1 to 1."""
        return self.view(channel, start_s, end_s).astype(np.float32) / 32768.0

    def view(self, channel: int, start_s: float, end_s: float) -> NDArray[np.int16]:
        """The same as it is stored, int16, not copied."""
        start, end = round(start_s * SAMPLE_RATE_HZ), round(end_s * SAMPLE_RATE_HZ)
        return self.channels[channel][max(0, start) : end]


def decode(path: Path, limits: AudioLimits | None = None) -> Recording:
    """Read the first audio stream of `path`; what follows a damage is left out, with a warning.

    Raises an `AudioError`.
    """
    limits = limits or AudioLimits()
    try:
        there = path.is_file()
    except OSError:  # the name is too long, or a folder on the way may not be entered
        there = False
    if not there:
        raise AudioMissing(f"there is no recording named {path.name}")
    size = path.stat().st_size
    if size == 0:
        raise AudioUnreadable(f"{path.name} is empty (0 bytes)")
    if size > limits.bytes:
        raise AudioTooLarge(
            f"{path.name} has {size / 1e6:.0f} MB; the limit is {limits.bytes / 1e6:.0f} MB"
        )
    warnings: list[str] = []
    # Grown in place: joining blocks at the end would hold a long recording twice.
    channels: list[bytearray] = []
    for block in _blocks(path, limits, warnings):
        channels = channels or [bytearray() for _ in block]
        for channel, sound in zip(channels, block, strict=True):
            channel += sound.tobytes()
    if not channels:
        raise AudioUnreadable(f"{path.name} holds no audio that can be decoded")
    return Recording(
        tuple(np.frombuffer(channel, np.int16) for channel in channels), tuple(warnings)
    )


def _blocks(path: Path, limits: AudioLimits, warnings: list[str]) -> Iterator[NDArray[np.int16]]:
    """Decoded blocks of shape (channels, samples), appending to `warnings` where sound was lost."""
    try:
        container = av.open(
            str(path.absolute()),  # a relative name with a colon would be taken for an address
            metadata_errors="ignore",
            options={"format_whitelist": FORMATS, "protocol_whitelist": "file"},
        )
    except (av.error.FFmpegError, ValueError) as error:
        if _wav_rate_hz(path) == 0:
            raise AudioUnreadable(f"{path.name} declares 0 Hz: its header is damaged") from error
        raise AudioUnreadable(
            f"{path.name} is not an audio file that can be read ({_reason(error)})"
        ) from error
    with container:
        if not container.streams.audio:
            raise AudioUnreadable(f"{path.name} has no audio stream")
        stream = container.streams.audio[0]
        if stream.codec_context is None:
            raise AudioUnreadable(f"{path.name} is in a codec that cannot be decoded here")
        channels, rate_hz = stream.codec_context.channels, stream.codec_context.sample_rate
        if channels < 1 or not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
            raise AudioUnreadable(
                f"{path.name} declares {channels} channels at {rate_hz} Hz: its header is damaged"
            )
        if channels > MAX_CHANNELS:
            raise AudioUnreadable(
                f"{path.name} has {channels} channels; send 1 (mono) or 2 (agent and customer)"
            )
        declared_s = (container.duration or 0) / av.time_base
        if declared_s > limits.seconds and path.suffix.lower() == ".wav":
            raise _too_long(path, declared_s, limits)
        heard = 0
        first_damage_s = 0.0
        damage: list[Exception] = []
        for block in _sound(container, stream, damage):
            if not damage:
                first_damage_s = (heard + block.shape[1]) / SAMPLE_RATE_HZ
            heard += block.shape[1]
            if heard > limits.seconds * SAMPLE_RATE_HZ:
                raise _too_long(path, max(declared_s, heard / SAMPLE_RATE_HZ), limits)
            yield block
        if damage and not heard:
            raise AudioUnreadable(
                f"{path.name} is damaged from its start ({_reason(damage[0])})"
            ) from damage[0]
        heard_s = heard / SAMPLE_RATE_HZ
        promised_s = _promised_s(path, container, heard_s)
        if damage:
            warnings.append(
                f"the recording is damaged after {first_damage_s:.1f} s; "
                f"{heard_s:.1f} s could be decoded"
            )
        elif promised_s - heard_s > max(1.0, 0.02 * promised_s):
            warnings.append(
                f"the recording is cut short: its header promises {promised_s:.1f} s "
                f"and {heard_s:.1f} s could be decoded"
            )


def _sound(
    container: InputContainer, stream: AudioStream, damage: list[Exception]
) -> Iterator[NDArray[np.int16]]:
    """Blocks at 16 kHz; what cannot be decoded is left out, and why is put on `damage`."""
    resampler = _Resampler()
    try:
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except av.error.InvalidDataError as error:  # one packet; the next may be sound again
                damage.append(error)
                continue
            for frame in frames:
                yield from resampler.blocks(frame)
        yield from resampler.rest()
    except (av.error.FFmpegError, ValueError) as error:
        damage.append(error)


class _Resampler:
    """Frames whose rate or layout may change on the way, to 16 kHz in the layout of the first."""

    def __init__(self) -> None:
        self._resampler: AudioResampler | None = None
        self._form: tuple[str, str, int] | None = None
        self._layout: AudioLayout | None = None

    def blocks(self, frame: AudioFrame) -> Iterator[NDArray[np.int16]]:
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._resampler is None or form != self._form:
            yield from self.rest()
            self._form, self._layout = form, self._layout or frame.layout
            self._resampler = AudioResampler("s16p", self._layout, SAMPLE_RATE_HZ)
        for out in self._resampler.resample(frame):
            yield out.to_ndarray().astype(np.int16, copy=False)

    def rest(self) -> Iterator[NDArray[np.int16]]:
        """What is still on its way through the filter."""
        if self._resampler is not None:
            for out in self._resampler.resample(None):
                yield out.to_ndarray().astype(np.int16, copy=False)
            self._resampler = None


def _promised_s(path: Path, container: InputContainer, heard_s: float) -> float:
    """Seconds that the header promises, or those heard where it promises nothing."""
    name = container.format.name
    if name == "wav":
        return heard_s / _share_of_wav(path)
    with path.open("rb") as file:
        start = file.read(1 << 17)
    counted = name == "mp3" and (b"Xing" in start or b"Info" in start)
    if counted or name.split(",")[0] in _TELLS_LENGTH:
        return float((container.duration or 0) / av.time_base)
    return heard_s


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


def _wav_rate_hz(path: Path) -> int | None:
    """The rate in a WAV's header; None for what is no WAV, or begins otherwise than most do."""
    with path.open("rb") as file:
        head = file.read(28)
    if len(head) < 28 or head[:4] != b"RIFF" or head[8:16] != b"WAVEfmt ":
        return None
    return int.from_bytes(head[24:28], "little")


def _too_long(path: Path, seconds: float, limits: AudioLimits) -> AudioTooLong:
    return AudioTooLong(
        f"{path.name} lasts {seconds / 60:.1f} min or more; the limit is "
        f"{limits.seconds / 60:.1f} min (OVERTONE_MAX_AUDIO_S)"
    )


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
