"""Routes by which people correct moods: give a verdict on a speaker, take it back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field

from api.call_filter import Who
from api.deps import CallId, ReviewerDep, WritingDep
from api.errors import documented
from api.views import VerdictView
from models.verdict import give_verdict, take_back

router = APIRouter(prefix="/calls", tags=["calls"])


class VerdictOn(BaseModel):
    """Whose verdict `DELETE /calls/{call_id}/verdict` takes back; anything else is refused."""

    model_config = ConfigDict(extra="forbid")

    speaker: Who = Field(examples=["customer"], description="The speaker it was given on.")


class Verdict(BaseModel):
    """Whether a speaker was angry, in the ears of whoever heard them."""

    model_config = ConfigDict(extra="forbid")

    speaker: Who = Field(examples=["customer"], description="One of the call's speakers.")
    angry: bool = Field(
        strict=True, examples=[True], description="Whether they were angry at any time."
    )


@router.put("/{call_id}/verdict", responses=documented(401, 403, 404, 409, 422))
def put_verdict(
    session: WritingDep, key: ReviewerDep, call_id: CallId, verdict: Verdict
) -> VerdictView:
    """Say whether a speaker was angry, in the place of any verdict on them before.

    It is kept when the call is heard again. `overtone mood report` compares verdicts with anger.
    """
    given = give_verdict(
        session, call_id, speaker=verdict.speaker, angry=verdict.angry, given_by=key.name
    )
    if given is None:
        raise HTTPException(404, f"there is no call {call_id}")
    return VerdictView.model_validate(given)


@router.delete("/{call_id}/verdict", status_code=204, responses=documented(401, 403, 404, 422))
def delete_verdict(
    session: WritingDep,
    _key: ReviewerDep,
    call_id: CallId,
    wanted: Annotated[VerdictOn, Query()],
) -> None:
    """Take back the verdict on a speaker."""
    if not take_back(session, call_id, speaker=wanted.speaker):
        raise HTTPException(404, f"there is no verdict on `{wanted.speaker}` of call {call_id}")
