"""Every kind of recording is heard whole, and every broken one is refused in words."""

from __future__ import annotations

import ctypes
import os
import re
import socket
import struct
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settings import PREFIX, Settings
from speech.audio import (
    AudioError,
    AudioLimits,
    AudioMissing,
    AudioTooLarge,
    AudioTooLong,
    AudioUnreadable,
    decode,
)
from speech.recording import SAMPLE_RATE_HZ, Recording
from tests.sounds import (
    UNKNOWN_CODEC,
    Sound,
    encode,
    film,
    playlist,
    samples_of,
    silence,
    tone,
    wav,
    write,
)
from workers.station import audio_limits

LETTER = b"Dear Sir or Madam, enclosed you will find no sound at all.\n" * 40

BY_FFMPEG = {
    "pcm": ("pcm_s16le", "wav"),
    "mu-law": ("pcm_mulaw", "wav"),
    "a-law": ("pcm_alaw", "wav"),
    "adpcm": ("adpcm_ima_wav", "wav"),
    "mp3": ("mp3", "mp3"),
    "flac": ("flac", "flac"),
    "aac": ("aac", "m4a"),
    "matroska": ("flac", "mka"),
    "w64": ("pcm_s16le", "w64"),
    "aiff": ("pcm_s16be", "aiff"),
    "au": ("pcm_mulaw", "au"),
    "caf": ("pcm_s16le", "caf"),
}
BY_SNDFILE = {
    "mu-law": ("ULAW", "WAV"),
    "a-law": ("ALAW", "WAV"),
    "24 bit": ("PCM_24", "WAV"),
    "float": ("FLOAT", "WAV"),
    "wav extensible": ("PCM_16", "WAVEX"),
    "rf64": ("PCM_16", "RF64"),
    "vorbis": ("VORBIS", "OGG"),
    "mp3": ("MPEG_LAYER_III", "MP3"),
    "flac": ("PCM_16", "FLAC"),
}


def saved(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def refused(path: Path, kind: type[AudioError] = AudioUnreadable) -> str:
    """The words with which `path` is refused: they name the file, and nothing of the machine."""
    with pytest.raises(AudioError) as caught:
        decode(path)
    words = str(caught.value)
    assert type(caught.value) is kind
    assert path.name in words
    assert str(path.parent) not in words
    return words


def heard(recording: Recording, channel: int = 0) -> np.ndarray:
    """A whole channel, int16 at 16 kHz."""
    return recording.view(channel, 0.0, recording.duration_s)


def both(left: Sound, right: Sound) -> Sound:
    """Two sides as one stereo sound."""
    return np.concatenate([left, right])


def loudest_hz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples.astype(np.float64) * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * SAMPLE_RATE_HZ / len(samples))


def check(recording: Recording, channels: int, *, seconds: float = 2.0) -> None:
    assert len(recording.channels) == channels
    assert recording.duration_s == pytest.approx(seconds, abs=0.1)
    assert set(recording.warnings) <= {"the right channel is silent"}
    loud = heard(recording)
    assert loud.dtype == np.int16
    assert loudest_hz(loud) == pytest.approx(440.0, abs=3.0)
    # A sine of 0.3 averages 0.19 of full scale; lossy codecs are quieter at the ends.
    assert np.abs(loud.astype(int)).mean() == pytest.approx(6260, rel=0.08)
    for other in map(partial(heard, recording), range(1, channels)):
        assert len(other) == len(loud)
        assert np.abs(other.astype(int)).mean() < 40


# What is heard


@pytest.mark.parametrize("channels", [1, 2], ids=["mono", "stereo"])
@pytest.mark.parametrize("rate_hz", [8000, 44100])
@pytest.mark.parametrize("form", BY_FFMPEG)
def test_hears_what_ffmpeg_writes(tmp_path: Path, form: str, rate_hz: int, channels: int) -> None:
    codec, suffix = BY_FFMPEG[form]
    sound = tone(440, 2, rate_hz=rate_hz, channels=channels)

    path = encode(tmp_path / f"call.{suffix}", sound, rate_hz, codec=codec)

    check(decode(path), channels)


@pytest.mark.parametrize("channels", [1, 2], ids=["mono", "stereo"])
@pytest.mark.parametrize("rate_hz", [8000, 44100])
@pytest.mark.parametrize("form", BY_SNDFILE)
def test_hears_what_libsndfile_writes(
    tmp_path: Path, form: str, rate_hz: int, channels: int
) -> None:
    subtype, container = BY_SNDFILE[form]
    suffix = "wav" if container in ("WAVEX", "RF64") else container.lower()
    sound = tone(440, 2, rate_hz=rate_hz, channels=channels)

    path = write(tmp_path / f"call.{suffix}", sound, rate_hz, subtype=subtype, container=container)

    check(decode(path), channels)


