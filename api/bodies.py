"""Request bodies that are read as bytes, and no further than they may be long."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request

MAX_LEXICON_MB = 20


async def _lexicon_body(request: Request) -> bytes:
    """The body of an upload of a lexicon. 413 as soon as it is longer than allowed."""
    body = bytearray()
    async for block in request.stream():
        body += block
        if len(body) > MAX_LEXICON_MB * 1_000_000:
            raise HTTPException(
                413,
                f"a lexicon may have {MAX_LEXICON_MB} MB: make several of it",
                headers={"Connection": "close"},
            )
    return bytes(body)


def parse_json(body: bytes) -> Any:
    """What the body says. 422 where it is no JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise HTTPException(422, "the body is not JSON in UTF-8") from error


LexiconBody = Annotated[bytes, Depends(_lexicon_body)]
