"""The mood head: probabilities, speaker baselines, refusals, and the head that is shipped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
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
from speech.mood_head import Head, anger_odds, softmax, views
from speech.prosody import STATISTICS
from tests.speech.voices import voice

WIDTH = 6
SIZE = WIDTH + len(STATISTICS)
ANGRY_UNIT = 0


def head() -> Head:
    """A head that takes the first encoder unit for anger, in both views alike."""
    weights = np.zeros((2 * SIZE, 4))
    weights[[ANGRY_UNIT, SIZE + ANGRY_UNIT], 0] = 1.0
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


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=6), st.floats(0.5, 60.0))
def test_baselines_agree_with_the_obvious_computation(values: list[float], weight_s: float) -> None:
    ordinary = np.array(values)[:, None]
    seconds = np.arange(1.0, len(values) + 1.0)

    seen = views(ordinary, ["a"] * len(values), seconds=seconds, baseline_s=weight_s)

    for i, value in enumerate(values):
        others = [j for j in range(len(values)) if j != i]
        total = sum(values[j] * seconds[j] for j in others)
        baseline = total / (sum(seconds[j] for j in others) + weight_s)
        assert seen[i] == pytest.approx([value, value - baseline], abs=1e-9)


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


@pytest.mark.parametrize(
    "model", ["base", "Systran/faster-whisper-base", "models/whisper-base", "models/whisper-base/"]
)
def test_a_shipped_head_is_found_by_size_hub_id_or_folder(model: str) -> None:
    shipped = EncoderMood.shipped(model)

    assert shipped.name == "encoder:base"
    assert whisper_name(model) == "base"


def test_a_whisper_without_a_shipped_head_says_what_can_be_done() -> None:
    with pytest.raises(MoodModelMissing, match="train one"):
        EncoderMood.shipped("tiny.en")


def test_the_shipped_head_is_small_and_has_its_card() -> None:
    folder = Path(__file__).parents[2] / "speech" / "weights" / "base"

    assert sum(path.stat().st_size for path in folder.iterdir()) < 300_000
    assert "CC0-1.0" in (folder / "CARD.md").read_text("utf-8")
