"""Whether the process lives, and whether it can serve: the two routes that need no key."""

from __future__ import annotations

import logging

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError

from api.deps import QueueDep
from models.db import is_current
from workers.queue import CallQueue, QueueDown

logger = logging.getLogger(__name__)
router = APIRouter(tags=["health"])


@router.get("/healthz")
def healthz() -> dict[str, str]:
    """The process lives."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "Something it needs does not answer"}})
def readyz(request: Request, queue: QueueDep) -> JSONResponse:
    """Database (at the newest schema) and queue answer; 503 says which does not."""
    checks = {"database": _database(request), "queue": _queue(queue)}
    ready = all(check == "ok" for check in checks.values())
    return JSONResponse({"status": "ok" if ready else "not ready", **checks}, 200 if ready else 503)


def _database(request: Request) -> str:
    try:
        return "ok" if is_current(request.app.state.engine) else "schema is not the newest"
    except SQLAlchemyError as error:
        logger.warning("the database does not answer: %s", type(error).__name__)
        return "does not answer"


def _queue(queue: CallQueue) -> str:
    try:
        queue.check()
    except (QueueDown, RedisError):
        return "does not answer"
    return "ok"
