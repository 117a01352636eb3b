"""Speech is found in order, packed into windows whole, and mapped back to the recording's clock."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.activity import (
    LONGEST_SPAN_S,
    SHORTEST_WORD_S,
    WINDOW_S,
    Span,
    Window,
    pack,
    speech_spans,
)
from speech.audio import decode
from speech.recording import SAMPLE_RATE_HZ, Recording
from tests.sounds import Sound, silence, tone

SAMPLE = Path(__file__).parents[2] / "samples" / "bearing-enquiry.wav"
CLOCK_S = 1e-6


def recorded(*channels: Sound) -> Recording:
    return Recording(tuple((channel[0] * 32767).astype(np.int16) for channel in channels))


@pytest.fixture(scope="module")
def enquiry() -> Recording:
    return decode(SAMPLE)


@pytest.fixture(scope="module")
def monologue(enquiry: Recording) -> Recording:
    """Three seconds of the agent's speech over and over for more than a minute, without a pause."""
    return Recording((np.tile(enquiry.view(0, 9.1, 12.3), 21),))


# Where somebody speaks


@pytest.mark.parametrize("seconds", [1 / SAMPLE_RATE_HZ, 0.02, 0.5, 20.0])
def test_nobody_speaks_in_silence(seconds: float) -> None:
    assert speech_spans(recorded(silence(seconds, rate_hz=SAMPLE_RATE_HZ)), 0) == []


def test_nobody_speaks_in_noise_or_tones() -> None:
    noise = np.random.default_rng(1).normal(0, 0.05, (1, 160_000)).astype(np.float32)
    beep = tone(440, 10, rate_hz=SAMPLE_RATE_HZ)
    offset = np.full((1, 160_000), 0.4, np.float32)

    recording = recorded(noise, beep, offset)

    assert [speech_spans(recording, channel) for channel in range(3)] == [[], [], []]


def in_order(spans: list[Span]) -> bool:
    return all(one.end_s <= next_.start_s for one, next_ in pairwise(spans))


@pytest.mark.parametrize("channel", [0, 1])
def test_speech_is_found_in_order_on_its_own_channel(enquiry: Recording, channel: int) -> None:
    spans = speech_spans(enquiry, channel)

    assert len(spans) >= 4
    assert {span.channel for span in spans} == {channel}
    assert in_order(spans)
    assert all(span.duration_s > 0.3 for span in spans)
    assert spans[0].start_s >= 0
    assert spans[-1].end_s <= enquiry.duration_s


def test_speech_is_found_where_the_script_has_it(enquiry: Recording) -> None:
    agent, customer = speech_spans(enquiry, 0), speech_spans(enquiry, 1)

    assert agent[0].start_s == pytest.approx(0.6, abs=0.3)
    assert agent[0].end_s == pytest.approx(4.35, abs=0.3)
    assert customer[0].start_s == pytest.approx(5.05, abs=0.3)


def test_an_unbroken_monologue_is_cut_into_spans_that_fit_a_window(monologue: Recording) -> None:
    spans = speech_spans(monologue, 0)

    assert max(span.duration_s for span in spans) <= LONGEST_SPAN_S
    assert in_order(spans)
    # Nothing is lost where it was cut.
    assert sum(span.duration_s for span in spans) > 0.9 * monologue.duration_s > 60.0


# Packing

LENGTH_S = st.integers(1, 3000).map(lambda hundredths: hundredths / 100)


@st.composite
def spoken(draw: st.DrawFn, *, longest: int = 30) -> list[Span]:
    """Spans of up to three channels, in order and apart on each, one channel after the other."""
    spans = []
    for channel in range(draw(st.integers(1, 3))):
        at_s = 0.0
        for pause_s, length_s in draw(st.lists(st.tuples(LENGTH_S, LENGTH_S), max_size=longest)):
            start_s = round(at_s + pause_s, 2)
            at_s = round(start_s + length_s, 2)
            spans.append(Span(channel, start_s, at_s))
    return spans


@given(spoken())
def test_windows_hold_every_span_once_in_order_and_no_two_channels(spans: list[Span]) -> None:
    windows = pack(spans)

    for window in windows:
        assert window.duration_s <= WINDOW_S + CLOCK_S or len(window.spans) == 1
        assert {span.channel for span in window.spans} == {window.channel}
    for channel in range(3):
        packed = [span for window in windows for span in window.spans if span.channel == channel]
        assert packed == [span for span in spans if span.channel == channel]


@given(spoken())
def test_channels_may_arrive_mixed(spans: list[Span]) -> None:
    by_time = sorted(spans, key=lambda span: span.start_s)

    assert sorted(map(repr, pack(by_time))) == sorted(map(repr, pack(spans)))


@given(spoken())
def test_there_are_no_more_windows_than_filling_one_after_the_other_makes(
    spans: list[Span],
) -> None:
    for channel in range(3):
        count, room_s = 0, 0.0
        for span in (span for span in spans if span.channel == channel):
            if not count or span.duration_s > room_s:
                count, room_s = count + 1, WINDOW_S
            room_s -= span.duration_s
        assert len([window for window in pack(spans) if window.channel == channel]) <= count


def test_nothing_packs_into_nothing() -> None:
    assert pack([]) == []


def test_a_windows_sound_is_its_spans_without_what_lies_between() -> None:
    ramp = np.arange(4 * SAMPLE_RATE_HZ) % 30_000
    recording = Recording((np.zeros(len(ramp), np.int16), ramp.astype(np.int16)))

    sound = Window((Span(1, 0.5, 1.0), Span(1, 2.0, 2.25))).samples(recording)

    expected = np.concatenate([ramp[8000:16000], ramp[32000:36000]]) / 32768
    np.testing.assert_allclose(sound, expected, atol=1e-6)
    assert sound.dtype == np.float32


