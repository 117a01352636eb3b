"""What an error looks like over HTTP: problem details (RFC 9457), the only place that knows status
codes.

Every error answers `application/problem+json` with `type`, `title`, `status`, `detail`, and for
wrong parameters `errors`: a list of {parameter, problem}.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, ValidationError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as DatabaseBusy
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from api.places import TooManyExports
from api.pressure import QueueFull
from lexicons.changes import NoSuchTermError
from lexicons.checking import LexiconUnusableError
from lexicons.terms import LexiconError
from models.alert_life import IllegalMove
from models.alert_rule import TooManyRules
from models.comment import NotTheAuthor, TooManyComments
from models.db import QueryTooSlow
from models.deletion import CannotDelete
from models.lexicon_rows import LexiconRefused
from models.query import BadQuery
from models.rematch import CannotRematch
from models.review import NotHeld, TooManyTags
from models.saved_search import TooManySearches
from models.stores import (
    RecordingEmpty,
    RecordingGone,
    RecordingTooLarge,
    StoreFull,
    StoreRefused,
)
from models.subscription import SubscriptionConflict
from models.verdict import CannotJudge
from models.waiting import NothingToHear, UnderHold

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
STATUS_OF: dict[type[Exception], HTTPStatus] = {
    StoreRefused: HTTPStatus.FORBIDDEN,
    RecordingGone: HTTPStatus.NOT_FOUND,
    RecordingEmpty: HTTPStatus.UNPROCESSABLE_ENTITY,
    RecordingTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    QueueFull: HTTPStatus.TOO_MANY_REQUESTS,
    TooManyExports: HTTPStatus.TOO_MANY_REQUESTS,
    QueryTooSlow: HTTPStatus.SERVICE_UNAVAILABLE,
    DatabaseBusy: HTTPStatus.SERVICE_UNAVAILABLE,
    StoreFull: HTTPStatus.INSUFFICIENT_STORAGE,
    CannotDelete: HTTPStatus.CONFLICT,
    CannotJudge: HTTPStatus.CONFLICT,
    IllegalMove: HTTPStatus.CONFLICT,
    CannotRematch: HTTPStatus.CONFLICT,
    NotHeld: HTTPStatus.CONFLICT,
    NothingToHear: HTTPStatus.CONFLICT,
    NotTheAuthor: HTTPStatus.FORBIDDEN,
    TooManyComments: HTTPStatus.CONFLICT,
    TooManyRules: HTTPStatus.CONFLICT,
    TooManySearches: HTTPStatus.CONFLICT,
    SubscriptionConflict: HTTPStatus.CONFLICT,
    TooManyTags: HTTPStatus.CONFLICT,
    UnderHold: HTTPStatus.CONFLICT,
    LexiconError: HTTPStatus.UNPROCESSABLE_ENTITY,
    LexiconRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    NoSuchTermError: HTTPStatus.NOT_FOUND,
}


# What pydantic says of some mistakes is meant for programmers.
PLAIN_WORDS = {
    "model_attributes_type": "must be a JSON object, sent with Content-Type: application/json",
    "json_invalid": "not JSON from this character of the body on",
    "extra_forbidden": "there is no such parameter here; GET /docs lists those there are",
    "timezone_aware": "needs a time zone, such as 2026-11-02T09:15:00Z",
    "datetime_from_date_parsing": "needs date, time and time zone, such as 2026-11-02T09:15:00Z",
}


class WrongParameter(BaseModel):
    """One parameter that cannot be used, and what is allowed."""

    parameter: str = Field(examples=["min_anger"])
    problem: str = Field(examples=["Input should be less than or equal to 1"])


class Problem(BaseModel):
    """The one shape of every error."""

    type: str = Field("about:blank", description="Always about:blank: the status says the kind.")
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["min_anger: Input should be less than or equal to 1"])
    errors: list[WrongParameter] = Field(default_factory=list)


def problem(
    status: int,
    detail: str,
    *,
    errors: Sequence[WrongParameter] = (),
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """An error as an answer."""
    return _answer(_problem(status, detail, errors), headers)


def problem_of(error: Exception) -> Problem:
    """What one of many things asked for at once has to say, instead of an answer of its own.

    For pydantic's ValidationError and what `STATUS_OF` knows; others are raised again.
    """
    if isinstance(error, ValidationError):
        return _wrong_fields(error.errors())
    for kind in type(error).__mro__:
        if kind in STATUS_OF:
            return _problem(STATUS_OF[kind], str(error))
    raise error


def _problem(status: int, detail: str, errors: Sequence[WrongParameter] = ()) -> Problem:
    title = HTTPStatus(status).phrase
    return Problem(title=title, status=status, detail=detail, errors=list(errors))


def _answer(body: Problem, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse(body.model_dump(), body.status, headers=headers, media_type=MEDIA_TYPE)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may answer with these errors. What asks for a key (401) also
    limits how often it is used (429).
    """
    if 401 in statuses:
        statuses = (*statuses, HTTPStatus.TOO_MANY_REQUESTS)
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: schema}}
        for status in statuses
    }


