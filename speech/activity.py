"""Where somebody speaks on a channel (Silero VAD), and how that speech is packed into windows.

Knows nothing of words. A window is speech with its long silences left out; its pieces remember
where on the recording's clock they came from.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from faster_whisper.vad import get_vad_model
from numpy.typing import NDArray

from speech.recording import SAMPLE_RATE_HZ, Recording

# Whisper hears 30 s at once; speech without a pause is cut well before that, where it is calmest.
LONGEST_SPAN_S = 20.0
# Its encoder's work grows faster than the window, its decoder's steps with the longest text of a
# batch: shorter windows are heard in less time, at the same error rate (docs/performance.md).
WINDOW_S = 15.0
FRAME, CONTEXT = 512, 64
FRAME_S = FRAME / SAMPLE_RATE_HZ
BLOCK_S = 1875 * FRAME_S
# Speech is where the detector is this sure at least once, and goes on while it is above the second.
# Its own 0.5 is deaf to sharply cut telephone bands; on silence, noise, tones and music it stays
# far below these (docs/performance.md).
SURE, GOES_ON = 0.3, 0.15
# Silences up to twice the padding stay whole, so packed speech keeps the rhythm of its pauses.
PADDING_S = 0.25
MIN_SILENCE_S = 0.5
# Alignment sometimes gives a word no length at all.
SHORTEST_WORD_S = 0.05


@dataclass(frozen=True, slots=True)
class Span:
    """Speech on one channel between two times of the recording.

    `lead_s` and `tail_s` at its ends are padding, in which nobody speaks yet or any more; `peak`
    is how sure the detector was where it was surest, 0 to 1.
    """

    channel: int
    start_s: float
    end_s: float
    lead_s: float = 0.0
    tail_s: float = 0.0
    peak: float = 1.0

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s

    @property
    def speech_s(self) -> float:
        """Without the padding."""
        return self.duration_s - self.lead_s - self.tail_s


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

    def place(self, start_s: float, end_s: float) -> tuple[int, float, float]:
        """Times inside the window as times of the recording, and which of its spans they are in.

        That is the span whose speech they share most with: alignment lets the first word after a
        pause begin, and the last word before it end, somewhere in the pause. Nothing is placed in
        a span's padding.
        """
        best, most_s, offset_s, shift_s = 0, -math.inf, 0.0, 0.0
        for number, span in enumerate(self.spans):
            first_s, last_s = offset_s + span.lead_s, offset_s + span.duration_s - span.tail_s
            shared_s = min(end_s, last_s) - max(start_s, first_s)
            if shared_s > most_s:
                best, most_s, shift_s = number, shared_s, span.start_s - offset_s
            offset_s += span.duration_s
        span = self.spans[best]
        first_s, last_s = span.start_s + span.lead_s, span.end_s - span.tail_s
        end = min(max(end_s + shift_s, first_s + SHORTEST_WORD_S), last_s)
        return best, max(min(start_s + shift_s, end - SHORTEST_WORD_S), first_s), end


def speech_probabilities(recording: Recording, channel: int) -> NDArray[np.float32]:
    """How probable speech is in each 32 ms of a channel (Silero VAD), shape (n,), 0 to 1.

    The sound goes through in blocks of a minute, the detector's memory from block to block, so
    that a long recording needs no more room than a short one.
    """
    # ONNX Runtime, which runs the detector, reports its use to its makers unless told not to.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    session = get_vad_model().session
    state = [np.zeros((1, 1, 128), np.float32)] * 2
    before = np.zeros(CONTEXT, np.float32)
    found: list[NDArray[np.float32]] = []
    for start_s in np.arange(0.0, recording.duration_s, BLOCK_S):
        sound = recording.samples(channel, start_s, start_s + BLOCK_S)
        frames = np.pad(sound, (0, -len(sound) % FRAME)).reshape(-1, FRAME)
        if not len(frames):
            break
        # Each frame is heard after the last samples of the one before it.
        context = np.vstack([before, frames[:-1, -CONTEXT:]])
        before = frames[-1, -CONTEXT:]
        output, *state = session.run(
            None, {"input": np.hstack([context, frames]), "h": state[0], "c": state[1]}
        )
        found.append(output.reshape(-1))
    return np.concatenate(found) if found else np.zeros(0, np.float32)


def speech_spans(recording: Recording, channel: int) -> list[Span]:
    """Where somebody speaks on one channel, in order, each span at most LONGEST_SPAN_S."""
    probabilities = speech_probabilities(recording, channel)
    runs = _runs(probabilities)
    pieces = [piece for run in runs for piece in _cut(probabilities, *run)]
    spans: list[Span] = []
    for i, (first, last) in enumerate(pieces):
        # Half of a short pause belongs to each side of it.
        room_before = (first - pieces[i - 1][1]) * FRAME_S / 2 if i else first * FRAME_S
        room_after = (pieces[i + 1][0] - last) * FRAME_S / 2 if i + 1 < len(pieces) else PADDING_S
        lead_s = min(PADDING_S, room_before)
        tail_s = max(0.0, min(PADDING_S, room_after, recording.duration_s - last * FRAME_S))
        end_s = min(last * FRAME_S + tail_s, recording.duration_s)
        peak = float(probabilities[first:last].max())
        spans.append(Span(channel, first * FRAME_S - lead_s, end_s, lead_s, tail_s, peak))
    return spans


def _runs(probabilities: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Frames [first, last) of speech: from where it is likely to where it was not for a while."""
    runs: list[tuple[int, int]] = []
    patience = round(MIN_SILENCE_S / FRAME_S)
    heard = np.flatnonzero(probabilities >= GOES_ON)
    # A silence longer than the patience parts the frames in which speech may go on.
    for group in np.split(heard, np.flatnonzero(np.diff(heard) > patience) + 1):
        if len(group) and probabilities[group].max() >= SURE:
            runs.append((int(group[0]), int(group[-1]) + 1))
    return runs


