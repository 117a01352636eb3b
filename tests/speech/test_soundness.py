"""What is wrong with the sound is said, what is one sound is heard once, and a stereo call stays a
stereo call.
"""

from __future__ import annotations

import re
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from speech.audio import decode
from speech.recording import NARROW_RATE_HZ, SAMPLE_RATE_HZ, Recording
from speech.soundness import cleaned
from tests.sounds import encode

RATE_HZ = NARROW_RATE_HZ
ROOT = Path(__file__).parents[2]
CALLS = [
    *sorted((ROOT / "samples").glob("*.wav")),
    *sorted((ROOT.parent / "shared" / "data" / "calls").glob("auto-repair-*.flac")),
]
ONE_SOUND = "both channels carry the same sound: heard as one"

Sound = NDArray[np.float64]
"""Of shape (samples,), -1 to 1."""


def voice(seconds: float, *, seed: int = 1, level: float = 0.1) -> Sound:
    """Noise of a voice's loudness in syllables, different for each seed."""
    rng = np.random.default_rng(seed)
    sound = rng.normal(0, level, round(seconds * RATE_HZ))
    return sound * (0.55 + 0.45 * np.sin(2 * np.pi * 3 * np.arange(len(sound)) / RATE_HZ))


def recorded(*channels: Sound, rate_hz: int = RATE_HZ) -> Recording:
    whole = [np.clip(np.rint(channel * 32768), -32768, 32767) for channel in channels]
    return Recording(tuple(channel.astype(np.int16) for channel in whole), (), rate_hz)


def sides(path: Path, *, seconds: float = 60.0) -> tuple[Sound, Sound]:
    """Both sides of a real stereo call at 8 kHz."""
    left, right = decode(path).channels
    length = round(seconds * RATE_HZ)
    return left[:length] / 32768, right[:length] / 32768


def coded(folder: Path, *channels: Sound, codec: str, suffix: str) -> Recording:
    sound = np.clip(np.array(channels, np.float32), -1, 1)
    return decode(encode(folder / f"call.{suffix}", sound, RATE_HZ, codec=codec))


def heard(recording: Recording, channel: int) -> Sound:
    return recording.samples(channel, 0.0, recording.duration_s).astype(float)


# One sound on both sides


@pytest.mark.parametrize("seconds", [0.3, 1.0, 61.2])
@pytest.mark.parametrize("gain", [1.0, -1.0, 0.6, -1.6])
def test_one_sound_on_both_sides_is_heard_once(seconds: float, gain: float) -> None:
    sound = voice(seconds)

    recording = cleaned(recorded(sound, gain * sound))

    assert recording.warnings == (ONE_SOUND,)
    [channel] = recording.channels
    # The louder one, and all of it.
    assert len(channel) == len(sound)
    assert np.abs(channel).max() == pytest.approx(
        32768 * max(1.0, abs(gain)) * np.abs(sound).max(), rel=0.01
    )


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [
        ("pcm_s16le", "wav"),
        ("pcm_mulaw", "wav"),
        ("pcm_alaw", "wav"),
        ("adpcm_ima_wav", "wav"),
        ("mp3", "mp3"),
        ("aac", "m4a"),
        ("libopus", "ogg"),
        ("flac", "flac"),
    ],
)
@pytest.mark.parametrize("call", CALLS[:2], ids=lambda call: call.stem)
def test_a_mono_call_in_stereo_is_heard_once_whatever_codec_it_went_through(
    tmp_path: Path, call: Path, codec: str, suffix: str
) -> None:
    mixed = sum(sides(call, seconds=15.0))

    recording = coded(tmp_path, mixed, mixed, codec=codec, suffix=suffix)

    assert len(recording.channels) == 1
    assert ONE_SOUND in recording.warnings


@pytest.mark.parametrize("codec", ["pcm_mulaw", "pcm_alaw"])
def test_a_mono_call_that_is_softer_on_one_side_is_heard_once(tmp_path: Path, codec: str) -> None:
    mixed = sum(sides(CALLS[0], seconds=15.0))

    recording = coded(tmp_path, 0.75 * mixed, -mixed, codec=codec, suffix="wav")

    assert len(recording.channels) == 1


def test_an_offset_on_one_side_does_not_make_two_sounds_of_one() -> None:
    sound = voice(5.0)

    recording = cleaned(recorded(sound, sound + 0.2))

    assert len(recording.channels) == 1


# Two sides stay two


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.stem)
def test_a_real_stereo_call_is_left_as_it_is(call: Path) -> None:
    recording = decode(call)

    assert len(recording.channels) == 2
    assert recording.warnings == ()
    assert recording.offsets == ()


def later(sound: Sound, delay_s: float) -> Sound:
    delay = round(delay_s * RATE_HZ)
    return np.concatenate([np.zeros(delay), sound[: len(sound) - delay]])


