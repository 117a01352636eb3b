"""The encoder's multiply-adds, against PyTorch's own count over the same architecture."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import WhisperConfig
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from tests.bench.encoder_arithmetic import EncoderWork, MatrixRates


@pytest.mark.parametrize("width", [384, 512])
def test_the_count_is_that_of_the_layers(width: int) -> None:
    layers = {384: 4, 512: 6}[width]
    config = WhisperConfig(
        d_model=width,
        encoder_layers=layers,
        encoder_ffn_dim=4 * width,
        encoder_attention_heads=width // 64,
        attn_implementation="eager",
    )
    with torch.device("meta"):
        encoder = WhisperEncoder(config)
        features = torch.zeros(2, config.num_mel_bins, 3000)
    with FlopCounterMode(display=False) as counter:
        encoder(features)
    # A multiply-add is two of its operations.
    assert 2 * EncoderWork.of(2, config.num_mel_bins, 3000, width).total == (
        counter.get_total_flops()
    )


def test_work_adds_up_and_takes_the_time_of_its_kinds() -> None:
    work = EncoderWork(linear=60, attention=6, convolution=4) + EncoderWork(linear=40)
    assert work == EncoderWork(100, 6, 4)
    assert MatrixRates(int8=10.0, float32=5.0).seconds(work) == pytest.approx(12.0)
