"""Routes that make work: push a call, and hear one again.

A recording is on the disk and its row committed before anybody is told that it was accepted.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from api.bodies import read_as, read_body
from api.deps import CallId, CanPush, PusherDep, QueueDep, SettingsDep, WritingDep
from api.errors import documented, problem
from api.intake import IntakeDep, PushByName
from api.uploads import receive_upload
from api.views import Pushed
from models.call import CallPush
from models.stores import Incoming
from models.waiting import ask_again
from workers.queue import QueueDown, timeout_for

logger = logging.getLogger(__name__)
router = APIRouter(prefix="/calls", tags=["calls"])

MAX_JSON_MB = 1


@router.post(
    "",
    status_code=202,
    response_model=Pushed,
    responses=documented(400, 401, 403, 404, 413, 415, 422, 429, 507),
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
                        "call": '{"external_id": "4711", "agent": "Alice"}',
                        "recording": "(the file)",
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
async def push_call(key: PusherDep, request: Request, intake: IntakeDep) -> Response:
    """Take a recording and its metadata; it is stored, and its row committed, before this answers.

    Pushing the same `external_id` again answers with the call that is there, and writes to it what
    is said otherwise of agent, line, caller, direction, outcome, beginning and metadata. Another
    recording takes the place of one that could not be heard, and of no other.

    While too many calls wait to be heard, new ones that are not urgent are refused with 429 and
    `Retry-After`; put the fields before the file, and that comes after the first megabyte of it.
    """

    def begin(fields: dict[str, str], filename: str) -> Incoming:
        return intake.begin_upload(_push_of(fields), filename)

    def keep(fields: dict[str, str], incoming: Incoming) -> Pushed:
        return intake.take_upload(_push_of(fields), incoming, by=key.name)

    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        push = read_as(PushByName, await _json(request))
        return _accepted(await run_in_threadpool(intake.take_named, push, by=key.name))
    if kind == "multipart/form-data":
        return _accepted(await receive_upload(request, begin=begin, keep=keep))
    return problem(
        415, "send multipart/form-data with a file, or application/json with a path or URL"
    )


async def _json(request: Request) -> Any:
    body = await read_body(request, max_mb=MAX_JSON_MB, hint="push many calls in several requests")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "the body is not JSON in UTF-8") from error


def _push_of(form: dict[str, str]) -> CallPush:
    """The call that a form's fields tell of: one by one, or as JSON in `call`."""
    fields: dict[str, Any] = {
        name: value for name, value in form.items() if name not in ("call", "metadata")
    }
    for name in ("call", "metadata"):
        if name not in form:
            continue
        try:
            value = json.loads(form[name])
        except (ValueError, RecursionError) as error:
            raise HTTPException(422, f"{name}: not JSON") from error
        if not isinstance(value, dict):
            raise HTTPException(422, f"{name}: must be a JSON object")
        fields |= value if name == "call" else {"metadata": value}
    return read_as(CallPush, fields)


def _accepted(pushed: Pushed) -> JSONResponse:
    return JSONResponse(pushed.model_dump(), 202, headers={"Location": f"/calls/{pushed.id}"})


@router.post(
    "/{call_id}/hear",
    status_code=202,
    dependencies=[CanPush],
    responses=documented(401, 403, 404, 409, 422),
)
def hear_again(
    session: WritingDep, queue: QueueDep, settings: SettingsDep, call_id: CallId
) -> Pushed:
    """Hear a call once more: one that failed, or one heard with an older model. Its rows are
    replaced; a call under legal hold, once heard, stays as it is.
    """
    call = ask_again(session, call_id)
    if call is None or call.id is None:
        raise HTTPException(404, f"there is no call {call_id}")
    try:
        timeout_s = timeout_for(None, settings.max_audio_s)
        queue.enqueue_again(call.id, urgent=call.urgent, timeout_s=timeout_s)
    except QueueDown:
        logger.warning("call %d waits, but the queue cannot be reached now", call.id)
    return Pushed.of(call, created=False)
