"""Windows as Whisper's encoder takes them and gives them back: mel features in, frames out.

Knows neither decoder nor words.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

import ctranslate2
import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray

from speech.activity import Window
from speech.recording import SAMPLE_RATE_HZ

# Silence after the longest window of a batch. With less, the decoder says a sentence twice now and
# then: ten simulated calls, 248 wrong words after 0.5 s, 216 after 2 s (docs/performance.md).
TAIL_S = 2.0
# Under this the decoder, which learned from 30 s throughout, says a sentence twice: of 60 sentences
# of 3.7 s, 14 without padding, 9 padded to 6 s, 1 padded to 8 s and none padded to 10 s or more.
SHORTEST_S = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """Windows and what the encoder made of them: (windows, positions, width) on its device."""

    windows: tuple[Window, ...]
    frames: ctranslate2.StorageView

    def only(self, rows: Sequence[int]) -> Encoded:
        """Some of the windows."""
        if len(rows) == len(self.windows):
            return self
        chosen = np.ascontiguousarray(on_cpu(self.frames)[list(rows)])
        frames = ctranslate2.StorageView.from_array(chosen)
        if self.frames.device == "cuda":
            frames = frames.to(self.frames.dtype).to_device(ctranslate2.Device.cuda)
        return Encoded(tuple(self.windows[row] for row in rows), frames)

    def halves(self) -> tuple[Encoded, Encoded]:
        middle, count = len(self.windows) // 2, len(self.windows)
        return self.only(range(middle)), self.only(range(middle, count))


def padded_features(
    extractor: FeatureExtractor, sounds: Sequence[NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Mel features of sounds, shape (sounds, mels, frames): as long as the longest needs, and
    at least SHORTEST_S.

    Whisper pads to 30 s; shorter windows take less of the encoder's work, some of which grows with
    the square of their length (docs/performance.md).
    """
    longest = max(
        max(len(sound) for sound in sounds) + round(TAIL_S * SAMPLE_RATE_HZ),
        round(SHORTEST_S * SAMPLE_RATE_HZ),
    )
    samples = min(longest, extractor.n_samples) // 320 * 320
    padded = [np.pad(sound, (0, max(0, samples - len(sound))))[:samples] for sound in sounds]
    return np.stack([extractor(sound, padding=0) for sound in padded])


def those_of(channels: Container[int], encoded: Sequence[Encoded]) -> Iterator[Encoded]:
    """The windows of some channels among those that are encoded already."""
    for part in encoded:
        rows = [row for row, window in enumerate(part.windows) if window.channel in channels]
        if rows:
            yield part.only(rows)


def on_cpu(encoded: ctranslate2.StorageView) -> NDArray[np.float32]:
    """Encoder frames as an array, from whatever device and type."""
    if encoded.device == "cuda":
        encoded = encoded.to_device(ctranslate2.Device.cpu)
    if encoded.dtype != ctranslate2.DataType.float32:
        encoded = encoded.to(ctranslate2.DataType.float32)
    return np.asarray(encoded)
