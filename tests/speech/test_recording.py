"""Sound is the same at 16 kHz whatever it is kept at, and wherever a stretch of it is cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from speech.recording import NARROW_RATE_HZ, SAMPLE_RATE_HZ, Recording

Samples = NDArray[np.int16]


def sine(hz: float, seconds: float, rate_hz: int, *, peak: float = 10_000.0) -> Samples:
    return np.rint(
        peak * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)
    ).astype(np.int16)


def noise(seconds: float, rate_hz: int, *, seed: int = 1) -> Samples:
    rng = np.random.default_rng(seed)
    return rng.integers(-32768, 32768, round(seconds * rate_hz)).astype(np.int16)


def narrow(*channels: Samples, offsets: tuple[int, ...] = ()) -> Recording:
    return Recording(channels, stored_rate_hz=NARROW_RATE_HZ, offsets=offsets)


# Telephone sound, kept at 8 kHz


@pytest.mark.parametrize("hz", [50, 440, 1000, 2500, 3400, 3700])
def test_a_tone_kept_at_8_khz_is_the_same_tone(hz: float) -> None:
    whole = narrow(sine(hz, 1.0, NARROW_RATE_HZ)).view(0, 0.0, 1.0)

    # At the ends there is silence around it.
    inside = slice(400, -400)
    error = whole.astype(int) - sine(hz, 1.0, SAMPLE_RATE_HZ)
    assert np.abs(error[inside]).max() <= 10_000 * 0.012  # 0.1 dB
    assert np.abs(error[inside][::2]).max() <= 1


def test_nothing_is_heard_above_the_telephones_band() -> None:
    sound = (noise(4.0, NARROW_RATE_HZ) / 4).astype(np.int16)

    spectrum = np.abs(np.fft.rfft(narrow(sound).view(0, 0.0, 4.0) * np.hanning(64_000))) ** 2

    at_hz = np.fft.rfftfreq(64_000, 1 / SAMPLE_RATE_HZ)
    above, below = spectrum[at_hz > 4_500].mean(), spectrum[at_hz < 3_500].mean()
    assert 10 * np.log10(above / below) < -65


def filled_in(sound: Samples) -> NDArray[np.float64]:
    """Each value between two samples, from the formula of the filter, one at a time."""
    weights = {}
    for away in np.arange(-31.5, 32.0):
        window = np.i0(8.0 * np.sqrt(1 - (away / 32) ** 2)) / np.i0(8.0)
        weights[away] = float(np.sinc(away) * window)
    values = []
    for number in range(len(sound)):
        value = 0.0
        for at in range(max(0, number - 31), min(len(sound), number + 33)):
            value += int(sound[at]) * weights[number + 0.5 - at]
        values.append(min(max(value, -32768.0), 32767.0))
    return np.array(values)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 200), st.integers(0, 1000))
def test_what_is_filled_in_is_what_the_formula_says(length: int, seed: int) -> None:
    sound = noise(length / NARROW_RATE_HZ, NARROW_RATE_HZ, seed=seed)

    doubled = narrow(sound).view(0, 0.0, 1.0)

    np.testing.assert_array_equal(doubled[::2], sound)
    # The filter is rounded to 15 bits.
    np.testing.assert_allclose(doubled[1::2], filled_in(sound), atol=20)


# Stretches

TIMES_S = st.floats(-0.1, 0.6, allow_nan=False)


@pytest.mark.parametrize("rate_hz", [NARROW_RATE_HZ, SAMPLE_RATE_HZ])
@pytest.mark.parametrize("offsets", [(), (700,)])
@given(start_s=TIMES_S, end_s=TIMES_S)
def test_a_stretch_does_not_depend_on_where_it_is_cut(
    rate_hz: int, offsets: tuple[int, ...], start_s: float, end_s: float
) -> None:
    recording = Recording((noise(0.5, rate_hz),), stored_rate_hz=rate_hz, offsets=offsets)
    whole = recording.view(0, 0.0, 0.5)
    assert len(whole) == 8_000

    stretch = recording.view(0, start_s, end_s)

    start, end = (max(0, round(time_s * SAMPLE_RATE_HZ)) for time_s in (start_s, end_s))
    np.testing.assert_array_equal(stretch, whole[start:end])
    assert stretch.dtype == np.int16


@given(st.lists(st.floats(0.0, 0.5), max_size=8))
def test_stretches_joined_are_the_whole(cuts_s: list[float]) -> None:
    recording = narrow(noise(0.5, NARROW_RATE_HZ))
    times_s = [0.0, *sorted(cuts_s), 0.5]

    parts = [recording.view(0, times_s[i], times_s[i + 1]) for i in range(len(times_s) - 1)]

    np.testing.assert_array_equal(np.concatenate(parts), recording.view(0, 0.0, 0.5))


@pytest.mark.parametrize("rate_hz", [NARROW_RATE_HZ, SAMPLE_RATE_HZ])
def test_samples_are_the_view_from_minus_one_to_one(rate_hz: int) -> None:
    recording = Recording((noise(0.2, rate_hz), noise(0.2, rate_hz, seed=2)), (), rate_hz)

    samples = recording.samples(1, 0.05, 0.15)

    assert samples.dtype == np.float32
    np.testing.assert_array_equal(samples * 32768, recording.view(1, 0.05, 0.15))


def test_what_is_kept_at_16_khz_is_not_copied() -> None:
    sound = noise(0.5, SAMPLE_RATE_HZ)

    assert np.shares_memory(Recording((sound,)).view(0, 0.1, 0.4), sound)


@pytest.mark.parametrize("rate_hz", [NARROW_RATE_HZ, SAMPLE_RATE_HZ])
def test_a_recording_lasts_as_long_as_its_samples_say(rate_hz: int) -> None:
    assert Recording((noise(1.5, rate_hz),), stored_rate_hz=rate_hz).duration_s == 1.5


# Offsets


@pytest.mark.parametrize("rate_hz", [NARROW_RATE_HZ, SAMPLE_RATE_HZ])
def test_an_offset_is_taken_off_its_own_channel_and_no_other(rate_hz: int) -> None:
    sound = sine(440, 1.0, rate_hz)
    recording = Recording((sound, sound + np.int16(3_000)), (), rate_hz, offsets=(0, 3_000))

    left, right = recording.view(0, 0.2, 0.8), recording.view(1, 0.2, 0.8)

    np.testing.assert_array_equal(left, right)


def test_what_would_go_past_full_scale_without_its_offset_stays_there() -> None:
    recording = Recording((np.array([32767, -32768, 0], np.int16),), offsets=(-1_000,))

    assert recording.view(0, 0.0, 1.0).tolist() == [32767, -31768, 1000]
