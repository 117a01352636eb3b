"""Tags by hand. Those that analysis gives are in `call_tag`, which it writes anew each time; what
people see of a call are both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Column, Index, String
from sqlmodel import Field, Session, SQLModel, col, select

from models.call import CallTag, of_call
from models.columns import Moment, now


class CallLabel(SQLModel, table=True):
    """A tag that `given_by` gave a call."""

    __tablename__ = "call_label"
    __table_args__ = (Index("call_label_by_tag", "tag", "call_id"),)

    call_id: int = Field(sa_column=of_call(primary_key=True))
    tag: str = Field(sa_column=Column(String(50), primary_key=True))
    given_by: str = Field(sa_column=Column(String(100), nullable=False))
    given_at: datetime = Field(default_factory=now, sa_column=Column(Moment, nullable=False))


def labels_of(session: Session, call_ids: Collection[int]) -> dict[int, list[CallLabel]]:
    """The tags by hand of each of these calls, in order; calls without any are left out."""
    labels: dict[int, list[CallLabel]] = defaultdict(list)
    wanted = select(CallLabel).where(col(CallLabel.call_id).in_(call_ids))
    for label in session.exec(wanted.order_by(col(CallLabel.tag))):
        labels[label.call_id].append(label)
    return labels


def tags_of(session: Session, call_ids: Collection[int]) -> dict[int, list[str]]:
    """All tags of each of these calls, by analysis and by hand, in order; calls without any are
    left out.
    """
    tags: dict[int, set[str]] = defaultdict(set)
    for table in (CallTag, CallLabel):
        given = select(table.call_id, table.tag).where(col(table.call_id).in_(call_ids))
        for call_id, tag in session.exec(given):
            tags[call_id].add(tag)
    return {call_id: sorted(given) for call_id, given in tags.items()}
