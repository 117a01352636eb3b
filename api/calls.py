"""Routes that read calls: find some, read one in full, hear its recording."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Query, Request
from fastapi.responses import FileResponse
from sqlalchemy import Engine

from api.call_filter import CallFilter, with_saved
from api.deps import (
    CallId,
    CanRead,
    EngineDep,
    FinderDep,
    ListenerDep,
    ReadingDep,
    SettingsDep,
    StoresDep,
)
from api.errors import documented
from api.views import CallDetail, CallsView
from models.audit import Action, is_playing, note
from models.call import Call
from models.db import reading, writing
from models.reading import read_call

router = APIRouter(prefix="/calls", tags=["calls"])

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
ONE_RANGE = r"(\d{1,18}-\d{0,18}|-\d{1,18})"
RANGES = re.compile(rf"bytes=\s*{ONE_RANGE}(\s*,\s*{ONE_RANGE})*\s*")


@router.get("", dependencies=[CanRead], responses=documented(401, 403, 404, 422, 503))
def get_calls(
    session: ReadingDep, finder: FinderDep, wanted: Annotated[CallFilter, Query()]
) -> CallsView:
    """Calls that match every filter, a page at a time, each with its best turns and the second to
    play.
    """
    wanted = with_saved(session, wanted)
    page = finder.find(
        session,
        wanted.as_query(),
        limit=wanted.limit,
        cursor=wanted.cursor,
        facets=wanted.facets,
        most_values=wanted.facet_values,
    )
    return CallsView.of(page)


@router.get("/{call_id}", dependencies=[CanRead], responses=documented(401, 403, 404, 422))
def get_call(session: ReadingDep, settings: SettingsDep, call_id: CallId) -> CallDetail:
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
        public_url=settings.public_url,
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
    key: ListenerDep,
    call_id: CallId,
    wanted: Annotated[str | None, Header(alias="range", include_in_schema=False)] = None,
) -> FileResponse:
    """The recording as it was pushed; byte ranges are answered, so that a player can jump. Each
    playing leaves an entry in the audit trail. A browser that signed in on the listening page needs
    no header.
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
    return FileResponse(
        path,
        media_type=AUDIO_TYPES.get(path.suffix.lower(), "audio/basic"),
        # Browsers play it, too: it must not stay on a disk that others use.
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    )


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
