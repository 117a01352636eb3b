"""Who speaks when within ten seconds of one channel: up to three voices, two of them at once.

The network is pyannote's segmentation-3.0 (Plaquet and Bredin 2023, "Powerset multi-class cross
entropy loss for neural speaker diarization"; MIT licence), its weights read from a package. Knows
no voices: which of them is whom in the next ten seconds is for :mod:`speech.speakers` to find.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from speech.recording import SAMPLE_RATE_HZ

CHUNK_S = 10.0
VOICES = 3
# The classes the network chooses from: which voices speak in a frame.
POWERSET = ((), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2))
# Its first layers: a kernel of 251 samples moved by 10, then three poolings by 3 and two kernels
# of 5. A frame begins every 270 samples and looks at 991.
STEP, REACH = 270, 991
FRAME_S = STEP / SAMPLE_RATE_HZ
FIRST_S = REACH / 2 / SAMPLE_RATE_HZ
"""The middle of the first frame."""
LOWEST_HZ = NARROWEST_HZ = 50.0


class Segmentation:
    """The loaded network."""

    def __init__(self, weights: dict[str, Tensor], device: str = "cpu") -> None:
        self._weights = {name: tensor.to(device) for name, tensor in weights.items()}
        self._device = device
        self._filters = _filters(self._weights)
        self._lstm = torch.nn.LSTM(60, 128, num_layers=4, bidirectional=True, batch_first=True)
        own = {name.removeprefix("lstm."): w for name, w in weights.items() if "lstm." in name}
        self._lstm.load_state_dict(own)
        self._lstm.eval().to(device)

    @classmethod
    def load(cls, path: Path, device: str = "cpu") -> Segmentation:
        """Read the weights as the package has them."""
        stored = torch.load(path, map_location="cpu", weights_only=True)
        return cls(stored["state_dict"], device)

    def voices(self, sounds: NDArray[np.float32]) -> NDArray[np.float32]:
        """How probably each voice speaks: sounds of shape (n, samples) at 16 kHz give
        (n, frames, VOICES), a frame every FRAME_S from FIRST_S on.
        """
        with torch.inference_mode():
            classes = self._classes(torch.from_numpy(sounds).to(self._device)).exp().cpu().numpy()
        speaks = np.zeros((len(POWERSET), VOICES), np.float32)
        for row, voices in enumerate(POWERSET):
            speaks[row, list(voices)] = 1.0
        probable: NDArray[np.float32] = classes @ speaks
        return probable

    def _classes(self, sounds: Tensor) -> Tensor:
        """Logarithms of the probability of each class, shape (n, frames, classes)."""
        weights = self._weights
        x = self._normed(sounds[:, None], "sincnet.wav_norm1d")
        for layer in range(3):
            if layer == 0:
                x = F.conv1d(x, self._filters, stride=10).abs()
            else:
                name = f"sincnet.conv1d.{layer}"
                x = F.conv1d(x, weights[f"{name}.weight"], weights[f"{name}.bias"])
            x = F.leaky_relu(self._normed(F.max_pool1d(x, 3), f"sincnet.norm1d.{layer}"))
        x, _ = self._lstm(x.transpose(1, 2))
        for name in ("linear.0", "linear.1"):
            x = F.leaky_relu(F.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"]))
        return F.log_softmax(
            F.linear(x, weights["classifier.weight"], weights["classifier.bias"]), dim=-1
        )

    def _normed(self, x: Tensor, name: str) -> Tensor:
        scale, shift = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return F.instance_norm(x, weight=scale, bias=shift)


def _filters(weights: dict[str, Tensor]) -> Tensor:
    """Band-passes of the first layer, shape (80, 1, 251), each as cosine and as sine, from their
    learned edges (Ravanelli and Bengio 2018, "Speaker recognition from raw waveform with SincNet").
    """
    prefix = "sincnet.conv1d.0.filterbank."
    low_hz = LOWEST_HZ + weights[f"{prefix}low_hz_"].abs()
    high_hz = low_hz + NARROWEST_HZ + weights[f"{prefix}band_hz_"].abs()
    high_hz = high_hz.clamp(LOWEST_HZ, SAMPLE_RATE_HZ / 2)
    band_hz = high_hz - low_hz
    turns = weights[f"{prefix}n_"]  # 2 pi t of the kernel's first half
    window = weights[f"{prefix}window_"]
    cosine = (torch.sin(high_hz * turns) - torch.sin(low_hz * turns)) / (turns / 2) * window
    sine = (torch.cos(low_hz * turns) - torch.cos(high_hz * turns)) / (turns / 2) * window
    even = torch.cat([cosine, 2 * band_hz, cosine.flip(1)], dim=1)
    odd = torch.cat([sine, torch.zeros_like(band_hz), -sine.flip(1)], dim=1)
    return (torch.cat([even, odd]) / (2 * band_hz.repeat(2, 1)))[:, None]
