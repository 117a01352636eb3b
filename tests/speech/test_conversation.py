"""Words become turns and lose nothing; a conversation is plain values."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.conversation import (
    Acoustics,
    Conversation,
    Mood,
    Turn,
    Word,
    build_turns,
    with_moods,
)

GAP_S = 1.0
Said = tuple[str, Word]


def word(text: str, start_s: float, end_s: float) -> Word:
    return Word(text, start_s, end_s, 0.9)


def said(line: str) -> list[Said]:
    """Words from "A hello 0-0.5, B yes 1-1.5"."""
    words = []
    for item in line.split(", "):
        speaker, text, times = item.split()
        start, end = times.split("-")
        words.append((speaker, word(text, float(start), float(end))))
    return words


def read(turns: list[Turn]) -> list[str]:
    return [f"{turn.speaker}: {turn.text}" for turn in turns]


# Turns


def test_words_of_one_speaker_are_one_turn() -> None:
    [turn] = build_turns(said("A good 0-0.5, A morning 0.6-1.25"))

    assert (turn.speaker, turn.text) == ("A", "good morning")
    assert (turn.start_s, turn.end_s, turn.duration_s) == (0.0, 1.25, 1.25)


def test_a_new_speaker_is_a_new_turn() -> None:
    turns = build_turns(said("A hello 0-0.5, B hi 0.75-1, A how 1.25-1.5, A are 1.5-2"))

    assert read(turns) == ["A: hello", "B: hi", "A: how are"]


@pytest.mark.parametrize(
    ("pause_s", "turns"), [(0.0, 1), (0.9, 1), (1.0, 1), (1.001, 2), (1.5, 2), (60.0, 2)]
)
def test_silence_of_more_than_a_second_splits(pause_s: float, turns: int) -> None:
    words = [("A", word("wait", 0, 1)), ("A", word("please", 1 + pause_s, 2 + pause_s))]

    assert len(build_turns(words)) == turns


def test_the_longest_gap_can_be_chosen() -> None:
    words = said("A wait 0-1, A please 1.5-2")

    assert len(build_turns(words, longest_gap_s=0.25)) == 2
    assert len(build_turns(words, longest_gap_s=0.5)) == 1


def test_speech_that_overlaps_is_kept_on_both_sides() -> None:
    turns = build_turns(
        said("A we 0-0.5, A close 0.5-1, A at 1-1.5, A noon 1.5-2, B but 1.25-1.75, B today 1.75-3")
    )

    assert read(turns) == ["A: we close at noon", "B: but today"]
    assert turns[1].start_s < turns[0].end_s


def test_a_word_in_passing_does_not_cut_a_turn_in_two() -> None:
    turns = build_turns(said("A so 0-1, B mhm 0.5-1.25, A we 1-2, A do 2-3"))

    assert read(turns) == ["A: so we do", "B: mhm"]


def test_an_answer_in_a_pause_ends_the_turn() -> None:
    turns = build_turns(said("A right 0-1, B yes 1.125-1.375, A then 1.5-2"))

    assert read(turns) == ["A: right", "B: yes", "A: then"]


def test_an_answer_in_a_pause_ends_the_turn_though_its_next_word_is_interrupted() -> None:
    turns = build_turns(said("A right 0-1, B yes 1-1.25, B but 1.25-2, A then 1.5-2.5"))

    assert read(turns) == ["A: right", "B: yes but", "A: then"]


def test_words_may_come_in_any_order() -> None:
    words = said("A one 0-1, A two 1-2, B three 2-3, A four 3-4")

    assert build_turns(words[::-1]) == build_turns(words)


def test_no_words_are_no_turns() -> None:
    assert build_turns([]) == []


@st.composite
def talk(draw: st.DrawFn) -> list[Said]:
    """Up to three speakers; each says one word after another, and they talk over each other."""
    words: list[Said] = []
    for speaker in "ABC"[: draw(st.integers(1, 3))]:
        at = 0
        for pause, length in draw(
            st.lists(st.tuples(st.integers(0, 12), st.integers(1, 6)), max_size=12)
        ):
            start, at = at + pause, at + pause + length
            words.append((speaker, word(f"{speaker}{len(words)}", start / 8, at / 8)))
    return draw(st.permutations(words))


def belong_together(one: Word, next_: Word, others: list[Word]) -> bool:
    """The rule as it reads: no long silence, and nobody else's word inside the pause."""
    return next_.start_s - one.end_s <= GAP_S and not any(
        one.end_s <= other.start_s and other.end_s <= next_.start_s for other in others
    )


def slow_turns(words: list[Said]) -> list[Turn]:
    turns = []
    for speaker in {speaker for speaker, _ in words}:
        own = sorted((w for s, w in words if s == speaker), key=lambda w: w.start_s)
        others = [w for s, w in words if s != speaker]
        groups: list[list[Word]] = [[own[0]]]
        for one, next_ in pairwise(own):
            if belong_together(one, next_, others):
                groups[-1].append(next_)
            else:
                groups.append([next_])
        turns += [Turn(speaker, tuple(group)) for group in groups]
    return sorted(turns, key=lambda turn: (turn.start_s, turn.end_s, turn.speaker))


