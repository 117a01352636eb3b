"""Decodes any recording that FFmpeg's libraries understand, within limits.

Knows nothing of speech: it says what is wrong with a file, in words for the person who sent it.

Error tree::

    AudioError                  the recording cannot be heard; trying again will not help
    +-- AudioMissing            there is no such file
    +-- AudioTooLarge           more bytes than allowed, in the file or decoded
    +-- AudioTooLong            more seconds than allowed
    +-- AudioUnreadable         empty, not audio, or damaged from the first byte
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import av.error
from av.audio.stream import AudioStream
from av.container import InputContainer

from speech.headers import promised_s, wav_rate_hz
from speech.recording import NARROW_RATE_HZ, SAMPLE_RATE_HZ, Recording
from speech.soundness import cleaned
from speech.track import Track

# Channels that are decoded, and that may carry sound.
MAX_CHANNELS, MAX_SOUNDING = 8, 2
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 1_000, 768_000
# Demuxers of formats that telephone systems write. Playlists and other formats that can name
# further files or addresses (hls, concat, dash, sdp) are left out on purpose.
FORMATS = "wav,w64,mp3,ogg,flac,gsm,au,aiff,caf,amr,aac,mov,matroska,asf,g722"
# Formats without timestamps of their own, in which damage is skipped up to the next frame.
_COUNTING = ("mp3", "aac")


class AudioError(Exception):
    """A recording that cannot be heard; the text says why and is fit for the person who sent it."""


class AudioMissing(AudioError):
    """There is no such file."""


class AudioTooLarge(AudioError):
    """The file has more bytes than the limit, or would have when decoded."""


class AudioTooLong(AudioError):
    """The recording lasts longer than the limit."""


class AudioUnreadable(AudioError):
    """The file is empty, is not audio, or is damaged from its first byte."""


@dataclass(frozen=True, slots=True)
class AudioLimits:
    """What a recording may have at most: `seconds` of sound, `bytes` on disk, and `decoded_bytes`
    in memory (an hour of stereo takes 115 MB from a telephone, else 230 MB).
    """

    seconds: float = 4 * 3600.0
    bytes: int = 2_000_000_000
    decoded_bytes: int = 1_000_000_000


def decode(path: Path, limits: AudioLimits | None = None) -> Recording:
    """Read the first audio stream of `path`, or two mono streams as the two sides of a call.

    What is damaged or missing is silent, with a warning, and what follows keeps its time.
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
            f"{path.name} has {size / 1e6:.0f} MB; the limit is {limits.bytes / 1e6:.0f} MB "
            "(OVERTONE_MAX_AUDIO_MB)"
        )
    try:
        container = av.open(
            str(path.absolute()),  # a relative name with a colon would be taken for an address
            metadata_errors="ignore",
            options={"format_whitelist": FORMATS, "protocol_whitelist": "file"},
        )
    except (av.error.FFmpegError, ValueError) as error:
        if wav_rate_hz(path) == 0:
            raise AudioUnreadable(f"{path.name} declares 0 Hz: its header is damaged") from error
        raise AudioUnreadable(
            f"{path.name} is not an audio file that can be read ({_reason(error)})"
        ) from error
    with container:
        streams = _streams(path, container)
        rate_hz = SAMPLE_RATE_HZ
        if all(stream.codec_context.sample_rate <= NARROW_RATE_HZ for stream in streams):
            rate_hz = NARROW_RATE_HZ
        tracks = _hear(path, container, streams, rate_hz=rate_hz, limits=limits)
        warnings = _damage(path, container, tracks)
        if len(container.streams.audio) > len(streams):
            count = len(container.streams.audio)
            warnings.append(f"the file has {count} audio streams; only the first is heard")
    return _recording(tracks, rate_hz, warnings)


def _streams(path: Path, container: InputContainer) -> list[AudioStream]:
    """What is heard: the first audio stream, or both of two mono streams."""
    streams = list(container.streams.audio)
    if not streams:
        raise AudioUnreadable(f"{path.name} has no audio stream")
    if len(streams) != 2 or any(
        not s.codec_context or s.codec_context.channels > 1 for s in streams
    ):
        del streams[1:]
    for stream in streams:
        if stream.codec_context is None:
            raise AudioUnreadable(f"{path.name} is in a codec that cannot be decoded here")
        channels, rate_hz = stream.codec_context.channels, stream.codec_context.sample_rate
        if channels < 1 or not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
            raise AudioUnreadable(
                f"{path.name} declares {channels} channels at {rate_hz} Hz: its header is damaged"
            )
        if channels > MAX_CHANNELS:
            raise _too_many(path, f"{channels} channels")
    return streams


