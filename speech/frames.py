"""What is kept of Whisper's encoder frames: sums, which add up, so a long call stays small.

Knows neither Whisper nor moods; a frame is one row of the encoder's output, 50 of them a second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FRAMES_PER_S = 50


@dataclass(frozen=True, slots=True, eq=False)
class FrameStats:
    """How many frames, their sum and the sum of their squares, both of shape (width,) and float32:
    a call of three hours has 25,000 words.

    Adding two of them gives what pooling all their frames together would have given.
    """

    count: int
    total: NDArray[np.float32]
    squares: NDArray[np.float32]

    @classmethod
    def of(cls, frames: NDArray[np.floating]) -> FrameStats:
        """Pool frames of shape (n, width); n may be 0. Raises ValueError for any other shape."""
        if frames.ndim != 2:
            raise ValueError(f"frames must have the shape (n, width), not {frames.shape}")
        exact = frames.astype(np.float64)
        return cls(
            len(exact),
            exact.sum(axis=0).astype(np.float32),
            np.square(exact).sum(axis=0).astype(np.float32),
        )

    @property
    def width(self) -> int:
        return len(self.total)

    def __add__(self, other: FrameStats) -> FrameStats:
        if self.width != other.width:
            raise ValueError(f"frames of width {self.width} cannot join width {other.width}")
        return FrameStats(
            self.count + other.count, self.total + other.total, self.squares + other.squares
        )

    def mean(self) -> NDArray[np.float64]:
        """The mean frame, shape (width,); zeros where there are no frames."""
        return self.total.astype(np.float64) / max(self.count, 1)

    def std(self) -> NDArray[np.float64]:
        """The (population) standard deviation of each unit, shape (width,)."""
        variance = self.squares.astype(np.float64) / max(self.count, 1) - np.square(self.mean())
        return np.sqrt(np.maximum(variance, 0.0))
