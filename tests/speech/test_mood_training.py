"""Training a mood head: clips over a telephone line, simulated calls, calibration."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from speech.mood_calibration import figures
from speech.mood_clips import ALONE, PLAIN, ClipsUnreadable, hear_clips, read_clips, telephone
from speech.mood_training import LINES, simulate, train
from tests.speech.voices import voice

PITCH_HZ = {"angry": 320.0, "happy": 250.0, "neutral": 150.0, "sad": 110.0}
WIDTH = 8


def encode(sounds: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Stands for Whisper: 1500 frames of eight numbers that follow the sound's level."""
    frames = np.zeros((len(sounds), 1500, WIDTH), np.float32)
    for i, sound in enumerate(sounds):
        level = np.abs(sound[: len(sound) // 320 * 320]).reshape(-1, 320).mean(axis=1)
        frames[i, : len(level)] = level[:, None] * np.arange(1, WIDTH + 1)
    return frames


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    lines = ["path\tspeaker\tmood"]
    for speaker in range(4):
        for mood, pitch_hz in PITCH_HZ.items():
            for take in range(3):
                name = f"{speaker}-{mood}-{take}.flac"
                pitch = pitch_hz * (1.0 + 0.05 * speaker + 0.01 * take)
                soundfile.write(folder / name, voice(1.2, pitch_hz=pitch), 16_000)
                lines.append(f"{name}\tspeaker{speaker}\t{mood}")
    (folder / "clips.tsv").write_text("\n".join(lines) + "\n")
    return folder / "clips.tsv"


def test_a_head_trained_on_clips_knows_their_moods(table: Path) -> None:
    clips = read_clips(table)
    heard = [hear_clips(clips, encode, line=line) for line in (PLAIN, LINES[1])]

    head = train(heard, "toy")
    logits = head.logits(heard[0].turns, heard[0].speakers.tolist(), seconds=heard[0].seconds)

    assert head.width == WIDTH
    assert head.anger_slope > 0.0
    assert figures(logits, heard[0].moods)["anger_auroc"] > 0.9
    assert all(0.0 <= mood.anger <= 1.0 for mood in head.moods(logits))


def test_clips_packed_together_or_alone_are_all_heard(table: Path) -> None:
    clips = read_clips(table)[:12]

    packed, alone = (hear_clips(clips, encode, line=line) for line in (PLAIN, ALONE))

    assert packed.turns.shape == alone.turns.shape
    np.testing.assert_allclose(packed.turns[:, :WIDTH], alone.turns[:, :WIDTH], rtol=0.1)


def test_the_telephone_band_keeps_voices_and_cuts_what_is_above() -> None:
    time_s = np.arange(32_000) / 16_000
    low, high = (
        (0.1 * np.sin(2 * np.pi * hz * time_s)).astype(np.float32) for hz in (1000.0, 6000.0)
    )

    assert np.std(telephone(low)) == pytest.approx(np.std(low), rel=0.05)
    assert np.std(telephone(high)) < 0.02 * np.std(high)
    hum = (0.1 * np.sin(2 * np.pi * 60.0 * time_s)).astype(np.float32)
    assert np.std(telephone(hum, narrow=True)) < 0.02 * np.std(hum)


def test_simulated_calls_hold_every_clip_once_and_one_speaker_each() -> None:
    speakers = np.array(["a", "b"] * 20)
    moods = np.arange(40) // 2 % 4

    for situation in ("changing", "constant", "single"):
        calls = list(simulate(moods, speakers, situation=situation))
        assert sorted(np.concatenate(calls)) == list(range(40))
        assert all(len(set(speakers[call])) == 1 for call in calls)
        if situation == "constant":
            assert all(len(set(moods[call])) == 1 for call in calls)
        if situation == "single":
            assert all(len(call) == 1 for call in calls)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("path\tspeaker\n", "no clips"),
        ("path\tspeaker\na.wav\tb\n", "no column 'mood'"),
        ("path\tspeaker\tmood\na.wav\tb\tfurious\n", "row 2: no such mood: 'furious'"),
        ("path\tspeaker\tmood\na.wav\tb\tsad\n", "no such file"),
    ],
)
def test_a_table_that_cannot_be_used_says_why(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "clips.tsv").write_text(text)

    with pytest.raises(ClipsUnreadable, match=reason):
        read_clips(tmp_path / "clips.tsv")