def install(app: FastAPI) -> None:
    """Answer every error of this application as problem details, and say so in its schema."""
    plain = app.openapi

    def with_problem() -> dict[str, Any]:
        schema = plain()
        shape = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        schemas.update(shape.pop("$defs"), Problem=shape)
        return schema

    app.openapi = with_problem  # type: ignore[method-assign]
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(BadQuery, _on_bad_query)
    app.add_exception_handler(LexiconUnusableError, _on_unusable)
    app.add_exception_handler(ClientDisconnect, _on_nobody)
    app.add_exception_handler(OperationalError, _on_database)
    app.add_exception_handler(Exception, _on_surprise)
    for kind in STATUS_OF:
        app.add_exception_handler(kind, _on_known)
    for kind in (QueueFull, TooManyExports):
        app.add_exception_handler(kind, _on_too_many)


async def _on_validation(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    places = [{**detail, "loc": _place(detail["loc"])} for detail in error.errors()]
    return _answer(_wrong_fields(places))


def _place(parts: Sequence[str | int]) -> Sequence[str | int]:
    """FastAPI's places begin with where the parameter stands: query, path, body. Which of several
    values of a query it is, is not said.
    """
    where, *rest = parts
    return [part for part in rest if where != "query" or isinstance(part, str)]


def _wrong_fields(details: Sequence[Any]) -> Problem:
    wrong = [
        WrongParameter(
            parameter=".".join(str(part) for part in detail["loc"]) or "body",
            problem=PLAIN_WORDS.get(detail["type"], str(detail["msg"])),
        )
        for detail in details
    ]
    text = "; ".join(f"{one.parameter}: {one.problem}" for one in wrong)
    return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, text, wrong)


async def _on_http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers) if error.headers else None
    text = str(error.detail)
    if error.status_code == HTTPStatus.NOT_FOUND and text == HTTPStatus.NOT_FOUND.phrase:
        text = "there is no such address here; GET /docs lists those there are"
    return problem(error.status_code, text, headers=headers)


async def _on_bad_query(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, BadQuery)
    wrong = WrongParameter(parameter=error.parameter, problem=error.problem)
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), errors=[wrong])


async def _on_known(_request: Request, error: Exception) -> JSONResponse:
    return _answer(problem_of(error))


async def _on_unusable(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, LexiconUnusableError)
    wrong = [
        WrongParameter(
            parameter="body" if one.term is None else f"terms.{one.term}", problem=one.text
        )
        for one in error.problems
    ]
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), errors=wrong)


async def _on_too_many(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, QueueFull | TooManyExports)
    return _answer(problem_of(error), {"Retry-After": str(error.retry_after_s)})


async def _on_nobody(_request: Request, _error: Exception) -> JSONResponse:
    """The client went away in the middle of its body: nobody reads this."""
    return problem(HTTPStatus.BAD_REQUEST, "the body breaks off")


async def _on_database(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, OperationalError)
    if _says_disk_full(error):
        logger.error("the disk of the database is full")
        return problem(
            HTTPStatus.INSUFFICIENT_STORAGE,
            "there is no room left on the disk of the database; nothing was stored",
        )
    logger.error("the database does not answer: %s", type(error).__name__)
    return problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "the database does not answer; try again",
        headers={"Retry-After": "5"},
    )


def _says_disk_full(error: OperationalError) -> bool:
    sqlite_code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    return sqlite_code == sqlite3.SQLITE_FULL or getattr(error.orig, "sqlstate", "") == "53100"


async def _on_surprise(_request: Request, error: Exception) -> JSONResponse:
    logger.error("unexpected %s", type(error).__name__, exc_info=error)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "something broke here; it was logged")
