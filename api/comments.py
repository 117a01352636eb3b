"""Routes of comments on calls."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import Field, StringConstraints

from api.deps import CallId, CanRead, ReadingDep, ReviewerDep, WritingDep
from api.errors import documented
from api.people import Asked
from api.review_views import CommentsView, CommentView
from models.call import Call
from models.comment import MAX_CHARS, add_comment, comments_of, delete_comment

router = APIRouter(prefix="/calls", tags=["calls"])

CommentId = Annotated[int, Path(ge=1, le=2**31 - 1, examples=[7])]


# Of what no printer prints, only tabs and the ends of lines.
Text = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        min_length=1,
        max_length=MAX_CHARS,
        pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+$",
    ),
]


class CommentWritten(Asked):
    """A comment."""

    text: Text = Field(examples=["Call her back before Friday."])


@router.get("/{call_id}/comments", dependencies=[CanRead], responses=documented(401, 403, 404, 422))
def get_comments(session: ReadingDep, call_id: CallId) -> CommentsView:
    """All comments on a call, up to 200, the first one first."""
    if session.get(Call, call_id) is None:
        raise HTTPException(404, f"there is no call {call_id}")
    found = comments_of(session, call_id)
    return CommentsView(items=[CommentView.model_validate(comment) for comment in found])


@router.post("/{call_id}/comments", status_code=201, responses=documented(401, 403, 404, 409, 422))
def post_comment(
    session: WritingDep, key: ReviewerDep, call_id: CallId, comment: CommentWritten
) -> CommentView:
    """Write a comment on a call. It cannot be edited, only deleted."""
    written = add_comment(
        session, call_id, text=comment.text, by=comment.author(key), key_name=key.name
    )
    if written is None:
        raise HTTPException(404, f"there is no call {call_id}")
    return CommentView.model_validate(written)


@router.delete(
    "/{call_id}/comments/{comment_id}", status_code=204, responses=documented(401, 403, 404, 422)
)
def remove_comment(
    session: WritingDep,
    key: ReviewerDep,
    call_id: CallId,
    comment_id: CommentId,
    asked: Annotated[Asked, Query()],
) -> None:
    """Delete a comment of one's own: written with the same key and the same `by`. A key that has
    the scope `admin` as well deletes any.
    """
    there = delete_comment(
        session,
        call_id,
        comment_id,
        by=asked.author(key),
        key_name=key.name,
        any_author="admin" in key.scopes,
    )
    if not there:
        raise HTTPException(404, f"there is no comment {comment_id} on call {call_id}")
