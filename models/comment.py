"""What people write about a call."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, String, Text, func
from sqlmodel import Field, Session, SQLModel, col, select

from models.call import NEVER_REUSE_IDS, Call, of_call
from models.columns import Moment, now
from models.history import CallEvent, Change

MAX_CHARS = 4000
MAX_COMMENTS = 200


class Comment(SQLModel, table=True):
    """One comment; it is never edited. `given_by` is the person that the request named, else the
    name of the key; `key_name` is the name of the key either way.
    """

    __tablename__ = "comment"
    __table_args__ = NEVER_REUSE_IDS

    id: int | None = Field(default=None, primary_key=True)
    call_id: int = Field(sa_column=of_call())
    text: str = Field(sa_column=Column(Text, nullable=False))
    given_by: str = Field(sa_column=Column(String(100), nullable=False))
    key_name: str = Field(sa_column=Column(String(100), nullable=False))
    given_at: datetime = Field(default_factory=now, sa_column=Column(Moment, nullable=False))


class TooManyComments(Exception):
    """The call has as many comments as it may have."""


class NotTheAuthor(Exception):
    """The comment is somebody else's."""


def add_comment(
    session: Session, call_id: int, *, text: str, by: str, key_name: str
) -> Comment | None:
    """Store a comment and commit; None where there is no such call. Raises `TooManyComments`."""
    if _held(session, call_id) is None:
        return None
    there = select(func.count()).where(Comment.call_id == call_id)
    if session.exec(there).one() >= MAX_COMMENTS:
        raise TooManyComments(f"call {call_id} has {MAX_COMMENTS} comments: delete one first")
    comment = Comment(call_id=call_id, text=text, given_by=by, key_name=key_name)
    session.add(comment)
    session.flush()
    _note(session, comment, by=by, after=str(comment.id))
    session.commit()
    return comment


def delete_comment(
    session: Session, call_id: int, comment_id: int, *, by: str, key_name: str, any_author: bool
) -> bool:
    """Remove a comment and commit; False where there is none. Raises `NotTheAuthor`, but not with
    `any_author`.
    """
    if _held(session, call_id) is None:
        return False
    wanted = select(Comment).where(Comment.id == comment_id, Comment.call_id == call_id)
    comment = session.exec(wanted).first()
    if comment is None:
        return False
    if not any_author and (comment.given_by, comment.key_name) != (by, key_name):
        raise NotTheAuthor(
            f"comment {comment_id} is not yours: it is deleted by whoever wrote it, with the same "
            "key and the same `by`, or with a key of the scope `admin`"
        )
    session.delete(comment)
    _note(session, comment, by=by, before=str(comment_id))
    session.commit()
    return True


def comments_of(session: Session, call_id: int) -> list[Comment]:
    """The comments on a call, the first one first."""
    wanted = select(Comment).where(Comment.call_id == call_id).order_by(col(Comment.id))
    return list(session.exec(wanted))


def _held(session: Session, call_id: int) -> int | None:
    """The call, held until we commit: it does not go meanwhile, and comments are counted."""
    return session.exec(select(Call.id).where(Call.id == call_id).with_for_update()).first()


def _note(
    session: Session,
    comment: Comment,
    *,
    by: str,
    before: str | None = None,
    after: str | None = None,
) -> None:
    session.add(
        CallEvent(
            call_id=comment.call_id, kind=Change.COMMENT, before=before, after=after, given_by=by
        )
    )
