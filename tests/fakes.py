"""Small stand-ins for what is slow: conversations made by hand, ears that hear what they are
told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from speech.acoustics import TurnSound
from speech.activity import Window
from speech.alignment import HeardWord
from speech.conversation import Conversation, Mood, Turn, Word
from speech.frames import FrameStats
from speech.languages import pinned
from speech.recording import Recording
from speech.transcribe import Transcript

CALM = Mood(angry=0.05, happy=0.15, neutral=0.7, sad=0.1, anger=0.05)
ANGRY = Mood(angry=0.9, happy=0.05, neutral=0.03, sad=0.02, anger=0.92)
WORD_S = 0.4


def turn(speaker: str, start_s: float, text: str, mood: Mood | None = CALM) -> Turn:
    """A turn whose words follow each other, 0.4 s each."""
    words = tuple(
        Word(word, round(start_s + i * WORD_S, 3), round(start_s + (i + 1) * WORD_S, 3), 0.9)
        for i, word in enumerate(text.split())
    )
    return Turn(speaker, words, mood=mood)


def conversation(*turns: Turn, duration_s: float = 60.0) -> Conversation:
    """A conversation of these turns."""
    return Conversation(
        duration_s=duration_s,
        channels=2,
        turns=tuple(sorted(turns, key=lambda t: t.start_s)),
        language="en",
        language_probability=0.99,
        whisper_model="fake",
        mood_model="fake",
    )


class ToldTranscriber:
    """Hears, on the first channel, the text it was told; `before` runs first and may raise."""

    name = "told"

    def __init__(self, text: str, before: Callable[[], None] | None = None) -> None:
        self.text = text
        self.before = before or (lambda: None)

    def transcribe(
        self,
        _recording: Recording,
        _windows: Sequence[Window],
        *,
        language: str | None = None,
        hotwords: Sequence[str] = (),  # noqa: ARG002 - what is heard is told already
        on_progress: Callable[[float], None] | None = None,
    ) -> Transcript:
        self.before()
        if on_progress:
            on_progress(1.0)
        frames = FrameStats.of(np.zeros((1, 4)))
        heard = turn("agent", 0.1, self.text).words if self.text else ()
        return Transcript(
            tuple(HeardWord(0, replace(word), frames) for word in heard),
            pinned(language or "en", [0]),
        )


class ToldMood:
    """Feels the same mood in every turn."""

    name = "told"

    def __init__(self, mood: Mood = CALM) -> None:
        self.mood = mood

    def moods(self, sounds: Sequence[TurnSound]) -> list[Mood | None]:
        return [self.mood for _ in sounds]