def test_hears_gsm_in_wav(tmp_path: Path) -> None:
    path = write(tmp_path / "call.wav", tone(440, 2), 8000, subtype="GSM610", container="WAV")

    check(decode(path), 1)


def test_hears_bare_gsm(tmp_path: Path) -> None:
    path = write(tmp_path / "call.gsm", tone(440, 2), 8000, subtype="GSM610", container="RAW")

    check(decode(path), 1)


def test_hears_opus_in_ogg(tmp_path: Path) -> None:
    sound = tone(440, 2, channels=2)

    check(decode(encode(tmp_path / "call.ogg", sound, 8000, codec="libopus")), 2)


@pytest.mark.parametrize("on", [0, 1], ids=["left", "right"])
@pytest.mark.parametrize(
    ("codec", "suffix"), [("pcm_mulaw", "wav"), ("mp3", "mp3"), ("flac", "flac")]
)
def test_a_tone_on_one_side_stays_on_that_side(
    tmp_path: Path, codec: str, suffix: str, on: int
) -> None:
    sound = tone(600, 1, channels=2, on=on)

    recording = decode(encode(tmp_path / f"call.{suffix}", sound, 8000, codec=codec))

    assert loudest_hz(heard(recording, on)) == pytest.approx(600, abs=3)
    assert np.abs(heard(recording, 1 - on).astype(int)).mean() < 20


def test_the_name_says_nothing_about_the_content(tmp_path: Path) -> None:
    made = encode(tmp_path / "call.mp3", tone(440, 2), 8000, codec="mp3")

    check(decode(made.rename(tmp_path / "call.wav")), 1)


def test_hears_silence_as_silence(tmp_path: Path) -> None:
    recording = decode(saved(tmp_path, "quiet.wav", wav(samples_of(silence(2)))))

    assert recording.duration_s == pytest.approx(2.0, abs=0.01)
    assert not recording.channels[0].any()
    assert recording.warnings == ()


def test_a_call_of_a_tenth_of_a_second_is_heard(tmp_path: Path) -> None:
    path = saved(tmp_path, "short.wav", wav(samples_of(tone(440, 0.1))))

    assert decode(path).duration_s == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize("name", ["call:12.wav", "10:30.wav", "file:x.wav", "50 %d.wav", "зов.wav"])
def test_a_name_is_never_taken_for_an_address_or_a_pattern(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)

    check(decode(saved(Path(), name, wav(samples_of(tone(440, 2))))), 1)


def test_samples_between_two_times(tmp_path: Path) -> None:
    sound = np.concatenate([silence(1), tone(440, 1), silence(1)], axis=1)
    recording = decode(saved(tmp_path, "call.wav", wav(samples_of(sound))))

    part = recording.samples(0, 1.1, 1.6)

    assert part.dtype == np.float32
    assert len(part) == 8000
    assert np.abs(part).max() == pytest.approx(0.3, abs=0.02)
    assert len(recording.samples(0, -1.0, 0.5)) == 8000
    assert len(recording.samples(0, 2.5, 99.0)) == pytest.approx(8000, abs=10)
    assert len(recording.samples(0, 99.0, 100.0)) == 0


# What telephone systems write into headers


@pytest.mark.parametrize("promised", [0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 0x80000000])
def test_a_length_left_open_by_a_streaming_writer_is_no_damage(
    tmp_path: Path, promised: int
) -> None:
    content = wav(samples_of(tone(440, 2)), promised_bytes=promised)

    check(decode(saved(tmp_path, "streamed.wav", content)), 1)


