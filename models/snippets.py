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
from models.marks import Alike, spans_of
from models.query import Clause
from models.turn import Turn, span_of_words

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
    session: Session,
    call_ids: Sequence[int],
    clauses: Sequence[Clause],
    alike: Alike,
    *,
    speaker: str | None,
) -> dict[int, list[Snippet]]:
    """The turns in which most of the clauses hold, per call, best first; `speaker` is who said what
    no clause gives to somebody.
    """
    turns = select(Turn.id, Turn.call_id, Turn.speaker, Turn.keys)
    ranked: dict[int, list[tuple[int, int]]] = defaultdict(list)
    rows = session.exec(turns.where(col(Turn.call_id).in_(call_ids)).order_by(col(Turn.id)))
    for number, call_id, voice, keys in rows:
        split = keys.split()
        said = sum(bool(spans_of(one, split, alike)) for one in _said_by(voice, clauses, speaker))
        if said and number is not None:
            ranked[call_id].append((-said, number))
    best = {call_id: sorted(found)[:PER_CALL] for call_id, found in ranked.items()}
    shown = [number for found in best.values() for _rank, number in found]
    whole = {turn.id: turn for turn in session.exec(select(Turn).where(col(Turn.id).in_(shown)))}
    return {
        call_id: [
            _marked(whole[number], _said_by(whole[number].speaker, clauses, speaker), alike)
            for _rank, number in found
            if number in whole
        ]
        for call_id, found in best.items()
    }


def _said_by(voice: str, clauses: Sequence[Clause], speaker: str | None) -> list[Clause]:
    """The clauses that may hold in what this voice said."""
    return [one for one in clauses if (one.speaker or speaker or voice) == voice]


def _marked(turn: Turn, clauses: Sequence[Clause], alike: Alike) -> Snippet:
    tokens = analyze(turn.text)
    keys = [token.key for token in tokens]
    spans = {span for clause in clauses for span in spans_of(clause, keys, alike)}
    marks = sorted((tokens[first].start, tokens[last].end) for first, last in spans)
    return _snippet(turn, tuple(marks))


def snippets_of_hits(
    session: Session, call_ids: Sequence[int], lexicons: Sequence[str], *, speaker: str | None
) -> dict[int, list[Snippet]]:
    """The turns with most hits of these lexicons, per call, best first."""
    hits = select(Hit, Turn).join(Turn, col(Turn.id) == col(Hit.turn_id))
    hits = hits.where(col(Hit.call_id).in_(call_ids), col(Hit.lexicon).in_(lexicons))
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
