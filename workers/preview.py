"""What would change if a lexicon's draft were published: stored calls matched with it, and their
hits of that lexicon compared with those that are stored. Nothing of a call is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine

from lexicons.lexicon import Lexicon
from lexicons.matcher import Matcher
from models.db import reading, writing
from models.rematch import Rematch, claim, finish, move_on, without_the_gone
from models.stored import StoredCall, StoredTurn, hold_calls, stored_calls
from workers.hits import find_stored_hits

BATCH = 300
EXCERPTS = 5
EXCERPT_CHARS = 160
MAX_TERMS_WITH_EXCERPTS = 500

_Said = tuple[str, int, float, float]
"""A hit: its term, the turn, and from when to when it is said."""


@dataclass(slots=True)
class Preview:
    """Counted so far. `gained` and `lost` are calls that would get the lexicon's tag, or lose it;
    `added` and `removed` are hits. `terms` has for each term that changes anything in how many
    calls it would have hits that it has not, or lose some, with excerpts.
    """

    lexicon: str
    calls: int = 0
    gained: int = 0
    lost: int = 0
    added: int = 0
    removed: int = 0
    terms: dict[str, dict[str, Any]] = field(default_factory=dict)
    shown: int = 0
    """Terms that have excerpts."""

    @classmethod
    def of(cls, result: Mapping[str, Any], lexicon: str) -> Preview:
        """Out of what :meth:`as_result` gave; from nothing, an empty one."""
        if not result:
            return cls(lexicon)
        terms = {entry["term"]: dict(entry) for entry in result["terms"]}
        shown = sum(bool(entry["gained_in"] or entry["lost_in"]) for entry in terms.values())
        counts = {name: result[name] for name in ("calls", "gained", "lost", "added", "removed")}
        return cls(lexicon, **counts, terms=terms, shown=shown)

    def as_result(self) -> dict[str, Any]:
        """Plain JSON: `lexicon`, `calls` matched, `gained`, `lost`, `added`, `removed`, and
        `terms`, those that change most first, each with `term`, `gained`, `lost`, `gained_in` and
        `lost_in`: up to five excerpts with `call_id`, `external_id`, `start_s` of the turn,
        `speaker` and `text`.
        """
        terms = sorted(
            self.terms.values(), key=lambda entry: (-entry["gained"] - entry["lost"], entry["term"])
        )
        return {
            "lexicon": self.lexicon,
            "calls": self.calls,
            "gained": self.gained,
            "lost": self.lost,
            "added": self.added,
            "removed": self.removed,
            "terms": terms,
        }

    def count(self, call: StoredCall, matcher: Matcher) -> None:
        """Compare one call, whose `hits` are those of this lexicon."""
        turns = {turn.id: turn for turn in call.turns}
        after: dict[_Said, tuple[StoredTurn, int]] = {}
        for hit in find_stored_hits(call.turns, matcher, call_s=call.lasts_s):
            if hit.match.lexicon == self.lexicon:
                turn = call.turns[hit.position]
                after[hit.match.term, turn.id, hit.start_s, hit.end_s] = turn, hit.match.start
        before: dict[_Said, tuple[StoredTurn, int]] = {}
        for there in call.hits:
            stored_in = turns.get(there.turn_id)  # None: the call was heard again meanwhile
            if stored_in is not None:
                said = there.term, stored_in.id, there.start_s, there.end_s
                before[said] = stored_in, max(stored_in.text.find(there.matched), 0)
        self.calls += 1
        self.gained += bool(after) and not before
        self.lost += bool(before) and not after
        self.added += len(after.keys() - before.keys())
        self.removed += len(before.keys() - after.keys())
        for way, here, other in (("gained", after, before), ("lost", before, after)):
            noted: set[str] = set()
            for said, place in here.items():
                if said not in other and said[0] not in noted:
                    noted.add(said[0])
                    self._note(way, said[0], call, place)

    def _note(self, way: str, term: str, call: StoredCall, place: tuple[StoredTurn, int]) -> None:
        entry = self.terms.setdefault(
            term, {"term": term, "gained": 0, "lost": 0, "gained_in": [], "lost_in": []}
        )
        entry[way] += 1
        excerpts = entry[f"{way}_in"]
        is_shown = bool(entry["gained_in"] or entry["lost_in"])
        if len(excerpts) < EXCERPTS and (is_shown or self.shown < MAX_TERMS_WITH_EXCERPTS):
            self.shown += not is_shown
            turn, at = place
            excerpts.append(
                {
                    "call_id": call.id,
                    "external_id": call.external_id,
                    "start_s": turn.start_s,
                    "speaker": turn.speaker,
                    "text": excerpt(turn.text, at),
                }
            )


def preview_batch(engine: Engine, row: Rematch, matcher: Matcher) -> bool:
    """Compare the next calls, and commit; False where the preview ended, or somebody else does
    it.
    """
    assert row.lexicon is not None  # a preview is of one
    preview = Preview.of(row.result, row.lexicon)
    calls = compare_next(engine, preview, matcher, after=row.last_call_id)
    with writing(engine) as session:
        # Before the re-matching is claimed: whoever deletes a call takes the two in this order.
        hold_calls(session, calls)
        held = claim(session, row)
        if held is None:
            return False
        held.result = without_the_gone(session, preview.as_result())
        if calls:
            move_on(held, last_call_id=calls[-1].id, done=len(calls))
        else:
            finish(held)
        session.add(held)
        session.commit()
        return held.unfinished


def compare_next(
    engine: Engine, preview: Preview, matcher: Matcher, *, after: int
) -> list[StoredCall]:
    """Count the calls after this one into `preview`; returns them."""
    with reading(engine) as session:
        calls = stored_calls(session, after=after, limit=BATCH, lexicon=preview.lexicon)
    for call in calls:
        preview.count(call, matcher)
    return calls


def with_draft(lexicons: Sequence[Lexicon], draft: Lexicon) -> Matcher:
    """What finds hits once `draft` is published. All lexicons take part: a word that one of them
    knows is no misspelling of another's.
    """
    others = [lexicon for lexicon in lexicons if lexicon.name != draft.name]
    return Matcher([*others, draft])


def excerpt(text: str, at: int) -> str:
    """At most `EXCERPT_CHARS` characters around a place, cut between words."""
    if len(text) <= EXCERPT_CHARS:
        return text
    first = max(0, min(at - EXCERPT_CHARS // 3, len(text) - EXCERPT_CHARS))
    piece = text[first : first + EXCERPT_CHARS]
    if first:
        piece = "… " + piece.partition(" ")[2]
    if first + EXCERPT_CHARS < len(text):
        piece = piece.rpartition(" ")[0] + " …"
    return piece
