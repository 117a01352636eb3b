"""Every kind of recording is heard whole, and every broken one is refused in words."""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech.audio import (
    SAMPLE_RATE_HZ,
    AudioError,
    AudioLimits,
    AudioMissing,
    AudioTooLarge,
    AudioTooLong,
    AudioUnreadable,
    Recording,
    decode,
)
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


def loudest_hz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples.astype(np.float64) * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * SAMPLE_RATE_HZ / len(samples))


def check(recording: Recording, channels: int, *, seconds: float = 2.0) -> None:
    assert len(recording.channels) == channels
    assert recording.duration_s == pytest.approx(seconds, abs=0.1)
    assert recording.warnings == ()
    loud = recording.channels[0]
    assert loud.dtype == np.int16
    assert loudest_hz(loud) == pytest.approx(440.0, abs=3.0)
    # A sine of 0.3 averages 0.19 of full scale; lossy codecs are quieter at the ends.
    assert np.abs(loud.astype(int)).mean() == pytest.approx(6260, rel=0.08)
    for other in recording.channels[1:]:
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

    channels = decode(encode(tmp_path / f"call.{suffix}", sound, 8000, codec=codec)).channels

    assert loudest_hz(channels[on]) == pytest.approx(600, abs=3)
    assert np.abs(channels[1 - on].astype(int)).mean() < 20


def test_the_name_says_nothing_about_the_content(tmp_path: Path) -> None:
    made = encode(tmp_path / "call.mp3", tone(440, 2), 8000, codec="mp3")

    check(decode(made.rename(tmp_path / "call.wav")), 1)


def test_hears_silence_as_silence(tmp_path: Path) -> None:
    heard = decode(saved(tmp_path, "quiet.wav", wav(samples_of(silence(2)))))

    assert heard.duration_s == pytest.approx(2.0, abs=0.01)
    assert not heard.channels[0].any()
    assert heard.warnings == ()


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

    heard = decode(encode(tmp_path / "call.aac", sound, 44100, codec="aac"))

    assert heard.duration_s == pytest.approx(19.0, abs=0.1)
    assert heard.warnings == ()


# What is damaged, and heard up to there


def test_a_wav_that_promises_more_than_it_has_is_heard_with_a_warning(tmp_path: Path) -> None:
    whole = wav(samples_of(tone(440, 6, channels=2)), channels=2)

    heard = decode(saved(tmp_path, "cut.wav", whole[: len(whole) // 3]))

    assert heard.duration_s == pytest.approx(2.0, abs=0.1)
    assert len(heard.channels) == 2
    [warning] = heard.warnings
    assert "6.0 s" in warning
    assert "2.0 s" in warning


def test_a_wav_cut_in_the_middle_of_a_sample_is_heard(tmp_path: Path) -> None:
    whole = wav(samples_of(tone(440, 1, channels=2)), channels=2)

    assert decode(saved(tmp_path, "odd.wav", whole[:-3])).duration_s == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.8])
def test_an_mp3_cut_off_is_heard_up_to_the_cut(tmp_path: Path, share: float) -> None:
    path = encode(tmp_path / "call.mp3", tone(440, 10, channels=2), 8000, codec="mp3")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])

    heard = decode(path)

    assert heard.duration_s == pytest.approx(10 * share, abs=0.4)
    assert loudest_hz(heard.channels[0]) == pytest.approx(440, abs=3)
    assert len(heard.warnings) == 1


def test_a_flac_cut_off_is_heard_up_to_the_cut(tmp_path: Path) -> None:
    path = encode(tmp_path / "call.flac", tone(440, 10), 8000, codec="flac")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    heard = decode(path)

    assert 3.5 < heard.duration_s < 5.5
    assert len(heard.warnings) == 1


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

    heard = decode(path)

    assert heard.duration_s == pytest.approx(6, abs=0.3)
    assert np.abs(heard.channels[1].astype(int)).mean() < 40


def test_what_changes_its_form_on_the_way_keeps_its_channels_of_one_length(tmp_path: Path) -> None:
    stereo = encode(tmp_path / "a.mp3", tone(440, 3, channels=2), 8000, codec="mp3").read_bytes()
    mono = encode(tmp_path / "b.mp3", tone(440, 3, rate_hz=44100), 44100, codec="mp3").read_bytes()

    heard = decode(saved(tmp_path, "call.mp3", stereo + mono))

    assert [len(channel) for channel in heard.channels] == [len(heard.channels[0])] * 2
    assert heard.duration_s >= 2.9
    assert heard.duration_s > 5.0 or heard.warnings


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


def test_six_channels_are_refused_with_what_to_send_instead(tmp_path: Path) -> None:
    path = encode(tmp_path / "call.wav", tone(440, 1, channels=6), 8000, codec="pcm_s16le")

    words = refused(path)

    assert "6 channels" in words
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
        heard = decode(path, AudioLimits(seconds=60))
    except AudioError as error:
        reason = str(error)
    else:
        reason = path.name
        assert len(heard.channels) in (1, 2)
        assert len({len(channel) for channel in heard.channels}) == 1
        assert 0 < heard.duration_s <= 60.1
        assert all(channel.dtype == np.int16 for channel in heard.channels)

    assert path.name in reason