@pytest.mark.parametrize("seconds", [5.0, 60.0])
@pytest.mark.parametrize("delay_s", [0.0, 0.05])
@pytest.mark.parametrize("level_db", [-6.0, -12.0, -20.0])
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.stem)
def test_cross_talk_and_echo_do_not_make_one_side_of_two(
    call: Path, level_db: float, delay_s: float, seconds: float
) -> None:
    left, right = sides(call, seconds=seconds)
    gain = 10 ** (level_db / 20)

    recording = cleaned(
        recorded(
            0.5 * (left + gain * later(right, delay_s)), 0.5 * (right + gain * later(left, delay_s))
        )
    )

    assert len(recording.channels) == 2
    assert recording.warnings == ()


@pytest.mark.parametrize("level_db", [-6.0, -12.0, -20.0])
def test_cross_talk_of_the_only_one_who_speaks_is_no_second_copy(level_db: float) -> None:
    left, _ = sides(CALLS[0])

    recording = cleaned(recorded(left, 10 ** (level_db / 20) * left))

    assert len(recording.channels) == 2


@pytest.mark.parametrize(("codec", "suffix"), [("pcm_mulaw", "wav"), ("mp3", "mp3")])
@pytest.mark.parametrize("call", CALLS[:2], ids=lambda call: call.stem)
def test_a_side_that_carries_the_whole_call_is_not_the_other_side(
    tmp_path: Path, call: Path, codec: str, suffix: str
) -> None:
    left, right = sides(call, seconds=20.0)

    recording = coded(tmp_path, left, left + right, codec=codec, suffix=suffix)

    assert len(recording.channels) == 2


@pytest.mark.parametrize("at_s", [0.0, 30.3, 59.5, 60.0, 124.0, 124.9])
def test_half_a_second_of_another_voice_is_enough_to_make_two_sides(at_s: float) -> None:
    sound = voice(125.4)
    other = np.zeros_like(sound)
    start = round(at_s * RATE_HZ)
    other[start : start + RATE_HZ // 2] = voice(0.5, seed=2)

    assert len(cleaned(recorded(sound, sound)).channels) == 1
    assert len(cleaned(recorded(sound, sound + other)).channels) == 2


def test_a_soft_word_while_the_other_side_is_silent_is_enough() -> None:
    sound = voice(60.0)
    sound[20 * RATE_HZ : 25 * RATE_HZ] *= 0.001
    other = np.zeros_like(sound)
    other[22 * RATE_HZ : 23 * RATE_HZ] = voice(1.0, seed=2, level=0.01)

    assert len(cleaned(recorded(sound, sound + other)).channels) == 2


@settings(deadline=None, max_examples=25)
@given(
    st.floats(0.3, 6.0),
    st.floats(-4.5, 4.5),
    st.sampled_from([-1, 1]),
    st.floats(-60, 0),
)
def test_sides_are_one_sound_when_little_differs_and_two_when_much_does(
    seconds: float, gain_db: float, sign: int, differs_db: float
) -> None:
    sound = voice(seconds, level=0.05)
    gain = sign * 10 ** (gain_db / 20)
    other = gain * (sound + 10 ** (differs_db / 20) * voice(seconds, seed=2, level=0.05))

    channels = len(cleaned(recorded(sound, other)).channels)

    if differs_db < -18.0:
        assert channels == 1
    elif differs_db > -10.0:
        assert channels == 2


# A silent side


@pytest.mark.parametrize(("silent", "name"), [(0, "left"), (1, "right")])
def test_a_silent_side_is_named_and_stays(silent: int, name: str) -> None:
    channels = [voice(2.0), voice(2.0, seed=2)]
    channels[silent][:] = 0

    recording = cleaned(recorded(*channels))

    assert recording.warnings == (f"the {name} channel is silent",)
    assert len(recording.channels) == 2
    assert not recording.channels[silent].any()


def test_a_side_that_only_has_an_offset_is_silent() -> None:
    recording = cleaned(recorded(voice(2.0), np.full(2 * RATE_HZ, 0.1)))

    assert "the right channel is silent" in recording.warnings
    assert not heard(recording, 1).any()


@pytest.mark.parametrize("channels", [1, 2])
def test_a_recording_of_nothing_is_left_as_it_is(channels: int) -> None:
    recording = cleaned(recorded(*[np.zeros(RATE_HZ)] * channels))

    assert len(recording.channels) == channels
    assert recording.warnings == ()


# An offset


@pytest.mark.parametrize("rate_hz", [NARROW_RATE_HZ, SAMPLE_RATE_HZ])
@pytest.mark.parametrize("offset", [0.02, -0.4])
@pytest.mark.parametrize("seconds", [1.0, 61.5])
def test_an_offset_is_removed_with_a_warning(rate_hz: int, offset: float, seconds: float) -> None:
    sound = voice(seconds, level=0.05)

    recording = cleaned(recorded(sound + offset, rate_hz=rate_hz))

    [warning] = recording.warnings
    share = re.fullmatch(r"the recording is (.+)% off zero: corrected", warning)
    assert share
    assert float(share[1]) == pytest.approx(100 * abs(offset), abs=0.2)
    assert heard(recording, 0).mean() == pytest.approx(0.0, abs=0.002)


def test_sides_have_offsets_of_their_own() -> None:
    recording = cleaned(recorded(voice(3.0, level=0.01) + 0.1, voice(3.0, seed=2)))

    assert recording.warnings == ("the left channel is 10.0% off zero: corrected",)
    assert heard(recording, 0).mean() == pytest.approx(0.0, abs=0.002)
    assert heard(recording, 1).mean() == pytest.approx(0.0, abs=0.002)


def test_an_offset_too_small_to_matter_is_left() -> None:
    recording = cleaned(recorded(voice(3.0) + 0.003))

    assert recording.warnings == ()
    assert recording.offsets == ()


def test_a_thump_is_no_offset() -> None:
    sound = voice(20.0)
    sound[5 * RATE_HZ : 6 * RATE_HZ] += 0.4

    assert cleaned(recorded(sound)).offsets == ()


def test_silence_in_place_of_what_was_lost_does_not_hide_an_offset() -> None:
    sound = voice(10.0) + 0.1
    sound[3 * RATE_HZ : 9 * RATE_HZ] = 0

    recording = cleaned(recorded(sound))

    assert recording.samples(0, 0.0, 3.0).mean() == pytest.approx(0.0, abs=0.003)


# Clipping


def too_loud(call: Path, gain_db: float) -> Sound:
    """One side of a call, so much louder than full scale allows."""
    sound, _ = sides(call)
    return np.clip(sound / np.abs(sound).max() * 10 ** (gain_db / 20), -1.0, 1.0)


@pytest.mark.parametrize("gain_db", [10.0, 20.0])
@pytest.mark.parametrize("codec", ["pcm_s16le", "pcm_mulaw", "pcm_alaw"])
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.stem)
def test_clipped_speech_is_heard_with_a_warning(
    tmp_path: Path, call: Path, codec: str, gain_db: float
) -> None:
    recording = coded(tmp_path, too_loud(call, gain_db), codec=codec, suffix="wav")

    [warning] = recording.warnings
    assert warning.startswith("the recording is clipped: ")
    share = int(warning.split()[4].rstrip("%"))
    assert share > (40 if gain_db == 20.0 else 10)


