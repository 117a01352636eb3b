"""Where somebody speaks on a channel (Silero VAD), and how that speech is packed into 30 s windows.

Knows nothing of words. A window is speech with its long silences left out; its pieces remember
where on the recording's clock they came from.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from faster_whisper.vad import VadOptions, get_speech_timestamps
from numpy.typing import NDArray

from speech.audio import SAMPLE_RATE_HZ, Recording

WINDOW_S = 30.0
# Silences up to twice the padding stay whole, so packed speech keeps the rhythm of its pauses.
PADDING_MS = 200
MIN_SILENCE_MS = 500
MIN_SPEECH_MS = 100
# Whisper's encoder wants room after the last word; a window filled to its last sample loses words
# there.
ROOM_S = 0.5
# Alignment sometimes gives a word no length at all.
SHORTEST_WORD_S = 0.05


@dataclass(frozen=True, slots=True)
class Span:
    """Speech on one channel between two times of the recording."""

    channel: int
    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class Window:
    """Spans of one channel, one after the other, no longer than 30 s in all."""

    spans: tuple[Span, ...]

    @property
    def channel(self) -> int:
        return self.spans[0].channel

    @property
    def duration_s(self) -> float:
        return sum(span.duration_s for span in self.spans)

    def samples(self, recording: Recording) -> NDArray[np.float32]:
        """The window's sound, float32 of shape (samples,) at 16 kHz."""
        return np.concatenate(
            [recording.samples(span.channel, span.start_s, span.end_s) for span in self.spans]
        )

    def on_the_clock(self, start_s: float, end_s: float) -> tuple[float, float]:
        """Times inside the window as times of the recording, both within the span they share most
        with.
        """
        best: tuple[float, float, float] | None = None
        most_s, offset_s = -1.0, 0.0
        for span in self.spans:
            last_s = offset_s + span.duration_s
            shared_s = min(end_s, last_s) - max(start_s, offset_s)
            if best is None or shared_s > most_s:
                most_s, best = shared_s, (span.start_s - offset_s, span.start_s, span.end_s)
            offset_s = last_s
        assert best is not None  # a window has at least one span
        shift_s, first_s, last_s = best
        end = min(max(end_s + shift_s, first_s + SHORTEST_WORD_S), last_s)
        return max(min(start_s + shift_s, end - SHORTEST_WORD_S), first_s), end


def speech_spans(recording: Recording, channel: int) -> list[Span]:
    """Where somebody speaks on one channel, in order, each span at most 30 s."""
    # ONNX Runtime, which runs the detector, reports its use to its makers unless told not to.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    samples = recording.samples(channel, 0.0, recording.duration_s)
    options = VadOptions(
        threshold=0.5,
        min_speech_duration_ms=MIN_SPEECH_MS,
        min_silence_duration_ms=MIN_SILENCE_MS,
        max_speech_duration_s=WINDOW_S - ROOM_S,
        speech_pad_ms=PADDING_MS,
    )
    return [
        Span(channel, found["start"] / SAMPLE_RATE_HZ, found["end"] / SAMPLE_RATE_HZ)
        for found in get_speech_timestamps(samples, options)
    ]


def pack(spans: Sequence[Span]) -> list[Window]:
    """Fill windows with spans in order; a window never mixes channels, so its text reads as one
    speaker's.
    """
    windows: list[Window] = []
    filling: dict[int, list[Span]] = {}
    for span in spans:
        waiting = filling.setdefault(span.channel, [])
        if waiting and sum(s.duration_s for s in waiting) + span.duration_s > WINDOW_S - ROOM_S:
            windows.append(Window(tuple(waiting)))
            waiting.clear()
        waiting.append(span)
    windows.extend(Window(tuple(waiting)) for waiting in filling.values() if waiting)
    return windows
