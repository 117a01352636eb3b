"""Routes that make work: push a call, and hear one again.

A recording is on the disk and its row committed before anybody is told that it was accepted.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field, ValidationError
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile

from api.deps import CallId, CanPush, QueueDep, SettingsDep, StoresDep, WritingDep
from api.errors import documented, problem, wrong_parameters
from api.views import Pushed
from models.call import CallPush, add_call, ask_again
from models.db import writing
from models.stores import Stores, stream_blocks
from settings import Settings
from workers.queue import CallQueue, QueueDown, timeout_for

logger = logging.getLogger(__name__)
router = APIRouter(prefix="/calls", tags=["calls"])


class PushByName(CallPush):
    """A push of a recording that lies in an allowed store already."""

    recording: str = Field(
        min_length=1,
        max_length=2000,
        description="An absolute path or an https:// address inside one of OVERTONE_STORES.",
        examples=["/srv/recordings/2026/11/02/4711.wav"],
    )


@router.post(
    "",
    status_code=202,
    response_model=Pushed,
    dependencies=[CanPush],
    responses=documented(400, 401, 403, 404, 413, 415, 422),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["recording"],
                        "properties": {
                            "recording": {"type": "string", "format": "binary"},
                            "call": {
                                "type": "string",
                                "description": "JSON with the same fields as the JSON push, "
                                "less `recording`.",
                            },
                        },
                    },
                    "example": {
                        "recording": "(the file)",
                        "call": '{"external_id": "4711", "agent": "Alice"}',
                    },
                },
                "application/json": {
                    "schema": PushByName.model_json_schema(),
                    "example": {
                        "recording": "/srv/recordings/2026/11/02/4711.wav",
                        "external_id": "4711",
                        "agent": "Alice",
                        "line": "+44 20 7946 0100",
                        "started_at": "2026-11-02T09:15:00Z",
                    },
                },
            },
        }
    },
)
async def push_call(
    request: Request, settings: SettingsDep, queue: QueueDep, stores: StoresDep
) -> Response:
    """Take a recording and its metadata; it is stored, and its row committed, before this answers.

    Pushing the same `external_id` again answers with the call that is there.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "application/json":
            push = PushByName.model_validate(await _json(request))
            return await run_in_threadpool(
                _push_named, push, settings=settings, queue=queue, stores=stores, app=request.app
            )
        if kind == "multipart/form-data":
            async with request.form(max_files=1, max_fields=20) as form:
                upload, push_fields = _read_form(form)
                return await run_in_threadpool(
                    _push_upload,
                    upload,
                    CallPush.model_validate(push_fields),
                    settings=settings,
                    queue=queue,
                    stores=stores,
                    app=request.app,
                )
    except ValidationError as error:
        return wrong_parameters(
            [{**detail, "loc": ("body", *detail["loc"])} for detail in error.errors()]
        )
    return problem(
        415, "send multipart/form-data with a file, or application/json with a path or URL"
    )


async def _json(request: Request) -> Any:
    try:
        return await request.json()
    except ValueError as error:
        raise HTTPException(400, "the body is not JSON") from error


def _read_form(form: FormData) -> tuple[UploadFile, dict[str, Any]]:
    """The uploaded file, and the call's fields: one by one, or as JSON in `call`."""
    upload = form.get("recording", form.get("file"))
    if not isinstance(upload, UploadFile):
        raise HTTPException(422, "recording: the form needs the file in a field named `recording`")
    fields: dict[str, Any] = {
        name: value
        for name, value in form.items()
        if isinstance(value, str) and name not in ("call", "metadata")
    }
    for name in ("call", "metadata"):
        packed = form.get(name)
        if isinstance(packed, str):
            try:
                value = json.loads(packed)
            except ValueError as error:
                raise HTTPException(422, f"{name}: not JSON") from error
            if not isinstance(value, dict):
                raise HTTPException(422, f"{name}: must be a JSON object")
            fields |= value if name == "call" else {"metadata": value}
    return upload, fields


def _push_named(
    push: PushByName, *, settings: Settings, queue: CallQueue, stores: Stores, app: Any
) -> Response:
    recording = stores.locate(push.recording)
    with writing(app.state.engine) as session:
        return _store(
            session, push, recording, settings=settings, queue=queue, default_id=recording
        )[0]


def _push_upload(
    upload: UploadFile,
    push: CallPush,
    *,
    settings: Settings,
    queue: CallQueue,
    stores: Stores,
    app: Any,
) -> Response:
    saved = stores.save(
        stream_blocks(upload.file),
        name=upload.filename or "",
        max_bytes=settings.max_upload_mb * 1_000_000,
    )
    kept = False
    try:
        with writing(app.state.engine) as session:
            answer, kept = _store(
                session,
                push,
                saved.recording,
                settings=settings,
                queue=queue,
                default_id=f"sha256:{saved.sha256}",
                size_bytes=upload.size,
            )
    finally:
        if not kept:
            stores.remove(saved.recording)
    return answer


def _store(
    session: Session,
    push: CallPush,
    recording: str,
    *,
    settings: Settings,
    queue: CallQueue,
    default_id: str,
    size_bytes: int | None = None,
) -> tuple[Response, bool]:
    """Commit the row, then enqueue; returns the answer and whether the recording is the call's
    own.
    """
    call, created = add_call(
        session,
        push,
        recording,
        external_id=default_id,
        agent_channel=settings.agent_channel,
    )
    assert call.id is not None  # it is stored
    if created:
        try:
            timeout_s = timeout_for(size_bytes, settings.max_audio_s)
            queue.enqueue(call.id, urgent=call.urgent, timeout_s=timeout_s)
        except QueueDown:
            # Nothing is lost: the row is there, and the reconciler enqueues it when the queue is
            # back.
            logger.warning("call %d is stored, but the queue cannot be reached now", call.id)
    answer = Pushed(id=call.id, external_id=call.external_id, status=call.status, created=created)
    location = {"Location": f"/calls/{call.id}"}
    return JSONResponse(answer.model_dump(), 202, headers=location), created


@router.post(
    "/{call_id}/hear",
    status_code=202,
    dependencies=[CanPush],
    responses=documented(401, 403, 404, 422),
)
def hear_again(
    session: WritingDep, queue: QueueDep, settings: SettingsDep, call_id: CallId
) -> Pushed:
    """Hear a call once more: one that failed, or one heard with an older model. Its rows are
    replaced.
    """
    call = ask_again(session, call_id)
    if call is None or call.id is None:
        raise HTTPException(404, f"there is no call {call_id}")
    try:
        timeout_s = timeout_for(None, settings.max_audio_s)
        queue.enqueue_again(call.id, urgent=call.urgent, timeout_s=timeout_s)
    except QueueDown:
        logger.warning("call %d waits, but the queue cannot be reached now", call.id)
    return Pushed(id=call.id, external_id=call.external_id, status=call.status, created=False)
