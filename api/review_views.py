"""The shapes of answers about work on calls: where one stands, its tags, comments and history."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from api.view import View
from models.call import Call
from models.history import CallEvent

Given = Field(
    description="The person that the request named, else the name of the key.", examples=["Alice"]
)


class LabelView(View):
    """A tag by hand."""

    tag: str = Field(examples=["refund"])
    given_by: str = Given
    given_at: datetime


class CommentView(View):
    """What somebody wrote about a call."""

    id: int
    text: str = Field(examples=["Call her back before Friday."])
    given_by: str = Given
    given_at: datetime


class CommentsView(BaseModel):
    """All comments on a call, the first one first."""

    items: list[CommentView]


class ReviewView(BaseModel):
    """Where a call stands with the people who hear it."""

    id: int
    review: str = Field(examples=["in_review"])
    assignee: str | None = Field(examples=["Alice"])
    legal_hold: bool
    tags: list[str] = Field(description="By analysis and by hand.", examples=[["angry", "refund"]])

    @classmethod
    def of(cls, call: Call, tags: list[str]) -> ReviewView:
        assert call.id is not None  # it is stored
        return cls(
            id=call.id,
            review=call.review,
            assignee=call.assignee,
            legal_hold=call.legal_hold,
            tags=tags,
        )


class ReviewedView(BaseModel):
    """What became of a change of several calls."""

    changed: int = Field(
        description="Calls that are not as they were before; the others were so already.",
        examples=[2],
    )
    missing: list[int] = Field(description="Ids that no call has.", examples=[[4713]])


class EventView(View):
    """One change of a call."""

    kind: str = Field(
        description="`review`, `assignee`, `tag`, `comment`, `hold` or `release`.",
        examples=["review"],
    )
    before: str | None = Field(
        description="What was: a status, a name, a tag that was taken away, the number of a "
        "comment that was deleted.",
        examples=["new"],
    )
    after: str | None = Field(
        description="What is: a status, a name, a tag that was given, the number of a comment that "
        "was written; of `hold` and `release` the reason.",
        examples=["in_review"],
    )
    given_by: str = Given
    given_at: datetime


class HistoryView(BaseModel):
    """Changes of a call, the last one first."""

    items: list[EventView]
    next_cursor: int | None = Field(description="Give it as `cursor` for the next page.")

    @classmethod
    def of(cls, events: list[CallEvent], limit: int) -> HistoryView:
        """A page of `limit` out of one more than that."""
        page = events[:limit]
        return cls(
            items=[EventView.model_validate(event) for event in page],
            next_cursor=page[-1].id if len(events) > limit else None,
        )
