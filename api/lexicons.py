"""Routes that read lexicons: their terms and versions, what differs, and how right they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from api.deps import CanRead, LexiconName, ReadingDep
from api.errors import documented
from api.lexicon_views import (
    ChangesView,
    LexiconPrecisionView,
    LexiconSummaryView,
    LexiconsView,
    LexiconView,
    VersionsView,
    VersionView,
)
from lexicons.changes import compare
from lexicons.lexicon import Lexicon, from_table
from lexicons.precision import WANTED, measure
from models.hit_verdict import judged_hits
from models.lexicon import lexicon_names, list_lexicons, table_of, versions_of

router = APIRouter(prefix="/lexicons", tags=["lexicons"])

Version = Annotated[int, Field(ge=1, le=2**31 - 1)]


class VersionWanted(BaseModel):
    """What `GET /lexicons/{name}` understands; anything else is refused."""

    model_config = ConfigDict(extra="forbid")

    version: Version | None = Field(
        None, examples=[3], description="The published version that finds hits when left out."
    )
    draft: bool = Field(False, examples=[True], description="The draft instead.")


class VersionsWanted(BaseModel):
    """Which versions `GET /lexicons/{name}/diff` compares."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    before: str | None = Field(
        None,
        alias="from",
        pattern=r"^(draft|[1-9][0-9]{0,8})$",
        examples=["3"],
        description="`draft` or a number; what is published when left out.",
    )
    after: str = Field(
        "draft",
        alias="to",
        pattern=r"^(draft|[1-9][0-9]{0,8})$",
        examples=["draft"],
        description="`draft` or a number.",
    )


class ReportWanted(BaseModel):
    """What `GET /lexicons/{name}/report` understands."""

    model_config = ConfigDict(extra="forbid")

    precision: float = Field(
        WANTED, ge=0, le=1, examples=[0.9], description="The precision a term is held to."
    )


@router.get("", dependencies=[CanRead], responses=documented(401, 403))
def get_lexicons(session: ReadingDep) -> LexiconsView:
    """All lexicons with what is published of them and what is drafted."""
    found = list_lexicons(session)
    return LexiconsView(items=[LexiconSummaryView.model_validate(one) for one in found])


@router.get(
    "/{name}",
    dependencies=[CanRead],
    response_model_exclude_unset=True,
    responses=documented(401, 403, 404, 422),
)
def get_lexicon(
    session: ReadingDep, name: LexiconName, wanted: Annotated[VersionWanted, Query()]
) -> LexiconView:
    """One version of a lexicon with its terms; what is as usual is left out of them."""
    if wanted.draft and wanted.version is not None:
        raise HTTPException(422, "version: leave it out to get the draft")
    return LexiconView.of(stored_lexicon(session, name, version=wanted.version, draft=wanted.draft))


@router.get("/{name}/versions", dependencies=[CanRead], responses=documented(401, 403, 404, 422))
def get_versions(session: ReadingDep, name: LexiconName) -> VersionsView:
    """Who made and published which version, newest first."""
    found = versions_of(session, name)
    if not found:
        raise _no_lexicon(name)
    return VersionsView(items=[VersionView.model_validate(one) for one in found])


@router.get(
    "/{name}/diff",
    dependencies=[CanRead],
    response_model_exclude_unset=True,
    responses=documented(401, 403, 404, 422),
)
def get_diff(
    session: ReadingDep, name: LexiconName, wanted: Annotated[VersionsWanted, Query()]
) -> ChangesView:
    """Terms added, removed and changed, field by field, from one version to another."""
    before = _version(session, name, wanted.before)
    after = _version(session, name, wanted.after)
    return ChangesView.of(before, after, compare(before, after))


@router.get("/{name}/report", dependencies=[CanRead], responses=documented(401, 403, 404, 422))
def get_report(
    session: ReadingDep, name: LexiconName, wanted: Annotated[ReportWanted, Query()]
) -> LexiconPrecisionView:
    """How often each term is right, by the verdicts on its hits, and which to tighten or drop."""
    lexicon = stored_lexicon(session, name)
    return LexiconPrecisionView.of(
        measure(lexicon, judged_hits(session, name), wanted=wanted.precision)
    )


def _version(session: Session, name: str, wanted: str | None) -> Lexicon:
    drafted = table_of(session, name, draft=True)
    if wanted is None and drafted is not None and table_of(session, name) is None:
        return replace(from_table(drafted, source=name), version=0, terms=())
    if wanted is None or wanted == "draft":
        return stored_lexicon(session, name, draft=wanted == "draft")
    return stored_lexicon(session, name, version=int(wanted))


def stored_lexicon(
    session: Session, name: str, *, version: int | None = None, draft: bool = False
) -> Lexicon:
    """A version of a lexicon. 404 where there is none."""
    table = table_of(session, name, version=version, draft=draft)
    if table is not None:
        return from_table(table, source=name)
    if name not in lexicon_names(session):
        raise _no_lexicon(name)
    if draft:
        raise HTTPException(404, f"{name} has no draft: PUT /lexicons/{name}/draft makes one")
    if version is not None:
        raise HTTPException(404, f"{name} has no version {version}")
    raise HTTPException(404, f"{name} was never published: ask for its draft")


def _no_lexicon(name: str) -> HTTPException:
    return HTTPException(404, f"there is no lexicon {name}: GET /lexicons lists them")