def test_a_compressed_stream_without_a_length_is_not_called_cut_short(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    noise = rng.normal(0, 0.3, (1, 4 * 44100)).astype(np.float32)
    sound: Sound = np.concatenate([silence(15, rate_hz=44100), noise], axis=1)

    recording = decode(encode(tmp_path / "call.aac", sound, 44100, codec="aac"))

    assert recording.duration_s == pytest.approx(19.0, abs=0.1)
    assert recording.warnings == ()


# What telephone systems send that is no plain call


def streams(path: Path, *sides: tuple[Sound, float], jump_s: float = 0.0) -> Path:
    """Sound at 8 kHz and the second it begins at, each a stream of its own.

    `jump_s` is added to the times of the second half of each.
    """
    codec = "aac" if path.suffix == ".mp4" else "flac"
    with av.open(str(path), "w") as container:
        tracks: list[Any] = [container.add_stream(codec, rate=8000, layout="mono") for _ in sides]
        for stream, (sound, start_s) in zip(tracks, sides, strict=True):
            half = sound.shape[1] // 2
            for at in range(0, sound.shape[1], 800):
                block = (sound[:, at : at + 800] * 32767).astype(np.int16)
                frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
                jump = round(jump_s * 8000) if at >= half else 0
                frame.sample_rate, frame.pts = 8000, at + round(start_s * 8000) + jump
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return path


def sounds_s(recording: Recording, channel: int) -> tuple[float, float]:
    """When the first and the last sound of a channel are heard."""
    loud = np.flatnonzero(np.abs(heard(recording, channel).astype(int)) > 3000)
    return float(loud[0] / SAMPLE_RATE_HZ), float(loud[-1] / SAMPLE_RATE_HZ)


@pytest.mark.parametrize("suffix", ["mka", "mp4"])
@pytest.mark.parametrize("shorter", [0, 1])
def test_two_mono_streams_of_different_length_are_the_sides_of_a_call(
    tmp_path: Path, suffix: str, shorter: int
) -> None:
    seconds = [6.0, 6.0]
    seconds[shorter] = 3.0
    left, right = tone(440, seconds[0]), tone(700, seconds[1])

    recording = decode(streams(tmp_path / f"call.{suffix}", (left, 0.0), (right, 0.0)))

    assert recording.duration_s == pytest.approx(6.0, abs=0.1)
    assert len({len(channel) for channel in recording.channels}) == 1
    for channel, hz in enumerate((440, 700)):
        assert loudest_hz(heard(recording, channel)) == pytest.approx(hz, abs=3)
        assert sounds_s(recording, channel) == pytest.approx((0.0, seconds[channel]), abs=0.1)
    [warning] = recording.warnings
    assert f"the {('left', 'right')[shorter]} " in warning
    assert re.findall(r"\d\.\d", warning)[shorter][0] == "3"


@pytest.mark.parametrize("suffix", ["mka", "mp4"])
def test_a_side_that_joins_in_later_keeps_its_time(tmp_path: Path, suffix: str) -> None:
    path = streams(tmp_path / f"call.{suffix}", (tone(440, 6), 0.0), (tone(700, 3), 2.5))

    recording = decode(path)

    assert sounds_s(recording, 1) == pytest.approx((2.5, 5.5), abs=0.1)
    assert recording.warnings == ()


def test_two_mono_streams_of_one_sound_are_heard_once(tmp_path: Path) -> None:
    path = streams(tmp_path / "call.mka", (tone(440, 3), 0.0), (tone(440, 3), 0.0))

    assert len(decode(path).channels) == 1


def test_of_more_streams_only_the_first_is_heard(tmp_path: Path) -> None:
    sides = [(tone(hz, 2), 0.0) for hz in (440, 600, 800)]

    recording = decode(streams(tmp_path / "call.mka", *sides))

    check(replace(recording, warnings=()), 1)
    assert recording.warnings == ("the file has 3 audio streams; only the first is heard",)


@pytest.mark.parametrize("on", [0, 1], ids=["left", "right"])
@pytest.mark.parametrize("codec", ["pcm_s16le", "pcm_mulaw", "pcm_alaw"])
def test_a_side_of_digital_silence_is_named(tmp_path: Path, codec: str, on: int) -> None:
    sound = tone(440, 2, channels=2, on=on)

    recording = decode(encode(tmp_path / "call.wav", sound, 8000, codec=codec))

    assert len(recording.channels) == 2
    assert not heard(recording, 1 - on).any()
    assert recording.warnings == (f"the {('right', 'left')[on]} channel is silent",)


@pytest.mark.parametrize("rate_hz", [8000, 44100])
@pytest.mark.parametrize("form", BY_FFMPEG)
def test_a_mono_call_in_stereo_is_heard_once(tmp_path: Path, form: str, rate_hz: int) -> None:
    codec, suffix = BY_FFMPEG[form]
    sound = both(tone(440, 2, rate_hz=rate_hz), tone(440, 2, rate_hz=rate_hz))

    recording = decode(encode(tmp_path / f"call.{suffix}", sound, rate_hz, codec=codec))

    check(replace(recording, warnings=()), 1)
    assert recording.warnings == ("both channels carry the same sound: heard as one",)


def of_many(folder: Path, channels: int, sounding: Sequence[int]) -> Path:
    """Two seconds on many channels, those named sounding at 440 Hz, 540 Hz and so on."""
    sound = silence(2, channels=channels)
    for number, channel in enumerate(sounding):
        sound[channel] = tone(440 + 100 * number, 2)
    return saved(folder, "call.wav", wav(samples_of(sound), channels=channels))


@pytest.mark.parametrize("sounding", [(0, 1), (0, 2), (1, 3)])
@pytest.mark.parametrize("channels", [4, 8])
def test_two_of_many_channels_are_heard_where_the_rest_are_silent(
    tmp_path: Path, channels: int, sounding: tuple[int, int]
) -> None:
    recording = decode(of_many(tmp_path, channels, sounding))

    assert len(recording.channels) == 2
    assert loudest_hz(heard(recording, 0)) == pytest.approx(440, abs=3)
    assert loudest_hz(heard(recording, 1)) == pytest.approx(540, abs=3)
    [warning] = recording.warnings
    assert f"of {channels} channels {sounding[0] + 1} and {sounding[1] + 1} can" in warning


def test_one_of_four_channels_is_heard_as_mono(tmp_path: Path) -> None:
    recording = decode(of_many(tmp_path, 4, [2]))

    check(replace(recording, warnings=()), 1)
    assert "of 4 channels 3 can" in recording.warnings[0]


def test_four_silent_channels_are_one(tmp_path: Path) -> None:
    recording = decode(of_many(tmp_path, 4, []))

    assert len(recording.channels) == 1
    assert recording.duration_s == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("suffix", "codec", "first_hz", "then_hz"),
    [
        ("mp3", "mp3", 44100, 8000),
        ("mp3", "mp3", 8000, 44100),
        ("aac", "aac", 44100, 8000),
        ("aac", "aac", 8000, 44100),
        ("ogg", "flac", 44100, 8000),
    ],
)
def test_a_sample_rate_that_changes_on_the_way_changes_neither_pitch_nor_time(
    tmp_path: Path, suffix: str, codec: str, first_hz: int, then_hz: int
) -> None:
    parts = [
        encode(
            tmp_path / f"{rate_hz}.{suffix}", tone(hz, 3, rate_hz=rate_hz), rate_hz, codec=codec
        ).read_bytes()
        for hz, rate_hz in ((440, first_hz), (700, then_hz))
    ]

    recording = decode(saved(tmp_path, f"call.{suffix}", b"".join(parts)))

    # Each part has a block of silence at its ends, of up to 0.2 s at 8 kHz.
    assert recording.duration_s == pytest.approx(6.2, abs=0.25)
    assert loudest_hz(recording.view(0, 0.3, 2.7)) == pytest.approx(440, abs=3)
    assert loudest_hz(recording.view(0, 3.5, 5.9)) == pytest.approx(700, abs=3)