# Back to the recording's clock

THREE = Window((Span(0, 10.0, 14.0), Span(0, 20.0, 21.0), Span(0, 50.0, 58.0)))


@pytest.mark.parametrize(
    ("inside", "on_the_clock"),
    [
        ((0.0, 1.0), (10.0, 11.0)),
        ((3.0, 4.0), (13.0, 14.0)),
        ((4.0, 5.0), (20.0, 21.0)),
        ((4.25, 4.75), (20.25, 20.75)),
        ((5.0, 6.0), (50.0, 51.0)),
        ((12.0, 13.0), (57.0, 58.0)),
        # Across a border: the larger part decides, and the rest is cut off.
        ((3.5, 4.25), (13.5, 14.0)),
        ((3.75, 4.5), (20.0, 20.5)),
        # Past the end of the window, where alignment may put a last word.
        ((12.5, 14.0), (57.5, 58.0)),
        # A word of no length still has some.
        ((2.0, 2.0), (11.95, 12.0)),
        ((0.0, 0.0), (10.0, 10.05)),
    ],
)
def test_times_in_a_window_are_times_of_the_recording(
    inside: tuple[float, float], on_the_clock: tuple[float, float]
) -> None:
    assert THREE.place(*inside)[1:] == pytest.approx(on_the_clock)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    spans, at_s = [], 0.0
    for pause, length in draw(
        st.lists(st.tuples(st.integers(0, 500), st.integers(10, 900)), min_size=1, max_size=6)
    ):
        start_s = round(at_s + pause / 100, 2)
        at_s = round(start_s + length / 100, 2)
        spans.append(Span(0, start_s, at_s))
    return Window(tuple(spans))


TIMES_S = st.lists(st.integers(0, 3200).map(lambda n: n / 100), min_size=2, max_size=2).map(sorted)


def shared_s(window: Window, start_s: float, end_s: float) -> list[float]:
    """The seconds that a time in the window has in common with each span; below 0: how far off."""
    shares, offset_s = [], 0.0
    for span in window.spans:
        shares.append(min(end_s, offset_s + span.duration_s) - max(start_s, offset_s))
        offset_s += span.duration_s
    return shares


@given(windows(), TIMES_S)
def test_a_word_lands_within_the_span_that_it_shares_most_with(
    window: Window, times: list[float]
) -> None:
    shares = shared_s(window, *times)

    start_s, end_s = window.place(*times)[1:]

    best = [
        span
        for span, share in zip(window.spans, shares, strict=True)
        if share >= max(shares) - CLOCK_S
    ]
    assert any(span.start_s - CLOCK_S <= start_s < end_s <= span.end_s + CLOCK_S for span in best)


@given(windows(), TIMES_S)
def test_a_word_keeps_its_length_up_to_the_span(window: Window, times: list[float]) -> None:
    start_s, end_s = window.place(*times)[1:]

    length_s = max(times[1] - times[0], SHORTEST_WORD_S)
    assert end_s - start_s <= length_s + CLOCK_S
    assert end_s - start_s >= min(SHORTEST_WORD_S, *(s.duration_s for s in window.spans)) - CLOCK_S


@given(windows(), TIMES_S, TIMES_S)
def test_a_later_word_is_never_heard_before_an_earlier_one(
    window: Window, one: list[float], other: list[float]
) -> None:
    earlier = min(one[0], other[0]), min(one[1], other[1])
    later = max(one[0], other[0]), max(one[1], other[1])

    heard, heard_later = window.place(*earlier)[1:], window.place(*later)[1:]

    # Two spans may be shared to the same hundredth; then rounding decides.
    if len({round(share, 5) for share in shared_s(window, *earlier)}) == len(window.spans):
        assert heard[0] <= heard_later[0] + CLOCK_S
        assert heard[1] <= heard_later[1] + CLOCK_S


@given(windows(), st.data())
def test_a_word_well_inside_a_span_comes_back_to_where_it_was_said(
    window: Window, data: st.DataObject
) -> None:
    which = data.draw(st.integers(0, len(window.spans) - 1))
    span = window.spans[which]
    steps = round(span.duration_s * 100)
    first = data.draw(st.integers(0, steps - 5)) / 100
    last = data.draw(st.integers(round(first * 100) + 5, steps)) / 100
    offset_s = sum(earlier.duration_s for earlier in window.spans[:which])

    heard = window.place(offset_s + first, offset_s + last)[1:]

    assert heard == pytest.approx((span.start_s + first, span.start_s + last), abs=CLOCK_S)


PADDED = Window((Span(0, 10.0, 12.0, 0.25, 0.25), Span(0, 20.0, 22.0, 0.25, 0.25)))


@pytest.mark.parametrize(
    ("inside", "span", "on_the_clock"),
    [
        # Alignment lets the first word after a pause begin at the end of the last one before it.
        ((1.6, 2.5), 1, (20.25, 20.5)),
        ((1.5, 1.9), 0, (11.5, 11.75)),
        ((1.4, 2.2), 0, (11.4, 11.75)),
        ((0.0, 0.5), 0, (10.25, 10.5)),
        ((3.5, 4.0), 1, (21.5, 21.75)),
    ],
)
def test_a_word_is_placed_where_there_is_speech_not_in_the_padding(
    inside: tuple[float, float], span: int, on_the_clock: tuple[float, float]
) -> None:
    number, *times = PADDED.place(*inside)

    assert number == span
    assert times == pytest.approx(on_the_clock)
