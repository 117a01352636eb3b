"""Whisper's alignment as words: whole, in the span where they were said, on the recording's clock.

Knows no model. What comes in are faster-whisper's pieces of words, on the clock of their window.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from faster_whisper.transcribe import merge_punctuations
from numpy.typing import NDArray

from speech.activity import Window
from speech.conversation import Word
from speech.frames import FRAMES_PER_S, FrameStats

PREPENDED_MARKS = "\"'“¿([{-"
SENTENCE_ENDS = ".?!…"
APPENDED_MARKS = "\"'.。,，!！?？:：”)]}、"


@dataclass(frozen=True, slots=True, eq=False)
class HeardWord:
    """A word on one channel, on the recording's clock, with the encoder frames it was heard
    from.
    """

    channel: int
    word: Word
    frames: FrameStats


@dataclass(slots=True)
class Piece:
    """A word, or a part of one: on its window's clock, and on the recording's in one span."""

    text: str
    first_s: float
    last_s: float
    span: int
    start_s: float
    end_s: float
    probability: float


def whole_words(alignment: list[dict[str, Any]], window: Window) -> list[Piece]:
    """Alignment pieces as words: marks joined to their words, and "2", "-0", "-4" to "2-0-4".

    Pieces said in different spans stay apart, however they are written.
    """
    merge_punctuations(alignment, PREPENDED_MARKS, APPENDED_MARKS)
    words: list[Piece] = []
    for piece in alignment:
        text: str = piece["word"]
        if not text.strip():
            continue
        first_s, last_s = float(piece["start"]), float(piece["end"])
        probability = float(piece["probability"])
        span, start_s, end_s = window.place(first_s, last_s)
        if words and not text.startswith(" ") and words[-1].span == span:
            words[-1].text += text.rstrip()
            words[-1].last_s, words[-1].end_s = last_s, end_s
            words[-1].probability = min(words[-1].probability, probability)
        else:
            words.append(Piece(text.strip(), first_s, last_s, span, start_s, end_s, probability))
    _join_sentences(words, window)
    return words


def _join_sentences(words: list[Piece], window: Window) -> None:
    """Move a word that opens a sentence, and that alignment left behind a pause, to its sentence.

    Nobody says the first word of a sentence, falls silent, and goes on after the pause; alignment
    often places it so, since a word's start is where the word before it ended.
    """
    for before, word, after in zip(words, words[1:], words[2:], strict=False):
        opens = before.text[-1] in SENTENCE_ENDS and word.text[-1] not in SENTENCE_ENDS
        if opens and before.span == word.span and after.span == word.span + 1:
            length_s = word.end_s - word.start_s
            span = window.spans[after.span]
            word.span = after.span
            word.start_s = span.start_s + span.lead_s
            word.end_s = max(min(word.start_s + length_s, after.start_s), word.start_s)


def heard_word(window: Window, frames: NDArray[np.float32], piece: Piece) -> HeardWord:
    first = int(piece.first_s * FRAMES_PER_S)
    last = max(first + 1, round(piece.last_s * FRAMES_PER_S))
    return HeardWord(
        window.channel,
        Word(
            piece.text,
            round(piece.start_s, 3),
            round(piece.end_s, 3),
            round(piece.probability, 4),
        ),
        FrameStats.of(frames[first:last]),
    )