@pytest.mark.parametrize("codec", ["pcm_s16le", "pcm_mulaw"])
def test_a_clipped_recording_is_heard_with_a_warning(tmp_path: Path, codec: str) -> None:
    sound = np.clip(10 * tone(440, 2), -1, 1)

    recording = decode(encode(tmp_path / "call.wav", sound, 8000, codec=codec))

    assert loudest_hz(heard(recording)) == pytest.approx(440, abs=3)
    [warning] = recording.warnings
    assert "is clipped" in warning


@pytest.mark.parametrize("rate_hz", [8000, 44100])
@pytest.mark.parametrize("codec", ["pcm_s16le", "pcm_mulaw", "flac"])
def test_an_offset_is_not_heard(tmp_path: Path, codec: str, rate_hz: int) -> None:
    sound = tone(440, 2, rate_hz=rate_hz) + np.float32(0.25)
    suffix = "flac" if codec == "flac" else "wav"

    recording = decode(encode(tmp_path / f"call.{suffix}", sound, rate_hz, codec=codec))

    check(replace(recording, warnings=()), 1)
    assert abs(heard(recording)[800:-800].astype(int).mean()) < 40
    [warning] = recording.warnings
    assert "25" in warning
    assert "off zero" in warning


@pytest.mark.parametrize("channels", [1, 2], ids=["mono", "stereo"])
def test_a_call_of_one_second_is_heard_whole(tmp_path: Path, channels: int) -> None:
    sound = tone(440, 1) if channels == 1 else both(tone(440, 1), tone(700, 1))

    recording = decode(saved(tmp_path, "call.wav", wav(samples_of(sound), channels=channels)))

    assert recording.duration_s == 1.0
    assert len(recording.samples(0, 0.0, 1.0)) == SAMPLE_RATE_HZ
    assert len(recording.channels) == channels
    assert recording.warnings == ()


# What is damaged in the middle, where what follows keeps its time

