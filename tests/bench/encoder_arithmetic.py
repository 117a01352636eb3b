"""How much arithmetic Whisper's encoder needs, and how fast this machine multiplies matrices.

The two together say how long the encoder would take if nothing but its multiplications cost time.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import torch

# Encoder layers by width, table 1 of Radford et al. 2022.
LAYERS = {384: 4, 512: 6, 768: 12, 1024: 24, 1280: 32}
TRIES = 7


@dataclass(frozen=True, slots=True)
class EncoderWork:
    """Multiply-adds of encoder passes, by what they multiply: adding joins passes."""

    linear: int = 0
    attention: int = 0
    convolution: int = 0

    @classmethod
    def of(cls, batch: int, mels: int, frames: int, width: int) -> EncoderWork:
        """Of one pass over features of shape (batch, mels, frames)."""
        positions = batch * (frames // 2)
        return cls(
            # Query, key, value, output: 4 of width x width; the two of the MLP: 8 more.
            linear=LAYERS[width] * 12 * width**2 * positions,
            # Every position with every one of its window, for the weights and for the mixing.
            attention=LAYERS[width] * 2 * width * positions * (frames // 2),
            # Two kernels of three; the second takes every other frame.
            convolution=3 * width * (mels * batch * frames + width * positions),
        )

    def __add__(self, other: EncoderWork) -> EncoderWork:
        return EncoderWork(
            self.linear + other.linear,
            self.attention + other.attention,
            self.convolution + other.convolution,
        )

    @property
    def total(self) -> int:
        return self.linear + self.attention + self.convolution


@dataclass(frozen=True, slots=True)
class MatrixRates:
    """Multiply-adds a second on this machine, with all its threads, for matrices of the encoder."""

    int8: float
    float32: float

    def seconds(self, work: EncoderWork) -> float:
        """What the encoder needs with linear layers in int8 and the rest in float32."""
        return work.linear / self.int8 + (work.attention + work.convolution) / self.float32


def measure_rates(batch: int, frames: int, width: int, threads: int) -> MatrixRates:
    """Time the product that most of the encoder's arithmetic is: its MLP's, in both types."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        rows = batch * (frames // 2)
        left, right = torch.randn(rows, width), torch.randn(width, 4 * width)
        small = [(part * 20).clamp(-127, 127).to(torch.int8) for part in (left, right)]
        products = rows * width * 4 * width
        return MatrixRates(
            int8=products / _seconds(lambda: torch._int_mm(*small)),
            float32=products / _seconds(lambda: left @ right),
        )
    finally:
        torch.set_num_threads(before)


def _seconds(product: Callable[[], object]) -> float:
    product()
    laps_s = []
    for _ in range(TRIES):
        since = perf_counter()
        product()
        laps_s.append(perf_counter() - since)
    return statistics.median(laps_s)
