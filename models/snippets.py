"""Which turns of a call to show and play first, with the matching characters marked.

Knows nothing of how the calls were found.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from lexicons.text import analyze
from models.hit import Hit
from models.turn import Turn, span_of_words
from models.words import Phrase, matching_turns

PER_CALL = 3


@dataclass(frozen=True, slots=True)
class Snippet:
    """A turn worth hearing: `marks` are character spans in `text`; `start_s` is the second to
    play, where the first mark was said."""

    turn_id: int
    speaker: str
    text: str
    marks: tuple[tuple[int, int], ...]
    start_s: float
    end_s: float
    anger: float | None


def snippets_of_words(
    session: Session, call_ids: Sequence[int], phrases: Sequence[Phrase], *, speaker: str | None
) -> dict[int, list[Snippet]]:
    """The turns in which most of the phrases were said, per call, best first."""
    turns = select(Turn).where(col(Turn.call_id).in_(call_ids), matching_turns(session, phrases))
    if speaker:
        turns = turns.where(Turn.speaker == speaker)
    ranked: dict[int, list[tuple[int, Snippet]]] = defaultdict(list)
    for turn in session.exec(turns.order_by(col(Turn.id))):
        marks, said = _marks(turn.text, phrases)
        if marks:
            ranked[turn.call_id].append((said, _snippet(turn, marks)))
    return {call_id: _best(found) for call_id, found in ranked.items()}


def snippets_of_hits(
    session: Session, call_ids: Sequence[int], lexicon: str, *, speaker: str | None
) -> dict[int, list[Snippet]]:
    """The turns with most hits of one lexicon, per call, best first."""
    hits = select(Hit, Turn).join(Turn, col(Turn.id) == col(Hit.turn_id))
    hits = hits.where(col(Hit.call_id).in_(call_ids), Hit.lexicon == lexicon)
    if speaker:
        hits = hits.where(Hit.speaker == speaker)
    turns: dict[int, Turn] = {}
    spans: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for hit, turn in session.exec(hits.order_by(col(Turn.id), col(Hit.id))):
        turns[hit.turn_id] = turn
        spans[hit.turn_id].append((hit.start_s, hit.end_s))
    ranked: dict[int, list[tuple[int, Snippet]]] = defaultdict(list)
    for turn_id, turn in turns.items():
        marks = _characters(turn, spans[turn_id])
        ranked[turn.call_id].append((len(marks), _snippet(turn, marks)))
    return {call_id: _best(found) for call_id, found in ranked.items()}


def snippets_of_anger(
    session: Session, call_ids: Sequence[int], *, speaker: str | None
) -> dict[int, list[Snippet]]:
    """The angriest turn of each call: of `speaker`, or of anybody but the agent."""
    turns = select(Turn).where(col(Turn.call_id).in_(call_ids), col(Turn.anger).is_not(None))
    turns = turns.where(Turn.speaker == speaker if speaker else Turn.speaker != "agent")
    best: dict[int, Turn] = {}
    for turn in session.exec(turns.order_by(col(Turn.id))):
        if turn.call_id not in best or (turn.anger or 0) > (best[turn.call_id].anger or 0):
            best[turn.call_id] = turn
    return {call_id: [_snippet(turn, ())] for call_id, turn in best.items()}


def _marks(text: str, phrases: Iterable[Phrase]) -> tuple[tuple[tuple[int, int], ...], int]:
    """Spans of the phrases in the text, and how many of them are there."""
    tokens = analyze(text)
    keys = [token.key for token in tokens]
    marks: set[tuple[int, int]] = set()
    said = 0
    for phrase in phrases:
        places = [
            at
            for at in range(len(keys) - len(phrase) + 1)
            if tuple(keys[at : at + len(phrase)]) == phrase
        ]
        said += bool(places)
        marks |= {(tokens[at].start, tokens[at + len(phrase) - 1].end) for at in places}
    return tuple(sorted(marks)), said


def _characters(turn: Turn, spans: Iterable[tuple[float, float]]) -> tuple[tuple[int, int], ...]:
    """Character spans of the turn's words said within the given seconds."""
    marks = []
    for start_s, end_s in spans:
        at, touched = 0, []
        for text, word_start_s, word_end_s, _probability in turn.words:
            if word_start_s >= start_s and word_end_s <= end_s:
                touched.append((at, at + len(text)))
            at += len(text) + 1
        if touched:
            marks.append((touched[0][0], touched[-1][1]))
    return tuple(sorted(set(marks)))


def _snippet(turn: Turn, marks: tuple[tuple[int, int], ...]) -> Snippet:
    start_s = span_of_words(turn.words, *marks[0])[0] if marks else turn.start_s
    return Snippet(
        turn_id=turn.id or 0,
        speaker=turn.speaker,
        text=turn.text,
        marks=marks,
        start_s=start_s,
        end_s=turn.end_s,
        anger=turn.anger,
    )


def _best(found: list[tuple[int, Snippet]]) -> list[Snippet]:
    ranked = sorted(found, key=lambda pair: (-pair[0], pair[1].start_s))
    return [snippet for _rank, snippet in ranked[:PER_CALL]]