DAMAGED = {
    "mp3": ("mp3", "mp3", 8000),
    "mp3 at 44.1 kHz": ("mp3", "mp3", 44100),
    "aac": ("m4a", "aac", 44100),
    "flac": ("flac", "flac", 8000),
    "flac in ogg": ("ogg", "flac", 8000),
    "flac in matroska": ("mka", "flac", 8000),
    "opus": ("ogg", "libopus", 48000),
}


def beeps(seconds: int, rate_hz: int) -> Sound:
    """A beep at each half second after a whole one, over soft noise."""
    sound = np.random.default_rng(1).normal(0, 0.003, (1, seconds * rate_hz)).astype(np.float32)
    beep = tone(1000, 0.2, rate_hz=rate_hz)[0]
    for second in range(seconds):
        start = round((second + 0.5) * rate_hz)
        sound[0, start : start + len(beep)] += beep
    return sound


def beeps_s(recording: Recording) -> list[float]:
    """Where beeps begin, to a tenth of a second."""
    loudness = np.convolve(np.abs(heard(recording).astype(float)), np.full(320, 1 / 320), "same")
    return [
        round(float(start) / SAMPLE_RATE_HZ, 1)
        for start in np.flatnonzero(np.diff((loudness > 2000).astype(int)) == 1)
    ]


def lost_s(recording: Recording) -> float:
    """How much a warning says is missing."""
    [said] = re.findall(r"silent here: .*?([\d.]+) s in all", " ".join(recording.warnings))
    return float(said)


@pytest.mark.parametrize("kind", ["zeros", "noise", "ones"])
@pytest.mark.parametrize("form", DAMAGED)
def test_what_follows_a_damage_keeps_its_time(tmp_path: Path, form: str, kind: str) -> None:
    suffix, codec, rate_hz = DAMAGED[form]
    path = encode(tmp_path / f"call.{suffix}", beeps(20, rate_hz), rate_hz, codec=codec)
    content = path.read_bytes()
    start, end = round(len(content) * 0.4), round(len(content) * 0.5)
    bad = {
        "zeros": bytes(end - start),
        "noise": np.random.default_rng(2).bytes(end - start),
        "ones": b"\xff" * (end - start),
    }[kind]
    path.write_bytes(content[:start] + bad + content[end:])

    recording = decode(path)

    assert recording.duration_s == pytest.approx(20.0, abs=0.15)
    expected = {second + 0.5 for second in range(20)}
    on_time = {at_s for at_s in beeps_s(recording) if min(abs(at_s - e) for e in expected) < 0.15}
    # Matroska goes on with its next cluster, up to 5 s later.
    assert {6.5, 16.5, 17.5, 18.5} <= {round(at_s * 2) / 2 for at_s in on_time}
    assert 1.0 < lost_s(recording) < 8.0


def test_a_second_damage_moves_nothing_either(tmp_path: Path) -> None:
    path = encode(tmp_path / "call.mp3", beeps(30, 8000), 8000, codec="mp3")
    content = path.read_bytes()
    for share in (0.2, 0.4, 0.6):
        start, end = round(len(content) * share), round(len(content) * (share + 0.1))
        content = content[:start] + bytes(end - start) + content[end:]
    path.write_bytes(content)

    recording = decode(path)

    assert recording.duration_s == pytest.approx(30.0, abs=0.3)
    last = beeps_s(recording)[-5:]
    assert last == pytest.approx([25.5, 26.5, 27.5, 28.5, 29.5], abs=0.25)
    assert lost_s(recording) == pytest.approx(9.0, abs=1.0)
    assert "3 stretches" in recording.warnings[0]


# What is damaged, and heard up to there


def test_a_wav_that_promises_more_than_it_has_is_heard_with_a_warning(tmp_path: Path) -> None:
    whole = wav(samples_of(both(tone(440, 6), tone(700, 6))), channels=2)

    recording = decode(saved(tmp_path, "cut.wav", whole[: len(whole) // 3]))

    assert recording.duration_s == pytest.approx(2.0, abs=0.1)
    assert len(recording.channels) == 2
    [warning] = recording.warnings
    assert "6.0 s" in warning
    assert "2.0 s" in warning


def test_a_wav_cut_in_the_middle_of_a_sample_is_heard(tmp_path: Path) -> None:
    whole = wav(samples_of(tone(440, 1, channels=2)), channels=2)

    assert decode(saved(tmp_path, "odd.wav", whole[:-3])).duration_s == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.8])
def test_an_mp3_cut_off_is_heard_up_to_the_cut(tmp_path: Path, share: float) -> None:
    path = encode(tmp_path / "call.mp3", tone(440, 10, channels=2), 8000, codec="mp3")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])

    recording = decode(path)

    assert recording.duration_s == pytest.approx(10 * share, abs=0.4)
    assert loudest_hz(heard(recording)) == pytest.approx(440, abs=3)
    assert len(recording.warnings) == 1


