"""How a conversation went, on turns made by hand; and the same figures as slow, obvious references
find.
"""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.backchannels import is_backchannel
from speech.conversation import Turn, Word, build_turns
from speech.talk import Interruption, Silence, SpeakerTalk, TalkMetrics, talk_metrics


def turns_of(*lines: str) -> list[Turn]:
    """Turns from "A 0-5 where is my order", their words spread evenly; in order of their start."""
    turns = []
    for line in lines:
        speaker, times, text = line.split(maxsplit=2)
        start_s, end_s = (float(time) for time in times.split("-"))
        words = text.split()
        step_s = (end_s - start_s) / len(words)
        at_s = [start_s + i * step_s for i in range(len(words))] + [end_s]
        turns.append(
            Turn(
                speaker,
                tuple(Word(word, at_s[i], at_s[i + 1], 0.9) for i, word in enumerate(words)),
            )
        )
    return sorted(turns, key=lambda turn: (turn.start_s, turn.end_s, turn.speaker))


def talk(*lines: str, duration_s: float | None = None, channels: int = 2) -> TalkMetrics:
    """The metrics of these turns; the recording ends with the last of them, unless told."""
    turns = turns_of(*lines)
    ends_s = max((turn.end_s for turn in turns), default=0.0)
    return talk_metrics(
        turns, duration_s=ends_s if duration_s is None else duration_s, channels=channels
    )


def part(metrics: TalkMetrics, name: str) -> SpeakerTalk:
    [one] = [speaker for speaker in metrics.speakers if speaker.name == name]
    return one


def interruptions(*lines: str) -> list[tuple[str, float]]:
    found = talk(*lines).interruptions
    assert found is not None
    return [(one.speaker, one.start_s) for one in found]


# Talk time, ratio, words per minute


def test_talk_is_timed_and_shared_out() -> None:
    metrics = talk("A 0-6 good morning", "B 7-9 hello", "A 10-12 bye")

    assert [speaker.name for speaker in metrics.speakers] == ["A", "B"]
    assert (part(metrics, "A").talk_s, part(metrics, "B").talk_s) == (8.0, 2.0)
    assert (part(metrics, "A").talk_ratio, part(metrics, "B").talk_ratio) == (0.8, 0.2)


def test_whoever_speaks_alone_has_all_the_talk() -> None:
    assert part(talk("A 2-6 anybody there"), "A").talk_ratio == 1.0


def test_talk_counts_for_both_where_they_overlap() -> None:
    metrics = talk("A 0-6 one two three", "B 4-8 four five")

    assert [speaker.talk_s for speaker in metrics.speakers] == [6.0, 4.0]
    assert [speaker.talk_ratio for speaker in metrics.speakers] == [0.6, 0.4]
    assert metrics.overlap_s == 2.0


def test_words_are_counted_per_minute_of_ones_own_talk() -> None:
    metrics = talk("A 0-2 one two three four", "B 2-60 hm", "A 60-62 five six")

    assert part(metrics, "A").words_per_minute == pytest.approx(6 / 4 * 60)


def test_a_dash_is_no_word() -> None:
    assert part(talk("A 0-2 yes — no"), "A").words_per_minute == pytest.approx(60.0)


def test_words_without_length_have_no_tempo_and_an_equal_share() -> None:
    metrics = talk("A 1-1 yes", "B 2-2 no")

    assert [speaker.words_per_minute for speaker in metrics.speakers] == [None, None]
    assert [speaker.talk_ratio for speaker in metrics.speakers] == [0.5, 0.5]


# Silences


@pytest.mark.parametrize(("again_s", "silences"), [(4.0, 0), (8.0, 0), (8.01, 1), (60.0, 1)])
def test_a_silence_lasts_more_than_three_seconds(again_s: float, silences: int) -> None:
    metrics = talk("A 0-5 one moment", f"B {again_s}-70 hello")

    assert metrics.silences == (Silence(5.0, again_s),) * silences
    assert metrics.silence_s == metrics.longest_silence_s == (again_s - 5.0) * silences


def test_silences_are_in_order_and_summed() -> None:
    metrics = talk("A 0-1 one", "A 5-6 two", "B 12-13 three", "A 15-16 four")

    assert metrics.silences == (Silence(1.0, 5.0), Silence(6.0, 12.0))
    assert (metrics.silence_s, metrics.longest_silence_s) == (10.0, 6.0)
    assert metrics.silences[1].duration_s == 6.0


def test_a_backchannel_breaks_a_silence() -> None:
    assert talk("A 0-1 one", "B 3-3.4 mm-hm", "A 6-7 two").silences == ()


def test_nobody_is_silent_while_a_long_turn_runs_behind_a_short_one() -> None:
    assert talk("A 0-10 one two three", "B 1-2 four", "B 11-12 five").silences == ()


