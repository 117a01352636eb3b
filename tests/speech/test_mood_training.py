"""Training a mood head: clips over a telephone line, simulated calls, calibration, the command."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from speech.audio import decode
from speech.mood import EncoderMood
from speech.mood_calibration import figures
from speech.mood_clips import ClipsUnreadable, hear_clips, read_clips
from speech.mood_head import Head
from speech.mood_lines import ALONE, CODECS, PLAIN, Line, telephone
from speech.mood_training import LINES, simulate, train, train_folder
from speech.prosody import prosody
from speech.transcribe import Transcriber
from tests.speech.voices import voice

PITCH_HZ = {"angry": 320.0, "happy": 250.0, "neutral": 150.0, "sad": 110.0}
WIDTH = 8
SPEECH = Path(__file__).parents[2] / "samples" / "bearing-enquiry.wav"


def encode(sounds: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Stands for Whisper: 1500 frames of eight numbers that follow the sound's level."""
    frames = np.zeros((len(sounds), 1500, WIDTH), np.float32)
    for i, sound in enumerate(sounds):
        level = np.abs(sound[: len(sound) // 320 * 320]).reshape(-1, 320).mean(axis=1)
        frames[i, : len(level)] = level[:, None] * np.arange(1, WIDTH + 1)
    return frames


class ToyTranscriber:
    """What training needs of Whisper."""

    name = "whisper-toy"

    def encode(self, sounds: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        return encode(sounds)


@pytest.fixture
def toy_whisper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Transcriber, "load", lambda _name, _models: ToyTranscriber())
    monkeypatch.setattr("speech.mood_training.LINES", (PLAIN, Line("quiet", gain_db=(-9.0, -3.0))))


def over(line: Line, table: Path, *, count: int = 3) -> list[NDArray[np.float32]]:
    """What an encoder is given of the table's first clips, each alone."""
    given: list[NDArray[np.float32]] = []

    def listen(sounds: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        given.extend(sounds)
        return encode(sounds)

    hear_clips(read_clips(table)[:count], listen, line=replace(line, alone=True))
    return given


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


def test_training_twice_gives_the_same_head(table: Path) -> None:
    clips = read_clips(table)
    varied = replace(LINES[-1], name="varied", restore_effort=True)

    first, again = (
        train([hear_clips(clips, encode, line=line, seed=5) for line in (PLAIN, varied)], "toy")
        for _ in range(2)
    )

    for name in Head.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name), err_msg=name)


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


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec_gives_back_as_much_sound_about_as_loud(codec: str) -> None:
    sound = decode(SPEECH).samples(0, 0.0, 6.0)  # AMR makes a steady buzz quieter, not speech

    plain, sent = telephone(sound), telephone(sound, codec=codec)

    assert sent.shape == plain.shape == sound.shape
    assert np.std(sent) == pytest.approx(np.std(plain), rel=0.1)
    assert not np.array_equal(sent, plain)


def test_a_lines_speed_moves_pitch_and_tempo_together(table: Path) -> None:
    (plain,), (sped,) = (
        over(line, table, count=1) for line in (PLAIN, Line("sped", speed=(1.25, 1.25)))
    )
    pitch_hz = prosody(plain).pitch_hz
    assert pitch_hz is not None

    assert len(sped) == pytest.approx(len(plain) / 1.25, rel=0.02)
    assert prosody(sped).pitch_hz == pytest.approx(1.25 * pitch_hz, rel=0.03)


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


@pytest.mark.usefixtures("toy_whisper")
def test_a_table_becomes_a_head_with_its_card(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "head"

    found = train_folder(
        table, whisper="toy", out=out, data="buzzes, CC0-1.0", models=tmp_path / "models"
    )

    assert found["anger_auroc"] > 0.9
    assert EncoderMood.load(out, "toy").name.startswith("encoder:toy:")
    described = json.loads((out / "head.json").read_text("utf-8"))
    assert described["figures"]["speaker_independent"] == found
    assert described["figures"]["clips"] == dict.fromkeys(PITCH_HZ, 12)
    card = (out / "CARD.md").read_text("utf-8")
    assert "buzzes, CC0-1.0" in card
    assert "12 angry" in card
    assert str(found["uar"]) in card


@pytest.mark.usefixtures("toy_whisper")
def test_a_card_that_is_there_stays_its_authors(table: Path, tmp_path: Path) -> None:
    (tmp_path / "CARD.md").write_text("mine")

    train_folder(table, whisper="toy", out=tmp_path, data="buzzes", models=tmp_path)

    assert (tmp_path / "CARD.md").read_text() == "mine"
    assert (tmp_path / "head.npz").exists()


@pytest.mark.usefixtures("toy_whisper")
def test_a_table_of_one_speaker_is_refused_in_words(table: Path, tmp_path: Path) -> None:
    rows = table.read_text().splitlines()
    one = table.with_name("one.tsv")
    one.write_text("\n".join(row for row in rows if "speaker0" in row or row == rows[0]) + "\n")

    with pytest.raises(ClipsUnreadable, match=r"speakers with angry clips: 1; at least 2 speakers"):
        train_folder(one, whisper="toy", out=tmp_path / "head", data="buzzes", models=tmp_path)

    assert not (tmp_path / "head").exists()