def test_a_flac_cut_off_is_heard_up_to_the_cut(tmp_path: Path) -> None:
    path = encode(tmp_path / "call.flac", tone(440, 10), 8000, codec="flac")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    recording = decode(path)

    assert 3.5 < recording.duration_s < 5.5
    assert len(recording.warnings) == 1


def test_an_ogg_cut_off_is_heard_up_to_the_cut(tmp_path: Path) -> None:
    path = encode(tmp_path / "call.ogg", tone(440, 10), 8000, codec="libopus")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    assert 3.0 < decode(path).duration_s < 6.0


def test_an_mp3_without_its_beginning_is_heard_from_there(tmp_path: Path) -> None:
    path = encode(tmp_path / "call.mp3", tone(440, 10), 8000, codec="mp3")
    path.write_bytes(path.read_bytes()[777:])

    assert decode(path).duration_s == pytest.approx(10, abs=1.0)


def test_an_mp3_written_in_two_parts_is_heard_in_both(tmp_path: Path) -> None:
    path = encode(tmp_path / "call.mp3", tone(440, 3, channels=2), 8000, codec="mp3")
    path.write_bytes(path.read_bytes() * 2)

    recording = decode(path)

    assert recording.duration_s == pytest.approx(6, abs=0.3)
    assert np.abs(recording.channels[1].astype(int)).mean() < 40


def test_what_changes_its_form_on_the_way_keeps_its_channels_of_one_length(tmp_path: Path) -> None:
    stereo = encode(tmp_path / "a.mp3", tone(440, 3, channels=2), 8000, codec="mp3").read_bytes()
    mono = encode(tmp_path / "b.mp3", tone(440, 3, rate_hz=44100), 44100, codec="mp3").read_bytes()

    recording = decode(saved(tmp_path, "call.mp3", stereo + mono))

    assert [len(channel) for channel in recording.channels] == [len(recording.channels[0])] * 2
    assert recording.duration_s >= 2.9
    assert recording.duration_s > 5.0 or recording.warnings


# What is refused


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    assert "empty" in refused(saved(tmp_path, "call.wav", b""))


@pytest.mark.parametrize("suffix", ["wav", "mp3", "ogg", "flac", "aiff", "m4a", "mka", "txt", ""])
def test_a_text_file_is_refused_whatever_its_name(tmp_path: Path, suffix: str) -> None:
    assert refused(saved(tmp_path, f"letter.{suffix}", LETTER))


@pytest.mark.parametrize("suffix", ["wav", "mp3", "ogg", "flac", "aiff", "m4a", "mka", "bin"])
def test_random_bytes_are_refused_whatever_their_name(tmp_path: Path, suffix: str) -> None:
    content = np.random.default_rng(3).bytes(20_000)

    assert refused(saved(tmp_path, f"noise.{suffix}", content))


def test_no_channels_are_refused(tmp_path: Path) -> None:
    content = wav(samples_of(tone(440, 1)), channels=0)

    assert "0 channels" in refused(saved(tmp_path, "call.wav", content))


def test_a_rate_of_nothing_is_refused(tmp_path: Path) -> None:
    assert refused(saved(tmp_path, "call.wav", wav(samples_of(tone(440, 1)), rate_hz=0)))


@pytest.mark.parametrize("rate_hz", [1, 200_000_003, 0x7FFFFFFF])
def test_a_rate_that_no_recorder_has_is_refused_before_it_costs_memory(
    tmp_path: Path, rate_hz: int
) -> None:
    content = wav(samples_of(tone(440, 0.1)), rate_hz=rate_hz)

    assert f"{rate_hz} Hz" in refused(saved(tmp_path, "call.wav", content))


@pytest.mark.parametrize(("channels", "sounding"), [(3, 3), (6, 3), (6, 6), (9, 1)])
def test_more_sides_than_a_call_has_are_refused_with_what_to_send_instead(
    tmp_path: Path, channels: int, sounding: int
) -> None:
    words = refused(of_many(tmp_path, channels, range(sounding)))

    assert f"{channels} channels" in words
    assert "mono" in words


def test_a_header_without_sound_is_refused(tmp_path: Path) -> None:
    assert "no audio" in refused(saved(tmp_path, "call.wav", wav(b"")))


@pytest.mark.parametrize("kept", [4, 12, 20, 43, 44, 45])
def test_a_header_cut_off_is_refused(tmp_path: Path, kept: int) -> None:
    assert refused(saved(tmp_path, "call.wav", wav(samples_of(tone(440, 1)))[:kept]))


