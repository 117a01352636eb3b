"""Any transformers audio classifier as a mood model, on a tiny one made here."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from speech.acoustics import TurnSound, turn_sound  # noqa: E402
from speech.hub_mood import HubMood, mood_columns  # noqa: E402
from speech.mood import MoodLabelsUnknown, MoodModelMissing  # noqa: E402
from tests.speech.voices import voice  # noqa: E402

SIX_LABELS = ["ang", "calm", "fear", "hap", "neu", "sad"]


def save_classifier(folder: Path, labels: list[str]) -> Path:
    torch.manual_seed(7)
    config = transformers.Wav2Vec2Config(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        conv_dim=(8, 8),
        conv_kernel=(10, 8),
        conv_stride=(20, 16),
        num_feat_extract_layers=2,
        num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=2,
        feat_extract_norm="layer",
        classifier_proj_size=8,
        id2label=dict(enumerate(labels)),
        label2id={label: i for i, label in enumerate(labels)},
    )
    model = transformers.Wav2Vec2ForSequenceClassification(config)
    with torch.no_grad():
        model.classifier.weight *= 40.0  # so that its answers differ from turn to turn
    model.save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(return_attention_mask=True).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_classifier(tmp_path_factory.mktemp("classifier"), SIX_LABELS)


def turn(seconds: float, pitch_hz: float = 150.0) -> TurnSound:
    samples = voice(seconds, pitch_hz=pitch_hz)
    return turn_sound("customer", samples, word_count=3, frames=None)


def test_gives_every_turn_probabilities_of_our_moods(classifier: Path) -> None:
    model = HubMood(str(classifier), device="cpu")

    moods = model.moods([turn(1.5), turn(2.0, 300.0)])

    assert model.name == f"hub:{classifier}"
    for mood in moods:
        assert mood is not None
        assert mood.angry + mood.happy + mood.neutral + mood.sad == pytest.approx(1.0)
        assert 0.0 <= mood.anger <= mood.angry  # fear is left out of the four, not out of the whole


def test_a_turn_sounds_the_same_in_any_batch(classifier: Path) -> None:
    turns = [turn(seconds, pitch) for seconds, pitch in itertools.product((1.0, 3.5), (100, 250))]
    one_by_one = HubMood(str(classifier), device="cpu", batch_size=1).moods(turns)
    together = HubMood(str(classifier), device="cpu", batch_size=4).moods(turns)

    for alone, batched in zip(one_by_one, together, strict=True):
        assert alone is not None
        assert batched is not None
        assert batched.anger == pytest.approx(alone.anger, abs=1e-4)
    assert len({round(mood.anger, 4) for mood in one_by_one if mood}) > 1


def test_short_turns_get_no_mood_and_keep_their_place(classifier: Path) -> None:
    moods = HubMood(str(classifier), device="cpu").moods([turn(0.5), turn(2.0), turn(0.3)])

    assert [mood is None for mood in moods] == [True, False, True]
    assert HubMood(str(classifier), device="cpu").moods([]) == []


def test_a_long_turn_is_heard_in_pieces(classifier: Path) -> None:
    (mood,) = HubMood(str(classifier), device="cpu").moods([turn(40.0)])

    assert mood is not None
    assert np.isfinite(mood.anger)


@pytest.mark.parametrize(
    ("labels", "angry"),
    [
        (["ang", "neu", "sad", "hap"], [0]),
        (["Neutral", "ANGER", "sadness"], [1]),
        (["female_angry", "male_angry", "male_calm"], [0, 1]),
        (["生气/angry", "开心/happy"], [0]),
    ],
)
def test_understands_the_usual_names_of_labels(labels: list[str], angry: list[int]) -> None:
    assert mood_columns(dict(enumerate(labels)))["angry"] == angry


def test_labels_that_say_nothing_are_refused_with_what_they_are(tmp_path: Path) -> None:
    folder = save_classifier(tmp_path, ["LABEL_0", "LABEL_1"])

    with pytest.raises(MoodLabelsUnknown, match="LABEL_0, LABEL_1"):
        HubMood(str(folder), device="cpu")

    HubMood(str(folder), device="cpu", labels={"LABEL_1": "angry", "LABEL_0": "neutral"})


def test_a_given_meaning_goes_before_the_name() -> None:
    columns = mood_columns({0: "anger", 1: "disgust"}, {"disgust": "angry", "anger": "angry"})

    assert columns["angry"] == [0, 1]


@pytest.mark.parametrize("labels", [{"anger": "furious"}, {"rage": "angry"}])
def test_a_meaning_for_what_is_not_there_is_refused(labels: dict[str, str]) -> None:
    with pytest.raises(MoodLabelsUnknown):
        mood_columns({0: "anger", 1: "sad"}, labels)


def test_a_missing_model_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(MoodModelMissing, match="folder"):
        HubMood(str(tmp_path / "nowhere"), device="cpu")


def test_a_model_without_a_trained_classifier_is_refused(classifier: Path, tmp_path: Path) -> None:
    bare = transformers.Wav2Vec2Model.from_pretrained(classifier)
    bare.config.id2label = dict(enumerate(SIX_LABELS))
    bare.save_pretrained(tmp_path)
    transformers.Wav2Vec2FeatureExtractor().save_pretrained(tmp_path)

    with pytest.raises(MoodModelMissing, match="no trained classifier"):
        HubMood(str(tmp_path), device="cpu")
