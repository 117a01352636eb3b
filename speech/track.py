"""One stream's sound on the recording's clock: what was lost is silent, and nothing moves up.

Knows nothing of files or limits. Lost time shows in the stream's timestamps, or, where these only
count what was found (MP3 and AAC on their own), in the bytes that gave no sound.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.packet import Packet
from numpy.typing import NDArray

Block = NDArray[np.int16]
"""Decoded sound of shape (channels, samples)."""

# Timestamps may stray this far from the sound before they are followed: FFmpeg's own filter that
# does so (aresample, min_hard_comp) begins at the same 0.1 s.
TOLERANCE_S = 0.1
# Where a packet could not be decoded, they are right about less.
DAMAGED_TOLERANCE_S = 0.01
# Timestamps this far back belong to another part, whose clock began anew.
RESTART_S = 1.0
# The smallest step of G.711: a line on which nothing is sent decodes to no more.
SILENT = 8


@dataclass(frozen=True, slots=True)
class Loss:
    """Sound that is not in the file: from `at_s` on, `lost_s` of silence stand in its place."""

    at_s: float
    lost_s: float


class Track:
    """Collects one stream's sound, int16 at `rate_hz`; timestamps after `longest_s` are not true.

    `zero_s` is the timestamp at which the recording begins, None for that of the first sound, and
    the stream joins in `waits_s` later. With `counting`, timestamps only count what was found.
    """

    def __init__(
        self,
        rate_hz: int,
        *,
        longest_s: float,
        zero_s: float | None = None,
        waits_s: float = 0.0,
        counting: bool = False,
    ) -> None:
        self.length = round(waits_s * rate_hz) if waits_s <= longest_s else 0
        self.losses: list[Loss] = []
        self.errors: list[Exception] = []
        self._rate_hz = rate_hz
        self._longest_s = longest_s
        self._zero_s = zero_s
        self._counting = counting
        self._silent = self.length
        self._heard_bytes = 0
        self._missing_s = 0.0
        self._ends_well = True
        self._resampler = _Resampler(rate_hz)
        # Grown in place: joining blocks at the end would hold a long recording twice. A channel
        # stays empty, and costs nothing, until something sounds on it.
        self._channels: list[bytearray] = []

    @property
    def heard_s(self) -> float:
        """How far the sound goes on the recording's clock; 0 where there is none."""
        return self._at_s if self._channels else 0.0

    @property
    def _at_s(self) -> float:
        """Where on the recording's clock the next sound comes, if nothing is missing."""
        return self.length / self._rate_hz

    @property
    def sounding(self) -> int:
        """Channels on which anything was heard so far."""
        return sum(map(bool, self._channels))

    @property
    def ends_damaged(self) -> bool:
        """Whether there is more in the file, of which nothing could be decoded."""
        return not self._ends_well

    def hear(self, packet: Packet[AudioStream]) -> None:
        """Append what `packet` holds; one that cannot be decoded may be followed by sound again."""
        try:
            frames = packet.decode()
        except av.error.FFmpegError as error:
            self.fail(error)
            if self._counting and self._heard_bytes:
                heard_s = (self.length - self._silent) / self._rate_hz
                self._missing_s += packet.size * heard_s / self._heard_bytes
            return
        self._heard_bytes += packet.size
        for frame in frames:
            self._keep_time(frame)
            self._ends_well = True
            self._append(self._resampler.blocks(frame))

    def fail(self, error: Exception) -> None:
        """Note that what comes now cannot be heard."""
        self.errors.append(error)
        self._ends_well = False

    def finish(self) -> None:
        """Append what is still on its way through the filter."""
        self._append(self._resampler.rest())

    def channels(self, length: int) -> tuple[NDArray[np.int16], ...]:
        """The sound of each channel, one where nothing was heard, `length` samples at least."""
        if length > self.length:
            self._append_silence(length - self.length)
        return tuple(
            np.frombuffer(channel, np.int16) if channel else np.zeros(self.length, np.int16)
            for channel in self._channels or [bytearray()]
        )

    def _keep_time(self, frame: AudioFrame) -> None:
        """Put silence before `frame` where its time says that something is missing."""
        late_s = self._missing_s
        if not self._counting and frame.pts is not None and frame.time_base is not None:
            told_s = float(frame.pts * frame.time_base)
            if self._zero_s is None:
                self._zero_s = told_s - self._at_s
            late_s = told_s - self._zero_s - self._at_s
            if late_s < -RESTART_S or self._at_s + late_s > self._longest_s:
                self._zero_s, late_s = told_s - self._at_s, 0.0
        tolerance_s = TOLERANCE_S if self._ends_well else DAMAGED_TOLERANCE_S
        if tolerance_s < late_s <= self._longest_s - self._at_s:
            self.finish()
            self.losses.append(Loss(self._at_s, late_s))
            self._append_silence(round(late_s * self._rate_hz))
            self._missing_s = 0.0

    def _append(self, blocks: Iterable[Block]) -> None:
        for block in blocks:
            self._channels = self._channels or [bytearray() for _ in block]
            for channel, sound in zip(self._channels, block, strict=True):
                if not channel:
                    if not len(sound) or max(int(sound.max()), -int(sound.min())) <= SILENT:
                        continue
                    channel += bytes(2 * self.length)
                channel += sound.tobytes()
            self.length += block.shape[1]

    def _append_silence(self, length: int) -> None:
        for channel in filter(None, self._channels):
            channel += bytes(2 * length)
        self.length += length
        self._silent += length


class _Resampler:
    """Frames whose rate or layout may change on the way, to one rate in the layout of the first."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._resampler: AudioResampler | None = None
        self._form: tuple[str, str, int] | None = None
        self._layout: AudioLayout | None = None

    def blocks(self, frame: AudioFrame) -> Iterator[Block]:
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._resampler is None or form != self._form:
            yield from self.rest()
            self._form, self._layout = form, self._layout or frame.layout
            self._resampler = AudioResampler("s16", self._layout, self._rate_hz)
        for out in self._resampler.resample(frame):
            yield _block(out)

    def rest(self) -> Iterator[Block]:
        """What is still on its way through the filter."""
        if self._resampler is not None:
            for out in self._resampler.resample(None):
                yield _block(out)
            self._resampler = None


def _block(frame: AudioFrame) -> Block:
    """The frame's sound, which is packed: to read eight planes crashes PyAV 18."""
    packed: Block = frame.to_ndarray().astype(np.int16, copy=False)
    return packed.reshape(-1, frame.layout.nb_channels).T
