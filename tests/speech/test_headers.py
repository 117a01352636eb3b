"""What a header promises is believed where it can be, and where it cannot nothing is promised."""

from __future__ import annotations

import struct
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.headers import promised_s, wav_rate_hz
from tests.sounds import encode, samples_of, tone, wav, write

HEARD_S = 1.25


def promised(path: Path) -> float:
    with av.open(str(path)) as container:
        return promised_s(path, container, HEARD_S)


def saved(folder: Path, content: bytes) -> Path:
    path = folder / "call.wav"
    path.write_bytes(content)
    return path


# Promises that are kept by others


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [("flac", "flac"), ("mka", "flac"), ("m4a", "aac"), ("aiff", "pcm_s16be"), ("au", "pcm_mulaw")],
)
def test_a_header_that_tells_the_length_is_believed(
    tmp_path: Path, suffix: str, codec: str
) -> None:
    path = encode(tmp_path / f"call.{suffix}", tone(440, 5), 8000, codec=codec)

    assert promised(path) == pytest.approx(5.0, abs=0.2)


def test_an_mp3_that_counts_its_frames_is_believed_when_it_is_cut(tmp_path: Path) -> None:
    path = encode(tmp_path / "call.mp3", tone(440, 10), 8000, codec="mp3")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])

    assert promised(path) == pytest.approx(10.0, abs=0.5)


@pytest.mark.parametrize("suffix", ["aac", "gsm"])
def test_a_stream_that_tells_no_length_promises_what_was_heard(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"call.{suffix}"
    if suffix == "aac":
        encode(path, tone(440, 5, rate_hz=44100), 44100, codec="aac")
    else:
        write(path, tone(440, 5), 8000, subtype="GSM610", container="RAW")

    assert promised(path) == HEARD_S


def test_an_mp3_without_a_count_promises_what_was_heard(tmp_path: Path) -> None:
    path = encode(tmp_path / "call.mp3", tone(440, 5), 8000, codec="mp3")
    content = path.read_bytes()
    path.write_bytes(content.replace(b"Xing", b"\0" * 4).replace(b"Info", b"\0" * 4))

    assert promised(path) == HEARD_S


# WAV


@pytest.mark.parametrize("kept", [0.1, 0.5, 1.0])
def test_a_wav_promises_as_much_more_as_its_data_is_short(tmp_path: Path, kept: float) -> None:
    data = samples_of(tone(440, 4))
    content = wav(data[: round(len(data) * kept)], promised_bytes=len(data))

    assert promised(saved(tmp_path, content)) == pytest.approx(HEARD_S / kept)


@pytest.mark.parametrize("size", [26, 27, 40_000])
def test_other_chunks_before_the_data_are_no_data(tmp_path: Path, size: int) -> None:
    whole = wav(samples_of(tone(440, 4)))
    # A chunk of odd size is followed by one byte that is not counted.
    chunk = struct.pack("<4sI", b"LIST", size) + bytes(size + size % 2)

    assert promised(saved(tmp_path, whole[:36] + chunk + whole[36:])) == HEARD_S
    assert promised(saved(tmp_path, whole[:36] + chunk + whole[36:-32_000])) == 2 * HEARD_S


@pytest.mark.parametrize("promised_bytes", [0, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_a_length_that_a_streaming_writer_left_open_promises_nothing(
    tmp_path: Path, promised_bytes: int
) -> None:
    content = wav(samples_of(tone(440, 1)), promised_bytes=promised_bytes)

    assert promised(saved(tmp_path, content)) == HEARD_S


@given(st.binary(max_size=400))
def test_no_chunks_however_odd_promise_less_than_was_heard(
    tmp_path_factory: pytest.TempPathFactory, chunks: bytes
) -> None:
    whole = wav(samples_of(tone(440, 0.1)))
    path = saved(tmp_path_factory.getbasetemp(), whole[:36] + chunks + whole[36:])
    try:
        container = av.open(str(path), options={"format_whitelist": "wav"})
    except (av.error.FFmpegError, ValueError):
        return
    with container:
        assert promised_s(path, container, HEARD_S) >= HEARD_S


@pytest.mark.parametrize("rate_hz", [0, 1, 8000, 44100])
def test_the_rate_of_a_wav_is_read(tmp_path: Path, rate_hz: int) -> None:
    assert wav_rate_hz(saved(tmp_path, wav(b"", rate_hz=rate_hz))) == rate_hz


@pytest.mark.parametrize("length", [0, 4, 27])
def test_a_header_cut_off_has_no_rate(tmp_path: Path, length: int) -> None:
    assert wav_rate_hz(saved(tmp_path, wav(b"")[:length])) is None


def test_what_is_no_wav_has_no_rate(tmp_path: Path) -> None:
    assert wav_rate_hz(saved(tmp_path, np.random.default_rng(1).bytes(200))) is None
