"""Loudness, pitch and tempo of turns, and how they differ within a speaker."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from speech.acoustics import TurnSound, describe, prosody, turn_sound
from speech.prosody import STATISTICS
from speech.voice import mel_bands
from tests.speech.voices import voice


def turn(samples: NDArray[np.float32], speaker: str = "customer", word_count: int = 4) -> TurnSound:
    return turn_sound(speaker, samples, word_count=word_count, frames=None)


@pytest.mark.parametrize("pitch_hz", [80.0, 110.0, 190.0, 320.0, 500.0])
def test_finds_the_pitch_of_low_and_high_voices(pitch_hz: float) -> None:
    found = prosody(voice(pitch_hz=pitch_hz)).pitch_hz

    assert found == pytest.approx(pitch_hz, rel=0.02)


def test_finds_the_pitch_where_the_line_cuts_the_fundamental() -> None:
    assert prosody(voice(pitch_hz=110.0, low_cut_hz=300.0)).pitch_hz == pytest.approx(110, rel=0.02)


def test_loudness_is_decibels_below_full_scale() -> None:
    assert prosody(voice(level=0.1)).loudness_db == pytest.approx(-20.0, abs=1.0)


def test_twice_the_level_is_six_decibels_and_nothing_else_that_is_shape() -> None:
    quiet, loud = prosody(voice(level=0.05)), prosody(voice(level=0.1))

    assert loud.loudness_db - quiet.loudness_db == pytest.approx(6.02, abs=0.05)
    tilt = STATISTICS.index("tilt_mean")
    assert loud.statistics[tilt] == pytest.approx(quiet.statistics[tilt], abs=0.05)


def test_only_what_sounds_counts_as_speech() -> None:
    pause = np.zeros(16_000, np.float32)
    spoken = prosody(np.concatenate([pause, voice(1.0), pause]))

    assert spoken.speech_s == pytest.approx(1.0, abs=0.15)


def test_a_long_turn_measured_in_blocks_equals_its_parts() -> None:
    short, long = prosody(voice(20.0)), prosody(voice(80.0))

    np.testing.assert_allclose(long.statistics, short.statistics, atol=0.15)


@pytest.mark.parametrize("length", [0, 1, 700, 5000, 32_000])
def test_silence_and_scraps_have_no_speech(length: int) -> None:
    measured = prosody(np.zeros(length, np.float32))

    assert measured.speech_s == 0.0
    assert measured.pitch_hz is None
    assert len(measured.statistics) == len(STATISTICS)


def test_whole_numbers_measure_like_floats() -> None:
    spoken = voice()

    floats, whole = prosody(spoken), prosody((spoken * 32768.0).astype(np.int16))

    np.testing.assert_allclose(whole.statistics, floats.statistics, atol=0.05)


def test_mel_bands_are_those_of_librosa() -> None:
    filters = pytest.importorskip("librosa").filters.mel(
        sr=16_000, n_fft=1024, n_mels=24, fmin=250.0, fmax=3600.0, norm=None
    )

    np.testing.assert_allclose(mel_bands(), filters[:, : mel_bands().shape[1]], atol=1e-5)


def test_noise_has_no_pitch() -> None:
    noise = np.random.default_rng(1).normal(0.0, 0.05, 32_000).astype(np.float32)

    assert prosody(noise).voiced_share < 0.05


def test_a_speakers_only_turn_has_nothing_to_be_compared_with() -> None:
    agent, customer = describe([turn(voice(), "agent"), turn(voice(), "customer")])

    for acoustics in (agent, customer):
        assert acoustics.loudness_change_db is None
        assert acoustics.pitch_change_st is None
        assert acoustics.tempo_change is None
        assert acoustics.tempo_wps == pytest.approx(2.0)


def test_changes_are_against_the_same_speakers_other_turns() -> None:
    calm = [turn(voice(pitch_hz=150.0, level=0.05)) for _ in range(3)]
    agent = turn(voice(pitch_hz=90.0, level=0.3), "agent")
    upset = turn(voice(pitch_hz=300.0, level=0.1), word_count=8)

    found = describe([calm[0], agent, calm[1], upset, calm[2]])[3]

    assert found.loudness_change_db == pytest.approx(6.0, abs=0.3)
    assert found.pitch_change_st == pytest.approx(12.0, abs=0.3)
    assert found.tempo_change == pytest.approx(1.0)


def test_longer_turns_weigh_more_in_what_is_usual() -> None:
    long, short, now = (
        turn(voice(8.0, level=0.1)),
        turn(voice(2.0, level=0.05)),
        turn(voice(level=0.1)),
    )

    change_db = describe([long, short, now])[2].loudness_change_db

    assert change_db == pytest.approx(0.2 * 6.02, abs=0.2)


def test_a_silent_turn_is_described_and_changes_nobody_elses_baseline() -> None:
    silent = turn(np.zeros(16_000, np.float32), word_count=1)
    spoken = [turn(voice()), turn(voice())]

    first, second, quiet = describe([*spoken, silent])

    assert quiet.pitch_hz is None
    assert quiet.loudness_change_db is None
    assert quiet.tempo_change is None
    assert first.loudness_change_db == pytest.approx(0.0, abs=0.01)
    assert second.tempo_change == pytest.approx(0.0)


def test_no_turns_have_no_acoustics() -> None:
    assert describe([]) == []


def test_samples_are_not_copied() -> None:
    call = voice(4.0)

    assert np.shares_memory(turn(call[16_000:32_000]).samples, call)
