"""Routes by which people judge hits: right or wrong, and take that back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path
from pydantic import BaseModel, ConfigDict, Field

from api.deps import CallId, ReviewerDep, WritingDep
from api.errors import documented
from api.lexicon_views import HitVerdictView
from models.hit_verdict import give_hit_verdict, take_back_hit_verdict

router = APIRouter(prefix="/calls", tags=["calls"])

HitId = Annotated[int, Path(ge=1, le=2**31 - 1, examples=[815])]


class HitVerdict(BaseModel):
    """Whether a hit is right, in the ears of whoever heard it."""

    model_config = ConfigDict(extra="forbid")

    right: bool = Field(
        strict=True,
        examples=[True],
        description="Whether the term was really meant where it was found.",
    )


@router.put("/{call_id}/hits/{hit_id}/verdict", responses=documented(401, 403, 404, 422))
def put_hit_verdict(
    session: WritingDep, key: ReviewerDep, call_id: CallId, hit_id: HitId, verdict: HitVerdict
) -> HitVerdictView:
    """Say whether a hit is right, in the place of any verdict on it before.

    It is kept when the call is heard or matched again. `overtone lexicon report` tells from
    verdicts which terms to tighten or drop.
    """
    given = give_hit_verdict(session, call_id, hit_id, right=verdict.right, given_by=key.name)
    if given is None:
        raise HTTPException(404, f"there is no hit {hit_id} of call {call_id}")
    return HitVerdictView.model_validate(given)


@router.delete(
    "/{call_id}/hits/{hit_id}/verdict", status_code=204, responses=documented(401, 403, 404, 422)
)
def delete_hit_verdict(
    session: WritingDep, _key: ReviewerDep, call_id: CallId, hit_id: HitId
) -> None:
    """Take back the verdict on a hit."""
    if not take_back_hit_verdict(session, call_id, hit_id):
        raise HTTPException(404, f"there is no verdict on hit {hit_id} of call {call_id}")