def _hear(
    path: Path,
    container: InputContainer,
    streams: Sequence[AudioStream],
    *,
    rate_hz: int,
    limits: AudioLimits,
) -> list[Track]:
    """Each stream's sound, on one clock."""
    declared_s = (container.duration or 0) / av.time_base
    # Elsewhere FFmpeg may guess it from a bit rate that changes.
    if declared_s > limits.seconds and container.format.name == "wav":
        raise _too_long(path, declared_s, limits)
    # No timestamp can be true that lies after the end, or where it would cost too much to go.
    channels = sum(min(stream.codec_context.channels, MAX_SOUNDING) for stream in streams)
    longest_s = min(limits.seconds, limits.decoded_bytes / (2 * rate_hz * channels))
    if declared_s:
        longest_s = min(longest_s, declared_s + 1.0)
    starts_s = {
        stream.index: float(stream.start_time * stream.time_base)
        for stream in streams
        if stream.start_time is not None and stream.time_base is not None
    }
    zero_s = min(starts_s.values()) if len(starts_s) == len(streams) else None
    tracks = {
        stream.index: Track(
            rate_hz,
            longest_s=longest_s,
            zero_s=zero_s,
            waits_s=0.0 if zero_s is None else starts_s[stream.index] - zero_s,
            counting=container.format.name in _COUNTING,
        )
        for stream in streams
    }
    try:
        for packet in container.demux(tuple(streams)):
            track = tracks[packet.stream_index]
            track.hear(packet)
            if track.sounding > MAX_SOUNDING:
                count = packet.stream.codec_context.channels
                raise _too_many(path, f"{count} channels and sound on more than two of them")
            if track.heard_s > limits.seconds:
                raise _too_long(path, max(declared_s, track.heard_s), limits)
            if sum(2 * t.length * t.sounding for t in tracks.values()) > limits.decoded_bytes:
                raise AudioTooLarge(
                    f"{path.name} takes more than {limits.decoded_bytes / 1e6:.0f} MB when "
                    "decoded, the limit (OVERTONE_MAX_DECODED_MB)"
                )
        for track in tracks.values():
            track.finish()
    except (av.error.FFmpegError, ValueError) as error:
        for track in tracks.values():
            track.fail(error)
    return list(tracks.values())


def _damage(path: Path, container: InputContainer, tracks: Sequence[Track]) -> list[str]:
    """What was lost, in words. Raises `AudioUnreadable` where nothing was heard."""
    errors = [error for track in tracks for error in track.errors]
    heard_s = max(track.heard_s for track in tracks)
    if not heard_s and errors:
        raise AudioUnreadable(
            f"{path.name} is damaged from its start ({_reason(errors[0])})"
        ) from errors[0]
    if not heard_s:
        raise AudioUnreadable(f"{path.name} holds no audio that can be decoded")
    warnings: list[str] = []
    losses = sorted((loss for track in tracks for loss in track.losses), key=lambda loss: loss.at_s)
    if losses:
        stretches = "1 stretch" if len(losses) == 1 else f"{len(losses)} stretches"
        lost_s = max(0.1, sum(loss.lost_s for loss in losses))
        warnings.append(
            f"damaged or missing and silent here: {stretches}, {lost_s:.1f} s in all, "
            f"from {losses[0].at_s:.1f} s on"
        )
    told_s = promised_s(path, container, heard_s)
    if told_s - heard_s > max(1.0, 0.02 * told_s):
        warnings.append(
            f"the recording is cut short: its header promises {told_s:.1f} s "
            f"and {heard_s:.1f} s could be decoded"
        )
    elif any(track.ends_damaged for track in tracks):
        warnings.append(f"the recording is damaged after {heard_s:.1f} s and ends there")
    elif errors and not losses:
        warnings.append("the recording is damaged: parts of it could not be decoded")
    return warnings


def _recording(tracks: Sequence[Track], rate_hz: int, warnings: Sequence[str]) -> Recording:
    """The tracks as channels of one length, with warnings of what is wrong with the sound."""
    said = list(warnings)
    ends_s = [track.heard_s for track in tracks]
    if max(ends_s) - min(ends_s) > 1.0:
        left_s, right_s = ends_s
        said.append(
            f"the left channel ends at {left_s:.1f} s and the right at {right_s:.1f} s: "
            "the rest of the shorter one is silent"
        )
    length = max(track.length for track in tracks)
    channels = [channel for track in tracks for channel in track.channels(length)]
    if len(channels) > MAX_SOUNDING:
        sounding = [number for number, channel in enumerate(channels) if channel.any()]
        names = " and ".join(str(number + 1) for number in sounding) or "none"
        said.append(f"of {len(channels)} channels {names} can be heard: the rest are silent")
        channels = [channels[number] for number in sounding or [0]]
    return cleaned(Recording(tuple(channels), tuple(said), rate_hz))


def _too_many(path: Path, what: str) -> AudioUnreadable:
    return AudioUnreadable(f"{path.name} has {what}; send 1 (mono) or 2 (agent and customer)")


def _too_long(path: Path, seconds: float, limits: AudioLimits) -> AudioTooLong:
    return AudioTooLong(
        f"{path.name} lasts {seconds / 60:.1f} min or more; the limit is "
        f"{limits.seconds / 60:.1f} min (OVERTONE_MAX_AUDIO_S)"
    )


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
