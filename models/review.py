"""Work on calls: who looks after one, how far they are, and the tags they give. Each change leaves
an event in the history of its call, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from sqlmodel import Session, col, select

from models.audit import Action, note
from models.call import Call, Review
from models.facets import refresh
from models.history import CallEvent, Change
from models.label import CallLabel, labels_of

MAX_LABELS = 20


class Keep(Enum):
    """Stands for an assignee that stays, since None takes them away."""

    KEEP = auto()


KEEP: Final = Keep.KEEP


@dataclass(frozen=True, slots=True)
class Changes:
    """What to change about calls; what is left out stays. No tag may be in both lists."""

    review: Review | None = None
    assignee: str | Keep | None = KEEP
    tags_added: tuple[str, ...] = ()
    tags_removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Changed:
    """The calls that are there, those of them that are not as they were, and the ids of none."""

    calls: tuple[Call, ...]
    changed: tuple[int, ...]
    missing: tuple[int, ...]


class TooManyTags(Exception):
    """A call would get more tags by hand than it may have."""


def change_calls(
    session: Session, call_ids: Collection[int], changes: Changes, *, by: str
) -> Changed:
    """Change calls and commit, all of them or none. Raises `TooManyTags`."""
    calls = _held(session, call_ids)
    labels = labels_of(session, [call.id for call in calls if call.id is not None])
    changed: list[int] = []
    for call in calls:
        assert call.id is not None  # it is stored
        events = _change(call, changes) + _label(
            session, call.id, labels.get(call.id, []), changes, by=by
        )
        if events:
            changed.append(call.id)
        for kind, before, after in events:
            session.add(
                CallEvent(call_id=call.id, kind=kind, before=before, after=after, given_by=by)
            )
    session.flush()
    refresh(session, changed)
    session.commit()
    there = {call.id for call in calls}
    return Changed(tuple(calls), tuple(changed), tuple(sorted(set(call_ids) - there)))


class NotHeld(Exception):
    """The call is not under legal hold."""


def change_hold(
    session: Session, call_id: int, *, held: bool, reason: str, by: str, key_name: str
) -> Call | None:
    """Put a call under legal hold or release it, and commit; None where there is no such call. A
    held call may be put under hold again, for one more reason; one release ends them all.

    Raises `NotHeld`.
    """
    for call in _held(session, [call_id]):
        if not held and not call.legal_hold:
            raise NotHeld(f"call {call_id} is not under legal hold")
        call.legal_hold = held
        session.add(call)
        kind = Change.HOLD if held else Change.RELEASE
        session.add(CallEvent(call_id=call_id, kind=kind, after=reason, given_by=by))
        action = Action.HOLD if held else Action.RELEASE
        note(session, action, key_name=key_name, call_id=call_id, reason=reason, by=by)
        session.commit()
        return call
    return None


# A kind of change, what was, and what is.
_Event = tuple[Change, str | None, str | None]


def _held(session: Session, call_ids: Collection[int]) -> list[Call]:
    """These calls, held until we commit; in one order, so that no two of us wait for each other."""
    wanted = select(Call).where(col(Call.id).in_(call_ids)).order_by(col(Call.id))
    return list(session.exec(wanted.with_for_update().execution_options(populate_existing=True)))


def _change(call: Call, changes: Changes) -> list[_Event]:
    events: list[_Event] = []
    if changes.review is not None and call.review != changes.review:
        events.append((Change.REVIEW, call.review, changes.review))
        call.review = changes.review
    if changes.assignee is not KEEP and call.assignee != changes.assignee:
        events.append((Change.ASSIGNEE, call.assignee, changes.assignee))
        call.assignee = changes.assignee
    return events


def _label(
    session: Session, call_id: int, labels: Collection[CallLabel], changes: Changes, *, by: str
) -> list[_Event]:
    """Give and take away tags of one call. Raises `TooManyTags`."""
    there = {label.tag: label for label in labels}
    removed = [tag for tag in dict.fromkeys(changes.tags_removed) if tag in there]
    added = [tag for tag in dict.fromkeys(changes.tags_added) if tag not in there]
    if added and len(there) - len(removed) + len(added) > MAX_LABELS:
        raise TooManyTags(
            f"call {call_id} has {len(there)} tags by hand, and may have {MAX_LABELS}: take some "
            "away first"
        )
    for tag in removed:
        session.delete(there[tag])
    session.add_all(CallLabel(call_id=call_id, tag=tag, given_by=by) for tag in added)
    return [(Change.TAG, tag, None) for tag in removed] + [(Change.TAG, None, tag) for tag in added]
