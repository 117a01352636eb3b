"""Routes that read calls: find some, read one in full, hear its recording."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from fastapi import APIRouter, Header, HTTPException, Query, Request
from fastapi.responses import FileResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Engine

from api.deps import CallId, CanRead, EngineDep, ReaderDep, ReadingDep, StoresDep
from api.errors import documented
from api.views import CallDetail, CallsView
from models.audit import Action, is_playing, note
from models.call import Call, Status
from models.db import reading, writing
from models.reading import read_call
from models.search import CallQuery, Sort, find_calls

router = APIRouter(prefix="/calls", tags=["calls"])

Mood = Literal["angry", "happy", "neutral", "sad"]
Who = Literal["agent", "customer", "speaker_1", "speaker_2"]
AUDIO_TYPES = {
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".aac": "audio/aac",
    ".amr": "audio/amr",
    ".opus": "audio/ogg",
}
RANGES = re.compile(r"bytes=\s*(\d+-\d*|-\d+)(\s*,\s*(\d+-\d*|-\d+))*\s*")


class CallFilter(BaseModel):
    """What `GET /calls` understands; anything else is refused."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    q: str | None = Field(
        None,
        examples=["bearing no 204"],
        description='Words that must all be in the call; "in quotes" next to each other.',
    )
    mood: Mood | None = Field(
        None, examples=["angry"], description="Mood of the customer, or of `speaker`."
    )
    min_anger: float | None = Field(
        None, examples=[0.6], ge=0, le=1, description="Anger of at least this."
    )
    lexicon: str | None = Field(
        None, max_length=100, examples=["praise"], description="Calls with hits of a lexicon."
    )
    speaker: Who | None = Field(
        None,
        examples=["customer"],
        description="Narrows `q`, `mood`, `min_anger` and `lexicon` to one speaker.",
    )
    agent: str | None = Field(None, max_length=200, examples=["Alice"], description="Who answered.")
    line: str | None = Field(
        None, max_length=100, examples=["+44 20 7946 0100"], description="The number dialled."
    )
    status: Status | None = Field(None, examples=["failed"], description="Where the call stands.")
    started_from: AwareDatetime | None = Field(
        None,
        alias="from",
        examples=["2026-11-02T00:00:00Z"],
        description="Began at or after this moment (with its time zone).",
    )
    started_to: AwareDatetime | None = Field(
        None, alias="to", examples=["2026-11-03T00:00:00Z"], description="Began before this moment."
    )
    sort: Sort = Field(
        "-started_at", examples=["-anger"], description="A minus in front: largest or latest first."
    )
    limit: int = Field(20, examples=[20], ge=1, le=100)
    cursor: str | None = Field(
        None, examples=["WyI1ZjQ..."], max_length=500, description="`next_cursor` of a page before."
    )


@router.get("", dependencies=[CanRead], responses=documented(401, 403, 422))
def get_calls(session: ReadingDep, wanted: Annotated[CallFilter, Query()]) -> CallsView:
    """Calls that match every filter, a page at a time, each with its best turns and the second to
    play.
    """
    query = CallQuery(**wanted.model_dump(exclude={"limit", "cursor"}))
    return CallsView.of(find_calls(session, query, limit=wanted.limit, cursor=wanted.cursor))


@router.get("/{call_id}", dependencies=[CanRead], responses=documented(401, 403, 404, 422))
def get_call(session: ReadingDep, call_id: CallId) -> CallDetail:
    """One call in full: turns with words and moods, silences, hits, tags, alerts, verdicts."""
    whole = read_call(session, call_id)
    if whole is None:
        raise HTTPException(404, f"there is no call {call_id}")
    return CallDetail.assemble(
        whole.call,
        speakers=whole.speakers,
        tags=whole.tags,
        labels=whole.labels,
        comments=whole.comments,
        turns=whole.turns,
        hits=whole.hits,
        alerts=whole.alerts,
        verdicts=whole.verdicts,
        hit_verdicts=whole.hit_verdicts,
    )


@router.head("/{call_id}/audio", include_in_schema=False)
@router.get(
    "/{call_id}/audio",
    response_class=FileResponse,
    responses={
        200: {"content": {"audio/*": {}}, "description": "The whole recording"},
        206: {"content": {"audio/*": {}}, "description": "The bytes asked for"},
        **documented(400, 401, 403, 404, 416, 422),
    },
)
def get_audio(
    request: Request,
    engine: EngineDep,
    stores: StoresDep,
    key: ReaderDep,
    call_id: CallId,
    wanted: Annotated[str | None, Header(alias="range", include_in_schema=False)] = None,
) -> FileResponse:
    """The recording as it was pushed; byte ranges are answered, so that a player can jump. Each
    playing leaves an entry in the audit trail.
    """
    with reading(engine) as session:
        call = session.get(Call, call_id)
    if call is None:
        raise HTTPException(404, f"there is no call {call_id}")
    path = stores.path_of(call.recording)
    if path is None:
        raise HTTPException(
            404, "this recording is kept in a remote store and is not played from here"
        )
    if wanted is not None:
        _check_range(wanted, path.stat().st_size)
    if request.method == "GET":
        _note_playing(engine, call_id, key.name, wanted)
    return FileResponse(path, media_type=AUDIO_TYPES.get(path.suffix.lower(), "audio/basic"))


def _note_playing(engine: Engine, call_id: int, key_name: str, wanted: str | None) -> None:
    """One entry for each playing: jumps within a recording belong to the one that is there."""
    from_start = wanted is None or 0 in map(int, re.findall(r"(\d+)-", wanted))
    if not from_start:
        with reading(engine) as session:
            if is_playing(session, call_id, key_name):
                return
    with writing(engine) as session:
        note(session, Action.AUDIO, key_name=key_name, call_id=call_id)
        session.commit()


def _check_range(wanted: str, size: int) -> None:
    """Refuse, in our own words, ranges that the file response would refuse in plain text."""
    if not RANGES.fullmatch(wanted):
        raise HTTPException(400, "range: not a byte range such as bytes=0-65535")
    firsts = re.findall(r"(\d+)-", wanted)
    backwards = any(int(first) > int(last) for first, last in re.findall(r"(\d+)-(\d+)", wanted))
    if backwards:
        raise HTTPException(400, "range: ends before it begins")
    if any(int(first) >= size for first in firsts):
        raise HTTPException(
            416,
            f"range: the recording has {size} bytes",
            headers={"Content-Range": f"bytes */{size}"},
        )