@pytest.mark.parametrize("codec", ["pcm_s16le", "pcm_mulaw", "pcm_alaw", "mp3"])
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.stem)
def test_speech_as_loud_as_it_may_be_is_not_called_clipped(
    tmp_path: Path, call: Path, codec: str
) -> None:
    suffix = "mp3" if codec == "mp3" else "wav"

    recording = coded(tmp_path, too_loud(call, 0.0), codec=codec, suffix=suffix)

    assert np.abs(recording.channels[0].astype(int)).max() > 28_000
    assert recording.warnings == ()


def test_a_few_of_many_loud_samples_at_full_scale_are_not_clipping() -> None:
    recording = recorded(voice(30.0, level=0.4))
    sizes = np.abs(recording.channels[0].astype(int))
    share = (sizes >= 32_000).sum() / (sizes >= 16_384).sum()
    assert 0.02 < share < 0.08

    assert cleaned(recording).warnings == ()


def test_the_side_that_is_clipped_is_named() -> None:
    square = np.sign(np.sin(np.arange(3 * RATE_HZ) + 0.5))

    recording = cleaned(recorded(voice(3.0), square))

    assert recording.warnings == (
        "the right channel is clipped: 100% of its loud samples are at full scale",
    )


def test_a_click_is_not_clipping() -> None:
    sound = voice(5.0, level=0.02)
    sound[1000:1100] = 1.0

    assert cleaned(recorded(sound)).warnings == ()


# Long recordings


def test_a_long_recording_is_not_copied() -> None:
    minutes = 30
    left, right = (np.tile(voice(60.0, seed=seed), minutes) for seed in (1, 2))
    recording = recorded(left + 0.1, right)
    del left, right
    whole_bytes = sum(channel.nbytes for channel in recording.channels)

    tracemalloc.start()
    try:
        result = cleaned(recording)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert result.offsets
    assert peak_bytes < 40e6 < whole_bytes
    for before, after in zip(recording.channels, result.channels, strict=True):
        assert before is after
