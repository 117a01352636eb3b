"""Languages are decided from all speech of a call, each second of it alike."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.activity import Span, Window
from speech.languages import THRESHOLD, WINDOWS_ASKED, Language, decide, pinned, spread

Heard = tuple[Window, Mapping[str, float]]


def window(channel: int, seconds: float, start_s: float = 0.0) -> Window:
    return Window((Span(channel, start_s, start_s + seconds),))


def heard(channel: int, seconds: float, **shares: float) -> Heard:
    return window(channel, seconds), shares


# What is decided


def test_one_language_is_everybodys() -> None:
    found = decide([heard(0, 10, en=0.9, ru=0.1), heard(1, 20, en=0.6, ru=0.4)])

    assert found.call == found.guess
    assert found.call is not None
    assert found.call.code == "en"
    assert found.call.probability == pytest.approx((9 + 12) / 30)
    assert found.channels == {0: "en", 1: "en"}


def test_seconds_weigh_not_windows() -> None:
    short = [heard(0, 1, en=1.0) for _ in range(5)]

    found = decide([*short, heard(0, 20, ru=1.0)])

    assert found.call == Language("ru", pytest.approx(20 / 25))


@pytest.mark.parametrize("split", [1, 2, 5])
def test_how_speech_is_cut_into_windows_changes_nothing(split: int) -> None:
    pieces = [heard(0, 20 / split, en=0.3, ru=0.7) for _ in range(split)]

    found = decide([*pieces, heard(1, 9, en=0.8, ru=0.2)])

    assert found.guess == Language("ru", pytest.approx((14 + 1.8) / 29))
    assert found.channels == {0: "ru", 1: "en"}


def test_a_channel_with_little_speech_follows_the_call() -> None:
    little, much = heard(1, 1.5, ru=0.7, en=0.3), heard(0, 60, en=0.98, ru=0.02)

    assert decide([much, little]).channels == {0: "en", 1: "en"}
    assert decide([little]).channels == {1: "ru"}


def test_two_channels_that_speak_enough_may_differ() -> None:
    found = decide([heard(0, 60, en=0.95, ru=0.05), heard(1, 20, ru=0.9, en=0.1)])

    assert found.channels == {0: "en", 1: "ru"}
    assert found.call is not None
    assert found.call.code == "en"


def test_what_is_not_probable_enough_is_guessed_and_not_claimed() -> None:
    unclear = [heard(0, 10, ru=0.4, uk=0.35, bg=0.25), heard(1, 2, uk=0.45, ru=0.3, bg=0.25)]

    found = decide(unclear)

    assert found.call is None
    assert found.guess is not None
    assert found.guess.code == "ru"
    assert found.guess.probability == pytest.approx(4.6 / 12)
    assert found.channels == {0: "ru", 1: "ru"}
    assert decide(unclear, threshold=0.3).call == found.guess


def test_a_language_is_claimed_at_the_threshold() -> None:
    assert decide([heard(0, 8, en=THRESHOLD, ru=0.25)]).call == Language("en", THRESHOLD)


def test_no_speech_has_no_language() -> None:
    for nothing in ([], [heard(0, 0.0, en=1.0)]):
        found = decide(nothing)
        assert (found.call, found.guess, dict(found.channels)) == (None, None, {})


@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.floats(0.1, 30), st.floats(0, 1)), min_size=1, max_size=20
    )
)
def test_probabilities_are_means_over_seconds(said: list[tuple[int, float, float]]) -> None:
    found = decide([heard(channel, s, en=share, ru=1 - share) for channel, s, share in said])

    english = sum(s * share for _, s, share in said) / sum(s for _, s, _ in said)
    assert found.guess is not None
    assert found.guess.probability == pytest.approx(max(english, 1 - english))
    assert found.guess.probability is not None
    assert found.guess.probability <= 1.0
    assert set(found.channels) == {channel for channel, *_ in said}
    assert set(found.channels.values()) <= {"en", "ru"}


def test_a_pinned_language_is_everybodys_and_has_no_probability() -> None:
    found = pinned("ru", (0, 1, 1, 0))

    assert found.call == Language("ru", None)
    assert found.channels == {0: "ru", 1: "ru"}


# Who is asked


@given(st.lists(st.integers(0, 2), max_size=200))
def test_every_channel_is_asked_all_over_the_call(channels: list[int]) -> None:
    windows = [window(channel, 10.0, 20.0 * n) for n, channel in enumerate(channels)]

    places = spread(windows)

    assert places == sorted(set(places))
    for channel in set(channels):
        own = [n for n, other in enumerate(channels) if other == channel]
        asked = [own.index(place) for place in places if channels[place] == channel]
        assert len(asked) == min(len(own), WINDOWS_ASKED)
        assert asked[0] == 0
        # Evenly: no gap is longer than another by more than a window, up to the end.
        gaps = [b - a for a, b in pairwise([*asked, len(own)])]
        assert max(gaps) - min(gaps) <= 1


def test_nobody_is_asked_where_nobody_speaks() -> None:
    assert spread([]) == []