@given(talk())
def test_turns_are_those_of_the_slow_and_obvious_way(words: list[Said]) -> None:
    assert build_turns(words, longest_gap_s=GAP_S) == slow_turns(words)


@given(talk())
def test_no_word_is_lost_doubled_or_put_into_another_mouth(words: list[Said]) -> None:
    turns = build_turns(words)

    heard = [(turn.speaker, said_word) for turn in turns for said_word in turn.words]
    assert sorted(heard, key=repr) == sorted(words, key=repr)
    assert [turn.start_s for turn in turns] == sorted(turn.start_s for turn in turns)
    for turn in turns:
        assert all(one.end_s <= next_.start_s for one, next_ in pairwise(turn.words))
        assert all(next_.start_s - one.end_s <= GAP_S for one, next_ in pairwise(turn.words))


@given(st.lists(st.text(min_size=1, max_size=8).filter(str.strip), min_size=1, max_size=12))
def test_every_word_has_its_place_in_the_text(texts: list[str]) -> None:
    turn = Turn("A", tuple(word(text, i, i + 1) for i, text in enumerate(texts)))

    at = 0
    for text in texts:
        assert turn.text[at : at + len(text)] == text
        at += len(text) + 1
    assert at == len(turn.text) + 1


# Moods


def mood(anger: float, *, angry: float = 0.1, happy: float = 0.2, sad: float = 0.3) -> Mood:
    return Mood(angry, happy, 1 - angry - happy - sad, sad, anger)


def felt(anger: float | None, start_s: float, end_s: float) -> Turn:
    return Turn("A", (word("x", start_s, end_s),), None if anger is None else mood(anger))


def test_the_label_is_the_most_probable_mood() -> None:
    assert Mood(0.7, 0.1, 0.1, 0.1, anger=0.0).label == "angry"
    assert Mood(0.1, 0.7, 0.1, 0.1, anger=1.0).label == "happy"
    assert Mood(0.1, 0.1, 0.7, 0.1, anger=1.0).label == "neutral"
    assert Mood(0.1, 0.1, 0.1, 0.7, anger=1.0).label == "sad"


def test_moods_are_put_on_their_turns_and_the_turns_given_stay_as_they_were() -> None:
    turns = [felt(None, 0, 1), felt(None, 2, 3)]

    with_mood = with_moods(turns, [mood(0.7), None])

    assert [turn.mood for turn in with_mood] == [mood(0.7), None]
    assert [turn.words for turn in with_mood] == [turn.words for turn in turns]
    assert turns[0].mood is None


def test_moods_that_do_not_match_the_turns_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="shorter"):
        with_moods([felt(None, 0, 1), felt(None, 2, 3)], [mood(0.7)])


# The conversation


def conversation() -> Conversation:
    acoustics = Acoustics(-24.0, 180.0, 2.5, loudness_change_db=3.0)
    return Conversation(
        duration_s=12.5,
        channels=2,
        turns=(
            Turn("customer", (word("Bearing", 0, 1), word("204?", 1, 2)), mood(0.4), acoustics),
            Turn("agent", (word("Двести", 2, 3), word("четыре.", 3, 4))),
            Turn("customer", (word("Yes.", 5, 6),)),
        ),
        language="en",
        language_probability=0.97,
        whisper_model="base",
        mood_model=None,
        warnings=("cut short",),
    )


def test_speakers_and_their_turns() -> None:
    talk = conversation()

    assert talk.speakers == ("agent", "customer")
    assert [turn.text for turn in talk.of("customer")] == ["Bearing 204?", "Yes."]
    assert talk.of("nobody") == ()


def test_a_conversation_is_plain_values_for_json() -> None:
    plain = conversation().as_dict(0.3)

    again = json.loads(json.dumps(plain, allow_nan=False))
    assert again["duration_s"] == 12.5
    assert again["warnings"] == ["cut short"]
    assert again["effort"]["decode_s"] == 0.0
    first, second, third = again["turns"]
    assert (first["speaker"], first["start_s"], first["end_s"]) == ("customer", 0, 2)
    assert first["text"] == "Bearing 204?"
    assert first["words"][1] == {"text": "204?", "start_s": 1, "end_s": 2, "probability": 0.9}
    assert first["mood"]["anger"] == 0.4
    assert first["acoustics"]["loudness_change_db"] == 3.0
    assert second["text"] == "Двести четыре."
    assert third["mood"] is None
    assert list(again["moods"]) == ["customer"]
    customer = again["moods"]["customer"]
    assert (customer["peak"], customer["share"], customer["trend"]) == (0.4, 1.0, None)
