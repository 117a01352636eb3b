"""Lexicon matches laid onto turns, just heard or stored: each with its turn, speaker and seconds.

Here a match that the wrong speaker said, or in the wrong part of the call, is dropped: matching
itself knows neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lexicons.matcher import Match, Matcher
from models.turn import span_of_words

if TYPE_CHECKING:
    from models.stored import StoredTurn
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
    """Every hit of every turn that was just heard, in order."""
    hits: list[TimedHit] = []
    for position, turn in enumerate(conversation.turns):
        words = [[word.text, word.start_s, word.end_s, word.probability] for word in turn.words]
        found = _matches(matcher, turn.text, words, turn.speaker, conversation.duration_s)
        hits += [TimedHit(position, turn.speaker, *hit) for hit in found]
    return hits


def find_stored_hits(
    turns: Sequence[StoredTurn], matcher: Matcher, *, call_s: float
) -> list[TimedHit]:
    """The same for the stored turns of a call that lasts `call_s` seconds; `position` is that in
    `turns`.
    """
    hits: list[TimedHit] = []
    for position, turn in enumerate(turns):
        found = _matches(matcher, turn.text, turn.words, turn.speaker, call_s)
        hits += [TimedHit(position, turn.speaker, *hit) for hit in found]
    return hits


def by_turn(hits: Iterable[TimedHit]) -> dict[int, list[TimedHit]]:
    """Hits by the position of their turn, for the turns that have any."""
    found: dict[int, list[TimedHit]] = {}
    for hit in hits:
        found.setdefault(hit.position, []).append(hit)
    return found


def hit_row(call_id: int, turn_id: int | None, hit: TimedHit) -> dict[str, Any]:
    """The row of a hit."""
    return {
        "call_id": call_id,
        "turn_id": turn_id,
        "speaker": hit.speaker,
        "lexicon": hit.match.lexicon,
        "lexicon_version": hit.match.version,
        "term": hit.match.term,
        "grade": hit.match.grade,
        "matched": hit.match.matched,
        "start_s": hit.start_s,
        "end_s": hit.end_s,
        "score": hit.match.score,
        "parts": hit.match.parts,
    }


def _matches(
    matcher: Matcher, text: str, words: list[list[Any]], speaker: str, call_s: float
) -> Iterator[tuple[float, float, Match]]:
    """Start, end and match of all that may be said by this speaker at that place."""
    for match in matcher.find(text, heard=_certainties(words)):
        start_s, end_s = span_of_words(words, match.start, match.end)
        term = match.definition
        if term is None or term.allows(speaker, start_s, call_s=call_s):
            yield start_s, end_s, match


def _certainties(words: list[list[Any]]) -> list[tuple[int, int, float]]:
    """How certainly each word was heard, by its characters: words stand one space apart."""
    heard: list[tuple[int, int, float]] = []
    at = 0
    for text, _start_s, _end_s, probability in words:
        end = at + len(text)
        heard.append((at, end, probability))
        at = end + 1
    return heard
