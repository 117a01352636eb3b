"""The mood head: probabilities, speaker baselines, refusals, and the head that is shipped."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from speech.acoustics import TurnSound, turn_sound
from speech.frames import FrameStats
from speech.mood import (
    EncoderMood,
    MoodModelMismatch,
    MoodModelMissing,
    whisper_name,
    write_head,
)
from speech.mood_head import PARTS, Head, anger_odds, baselines, change, features, softmax
from speech.prosody import STATISTICS
from tests.speech.voices import voice

WIDTH = 6
SIZE = WIDTH + len(STATISTICS)
ANGRY_UNIT = 0

Turn = tuple[tuple[float, float, float, float], str, float]
"""Logits, speaker and seconds of speech."""

TURNS: st.SearchStrategy[list[Turn]] = st.lists(
    st.tuples(st.tuples(*[st.floats(-4, 4)] * 4), st.sampled_from("ab"), st.floats(0.8, 30.0)),
    min_size=1,
    max_size=8,
)


def head() -> Head:
    """A head that takes the first encoder unit for anger."""
    weights = np.zeros((SIZE, 4))
    weights[ANGRY_UNIT, 0] = 1.0
    return Head(
        whisper="base",
        width=WIDTH,
        center=np.zeros(SIZE),
        spread=np.ones(SIZE),
        weights=weights,
        bias=np.zeros(4),
        baseline_s=10.0,
    )


def turn(anger: float, speaker: str = "customer", seconds: float = 2.0) -> TurnSound:
    frames = np.zeros((100, WIDTH), np.float32)
    frames[:, ANGRY_UNIT] = anger
    return turn_sound(speaker, voice(seconds), word_count=4, frames=FrameStats.of(frames))


def angers(sounds: Sequence[TurnSound]) -> list[float]:
    return [mood.anger for mood in EncoderMood(head()).moods(sounds) if mood is not None]


def test_four_moods_sum_to_one() -> None:
    (mood,) = EncoderMood(head()).moods([turn(1.3)])

    assert mood is not None
    assert mood.angry + mood.happy + mood.neutral + mood.sad == pytest.approx(1.0)
    assert mood.label == "angry"


def test_the_same_turn_is_angrier_among_the_speakers_calm_ones() -> None:
    alone = angers([turn(1.0)])[0]
    among_calm = angers([turn(-1.0), turn(-1.0), turn(-1.0), turn(1.0)])[-1]

    assert among_calm > alone


def test_a_speaker_angry_throughout_stays_angrier_than_one_calm_throughout() -> None:
    angry = angers([turn(2.0) for _ in range(12)])
    calm = angers([turn(0.0) for _ in range(12)])

    assert min(angry) > max(calm) + 0.2


def test_speakers_do_not_change_each_others_baseline() -> None:
    customer = [turn(1.0), turn(0.0)]
    agents = [turn(3.0, "agent"), turn(2.0, "agent")]

    apart = angers(customer)
    together = angers([customer[0], agents[0], customer[1], agents[1]])

    assert [together[0], together[2]] == pytest.approx(apart)


def test_turns_too_short_or_without_frames_get_none_and_are_no_baseline() -> None:
    unheard = turn_sound("customer", voice(2.0), word_count=4, frames=None)
    sounds = [turn(1.0), turn(-4.0, seconds=0.5), unheard, turn(1.0)]

    moods = EncoderMood(head()).moods(sounds)

    assert [mood is None for mood in moods] == [False, True, True, False]
    assert [mood.anger for mood in moods if mood] == pytest.approx(angers([turn(1.0), turn(1.0)]))


def test_no_turns_have_no_moods() -> None:
    assert EncoderMood(head()).moods([]) == []


@given(TURNS, st.floats(0.5, 60.0), st.floats(-2.0, 2.0), st.floats(0.3, 3.0))
def test_baselines_agree_with_the_obvious_computation(
    turns: list[Turn], baseline_s: float, center: float, width: float
) -> None:
    made = replace(head(), baseline_s=baseline_s, change_center=center, change_width=width)
    logits, seconds = np.array([x for x, _, _ in turns]), np.array([s for _, _, s in turns])

    taken = baselines(logits, [name for _, name, _ in turns], seconds=seconds, head=made)

    for i, (_, name, own_s) in enumerate(turns):
        own = [(x, s) for x, speaker, s in turns if speaker == name]
        changed = slow_change(own)
        if changed is None:
            assert not taken[i].any()
            continue
        total_s = sum(s for _, s in own)
        others = (total_s - own_s) / (total_s - own_s + baseline_s)
        swings = 1.0 / (1.0 + np.exp(-(np.log(changed + 1e-9) - center) / width))
        mean = [sum(x[k] * s for x, s in own) / total_s for k in range(4)]
        assert taken[i] == pytest.approx([0.5 * others * swings * one for one in mean], abs=1e-6)


@given(TURNS)
def test_change_agrees_with_the_obvious_computation(turns: list[Turn]) -> None:
    expected = slow_change([(x, s) for x, _, s in turns])

    found = change(np.array([x for x, _, _ in turns]), np.array([s for _, _, s in turns]))

    assert found == (None if expected is None else pytest.approx(expected, abs=1e-9))


def slow_change(
    turns: Sequence[tuple[tuple[float, float, float, float], float]],
) -> float | None:
    """Half the mean squared distance between two different turns, each pair by its seconds."""
    total_s = sum(s for _, s in turns)
    count = total_s**2 / sum(s**2 for _, s in turns)
    assume(abs(count - 1.3) > 1e-6)
    if count < 1.3:
        return None
    apart = pairs = 0.0
    for i, (x, x_s) in enumerate(turns):
        for j, (y, y_s) in enumerate(turns):
            if i != j:
                apart += x_s * y_s * sum((a - b) ** 2 for a, b in zip(x, y, strict=True)) / 2.0
                pairs += x_s * y_s
    return apart / pairs


def test_half_the_mean_is_taken_off_who_swings_and_none_off_who_is_angry_throughout() -> None:
    sharp = replace(head(), change_width=0.1, baseline_s=1.0)
    throughout, swinging = np.zeros((6, 4)), np.zeros((6, 4))
    throughout[:, 0] = [1.9, 2.0, 2.1, 1.9, 2.0, 2.1]
    swinging[:, 0] = [0.0, 4.0, 0.0, 4.0, 0.0, 4.0]
    seconds = np.full(6, 20.0)

    left = baselines(throughout, ["a"] * 6, seconds=seconds, head=sharp)
    taken = baselines(swinging, ["a"] * 6, seconds=seconds, head=sharp)

    assert left == pytest.approx(0.0, abs=0.01)
    assert taken[:, 0] == pytest.approx(1.0, rel=0.02)


def test_a_single_turn_has_no_baseline() -> None:
    logits, seconds = np.array([[3.0, 1.0, -2.0, 0.5]]), np.array([30.0])
    beside_a_scrap = np.concatenate([logits, -logits])

    assert change(logits, seconds) is None
    assert not baselines(logits, ["a"], seconds=seconds, head=head()).any()
    scrap_s = np.array([30.0, 0.9])
    assert not baselines(beside_a_scrap, ["a", "a"], seconds=scrap_s, head=head()).any()


def test_evidence_adds_up_to_the_odds_against_the_next_mood() -> None:
    random = np.random.default_rng(6)
    weights, bias = random.normal(0.0, 0.5, (SIZE, 4)), random.normal(0.0, 1.0, 4)
    made = replace(head(), weights=weights, bias=bias, anger_slope=1.7, anger_offset=-0.4)
    sounds = [turn(anger) for anger in (-2.0, 2.0, -1.0, 1.5)]
    turns = np.stack([features(s.frames, s.prosody) for s in sounds if s.frames])
    logits = made.logits(turns, ["customer"] * 4, seconds=np.full(4, 2.0))
    absolute = made.absolute(turns)
    # there is a baseline to leave out, and it tells another mood next
    assert (logits[:, 1:].argmax(axis=1) != absolute[:, 1:].argmax(axis=1)).any()

    moods = EncoderMood(made).moods(sounds)

    for mood, own, before in zip(moods, logits, absolute, strict=True):
        assert mood is not None
        assert mood.evidence is not None
        assert tuple(mood.evidence) == PARTS
        following = 1 + int(own[1:].argmax())
        moved = before[0] - before[following] - (bias[0] - bias[following])
        assert sum(mood.evidence.values()) == pytest.approx(1.7 * moved)


def test_evidence_stands_with_the_part_that_gave_it() -> None:
    weights = np.zeros((SIZE, 4))
    for kind in ("loudness_db", "onsets_per_s", "pitch_st", "tilt_mean"):
        weights[WIDTH + STATISTICS.index(kind), 0] = 1.0
    center = np.zeros(SIZE)
    center[WIDTH:] = turn(0.0).prosody.statistics
    for kind, away in (("loudness_db", -1.0), ("onsets_per_s", 2.0), ("pitch_st", -0.5)):
        center[WIDTH + STATISTICS.index(kind)] += away
    made = replace(head(), weights=weights, center=center)

    (mood,) = EncoderMood(made).moods([turn(2.0)])

    assert mood is not None
    expected = {"encoder": 0.0, "loudness": 1.0, "tempo": -2.0, "pitch": 0.5, "colour": 0.0}
    assert mood.evidence == pytest.approx(expected, abs=1e-5)


def test_odds_of_anger_are_those_of_its_probability() -> None:
    logits = np.random.default_rng(0).normal(0.0, 3.0, (20, 4))
    probability = softmax(logits)[:, 0]

    np.testing.assert_allclose(anger_odds(logits), np.log(probability / (1.0 - probability)))


def test_a_written_head_is_read_as_it_was(tmp_path: Path) -> None:
    write_head(head(), tmp_path, figures={"clips": 1})
    sounds = [turn(1.0), turn(0.2), turn(-0.5, "agent")]

    assert EncoderMood.load(tmp_path, "base").moods(sounds) == EncoderMood(head()).moods(sounds)


def test_a_head_of_another_whisper_is_refused_by_name(tmp_path: Path) -> None:
    write_head(head(), tmp_path, figures={})

    with pytest.raises(MoodModelMismatch, match=r"'base'.*'large-v3-turbo'"):
        EncoderMood.load(tmp_path, "large-v3-turbo")


def test_frames_of_another_width_are_refused() -> None:
    wide = turn_sound(
        "agent", voice(2.0), word_count=1, frames=FrameStats.of(np.zeros((50, WIDTH + 2)))
    )

    with pytest.raises(MoodModelMismatch, match="width 8"):
        EncoderMood(head()).moods([wide])


@pytest.mark.parametrize("broken", ["head.json", "head.npz"])
def test_a_damaged_or_missing_head_is_refused(tmp_path: Path, broken: str) -> None:
    with pytest.raises(MoodModelMissing):
        EncoderMood.load(tmp_path / "nowhere")

    write_head(head(), tmp_path, figures={})
    (tmp_path / broken).write_bytes(b"PK\x03\x04 not what it was")

    with pytest.raises(MoodModelMissing):
        EncoderMood.load(tmp_path)


def test_a_head_with_other_statistics_is_refused(tmp_path: Path) -> None:
    write_head(head(), tmp_path, figures={})
    described = json.loads((tmp_path / "head.json").read_text())
    described["statistics"] = described["statistics"][::-1]
    (tmp_path / "head.json").write_text(json.dumps(described))

    with pytest.raises(MoodModelMismatch, match="train it again"):
        EncoderMood.load(tmp_path)


def test_a_head_of_the_first_format_is_refused(tmp_path: Path) -> None:
    write_head(head(), tmp_path, figures={})
    described = json.loads((tmp_path / "head.json").read_text())
    described["format"] = 1
    del described["change_center"], described["change_width"]  # it knew of no change
    (tmp_path / "head.json").write_text(json.dumps(described))
    np.savez(
        tmp_path / "head.npz",
        center=np.zeros(SIZE),
        spread=np.ones(SIZE),
        weights=np.zeros((2 * SIZE, 4)),  # of two views
        bias=np.zeros(4),
    )

    with pytest.raises(MoodModelMismatch, match="train it again"):
        EncoderMood.load(tmp_path)


@pytest.mark.parametrize(
    "model", ["base", "Systran/faster-whisper-base", "models/whisper-base", "models/whisper-base/"]
)
def test_a_shipped_head_is_found_by_size_hub_id_or_folder(model: str) -> None:
    shipped = EncoderMood.shipped(model)

    assert re.fullmatch("encoder:base:[0-9a-f]{8}", shipped.name)
    assert whisper_name(model) == "base"


def test_a_whisper_without_a_shipped_head_says_what_can_be_done() -> None:
    with pytest.raises(MoodModelMissing, match="train one"):
        EncoderMood.shipped("tiny.en")


def test_the_shipped_head_is_small_and_has_its_card() -> None:
    folder = Path(__file__).parents[2] / "speech" / "weights" / "base"

    assert sum(path.stat().st_size for path in folder.iterdir()) < 300_000
    assert "CC0-1.0" in (folder / "CARD.md").read_text("utf-8")
