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

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import av.error
import numpy as np
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

logger = logging.getLogger(__name__)

SAMPLE_RATE_HZ = 16_000
MAX_CHANNELS = 2
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
        start, end = round(start_s * SAMPLE_RATE_HZ), round(end_s * SAMPLE_RATE_HZ)
        return self.channels[channel][max(0, start) : end].astype(np.float32) / 32768.0


def decode(path: Path, limits: AudioLimits | None = None) -> Recording:
    """Read the first audio stream of `path`; what follows a damage is left out, with a warning.

    Raises an `AudioError`.
    """
    limits = limits or AudioLimits()
    if not path.is_file():
        raise AudioMissing(f"there is no recording named {path.name}")
    size = path.stat().st_size
    if size == 0:
        raise AudioUnreadable(f"{path.name} is empty (0 bytes)")
    if size > limits.bytes:
        raise AudioTooLarge(
            f"{path.name} has {size / 1e6:.0f} MB; the limit is {limits.bytes / 1e6:.0f} MB"
        )
    warnings: list[str] = []
    blocks = list(_blocks(path, limits, warnings))
    if not blocks:
        raise AudioUnreadable(f"{path.name} holds no audio that can be decoded")
    sound = np.concatenate(blocks, axis=1)
    return Recording(tuple(np.ascontiguousarray(channel) for channel in sound), tuple(warnings))


def _blocks(path: Path, limits: AudioLimits, warnings: list[str]) -> Iterator[NDArray[np.int16]]:
    """Decoded blocks of shape (channels, samples), appending to `warnings` where sound was lost."""
    try:
        container = av.open(
            str(path),
            metadata_errors="ignore",
            options={"format_whitelist": FORMATS, "protocol_whitelist": "file"},
        )
    except (av.error.FFmpegError, ValueError) as error:
        raise AudioUnreadable(
            f"{path.name} is not an audio file that can be read ({_reason(error)})"
        ) from error
    with container:
        if not container.streams.audio:
            raise AudioUnreadable(f"{path.name} has no audio stream")
        stream = container.streams.audio[0]
        channels = stream.codec_context.channels
        if channels < 1 or stream.codec_context.sample_rate < 1:
            raise AudioUnreadable(
                f"{path.name} declares {channels} channels at "
                f"{stream.codec_context.sample_rate} Hz: its header is damaged"
            )
        if channels > MAX_CHANNELS:
            raise AudioUnreadable(
                f"{path.name} has {channels} channels; send 1 (mono) or 2 (agent and customer)"
            )
        declared_s = (container.duration or 0) / av.time_base
        if declared_s > limits.seconds and path.suffix.lower() == ".wav":
            raise _too_long(path, declared_s, limits)
        heard = 0
        resampler = AudioResampler(format="s16p", rate=SAMPLE_RATE_HZ)
        try:
            for frame in container.decode(stream):
                for out in resampler.resample(frame):
                    block = out.to_ndarray().astype(np.int16, copy=False)
                    heard += block.shape[1]
                    if heard > limits.seconds * SAMPLE_RATE_HZ:
                        raise _too_long(path, max(declared_s, heard / SAMPLE_RATE_HZ), limits)
                    yield block
        except (av.error.FFmpegError, ValueError) as error:
            if not heard:
                raise AudioUnreadable(
                    f"{path.name} is damaged from its start ({_reason(error)})"
                ) from error
            warnings.append(
                f"the recording is damaged after {heard / SAMPLE_RATE_HZ:.1f} s; "
                "it was heard up to there"
            )
        else:
            for out in resampler.resample(None) if heard else ():
                heard += out.samples
                yield out.to_ndarray().astype(np.int16, copy=False)
            heard_s = heard / SAMPLE_RATE_HZ
            if declared_s - heard_s > max(1.0, 0.02 * declared_s):
                warnings.append(
                    f"the recording is cut short: its header promises {declared_s:.1f} s "
                    f"and {heard_s:.1f} s could be decoded"
                )


def _too_long(path: Path, seconds: float, limits: AudioLimits) -> AudioTooLong:
    return AudioTooLong(
        f"{path.name} lasts {seconds / 60:.1f} min or more; the limit is "
        f"{limits.seconds / 60:.1f} min (OVERTONE_MAX_AUDIO_S)"
    )


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
