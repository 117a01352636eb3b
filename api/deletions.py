"""Routes of what must go and what must stay: deletion, erasure of a caller, legal hold."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field, StringConstraints

from api.deps import AdminDep, CallId, EngineDep, StoresDep, WritingDep
from api.errors import documented
from api.people import Asked, Reason
from api.review_views import ReviewView
from models.db import reading, writing
from models.deletion import Order, Why, delete_call
from models.erasure import erase_caller, find_caller
from models.label import tags_of
from models.review import change_hold

router = APIRouter()

Caller = Annotated[
    str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")
]


class HoldAsked(Asked):
    """Why a call must be kept, or need not be any more."""

    reason: Reason


class ErasureAsked(Asked):
    """Whose calls to erase."""

    caller: Caller = Field(
        description="The caller's number, however it is written: `+7 495 123-45-67` is also "
        "`84951234567`.",
        examples=["+44 20 7946 0100"],
    )


class DeletedView(BaseModel):
    """What became of a call that was deleted."""

    id: int
    audio: Literal["deleted", "left", "pending"] = Field(
        description="`left`: the recording is in a store that is not ours, and nothing was done to "
        "it. `pending`: it could not be deleted just now; a worker goes on trying."
    )


class ErasedView(BaseModel):
    """What became of a caller's calls, or would."""

    dry_run: bool = Field(description="Whether nothing was done.", examples=[False])
    erased: int = Field(
        description="Calls that are gone, with their recordings; in a dry run, that would be.",
        examples=[12],
    )
    audio_left: int = Field(
        description="How many of their recordings are in a store that is not ours: nothing was "
        "done to those.",
        examples=[0],
    )
    audio_pending: int = Field(
        description="How many could not be deleted just now; workers go on trying.", examples=[0]
    )
    held: list[int] = Field(
        description="Calls under legal hold, which were not erased.", examples=[[4711]]
    )
    being_heard: list[int] = Field(
        description="Calls that are being heard right now and were not erased: ask again.",
        examples=[[4712]],
    )


@router.delete("/calls/{call_id}", tags=["calls"], responses=documented(401, 403, 404, 409, 422))
def remove_call(
    session: WritingDep,
    stores: StoresDep,
    key: AdminDep,
    call_id: CallId,
    asked: Annotated[Asked, Query()],
) -> DeletedView:
    """Delete a call: everything that is known of it, and its uploaded recording. Pushed again, it
    is a new call.
    """
    order = Order(Why.ASKED, key_name=key.name, by=asked.by)
    done = delete_call(session, stores, call_id, order)
    if done is None:
        raise HTTPException(404, f"there is no call {call_id}")
    return DeletedView(
        id=call_id, audio="left" if done.left else "pending" if done.pending else "deleted"
    )


@router.put("/calls/{call_id}/hold", tags=["calls"], responses=documented(401, 403, 404, 422))
def put_hold(session: WritingDep, key: AdminDep, call_id: CallId, hold: HoldAsked) -> ReviewView:
    """Put a call under legal hold: nothing deletes it, neither a person nor its age."""
    by = hold.author(key)
    call = change_hold(session, call_id, held=True, reason=hold.reason, by=by, key_name=key.name)
    if call is None:
        raise HTTPException(404, f"there is no call {call_id}")
    return ReviewView.of(call, tags_of(session, [call_id]).get(call_id, []))


@router.delete(
    "/calls/{call_id}/hold",
    tags=["calls"],
    status_code=204,
    responses=documented(401, 403, 404, 409, 422),
)
def delete_hold(
    session: WritingDep, key: AdminDep, call_id: CallId, asked: Annotated[HoldAsked, Query()]
) -> None:
    """Release a call from legal hold, with the reason."""
    by = asked.author(key)
    call = change_hold(session, call_id, held=False, reason=asked.reason, by=by, key_name=key.name)
    if call is None:
        raise HTTPException(404, f"there is no call {call_id}")


@router.post("/erasures", tags=["admin"], responses=documented(401, 403, 422))
def post_erasure(
    engine: EngineDep,
    stores: StoresDep,
    key: AdminDep,
    erasure: ErasureAsked,
    dry_run: Annotated[bool, Query(description="Only say how many calls would go.")] = False,
) -> ErasedView:
    """Erase everything about one caller, except calls under legal hold: all calls of their number,
    calls that went out to it, and calls that have it in their metadata, with their recordings. The
    audit trail keeps the number's SHA-256 alone.
    """
    if dry_run:
        with reading(engine) as session:
            found = find_caller(session, erasure.caller)
        return ErasedView(
            dry_run=True,
            erased=found.free,
            audio_left=0,
            audio_pending=0,
            held=list(found.held),
            being_heard=list(found.being_heard),
        )
    order = Order(Why.ERASURE, key_name=key.name, by=erasure.by)
    with writing(engine) as session:
        done = erase_caller(session, stores, erasure.caller, order)
    return ErasedView(
        dry_run=False,
        erased=len(done.calls),
        audio_left=done.left,
        audio_pending=done.pending,
        held=list(done.held),
        being_heard=list(done.being_heard),
    )
