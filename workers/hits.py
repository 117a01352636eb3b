"""Lexicon matches laid onto a conversation: each with its turn, speaker and seconds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lexicons.matcher import Match, Matcher
from models.turn import span_of_words
from speech.conversation import Conversation


@dataclass(frozen=True, slots=True)
class TimedHit:
    """A match in the turn at `position`, on the recording's clock."""

    position: int
    speaker: str
    start_s: float
    end_s: float
    match: Match


def find_hits(conversation: Conversation, matcher: Matcher) -> list[TimedHit]:
    """Every hit of every turn, in order."""
    hits: list[TimedHit] = []
    for position, turn in enumerate(conversation.turns):
        words = [[word.text, word.start_s, word.end_s, word.probability] for word in turn.words]
        for match in matcher.find(turn.text):
            start_s, end_s = span_of_words(words, match.start, match.end)
            hits.append(TimedHit(position, turn.speaker, start_s, end_s, match))
    return hits


def by_turn(hits: Iterable[TimedHit]) -> dict[int, list[TimedHit]]:
    """Hits by the position of their turn, for the turns that have any."""
    found: dict[int, list[TimedHit]] = {}
    for hit in hits:
        found.setdefault(hit.position, []).append(hit)
    return found
