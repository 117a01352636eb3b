"""Reads one call with everything that belongs to it, in a fixed number of statements."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlmodel import Session, col, select

from models.alert import Alert
from models.call import Call, Speaker
from models.comment import Comment, comments_of
from models.hit import Hit
from models.hit_verdict import HitVerdict, verdicts_by_hit
from models.label import CallLabel, labels_of, tags_of
from models.turn import Turn
from models.verdict import MoodVerdict, verdicts_of


@dataclass(frozen=True, slots=True)
class WholeCall:
    """A call and its rows, turns and hits in order; the verdicts on hits by the ids of these.
    `tags` are all, `labels` those by hand.
    """

    call: Call
    speakers: list[Speaker] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    labels: list[CallLabel] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    hits: list[Hit] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    verdicts: list[MoodVerdict] = field(default_factory=list)
    hit_verdicts: dict[int, HitVerdict] = field(default_factory=dict)


def read_call(session: Session, call_id: int) -> WholeCall | None:
    """The call with all its rows, or None."""
    call = session.get(Call, call_id)
    if call is None:
        return None
    hits = select(Hit).where(Hit.call_id == call_id).order_by(col(Hit.start_s), col(Hit.id))
    found = list(session.exec(hits))
    return WholeCall(
        call,
        speakers=list(
            session.exec(
                select(Speaker).where(Speaker.call_id == call_id).order_by(col(Speaker.name))
            )
        ),
        tags=tags_of(session, [call_id]).get(call_id, []),
        labels=labels_of(session, [call_id]).get(call_id, []),
        comments=comments_of(session, call_id),
        turns=list(
            session.exec(select(Turn).where(Turn.call_id == call_id).order_by(col(Turn.position)))
        ),
        hits=found,
        alerts=list(
            session.exec(select(Alert).where(Alert.call_id == call_id).order_by(col(Alert.id)))
        ),
        verdicts=verdicts_of(session, call_id),
        hit_verdicts=verdicts_by_hit(session, call_id, found),
    )
