"""The route that takes many calls at once, whose recordings lie in allowed stores."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.bodies import parse_json, read_as, read_body
from api.deps import PusherDep
from api.errors import Problem, documented, problem_of
from api.intake import IntakeDep, PushByName
from api.pressure import QueueFull
from api.views import Pushed

router = APIRouter(prefix="/calls", tags=["calls"])

MAX_CALLS = 1000
MAX_BULK_MB = 10


class Bulk(BaseModel):
    """Many pushes by name. Each is read on its own, so that a bad one does not stop the others."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    calls: list[Any] = Field(min_length=1, max_length=MAX_CALLS)


class BulkPushed(Pushed):
    """A call that was taken, or was there already."""

    index: int = Field(description="Its place in `calls`, from 0.")


class BulkRefused(BaseModel):
    """A call that was not taken, and why."""

    index: int
    problem: Problem


class BulkAnswer(BaseModel):
    """One answer for each call, in order."""

    items: list[BulkPushed | BulkRefused]


async def _bulk_body(request: Request) -> bytes:
    return await read_body(request, max_mb=MAX_BULK_MB, hint="push fewer calls at once")


@router.post(
    "/bulk",
    status_code=202,
    responses=documented(401, 403, 413, 422),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["calls"],
                        "additionalProperties": False,
                        "properties": {
                            "calls": {
                                "type": "array",
                                "minItems": 1,
                                "maxItems": MAX_CALLS,
                                "items": PushByName.model_json_schema(),
                            }
                        },
                    },
                    "example": {
                        "calls": [
                            {
                                "recording": "/srv/recordings/2026/11/02/4711.wav",
                                "external_id": "4711",
                                "started_at": "2026-11-02T09:15:00Z",
                            },
                            {"recording": "https://records.example.com/calls/4712.wav"},
                        ]
                    },
                }
            },
        }
    },
)
def push_calls(
    key: PusherDep,
    intake: IntakeDep,
    response: Response,
    body: Annotated[bytes, Depends(_bulk_body)],
) -> BulkAnswer:
    """Take up to 1,000 calls whose recordings lie in allowed stores. All that can be taken are
    stored when this answers; each has its own answer, in order: the call, or a problem.

    Where some were refused because too many calls wait, `Retry-After` says when to push those
    again.
    """
    sent = read_as(Bulk, parse_json(body)).calls
    pushes: dict[int, PushByName] = {}
    refused: dict[int, Exception] = {}
    for index, one in enumerate(sent):
        try:
            pushes[index] = PushByName.model_validate(one)
        except ValidationError as error:
            refused[index] = error
    answers = intake.take_many(pushes, by=key.name) | refused
    waits = [one.retry_after_s for one in answers.values() if isinstance(one, QueueFull)]
    if waits:
        response.headers["Retry-After"] = str(max(waits))
    return BulkAnswer(items=[_item(index, answers[index]) for index in range(len(sent))])


def _item(index: int, answer: Pushed | Exception) -> BulkPushed | BulkRefused:
    if isinstance(answer, Pushed):
        return BulkPushed(index=index, **answer.model_dump())
    return BulkRefused(index=index, problem=problem_of(answer))
