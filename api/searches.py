"""Routes of saved searches: list them, save one under a name, delete it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from api.call_filter import CallFilter
from api.deps import CanRead, ReadingDep, ReviewerDep, WritingDep
from api.errors import documented
from api.view import View
from models.query import BadQuery, parse
from models.saved_search import (
    MAX_NAME_CHARS,
    forget_search,
    save_search,
    saved_searches,
)

router = APIRouter(prefix="/searches", tags=["calls"])

MAX_QUERY_CHARACTERS = 10_000
EXAMPLE: dict[str, JsonValue] = {"q": "refund -invoice", "mood": "angry", "sort": "-anger"}
# These belong to one answer, or would make searches of searches.
NOT_SAVED = ("cursor", "saved")

SearchName = Annotated[
    str,
    Path(
        min_length=1,
        max_length=MAX_NAME_CHARS,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        examples=["angry about refunds"],
    ),
]


class SearchToSave(BaseModel):
    """A search as `GET /calls` understands it."""

    model_config = ConfigDict(extra="forbid")

    query: dict[str, JsonValue] = Field(
        examples=[EXAMPLE],
        description="The parameters of `GET /calls` with their values, but for `cursor`.",
    )


class SavedSearchView(View):
    """A saved search; `owner` is the name of the key that saved it last."""

    name: str = Field(examples=["angry about refunds"])
    owner: str = Field(examples=["managers"])
    query: dict[str, Any] = Field(examples=[EXAMPLE])
    created_at: datetime
    updated_at: datetime


class SavedSearchesView(View):
    """All saved searches, by name; there are 500 at most."""

    items: list[SavedSearchView]


@router.get("", dependencies=[CanRead], responses=documented(401, 403))
def get_searches(session: ReadingDep) -> SavedSearchesView:
    """All saved searches, by name."""
    found = saved_searches(session)
    return SavedSearchesView(items=[SavedSearchView.model_validate(one) for one in found])


@router.put("/{name}", responses=documented(401, 403, 409, 422))
def put_search(
    session: WritingDep, key: ReviewerDep, name: SearchName, wanted: SearchToSave
) -> SavedSearchView:
    """Save a search under a name, in the place of the one that had it; everybody sees it.

    A filter that `GET /calls` would refuse is refused here. There may be 500 searches.
    """
    saved = save_search(session, name, query=_check(wanted.query), owner=key.name)
    return SavedSearchView.model_validate(saved)


@router.delete("/{name}", status_code=204, responses=documented(401, 403, 404, 422))
def delete_search(session: WritingDep, _key: ReviewerDep, name: SearchName) -> None:
    """Delete a saved search."""
    if not forget_search(session, name):
        raise HTTPException(404, "there is no saved search of this name: GET /searches lists them")


def _check(query: dict[str, JsonValue]) -> dict[str, Any]:
    """The parameters as they are stored. 422 for what `GET /calls` would not take."""
    for parameter in NOT_SAVED:
        if parameter in query:
            raise BadQuery(f"query.{parameter}", "is not saved with a search; leave it out")
    try:
        wanted = CallFilter.model_validate(query)
        parse(wanted.q)
    except ValidationError as error:
        details = [{**one, "loc": ("body", "query", *one["loc"][:1])} for one in error.errors()]
        raise RequestValidationError(details) from error
    except BadQuery as error:
        raise BadQuery(f"query.{error.parameter}", error.problem) from error
    plain = {
        name: value[0] if isinstance(value, list) and len(value) == 1 else value
        for name, value in wanted.model_dump(mode="json", by_alias=True, exclude_unset=True).items()
    }
    if len(json.dumps(plain, ensure_ascii=False)) > MAX_QUERY_CHARACTERS:
        raise BadQuery("query", f"at most {MAX_QUERY_CHARACTERS:,} characters")
    for parameter, value in plain.items():
        if _has_nul(value):
            raise BadQuery(f"query.{parameter}", "holds a NUL or half a character")
    return plain


def _has_nul(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_nul(inner) for pair in value.items() for inner in pair)
    if isinstance(value, list):
        return any(_has_nul(inner) for inner in value)
    return isinstance(value, str) and ("\0" in value or not _is_whole(value))


def _is_whole(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)