def _cut(probabilities: NDArray[np.float32], first: int, last: int) -> Iterator[tuple[int, int]]:
    """A run in pieces that fit a window, cut where speech is least likely, not inside a word."""
    longest = int((LONGEST_SPAN_S - 2 * PADDING_S) / FRAME_S)
    while last - first > longest:
        half = first + longest // 2
        calm = np.convolve(probabilities[half : first + longest], np.ones(3) / 3, "valid")
        cut = half + 1 + int(calm.argmin())
        yield first, cut
        first = cut
    yield first, last


def pack(spans: Sequence[Span], window_s: float = WINDOW_S) -> list[Window]:
    """Each channel's spans, in order, in as few windows of up to `window_s` as will hold them.

    A window never mixes channels, so that its text reads as one speaker's; a longer span has a
    window to itself. The windows of a channel are about equally long, since a batch takes as long
    as its longest window.
    """
    windows: list[Window] = []
    for channel in sorted({span.channel for span in spans}):
        own = [span for span in spans if span.channel == channel]
        best = _fill(own, window_s)
        even_s = sum(span.duration_s for span in own) / len(best)
        too_small_s, limit_s = min(even_s, window_s), window_s
        for _ in range(6):
            middle_s = (too_small_s + limit_s) / 2
            tried = _fill(own, middle_s)
            if len(tried) > len(best):
                too_small_s = middle_s
            else:
                best, limit_s = tried, middle_s
        windows += best
    return windows


def _fill(spans: Sequence[Span], limit_s: float) -> list[Window]:
    windows: list[list[Span]] = []
    filled_s = math.inf
    for span in spans:
        if filled_s + span.duration_s > limit_s:
            windows.append([])
            filled_s = 0.0
        windows[-1].append(span)
        filled_s += span.duration_s
    return [Window(tuple(window)) for window in windows]
