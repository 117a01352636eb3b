"""One stream's sound stands where its timestamps say, and what was lost is silent: the same as an
obvious reference makes of the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from io import BytesIO
from typing import Any

import av
import av.error
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from speech.track import RESTART_S, SILENT, TOLERANCE_S, Loss, Track

RATE_HZ = 8000
LONGEST_S = 60.0
LAYOUTS = {1: "mono", 2: "stereo", 4: "quad"}

Sound = NDArray[np.int16]
"""Of shape (channels, samples)."""
Block = tuple[float, Sound]
"""The time that a packet is stamped with, and its sound."""


def noise(seconds: float, *, channels: int = 1, seed: int = 1) -> Sound:
    rng = np.random.default_rng(seed)
    sound = rng.integers(-3000, 3001, (channels, round(seconds * RATE_HZ))).astype(np.int16)
    sound[:, 0] = 3000  # nothing of it is taken for a silent line
    return sound


def packets(sounds: Sequence[Sound], rate_hz: int = RATE_HZ) -> list[Any]:
    """Each sound as a packet of PCM that can be decoded."""
    file = BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream: Any = container.add_stream(
            "pcm_s16le", rate=rate_hz, layout=LAYOUTS[len(sounds[0])]
        )
        at = 0
        for sound in sounds:
            packet: Any = av.Packet(np.ascontiguousarray(sound.T).astype("<i2").tobytes())
            packet.stream, packet.time_base = stream, Fraction(1, rate_hz)
            packet.pts = packet.dts = at
            container.mux(packet)
            at += sound.shape[1]
    file.seek(0)
    with av.open(file) as container:
        return [packet for packet in container.demux(audio=0) if packet.size]


def told(track: Track, *blocks: Block) -> Track:
    """The track when it has heard the blocks."""
    for (stamp_s, _), packet in zip(blocks, packets([sound for _, sound in blocks]), strict=True):
        packet.pts = round(stamp_s / packet.time_base)
        track.hear(packet)
    track.finish()
    return track


def sound_of(track: Track, length: int = 0) -> Sound:
    return np.array(track.channels(length))


# Timestamps


def test_what_is_missing_is_silent_and_what_follows_keeps_its_time() -> None:
    one, two, three = noise(0.5), noise(0.25, seed=2), noise(0.5, seed=3)

    track = told(Track(RATE_HZ, longest_s=LONGEST_S), (7.0, one), (9.0, two), (9.25, three))

    expected = np.concatenate([one, np.zeros((1, 12_000), np.int16), two, three], axis=1)
    np.testing.assert_array_equal(sound_of(track), expected)
    assert track.losses == [Loss(0.5, 1.5)]
    assert track.heard_s == 2.75
    assert track.errors == []


def laid_out(blocks: Sequence[Block]) -> tuple[Sound, float]:
    """The blocks on one timeline from the first one's stamp, and the seconds that are missing."""
    timeline: list[int] = []
    missing_s, zero_s = 0.0, blocks[0][0]
    for stamp_s, sound in blocks:
        late_s = stamp_s - zero_s - len(timeline) / RATE_HZ
        if late_s < -RESTART_S or stamp_s - zero_s > LONGEST_S:
            zero_s = stamp_s - len(timeline) / RATE_HZ
        elif late_s > TOLERANCE_S:
            timeline += [0] * round(late_s * RATE_HZ)
            missing_s += late_s
        timeline += sound[0].tolist()
    return np.array([timeline], np.int16), missing_s


MILLISECONDS = st.one_of(
    st.integers(-90, 90), st.integers(110, 3000), st.integers(-9000, -1500), st.just(10**6)
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 300), MILLISECONDS), min_size=1, max_size=8))
def test_blocks_stand_where_an_obvious_reference_puts_them(steps: list[tuple[int, int]]) -> None:
    blocks: list[Block] = []
    stamp_ms = 20_000
    for seed, (length_ms, gap_ms) in enumerate(steps):
        blocks.append((stamp_ms / 1000, noise(length_ms / 1000, seed=seed)))
        stamp_ms = max(0, stamp_ms + length_ms + gap_ms)

    track = told(Track(RATE_HZ, longest_s=LONGEST_S), *blocks)

    expected, missing_s = laid_out(blocks)
    np.testing.assert_array_equal(sound_of(track), expected)
    assert sum(loss.lost_s for loss in track.losses) == pytest.approx(missing_s, abs=1e-6)


@pytest.mark.parametrize("step_s", [TOLERANCE_S - 0.01, -TOLERANCE_S, -RESTART_S + 0.01])
def test_stamps_that_stray_a_little_move_nothing(step_s: float) -> None:
    sound = noise(2.0)
    blocks = ((3.0, sound[:, :8000]), (4.0 + step_s, sound[:, 8000:]))

    track = told(Track(RATE_HZ, longest_s=LONGEST_S), *blocks)

    np.testing.assert_array_equal(sound_of(track), sound)
    assert track.losses == []


def test_a_clock_that_begins_anew_is_another_part_and_follows_at_once() -> None:
    one, two, three = noise(2.0), noise(1.0, seed=2), noise(1.0, seed=3)

    track = told(Track(RATE_HZ, longest_s=LONGEST_S), (500.0, one), (0.0, two), (1.5, three))

    expected = np.concatenate([one, two, np.zeros((1, 4000), np.int16), three], axis=1)
    np.testing.assert_array_equal(sound_of(track), expected)
    assert track.losses == [Loss(3.0, 0.5)]


def test_a_stamp_that_cannot_be_true_costs_nothing() -> None:
    track = told(Track(RATE_HZ, longest_s=10.0), (0.0, noise(1.0)), (1e6, noise(1.0)))

    assert track.length == 2 * RATE_HZ
    assert track.losses == []


