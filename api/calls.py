"""Routes that read calls: find some, read one in full, hear its recording."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import FileResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.deps import CallId, CanRead, ReadingDep, StoresDep
from api.errors import documented
from api.views import CallDetail, CallsView
from models.call import Call, Status
from models.reading import read_call
from models.search import CallQuery, Sort, find_calls

router = APIRouter(prefix="/calls", tags=["calls"])

Mood = Literal["angry", "happy", "neutral", "sad"]
AUDIO_TYPES = {
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
}


class CallFilter(BaseModel):
    """What `GET /calls` understands; anything else is refused."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    q: str | None = Field(
        None, description='Words that must all be in the call; "in quotes" next to each other.'
    )
    mood: Mood | None = Field(None, description="Mood of the customer, or of `speaker`.")
    min_anger: float | None = Field(None, ge=0, le=1, description="Anger of at least this.")
    lexicon: str | None = Field(None, max_length=100, description="Calls with hits of a lexicon.")
    speaker: Literal["agent", "customer", "speaker_1", "speaker_2"] | None = Field(
        None, description="Narrows `q`, `mood`, `min_anger` and `lexicon` to one speaker."
    )
    agent: str | None = Field(None, max_length=200, description="Who answered.")
    line: str | None = Field(None, max_length=100, description="The number dialled.")
    status: Status | None = Field(None, description="Where the call stands.")
    started_from: AwareDatetime | None = Field(
        None, alias="from", description="Began at or after this moment (with its time zone)."
    )
    started_to: AwareDatetime | None = Field(
        None, alias="to", description="Began before this moment."
    )
    sort: Sort = Field("-started_at", description="A minus in front: largest or latest first.")
    limit: int = Field(20, ge=1, le=100)
    cursor: str | None = Field(None, max_length=500, description="`next_cursor` of a page before.")


@router.get("", dependencies=[CanRead], responses=documented(401, 403, 422))
def get_calls(session: ReadingDep, wanted: Annotated[CallFilter, Query()]) -> CallsView:
    """Calls that match every filter, a page at a time, each with its best turns and the second to
    play.
    """
    query = CallQuery(**wanted.model_dump(exclude={"limit", "cursor"}))
    return CallsView.of(find_calls(session, query, limit=wanted.limit, cursor=wanted.cursor))


@router.get("/{call_id}", dependencies=[CanRead], responses=documented(401, 403, 404, 422))
def get_call(session: ReadingDep, call_id: CallId) -> CallDetail:
    """One call in full: turns with words and moods, hits, tags and alerts."""
    whole = read_call(session, call_id)
    if whole is None:
        raise HTTPException(404, f"there is no call {call_id}")
    return CallDetail.assemble(
        whole.call,
        speakers=whole.speakers,
        tags=whole.tags,
        turns=whole.turns,
        hits=whole.hits,
        alerts=whole.alerts,
    )


@router.get(
    "/{call_id}/audio",
    dependencies=[CanRead],
    response_class=FileResponse,
    responses={
        200: {"content": {"audio/*": {}}, "description": "The whole recording"},
        206: {"content": {"audio/*": {}}, "description": "The bytes asked for"},
        **documented(401, 403, 404, 416, 422),
    },
)
def get_audio(session: ReadingDep, stores: StoresDep, call_id: CallId) -> FileResponse:
    """The recording as it was pushed; byte ranges are answered, so that a player can jump."""
    call = session.get(Call, call_id)
    if call is None:
        raise HTTPException(404, f"there is no call {call_id}")
    path = stores.path_of(call.recording)
    if path is None:
        raise HTTPException(
            404, "this recording is kept in a remote store and is not played from here"
        )
    return FileResponse(path, media_type=AUDIO_TYPES.get(path.suffix.lower(), "audio/basic"))
