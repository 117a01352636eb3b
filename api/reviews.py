"""Routes of work on calls: review, assignee, tags by hand, for one call or many, and the history of
one.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlmodel import Session

from api.deps import CallId, CanRead, ReadingDep, ReviewerDep, WritingDep
from api.errors import documented
from api.people import Asked, Name, Tag
from api.review_views import HistoryView, ReviewedView, ReviewView
from models.call import Call, Review
from models.history import history_of
from models.label import tags_of
from models.review import KEEP, MAX_LABELS, Changed, Changes, change_calls

router = APIRouter(prefix="/calls", tags=["calls"])

MAX_AT_ONCE = 500
Id = Annotated[int, Field(ge=1, le=2**31 - 1, examples=[4711])]
TagName = Annotated[Tag, Path(examples=["refund"])]
Tags = Annotated[list[Tag], Field(max_length=MAX_LABELS)]


class ReviewChange(Asked):
    """What to change about a call; what is left out stays."""

    review: Review | None = Field(
        None, description="Null leaves it as it is.", examples=["in_review"]
    )
    assignee: Name | None = Field(
        None, description="Who looks after the call; null takes them away.", examples=["Alice"]
    )

    def changes(self) -> Changes:
        return Changes(
            review=self.review,
            assignee=self.assignee if "assignee" in self.model_fields_set else KEEP,
        )


class ReviewOfMany(ReviewChange):
    """Which calls to change, and what."""

    ids: Annotated[list[Id], Field(min_length=1, max_length=MAX_AT_ONCE)] = Field(
        description="Their numbers.", examples=[[4711, 4712, 4713]]
    )
    tags_added: Tags = Field(default=[], examples=[["refund"]])
    tags_removed: Tags = Field(default=[], examples=[["to check"]])

    @model_validator(mode="after")
    def _either(self) -> ReviewOfMany:
        if both := set(self.tags_added) & set(self.tags_removed):
            raise ValueError(f"{min(both)}: a tag is either added or removed")
        return self

    def changes(self) -> Changes:
        one = super().changes()
        return Changes(
            review=one.review,
            assignee=one.assignee,
            tags_added=tuple(self.tags_added),
            tags_removed=tuple(self.tags_removed),
        )


class HistoryWanted(BaseModel):
    """What `GET /calls/{call_id}/history` understands."""

    model_config = ConfigDict(extra="forbid")

    cursor: int | None = Field(
        None, ge=1, le=2**31 - 1, examples=[42], description="`next_cursor` of a page before."
    )
    limit: int = Field(50, ge=1, le=200, examples=[50])


@router.patch("/{call_id}", responses=documented(401, 403, 404, 422))
def patch_call(
    session: WritingDep, key: ReviewerDep, call_id: CallId, change: ReviewChange
) -> ReviewView:
    """Say where a call stands in review, and who looks after it."""
    return _one(session, call_id, change.changes(), by=change.author(key))


@router.post("/review", responses=documented(401, 403, 409, 422))
def review_calls(session: WritingDep, key: ReviewerDep, change: ReviewOfMany) -> ReviewedView:
    """The same for up to 500 calls, and their tags: all are changed, or, where one would get too
    many tags, none.
    """
    done = change_calls(session, change.ids, change.changes(), by=change.author(key))
    return ReviewedView(changed=len(done.changed), missing=list(done.missing))


@router.put("/{call_id}/tags/{tag}", responses=documented(401, 403, 404, 409, 422))
def put_tag(
    session: WritingDep, key: ReviewerDep, call_id: CallId, tag: TagName, asked: Asked | None = None
) -> ReviewView:
    """Give a call a tag by hand, up to 20 of them. They are kept when it is heard again."""
    by = (asked or Asked()).author(key)
    return _one(session, call_id, Changes(tags_added=(tag,)), by=by)


@router.delete("/{call_id}/tags/{tag}", status_code=204, responses=documented(401, 403, 404, 422))
def delete_tag(
    session: WritingDep,
    key: ReviewerDep,
    call_id: CallId,
    tag: TagName,
    asked: Annotated[Asked, Query()],
) -> None:
    """Take a tag by hand away. Those that analysis gave cannot be: they say what was found."""
    done = change_calls(session, [call_id], Changes(tags_removed=(tag,)), by=asked.author(key))
    _there(done, call_id)
    if not done.changed:
        raise HTTPException(404, f"call {call_id} has no tag `{tag}` by hand")


@router.get("/{call_id}/history", dependencies=[CanRead], responses=documented(401, 403, 404, 422))
def get_history(
    session: ReadingDep, call_id: CallId, wanted: Annotated[HistoryWanted, Query()]
) -> HistoryView:
    """Who changed what about a call, the last change first, a page at a time."""
    if session.get(Call, call_id) is None:
        raise HTTPException(404, f"there is no call {call_id}")
    events = history_of(session, call_id, limit=wanted.limit + 1, cursor=wanted.cursor)
    return HistoryView.of(events, wanted.limit)


def _one(session: Session, call_id: int, changes: Changes, *, by: str) -> ReviewView:
    call = _there(change_calls(session, [call_id], changes, by=by), call_id)
    return ReviewView.of(call, tags_of(session, [call_id]).get(call_id, []))


def _there(done: Changed, call_id: int) -> Call:
    if done.missing:
        raise HTTPException(404, f"there is no call {call_id}")
    return done.calls[0]
