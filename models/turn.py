"""One turn of a call as stored: text, words with times, how sure Whisper was of them, mood, and
the analyzer's keys for the search index.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, String, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.call import NEVER_REUSE_IDS, of_call
from models.columns import Json

# On simulated telephone calls with three levels of noise, heard by Whisper base, 7 of 10 words of
# turns below this confidence are wrong, and 1 of 8 of all others; of the turns of calls without
# noise, 1 of 50 is below. Chosen on one half of the calls, the same on the other.
UNCERTAIN_BELOW = 0.6


class Turn(SQLModel, table=True):
    """`words` are [text, start_s, end_s, probability]; the texts joined by single spaces are
    `text`. `confidence` is the mean of the probabilities. `anger_parts` is what the anger is made
    of, as `workers.reasons` says it, None below the alert threshold. What came with a later
    version is None for calls heard before.
    """

    __tablename__ = "turn"
    __table_args__ = (UniqueConstraint("call_id", "position"), NEVER_REUSE_IDS)

    id: int | None = Field(default=None, primary_key=True)
    call_id: int = Field(sa_column=of_call())
    position: int
    speaker: str = Field(sa_column=Column(String(20), nullable=False))
    start_s: float
    end_s: float
    text: str = Field(sa_column=Column(Text, nullable=False))
    keys: str = Field(sa_column=Column(Text, nullable=False))
    words: list[list[Any]] = Field(sa_column=Column(Json, nullable=False))
    mood: str | None = Field(default=None, sa_column=Column(String(10)))
    anger: float | None = None
    moods: dict[str, float] | None = Field(default=None, sa_column=Column(Json))
    acoustics: dict[str, float | None] | None = Field(default=None, sa_column=Column(Json))
    language: str | None = Field(default=None, sa_column=Column(String(3)))
    confidence: float | None = None
    interrupts: bool | None = None
    anger_parts: dict[str, Any] | None = Field(default=None, sa_column=Column(Json))

    @property
    def uncertain(self) -> bool | None:
        """Whether most of the words are likely wrong; None where the confidence is not known."""
        return None if self.confidence is None else is_uncertain(self.confidence)


def is_uncertain(confidence: float) -> bool:
    """Whether most words of a turn of this confidence are likely wrong."""
    return confidence < UNCERTAIN_BELOW


def span_of_words(words: list[list[Any]], start: int, end: int) -> tuple[float, float]:
    """Start and end in seconds of the words that characters `start` to `end` of the turn's text
    touch.

    Raises ValueError where the span lies outside the text.
    """
    at, first_s, last_s = 0, None, None
    for text, start_s, end_s, _probability in words:
        if at < end and at + len(text) > start:
            first_s = start_s if first_s is None else first_s
            last_s = end_s
        at += len(text) + 1
    if first_s is None or last_s is None:
        raise ValueError(f"characters {start} to {end} touch no word")
    return first_s, last_s