def test_the_recording_begins_at_its_zero_not_at_the_first_sound() -> None:
    track = told(Track(RATE_HZ, longest_s=LONGEST_S, zero_s=5.0), (6.5, noise(1.0)))

    assert track.losses == [Loss(0.0, 1.5)]
    assert not sound_of(track)[:, : round(1.5 * RATE_HZ)].any()
    assert track.heard_s == 2.5


def test_a_stream_that_joins_in_later_has_lost_nothing() -> None:
    track = Track(RATE_HZ, longest_s=LONGEST_S, zero_s=5.0, waits_s=1.5)
    assert track.heard_s == 0.0

    told(track, (6.5, noise(1.0)))

    assert track.losses == []
    assert track.heard_s == 2.5
    np.testing.assert_array_equal(sound_of(track)[:, round(1.5 * RATE_HZ) :], noise(1.0))


# Silence


def test_a_line_on_which_nothing_is_sent_is_silent_and_costs_nothing() -> None:
    sound = noise(1.0, channels=4)
    sound[1] = 0
    sound[3] = np.resize(np.array([SILENT, -SILENT], np.int16), RATE_HZ)

    track = told(Track(RATE_HZ, longest_s=LONGEST_S), (0.0, sound))

    assert track.sounding == 2
    heard = sound_of(track)
    np.testing.assert_array_equal(heard[[0, 2]], sound[[0, 2]])
    assert not heard[[1, 3]].any()


def test_a_line_that_wakes_up_late_keeps_its_time() -> None:
    quiet, loud = noise(1.0, channels=2), noise(1.0, channels=2, seed=2)
    quiet[1] = 0

    track = told(Track(RATE_HZ, longest_s=LONGEST_S), (0.0, quiet), (1.0, loud), (4.0, loud))

    gap = np.zeros((2, 2 * RATE_HZ), np.int16)
    np.testing.assert_array_equal(sound_of(track), np.concatenate([quiet, loud, gap, loud], axis=1))


def test_channels_are_filled_up_with_silence_to_the_length_asked_for() -> None:
    sound = noise(0.5, channels=2)

    heard = sound_of(told(Track(RATE_HZ, longest_s=LONGEST_S), (0.0, sound)), 5000)

    assert heard.shape == (2, 5000)
    np.testing.assert_array_equal(heard[:, :4000], sound)
    assert not heard[:, 4000:].any()


def test_a_stream_of_which_nothing_was_heard_is_one_silent_channel() -> None:
    track = Track(RATE_HZ, longest_s=LONGEST_S)

    assert sound_of(track, 100).shape == (1, 100)
    assert track.heard_s == 0.0
    assert track.sounding == 0


# Packets that cannot be decoded


def flac_packets() -> list[Any]:
    """Three seconds of noise in FLAC, whose decoder knows a damaged packet."""
    file = BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream: Any = container.add_stream("flac", rate=RATE_HZ, layout="mono")
        frame = av.AudioFrame.from_ndarray(noise(3.0), format="s16", layout="mono")
        frame.sample_rate, frame.pts = RATE_HZ, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as container:
        return [packet for packet in container.demux(audio=0) if packet.size]


def broken(packet: Any) -> Any:
    """The packet with nothing but zeros in it."""
    packet.update(bytes(packet.size))
    return packet


@pytest.mark.parametrize("last", [False, True])
def test_a_packet_that_cannot_be_decoded_is_silent(last: bool) -> None:
    sent = flac_packets()
    lost = len(sent) - 1 if last else len(sent) // 2
    start_s = float(sent[lost].pts * sent[lost].time_base)
    track = Track(RATE_HZ, longest_s=LONGEST_S)

    for number, packet in enumerate(sent):
        track.hear(broken(packet) if number == lost else packet)
    track.finish()

    assert len(track.errors) == 1
    assert track.ends_damaged is last
    heard, sound = sound_of(track), noise(3.0)
    if last:
        assert track.heard_s == pytest.approx(start_s, abs=0.002)
        assert track.losses == []
    else:
        assert track.heard_s == pytest.approx(3.0, abs=0.002)
        [loss] = track.losses
        assert loss.at_s == pytest.approx(start_s, abs=0.002)
        np.testing.assert_array_equal(heard[:, -4000:], sound[:, -4000:])
    before = round(start_s * RATE_HZ) - 100
    np.testing.assert_array_equal(heard[:, :before], sound[:, :before])


# Other rates


def test_a_rate_that_changes_on_the_way_changes_neither_pitch_nor_time() -> None:
    def sine(hz: float, rate_hz: int) -> Sound:
        wave = 8000 * np.sin(2 * np.pi * hz * np.arange(2 * rate_hz) / rate_hz)
        return wave.astype(np.int16).reshape(1, -1)

    track = Track(16_000, longest_s=LONGEST_S)
    for hz, rate_hz, stamp_s in ((440, 8000, 0.0), (700, 44_100, 2.0), (1000, 16_000, 4.0)):
        [packet] = packets([sine(hz, rate_hz)], rate_hz)
        packet.pts = round(stamp_s / packet.time_base)
        track.hear(packet)
    track.finish()

    heard = sound_of(track)[0].astype(float)
    assert len(heard) == pytest.approx(6 * 16_000, abs=100)
    for number, hz in enumerate((440, 700, 1000)):
        part = heard[number * 32_000 + 2000 : (number + 1) * 32_000 - 2000]
        spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part))))
        assert np.argmax(spectrum) * 16_000 / len(part) == pytest.approx(hz, abs=1)