@pytest.mark.parametrize("codec", [0, UNKNOWN_CODEC])
def test_a_codec_that_nobody_knows_is_refused(tmp_path: Path, codec: int) -> None:
    assert refused(saved(tmp_path, "call.wav", wav(samples_of(tone(440, 1)), codec=codec)))


def test_samples_of_no_bits_are_refused(tmp_path: Path) -> None:
    assert refused(saved(tmp_path, "call.wav", wav(samples_of(tone(440, 1)), bits=0)))


def test_pictures_without_sound_are_refused(tmp_path: Path) -> None:
    assert "no audio stream" in refused(film(tmp_path / "call.mp4"))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "call.wav", AudioMissing)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "calls.wav"
    folder.mkdir()

    assert refused(folder, AudioMissing)


@pytest.mark.parametrize("name", ["x" * 300 + ".wav", "a\0b.wav", "call.wav/call.wav"])
def test_a_name_that_no_file_can_have_is_refused(tmp_path: Path, name: str) -> None:
    saved(tmp_path, "call.wav", wav(samples_of(tone(440, 1))))

    with pytest.raises(AudioMissing):
        decode(tmp_path / name)


@pytest.mark.parametrize(
    ("suffix", "codec"), [("wav", "pcm_mulaw"), ("mp3", "mp3"), ("flac", "flac"), ("mka", "flac")]
)
def test_a_recording_longer_than_the_limit_is_refused(
    tmp_path: Path, suffix: str, codec: str
) -> None:
    path = encode(tmp_path / f"call.{suffix}", tone(440, 3), 8000, codec=codec)

    with pytest.raises(AudioTooLong, match="limit") as caught:
        decode(path, AudioLimits(seconds=2.5))

    assert path.name in str(caught.value)
    assert decode(path, AudioLimits(seconds=3.5)).duration_s == pytest.approx(3, abs=0.1)


def test_a_recording_that_hides_its_length_is_refused_all_the_same(tmp_path: Path) -> None:
    content = wav(samples_of(tone(440, 3)), promised_bytes=0)

    with pytest.raises(AudioTooLong):
        decode(saved(tmp_path, "call.wav", content), AudioLimits(seconds=2.5))


def test_a_recording_of_more_bytes_than_the_limit_is_refused(tmp_path: Path) -> None:
    content = wav(samples_of(tone(440, 1)))
    path = saved(tmp_path, "call.wav", content)

    with pytest.raises(AudioTooLarge, match=r"call\.wav .*limit"):
        decode(path, AudioLimits(bytes=len(content) - 1))

    check(decode(path, AudioLimits(bytes=len(content))), 1, seconds=1.0)


