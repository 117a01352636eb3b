"""Pooled encoder frames add up to what pooling them together would give."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.frames import FrameStats


@given(cut=st.integers(0, 40), seed=st.integers(0, 100))
def test_parts_add_up_to_the_whole(cut: int, seed: int) -> None:
    frames = np.random.default_rng(seed).normal(3.0, 2.0, (40, 6)).astype(np.float32)

    joined = FrameStats.of(frames[:cut]) + FrameStats.of(frames[cut:])

    assert joined.count == 40
    np.testing.assert_allclose(joined.mean(), frames.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(joined.std(), frames.std(axis=0), rtol=1e-4)


def test_no_frames_have_a_mean_and_deviation_of_zero() -> None:
    nothing = FrameStats.of(np.zeros((0, 4), np.float32))

    assert nothing.count == 0
    assert not nothing.mean().any()
    assert not nothing.std().any()


def test_equal_frames_do_not_get_a_deviation_from_rounding() -> None:
    assert np.isfinite(FrameStats.of(np.full((7, 3), 1e4, np.float32)).std()).all()


def test_frames_of_different_models_do_not_join() -> None:
    with pytest.raises(ValueError, match="width 4"):
        FrameStats.of(np.zeros((2, 3))) + FrameStats.of(np.zeros((2, 4)))


def test_one_frame_alone_is_not_taken_for_many() -> None:
    with pytest.raises(ValueError, match="shape"):
        FrameStats.of(np.zeros(512))