def test_a_recording_that_runs_on_ends_in_silence() -> None:
    assert talk("A 0-5 please hold", duration_s=65.0).silences == (Silence(5.0, 65.0),)
    assert talk("A 0-5 please hold", duration_s=8.0).silences == ()


def test_ringing_before_the_first_word_is_no_silence() -> None:
    assert talk("A 20-25 good morning").silences == ()


# Monologues


def test_a_monologue_goes_on_over_turns_until_somebody_else_begins() -> None:
    metrics = talk("A 0-10 one", "A 12-20 two", "B 21-25 three", "A 26-30 four")

    assert part(metrics, "A").longest_monologue_s == 20.0
    assert part(metrics, "B").longest_monologue_s == 4.0


def test_a_backchannel_ends_no_monologue() -> None:
    metrics = talk("A 0-10 one", "B 10.2-10.6 mm-hm", "A 11-20 two")

    assert part(metrics, "A").longest_monologue_s == 20.0


@pytest.mark.parametrize(("again_s", "longest_s"), [(13.0, 20.0), (13.1, 10.0)])
def test_a_pause_of_more_than_three_seconds_ends_a_monologue(
    again_s: float, longest_s: float
) -> None:
    metrics = talk("A 0-10 one", f"A {again_s}-20 two")

    assert part(metrics, "A").longest_monologue_s == longest_s


def test_whoever_is_talked_over_and_goes_on_keeps_the_monologue() -> None:
    metrics = talk("A 0-20 one two three", "B 10-11 wait please")

    assert part(metrics, "A").longest_monologue_s == 20.0


# Interruptions


def test_whoever_starts_and_silences_the_other_interrupts() -> None:
    metrics = talk("A 0-5 one two three", "B 4-8 wait a moment")

    assert metrics.interruptions == (Interruption(1, "B", 4.0),)
    assert (part(metrics, "A").interruptions, part(metrics, "B").interruptions) == (0, 1)


@pytest.mark.parametrize(
    ("start_s", "interrupts"), [(0.3, False), (0.49, False), (0.5, True), (0.7, True)]
)
def test_the_other_has_been_speaking_for_half_a_second(start_s: float, interrupts: bool) -> None:
    assert interruptions("A 0-1.5 one two", f"B {start_s}-4 wait") == [("B", start_s)] * interrupts


@pytest.mark.parametrize(
    ("ends_s", "interrupts"),
    [
        (3.9, False),
        (4.0, False),
        (4.05, False),
        (4.1, True),
        (5.5, True),
        (5.51, False),
        (9.0, False),
    ],
)
def test_the_other_falls_silent_within_a_second_and_a_half(ends_s: float, interrupts: bool) -> None:
    assert interruptions(f"A 0-{ends_s} one two", "B 4-8 wait") == [("B", 4.0)] * interrupts


def test_it_is_the_same_late_in_a_call_where_times_are_not_exact() -> None:
    assert interruptions("A 3600.1-3602.1 one two", "B 3600.6-3604 wait") == [("B", 3600.6)]


@pytest.mark.parametrize("text", ["mm-hm", "Yeah, right.", "угу"])
def test_backchannels_interrupt_nobody(text: str) -> None:
    assert interruptions("A 0-5 one two three", f"B 4-4.5 {text}") == []


def test_nobody_interrupts_a_backchannel() -> None:
    assert interruptions("A 0-0.8 mm-hm", "B 0.6-4 as I said") == []


def test_each_of_two_may_interrupt_the_other() -> None:
    found = interruptions("A 0-3 one", "B 2-5 two", "A 4-8 three", "B 9-10 four")

    assert found == [("B", 2.0), ("A", 4.0)]


def test_whoever_takes_up_the_word_again_was_interrupted_all_the_same() -> None:
    assert interruptions("A 0-5 one", "B 4-6 two", "A 6.2-9 three") == [("B", 4.0)]


def test_a_pause_between_words_is_no_silence() -> None:
    # B's short word lies in A's pause, so that A's words are two turns.
    said = [("A", "we", 0.0, 1.0), ("A", "close", 1.3, 3.0), ("A", "at", 3.0, 5.0)]
    said += [("B", "no", 0.6, 1.0), ("B", "I", 1.05, 1.25), ("B", "want", 1.3, 2.0)]
    turns = build_turns(
        (who, Word(text, start_s, end_s, 0.9)) for who, text, start_s, end_s in said
    )
    assert [turn.text for turn in turns] == ["we", "no I want", "close at"]

    assert talk_metrics(turns, duration_s=5.0, channels=2).interruptions == ()


def test_an_interruption_is_at_the_turn_it_begins_with() -> None:
    metrics = talk("A 0-4.4 one two", "B 4-4.5 wait", "A 4.5-4.7 but", "B 4.75-8 please")

    assert metrics.interruptions == (Interruption(1, "B", 4.0),)


def test_one_of_three_may_be_interrupted() -> None:
    found = interruptions("A 0-9 one two three", "B 3-5 four", "C 4-7 five")

    assert found == [("C", 4.0)]


