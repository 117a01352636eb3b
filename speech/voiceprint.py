"""A voice as a vector: two stretches of one person's speech lie closer than those of two people.

The network is CAM++ (Wang et al. 2023, "CAM++: A fast and efficient network for speaker
verification using context-aware masking"), trained by 3D-Speaker on 200,000 Chinese and English
speakers (Apache-2.0), its weights read from a package. Knows nothing of calls or turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from speech.recording import SAMPLE_RATE_HZ

Floats = NDArray[np.float32]

WIDTH = 192
BANDS, WINDOW, HOP, FFT = 80, 400, 160, 512
LOWEST_HZ, PREEMPHASIS = 20.0, 0.97
# Densely connected layers, their kernels and dilations (table 1 of the paper).
BLOCKS = ((12, 3, 1), (24, 3, 2), (16, 3, 2))
CONTEXT = 100  # frames over which a layer's context is averaged
SMALLEST = 1e-5  # added to variances, as the weights were trained


class Voiceprint:
    """The loaded network."""

    def __init__(self, weights: dict[str, Tensor], device: str = "cpu") -> None:
        self._weights = {name: tensor.to(device) for name, tensor in weights.items()}
        self._device = device

    @classmethod
    def load(cls, path: Path, device: str = "cpu") -> Voiceprint:
        """Read the weights as the package has them."""
        return cls(torch.load(path, map_location="cpu", weights_only=True), device)

    def of(self, sounds: Sequence[Floats]) -> Floats:
        """Vectors of length 1, shape (n, WIDTH), of n sounds of one length (0.3 s and more) at
        16 kHz.
        """
        if not len(sounds):
            return np.zeros((0, WIDTH), np.float32)
        features = torch.from_numpy(np.stack([mel_features(sound).T for sound in sounds]))
        with torch.inference_mode():
            vectors: Floats = F.normalize(self._vectors(features.to(self._device))).cpu().numpy()
        return vectors

    def _vectors(self, features: Tensor) -> Tensor:
        """Features of shape (n, bands, frames) to vectors of shape (n, WIDTH)."""
        x = self._spectral(features[:, None])
        x = self._normed(
            F.conv1d(x, self._weights["xvector.tdnn.linear.weight"], stride=2, padding=2),
            "xvector.tdnn.nonlinear.batchnorm",
        ).relu()
        for number, (layers, kernel, dilation) in enumerate(BLOCKS, 1):
            for layer in range(1, layers + 1):
                name = f"xvector.block{number}.tdnnd{layer}"
                x = torch.cat([x, self._dense(x, name, kernel, dilation)], dim=1)
            name = f"xvector.transit{number}"
            x = self._normed(x, f"{name}.nonlinear.batchnorm").relu()
            x = F.conv1d(x, self._weights[f"{name}.linear.weight"])
        x = self._normed(x, "xvector.out_nonlinear.batchnorm").relu()
        pooled = torch.cat([x.mean(dim=-1), x.std(dim=-1)], dim=-1)
        pooled = F.conv1d(pooled[..., None], self._weights["xvector.dense.linear.weight"])
        return self._normed(pooled, "xvector.dense.nonlinear.batchnorm")[..., 0]

    def _spectral(self, x: Tensor) -> Tensor:
        """The two-dimensional front: (n, 1, bands, frames) to (n, channels, frames)."""
        x = x.contiguous(memory_format=torch.channels_last)
        x = self._image(x, "head.conv1", "head.bn1").relu()
        for layer in ("layer1", "layer2"):
            for block, stride in (("0", 2), ("1", 1)):
                name = f"head.{layer}.{block}"
                y = self._image(x, f"{name}.conv1", f"{name}.bn1", stride).relu()
                y = self._image(y, f"{name}.conv2", f"{name}.bn2")
                if stride > 1:
                    x = self._image(x, f"{name}.shortcut.0", f"{name}.shortcut.1", stride)
                x = (y + x).relu()
        x = self._image(x, "head.conv2", "head.bn2", 2).relu()
        return x.reshape(len(x), -1, x.shape[-1])

    def _image(self, x: Tensor, conv: str, norm: str, stride: int = 1) -> Tensor:
        kernel = self._weights[f"{conv}.weight"]
        x = F.conv2d(x, kernel, stride=(stride, 1), padding=kernel.shape[-1] // 2)
        return self._normed(x, norm)

    def _dense(self, x: Tensor, name: str, kernel: int, dilation: int) -> Tensor:
        """One layer: what it hears, weighed by its context near and far (section 2.2)."""
        weights = self._weights
        x = self._normed(x, f"{name}.nonlinear1.batchnorm").relu()
        x = F.conv1d(x, weights[f"{name}.linear1.weight"])
        x = self._normed(x, f"{name}.nonlinear2.batchnorm").relu()
        near = F.avg_pool1d(x, CONTEXT, CONTEXT, ceil_mode=True)
        near = near.repeat_interleave(CONTEXT, dim=-1)[..., : x.shape[-1]]
        context = x.mean(dim=-1, keepdim=True) + near
        cam = f"{name}.cam_layer"
        for part in ("linear1", "linear2"):
            context = F.conv1d(
                context, weights[f"{cam}.{part}.weight"], weights[f"{cam}.{part}.bias"]
            )
            context = context.relu() if part == "linear1" else context.sigmoid()
        padding = (kernel - 1) // 2 * dilation
        local = weights[f"{cam}.linear_local.weight"]
        return F.conv1d(x, local, padding=padding, dilation=dilation) * context

    def _normed(self, x: Tensor, name: str) -> Tensor:
        weights = self._weights
        return F.batch_norm(
            x,
            weights[f"{name}.running_mean"],
            weights[f"{name}.running_var"],
            weights.get(f"{name}.weight"),
            weights.get(f"{name}.bias"),
            eps=SMALLEST,
        )


def mel_features(sound: Floats) -> Floats:
    """Logarithmic mel bands as Kaldi computes them, less their mean over time: (frames, BANDS).

    Povey et al. 2011, "The Kaldi speech recognition toolkit": 25 ms every 10 ms, offset removed,
    pre-emphasis, and a Hann window to the power of 0.85.
    """
    sound = np.pad(sound, (0, max(0, WINDOW - len(sound))))
    frames = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP]
    frames = frames - frames.mean(axis=1, keepdims=True)
    before = np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
    spectrum = np.fft.rfft((frames - PREEMPHASIS * before) * _window(), FFT)
    bands = np.square(np.abs(spectrum)).astype(np.float32) @ _bands()
    features = np.log(np.maximum(bands, np.finfo(np.float32).eps))
    return np.asarray(features - features.mean(axis=0), np.float32)


@cache
def _window() -> NDArray[np.float64]:
    return np.asarray(np.hanning(WINDOW) ** 0.85)


@cache
def _bands() -> Floats:
    """Triangles even on Kaldi's mel scale, 1127 ln(1 + f / 700): (FFT // 2 + 1, BANDS)."""
    hz = np.arange(FFT // 2 + 1) * SAMPLE_RATE_HZ / FFT
    mel = 1127.0 * np.log1p(hz / 700.0)
    edges = np.linspace(
        1127.0 * np.log1p(LOWEST_HZ / 700.0),
        1127.0 * np.log1p(SAMPLE_RATE_HZ / 2 / 700.0),
        BANDS + 2,
    )[:, None]
    rising = (mel - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - mel) / (edges[2:] - edges[1:-1])
    return np.asarray(np.maximum(0.0, np.minimum(rising, falling)).T, np.float32)
