"""Request bodies that are read as bytes, and no further than they may be long."""

from __future__ import annotations

import json
from typing import Annotated, Any, TypeVar

from fastapi import Depends, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

MAX_LEXICON_MB = 20
Model = TypeVar("Model", bound=BaseModel)


async def read_body(request: Request, *, max_mb: int, hint: str) -> bytes:
    """The body of a request. 413 as soon as it is longer than allowed, with a hint what to do."""
    body = bytearray()
    async for block in request.stream():
        body += block
        if len(body) > max_mb * 1_000_000:
            raise HTTPException(
                413, f"this body may have {max_mb} MB: {hint}", headers={"Connection": "close"}
            )
    return bytes(body)


async def _lexicon_body(request: Request) -> bytes:
    """The body of an upload of a lexicon."""
    return await read_body(request, max_mb=MAX_LEXICON_MB, hint="make several of it")


def parse_json(body: bytes) -> Any:
    """What the body says. 422 where it is no JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise HTTPException(422, "the body is not JSON in UTF-8") from error


def read_as(shape: type[Model], value: Any) -> Model:
    """A body's content in its shape. 422 that names the fields that are wrong."""
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        raise RequestValidationError(
            [{**detail, "loc": ("body", *detail["loc"])} for detail in error.errors()]
        ) from error


LexiconBody = Annotated[bytes, Depends(_lexicon_body)]
