"""The route of the audit trail."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.call_filter import Instant
from api.deps import AdminDep, ReadingDep
from api.errors import documented
from api.view import View
from models.audit import Action, entries

router = APIRouter(prefix="/audit", tags=["admin"])


class AuditFilter(BaseModel):
    """What `GET /audit` understands; anything else is refused."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    action: Action | None = Field(None, examples=["audio"], description="What was done.")
    call_id: int | None = Field(
        None, ge=1, le=2**31 - 1, examples=[4711], description="To which call; it may be gone."
    )
    since: Instant | None = Field(
        None,
        alias="from",
        examples=["2026-11-02T00:00:00Z"],
        description="At or after this moment (with its time zone).",
    )
    until: Instant | None = Field(
        None, alias="to", examples=["2026-11-03T00:00:00Z"], description="Before this moment."
    )
    cursor: int | None = Field(
        None, ge=1, le=2**31 - 1, examples=[42], description="`next_cursor` of a page before."
    )
    limit: int = Field(50, ge=1, le=200, examples=[50])


class AuditEntryView(View):
    """Something that must be answered for."""

    id: int
    at: datetime
    key_name: str | None = Field(
        description="The key it was done with; null for commands, retention and removal.",
        examples=["managers"],
    )
    action: Action
    call_id: int | None = Field(description="The call, which may be gone.", examples=[4711])
    detail: dict[str, Any] = Field(
        description="Why, by whom, what became of the recording; of an erasure the SHA-256 of the "
        "caller's number, never the number.",
        examples=[{"why": "asked", "by": "Alice", "audio": "pending"}],
    )


class AuditView(BaseModel):
    """Entries, the last one first."""

    items: list[AuditEntryView]
    next_cursor: int | None = Field(description="Give it as `cursor` for the next page.")


@router.get("", responses=documented(401, 403, 422))
def get_audit(
    session: ReadingDep, _key: AdminDep, wanted: Annotated[AuditFilter, Query()]
) -> AuditView:
    """Who played recordings, deleted, held and released calls, erased callers, when recordings of
    deleted calls were gone, and which keys were made and revoked; a page at a time.
    """
    filters = wanted.model_dump(exclude={"limit"})
    found = entries(session, limit=wanted.limit + 1, **filters)
    page = found[: wanted.limit]
    return AuditView(
        items=[AuditEntryView.model_validate(entry) for entry in page],
        next_cursor=page[-1].id if len(found) > wanted.limit else None,
    )
