"""A speaker's anger: how it lasts, how much of their speech it fills, and where it leads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.conversation import Mood, Turn, Word
from speech.speaker_mood import SpeakerMood, speaker_mood, sustained_anger

THRESHOLD = 0.6


def felt(anger: float | None, start_s: float, end_s: float) -> Turn:
    mood = None if anger is None else Mood(0.1, 0.2, 0.4, 0.3, anger)
    return Turn("A", (Word("x", start_s, end_s, 0.9),), mood)


def known(*turns: Turn) -> SpeakerMood:
    mood = speaker_mood(turns, THRESHOLD)
    assert mood is not None
    return mood


def test_anger_counts_when_it_lasts() -> None:
    outburst, row, calm = felt(0.9, 0, 1), felt(0.6, 5, 8), felt(0.1, 10, 30)

    assert sustained_anger([calm, row, outburst]) == 0.6
    assert sustained_anger([calm, row, outburst], 1.0) == 0.9
    assert sustained_anger([calm, row, outburst], 4.5) == 0.1


def test_outbursts_add_up() -> None:
    assert sustained_anger([felt(0.9, 0, 1), felt(0.1, 1, 9), felt(0.8, 9, 10)]) == 0.8


def test_anger_of_exactly_the_time_that_counts_counts() -> None:
    # 4.35 - 2.35 is a little less than 2 in floating point.
    assert sustained_anger([felt(0.9, 2.35, 4.35), felt(0.1, 5, 20)]) == 0.9


def test_a_call_too_short_to_sustain_anything_has_its_lowest_anger() -> None:
    assert sustained_anger([felt(0.9, 0, 0.5), felt(0.4, 1, 1.5)]) == 0.4


@pytest.mark.parametrize("turns", [[], [felt(None, 0, 10)], [felt(0.5, 3, 3)]])
def test_nobodys_mood_is_no_anger(turns: list[Turn]) -> None:
    assert sustained_anger(turns) is None
    assert speaker_mood(turns, THRESHOLD) is None


def test_turns_without_a_mood_say_nothing_about_anger() -> None:
    assert sustained_anger([felt(None, 0, 10), felt(0.3, 10, 13)]) == 0.3


def test_the_moods_of_a_speaker_are_those_of_their_turns_by_their_length() -> None:
    short = Turn("A", (Word("x", 0, 1, 0.9),), Mood(0.8, 0.1, 0.1, 0.0, anger=0.9))
    long = Turn("A", (Word("x", 1, 4, 0.9),), Mood(0.0, 0.1, 0.5, 0.4, anger=0.1))

    mood = known(short, felt(None, 4, 90), long)

    figures = (mood.angry, mood.happy, mood.neutral, mood.sad)
    assert figures == pytest.approx((0.2, 0.1, 0.4, 0.3))
    assert (mood.label, mood.peak, mood.share) == ("neutral", 0.1, 0.25)
    assert mood.mean == pytest.approx(0.3)


def test_the_second_to_play_is_where_the_angriest_turn_begins() -> None:
    assert known(felt(0.9, 30, 31), felt(0.2, 0, 9), felt(0.7, 12, 20)).at_s == 30
    assert known(felt(0.9, 30, 31), felt(0.9, 12, 20)).at_s == 12


def test_the_trend_says_who_gets_angrier() -> None:
    rising = [felt(0.1, 0, 4), felt(0.5, 10, 14), felt(0.9, 20, 24)]
    falling = [felt(0.9, 0, 4), felt(0.5, 10, 14), felt(0.1, 20, 24)]

    assert known(*rising).trend == pytest.approx(0.8)
    assert known(*reversed(rising)).trend == pytest.approx(0.8)
    assert known(*falling).trend == pytest.approx(-0.8)


def test_a_turn_across_the_border_of_a_third_is_divided() -> None:
    # Thirds of 4 s: the first is the 1 s and 3 s of the next, the last 2 s of that and the 2 s.
    mood = known(felt(0.9, 0, 1), felt(0.5, 1, 10), felt(0.1, 10, 12))
    assert mood.trend == pytest.approx((0.5 * 2 + 0.1 * 2) / 4 - (0.9 * 1 + 0.5 * 3) / 4)


def test_a_trend_takes_three_turns_and_six_seconds() -> None:
    assert known(felt(0.1, 0, 10), felt(0.9, 10, 20), felt(None, 20, 30)).trend is None
    assert known(felt(0.1, 0, 2), felt(0.5, 3, 5), felt(0.9, 6, 7.9)).trend is None
    # 1.95 - 0.05 and the like sum to a little less than 6 in floating point.
    assert known(felt(0.1, 0.1, 2.1), felt(0.5, 2.35, 4.35), felt(0.9, 6.3, 8.3)).trend is not None


ANGER = st.one_of(st.none(), st.integers(0, 10).map(lambda n: n / 10))
TURNS = st.lists(
    st.tuples(ANGER, st.integers(0, 40), st.integers(1, 24)).map(
        lambda turn: felt(turn[0], turn[1] / 8, (turn[1] + turn[2]) / 8)
    ),
    max_size=8,
)


@given(TURNS, st.integers(1, 40).map(lambda n: n / 8))
def test_sustained_anger_is_that_of_the_slow_and_obvious_way(
    turns: list[Turn], at_least_s: float
) -> None:
    angers = sorted({turn.mood.anger for turn in turns if turn.mood}, reverse=True)
    lasting = [
        anger
        for anger in angers
        if sum(t.duration_s for t in turns if t.mood and t.mood.anger >= anger) >= at_least_s
    ]

    expected = lasting[0] if lasting else angers[-1] if angers else None
    assert sustained_anger(turns, at_least_s) == expected


@given(st.lists(st.tuples(ANGER, st.integers(1, 24)), max_size=8))
def test_share_and_trend_are_those_of_the_slow_and_obvious_way(
    said: list[tuple[float | None, int]],
) -> None:
    # Every eighth of a second of speech counts as three, so that each third is a whole number.
    angers = [anger for anger, eighths in said for _ in range(3 * eighths) if anger is not None]
    turns = [felt(anger, 10 * i, 10 * i + eighths / 8) for i, (anger, eighths) in enumerate(said)]

    mood = speaker_mood(turns, THRESHOLD)

    if not angers:
        assert mood is None
        return
    assert mood is not None
    assert mood.mean == pytest.approx(sum(angers) / len(angers))
    assert mood.share == pytest.approx(sum(a >= THRESHOLD for a in angers) / len(angers))
    third = len(angers) // 3
    if sum(anger is not None for anger, _ in said) < 3 or len(angers) < 6 * 8 * 3:
        assert mood.trend is None
    else:
        expected = sum(angers[-third:]) / third - sum(angers[:third]) / third
        assert mood.trend == pytest.approx(expected, abs=1e-9)