@pytest.mark.parametrize("suffix", ["wav", "flac", "mka"])
def test_a_recording_that_takes_more_memory_than_the_limit_is_refused(
    tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"call.{suffix}"
    codec = "pcm_s16le" if suffix == "wav" else "flac"
    encode(path, both(tone(440, 10), tone(700, 10)), 8000, codec=codec)
    decoded_bytes = 2 * 2 * 80_000

    with pytest.raises(AudioTooLarge, match=rf"call\.{suffix} .*limit"):
        decode(path, AudioLimits(decoded_bytes=decoded_bytes - 20_000))

    assert len(decode(path, AudioLimits(decoded_bytes=decoded_bytes)).channels) == 2


def test_a_silent_side_takes_no_memory(tmp_path: Path) -> None:
    path = saved(tmp_path, "call.wav", wav(samples_of(tone(440, 10, channels=2)), channels=2))

    assert len(decode(path, AudioLimits(decoded_bytes=2 * 80_000)).channels) == 2


def test_a_rate_that_is_never_heard_takes_twice_the_memory(tmp_path: Path) -> None:
    sound = tone(440, 10, rate_hz=44_100)
    path = encode(tmp_path / "call.flac", sound, 44_100, codec="flac")

    with pytest.raises(AudioTooLarge):
        decode(path, AudioLimits(decoded_bytes=2 * 80_000))
    decode(path, AudioLimits(decoded_bytes=4 * 80_000))


def test_a_stamp_hours_ahead_costs_no_memory(tmp_path: Path) -> None:
    path = streams(tmp_path / "call.mka", (tone(440, 2), 0.0), jump_s=3 * 3600.0)

    recording = decode(path, AudioLimits(decoded_bytes=1_000_000))

    assert recording.duration_s == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("name", ["max_audio_s", "max_audio_mb", "max_decoded_mb"])
def test_a_limit_is_a_setting_that_its_error_names(tmp_path: Path, name: str) -> None:
    path = saved(tmp_path, "call.wav", wav(samples_of(tone(440, 70))))
    least = Settings.model_validate({name: 1})

    with pytest.raises(AudioError, match=rf"\({PREFIX}{name.upper()}\)"):
        decode(path, audio_limits(least))

    assert audio_limits(Settings()) == AudioLimits()


# What must not be opened


@contextmanager
def watched(folder: Path) -> Iterator[list[str]]:
    """Names of the files in `folder` that anybody opens meanwhile, known at the end (inotify)."""
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(os.O_NONBLOCK)
    in_open = 0x20
    assert watch >= 0
    assert libc.inotify_add_watch(watch, os.fsencode(folder), in_open) >= 0
    opened: list[str] = []
    try:
        yield opened
        try:
            events = os.read(watch, 65536)
        except BlockingIOError:
            events = b""
        while events:
            length = struct.unpack_from("iIII", events)[3]
            opened.append(events[16 : 16 + length].rstrip(b"\0").decode())
            events = events[16 + length :]
    finally:
        os.close(watch)


LISTS = ["hls", "concat", "dash", "asf reference", "sdp"]


@pytest.mark.skipif(sys.platform != "linux", reason="files are watched with inotify")
@pytest.mark.parametrize("suffix", ["m3u8", "wav", "mp3"])
@pytest.mark.parametrize("kind", LISTS)
def test_a_list_of_other_files_is_refused_and_they_stay_closed(
    tmp_path: Path, kind: str, suffix: str
) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    target = saved(secrets, "secret.wav", wav(samples_of(tone(440, 2))))

    with watched(secrets) as opened:
        refused(saved(tmp_path, f"a.{suffix}", playlist(kind, str(target))))
        refused(saved(tmp_path, f"b.{suffix}", playlist(kind, "secrets/secret.wav")))
    assert opened == []

    with watched(secrets) as opened:
        decode(target)
    assert "secret.wav" in opened


@pytest.mark.parametrize("kind", LISTS)
def test_a_list_of_addresses_is_refused_and_nobody_is_called(tmp_path: Path, kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/call.wav"

        refused(saved(tmp_path, "call.wav", playlist(kind, address)))

        with pytest.raises(BlockingIOError):
            server.accept()


def test_an_address_is_no_recording() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)

        with pytest.raises(AudioMissing):
            decode(Path(f"http://127.0.0.1:{server.getsockname()[1]}/call.wav"))

        with pytest.raises(BlockingIOError):
            server.accept()


# Whatever the bytes


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Half a second of stereo in several forms."""
    folder = tmp_path_factory.mktemp("small")
    sound = tone(440, 0.5, channels=2)
    return {
        "wav": wav(samples_of(sound), channels=2),
        "mp3": encode(folder / "x.mp3", sound, 8000, codec="mp3").read_bytes(),
        "flac": encode(folder / "x.flac", sound, 8000, codec="flac").read_bytes(),
    }


Edit = tuple[str, int, bytes]
EDITS: st.SearchStrategy[list[Edit]] = st.lists(
    st.tuples(
        st.sampled_from(["change", "insert", "delete"]),
        # Damage to headers finds more than damage to sound.
        st.one_of(st.integers(0, 63), st.integers(0, 1 << 16)),
        st.binary(min_size=1, max_size=8),
    ),
    min_size=1,
    max_size=8,
)


def damaged(content: bytes, edits: list[Edit]) -> bytes:
    for what, where, new in edits:
        at = where % max(1, len(content))
        removed = 0 if what == "insert" else len(new)
        content = content[:at] + (b"" if what == "delete" else new) + content[at + removed :]
    return content


@pytest.mark.parametrize("suffix", ["wav", "mp3", "flac"])
@given(edits=EDITS)
@settings(max_examples=150, deadline=None)
def test_any_damage_gives_a_recording_or_a_reason(
    small: dict[str, bytes],
    tmp_path_factory: pytest.TempPathFactory,
    suffix: str,
    edits: list[Edit],
) -> None:
    path = tmp_path_factory.getbasetemp() / f"damaged.{suffix}"
    path.write_bytes(damaged(small[suffix], edits))

    try:
        recording = decode(path, AudioLimits(seconds=60))
    except AudioError as error:
        reason = str(error)
    else:
        reason = path.name
        assert len(recording.channels) in (1, 2)
        assert len({len(channel) for channel in recording.channels}) == 1
        assert 0 < recording.duration_s <= 60.1
        assert all(channel.dtype == np.int16 for channel in recording.channels)

    assert path.name in reason