# What cannot be known


def test_overlaps_are_not_known_of_one_channel() -> None:
    metrics = talk("speaker_1 0-5 one two", "speaker_2 4-8 three", channels=1)

    assert (metrics.interruptions, metrics.overlap_s) == (None, None)
    assert [speaker.interruptions for speaker in metrics.speakers] == [None, None]
    assert [speaker.talk_s for speaker in metrics.speakers] == [5.0, 4.0]


def test_where_nobody_speaks_nothing_went_on() -> None:
    assert talk(duration_s=60.0) == TalkMetrics((), (), (), 0.0)
    assert talk(duration_s=60.0).longest_silence_s == 0.0


def test_the_figures_are_plain_values_for_json() -> None:
    plain = talk("A 0-5 one two", "B 4-8 three", duration_s=12.0).as_dict()

    assert json.loads(json.dumps(plain))["silence_s"] == plain["longest_silence_s"] == 4.0
    assert plain["overlap_s"] == 1.0
    assert plain["interruptions"] == ({"position": 1, "speaker": "B", "start_s": 4.0},)
    assert plain["speakers"][0]["longest_monologue_s"] == 5.0


# Slow references, in whole tenths of a second

Piece = tuple[str, int, int, str]


@st.composite
def pieces(draw: st.DrawFn) -> list[Piece]:
    """Up to three speakers; the turns of each come after pauses that are heard as such."""
    made = []
    for speaker in draw(st.sampled_from(["A", "AB", "AB", "AB", "ABC"])):
        at = draw(st.integers(0, 40))
        for _ in range(draw(st.integers(0, 5))):
            length = draw(st.integers(1, 30))
            made.append((speaker, at, at + length, draw(st.sampled_from(["mm-hm", "no", "wait"]))))
            at += length + draw(st.integers(4, 60))
    return sorted(made)


def heard(said: list[Piece], duration: int) -> tuple[list[Piece], TalkMetrics]:
    """The pieces in the order of their turns, and their metrics."""
    in_order = sorted(said, key=lambda piece: (piece[1], piece[2], piece[0]))
    turns = [
        Turn(speaker, (Word(text, start / 10, end / 10, 0.9),))
        for speaker, start, end, text in in_order
    ]
    return in_order, talk_metrics(turns, duration_s=duration / 10, channels=2)


@given(pieces(), st.integers(0, 100))
def test_talk_overlap_and_silences_are_those_of_counting_tenths(
    said: list[Piece], rest: int
) -> None:
    duration = max((end for _, _, end, _ in said), default=0) + rest
    _, metrics = heard(said, duration)

    speaking = [[who for who, start, end, _ in said if start <= t < end] for t in range(duration)]
    spoken = {who: sum(who in now for now in speaking) for who, *_ in said}
    for speaker in metrics.speakers:
        assert speaker.talk_s == pytest.approx(spoken[speaker.name] / 10)
        assert speaker.talk_ratio == pytest.approx(spoken[speaker.name] / sum(spoken.values()))
    assert [speaker.name for speaker in metrics.speakers] == sorted(spoken)
    assert metrics.overlap_s == pytest.approx(sum(max(0, len(now) - 1) for now in speaking) / 10)

    silences, silent = [], 0
    for t, now in enumerate([*speaking, ["the end"]]):
        if now and silent > 30 and silent < t:
            silences.append((t - silent, t))
        silent = 0 if now else silent + 1
    assert [
        (round(one.start_s * 10), round(one.end_s * 10)) for one in metrics.silences
    ] == silences


@given(pieces())
def test_interruptions_are_those_of_the_definition(said: list[Piece]) -> None:
    in_order, metrics = heard(said, 1000)

    assert metrics.interruptions == tuple(
        Interruption(position, who, start / 10)
        for position, (who, start, _, text) in enumerate(in_order)
        if not is_backchannel(text)
        and any(
            other != who
            and not is_backchannel(others_text)
            and start - began >= 5
            and began < start < ended
            and ended - start <= 15
            for other, began, ended, others_text in in_order
        )
    )


@given(pieces())
def test_the_longest_monologue_is_the_longest_of_all_runs(said: list[Piece]) -> None:
    in_order, metrics = heard(said, 1000)

    for speaker in metrics.speakers:
        longest = 0
        for first in range(len(in_order)):
            for last in range(first, len(in_order)):
                run = in_order[first : last + 1]
                own = [piece for piece in run if piece[0] == speaker.name]
                others = [piece for piece in run if piece[0] != speaker.name]
                if (
                    own
                    and in_order[first] in own
                    and in_order[last] in own
                    and all(is_backchannel(text) for *_, text in others)
                    and all(b[1] - a[2] <= 30 for a, b in pairwise(own))
                ):
                    longest = max(longest, own[-1][2] - own[0][1])
        assert speaker.longest_monologue_s == pytest.approx(longest / 10)
