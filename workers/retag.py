"""One batch of a retag: stored calls get the hits and tags that the published lexicons give them.

Only what differs is written: a hit that stays keeps its id. Calls whose hits differ are judged anew
in the same transaction. What explains a turn's anger tells what was known when the call was heard;
it is left as it is, and so are tags that are no lexicon's name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

from models.db import reading, writing
from models.facets import refresh
from models.lexicon import lexicon_names
from models.rematch import Rematch, claim, finish, move_on
from models.stored import (
    StoredCall,
    StoredHit,
    hold_calls,
    stamp_calls,
    stored_calls,
    write_hits,
    write_tags,
)
from workers.hits import find_stored_hits, hit_row
from workers.judging import Judge
from workers.published import Compiled

BATCH = 300
_SAME = ("turn_id", "lexicon", "term", "grade", "matched", "speaker", "start_s", "end_s")


@dataclass(slots=True)
class Changes:
    """What has to be written of some calls."""

    removed: list[int] = field(default_factory=list)
    changed: list[dict[str, Any]] = field(default_factory=list)
    added: list[dict[str, Any]] = field(default_factory=list)
    tags_removed: list[tuple[int, str]] = field(default_factory=list)
    tags_added: list[tuple[int, str]] = field(default_factory=list)

    @property
    def rehits(self) -> bool:
        """Whether rules may say something else of the call than before."""
        return bool(self.removed or self.added)

    @property
    def shows(self) -> bool:
        """Whether anybody who looks at the call finds something else than before."""
        return self.rehits or bool(self.tags_removed or self.tags_added)


def retag_batch(engine: Engine, row: Rematch, published: Compiled, judge: Judge) -> bool:
    """Do the next calls and commit; False where the retag ended, or somebody else does it."""
    with reading(engine) as session:
        calls = stored_calls(
            session, after=row.last_call_id, limit=BATCH, other_than=published.revision
        )
        names = lexicon_names(session)
    # Matching takes longest, and is done while nothing is held.
    changes = {call.id: changes_of(call, published, names) for call in calls}
    with writing(engine) as session:
        held = claim(session, row)
        if held is None:
            return False
        there = hold_calls(session, calls)
        _write(session, [changes[call.id] for call in there])
        refresh(session, [call.id for call in there if changes[call.id].shows])
        stamp_calls(session, [call.id for call in there], published.revision)
        counts = {"changed": 0, "added": 0, "removed": 0} | held.result
        for call in there:
            of_call = changes[call.id]
            counts["changed"] += of_call.shows
            counts["added"] += len(of_call.added)
            counts["removed"] += len(of_call.removed)
        held.result = counts
        if calls:
            move_on(held, last_call_id=calls[-1].id, done=len(there))
        elif held.last_call_id:
            # Some may have been heard meanwhile, with older lexicons: once more from the start.
            move_on(held, last_call_id=0, done=0)
        else:
            finish(held)
        session.add(held)
        judge.judge_again(session, [call.id for call in there if changes[call.id].rehits])
        session.commit()
        return held.unfinished


def changes_of(call: StoredCall, published: Compiled, lexicons: set[str]) -> Changes:
    """What has to be written so that a call has the hits and tags of these lexicons. `lexicons` are
    all names that tags of lexicons may have.
    """
    changes = Changes()
    stored: dict[tuple[Any, ...], list[StoredHit]] = {}
    for there in call.hits:
        stored.setdefault(tuple(getattr(there, name) for name in _SAME), []).append(there)
    found: set[str] = set()
    for hit in find_stored_hits(call.turns, published.matcher, call_s=call.lasts_s):
        found.add(hit.match.lexicon)
        row = hit_row(call.id, call.turns[hit.position].id, hit)
        same = stored.get(tuple(row[name] for name in _SAME))
        if not same:
            changes.added.append(row)
            continue
        before = same.pop(0)
        if (before.lexicon_version, before.score, before.parts) != (
            row["lexicon_version"],
            row["score"],
            row["parts"],
        ):
            changes.changed.append({"hit_id": before.id, **row})
    changes.removed = [hit.id for left in stored.values() for hit in left]
    of_words = call.tags & (lexicons | {hit.lexicon for hit in call.hits})
    changes.tags_removed = [(call.id, tag) for tag in sorted(of_words - found)]
    changes.tags_added = [(call.id, tag) for tag in sorted(found - call.tags)]
    return changes


def _write(session: Session, changes: Sequence[Changes]) -> None:
    write_hits(
        session,
        removed=[number for one in changes for number in one.removed],
        changed=[row for one in changes for row in one.changed],
        added=[row for one in changes for row in one.added],
    )
    write_tags(
        session,
        removed=[pair for one in changes for pair in one.tags_removed],
        added=[pair for one in changes for pair in one.tags_added],
    )
