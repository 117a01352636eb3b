"""Which mood model the settings stand for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from settings import Settings
from speech.mood import EncoderMood, MoodModelMismatch, write_head
from speech.mood_head import Head
from speech.prosody import STATISTICS
from workers.station import load_mood


@pytest.fixture
def trained(tmp_path: Path) -> Settings:
    """Settings that name a folder with a head for Whisper base, as training writes it."""
    size = 6 + len(STATISTICS)
    head = Head(
        whisper="base",
        width=6,
        center=np.zeros(size),
        spread=np.ones(size),
        weights=np.zeros((size, 4)),
        bias=np.zeros(4),
        baseline_s=10.0,
    )
    write_head(head, tmp_path / "head", figures={})
    return Settings(mood_model=str(tmp_path / "head"))


def test_a_folder_with_a_trained_head_is_that_head(trained: Settings) -> None:
    mood = load_mood(trained, "Systran/faster-whisper-base")
    assert isinstance(mood, EncoderMood)
    assert mood.head.width == 6


def test_a_head_for_another_whisper_is_refused_by_name(trained: Settings) -> None:
    with pytest.raises(MoodModelMismatch, match="made for Whisper 'base', not for 'small'"):
        load_mood(trained, "small")


def test_the_shipped_head_and_none() -> None:
    shipped = load_mood(Settings(), "base")
    assert isinstance(shipped, EncoderMood)
    assert shipped.head.width == 512
    assert load_mood(Settings(mood_model="none"), "base") is None
