"""What an error looks like over HTTP: problem details (RFC 9457), the only place that knows status
codes.

Every error answers `application/problem+json` with `type`, `title`, `status`, `detail`, and for
wrong parameters `errors`: a list of {parameter, problem}.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException

from lexicons.changes import NoSuchTermError
from lexicons.checking import LexiconUnusableError
from lexicons.terms import LexiconError
from models.lexicon_rows import LexiconRefused
from models.query import BadQuery
from models.rematch import CannotRematch
from models.saved_search import TooManySearches
from models.stores import RecordingEmpty, RecordingGone, RecordingTooLarge, StoreRefused
from models.subscription import SubscriptionConflict
from models.verdict import CannotJudge

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
STATUS_OF: dict[type[Exception], HTTPStatus] = {
    StoreRefused: HTTPStatus.FORBIDDEN,
    RecordingGone: HTTPStatus.NOT_FOUND,
    RecordingEmpty: HTTPStatus.UNPROCESSABLE_ENTITY,
    RecordingTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    CannotJudge: HTTPStatus.CONFLICT,
    CannotRematch: HTTPStatus.CONFLICT,
    TooManySearches: HTTPStatus.CONFLICT,
    SubscriptionConflict: HTTPStatus.CONFLICT,
    LexiconError: HTTPStatus.UNPROCESSABLE_ENTITY,
    LexiconRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    NoSuchTermError: HTTPStatus.NOT_FOUND,
}


# What pydantic says of some mistakes is meant for programmers.
PLAIN_WORDS = {
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
    body = Problem(
        title=HTTPStatus(status).phrase, status=status, detail=detail, errors=list(errors)
    )
    return JSONResponse(body.model_dump(), status, headers=headers, media_type=MEDIA_TYPE)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may answer with these errors."""
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
    app.add_exception_handler(OperationalError, _on_database)
    app.add_exception_handler(Exception, _on_surprise)
    for kind in STATUS_OF:
        app.add_exception_handler(kind, _on_known)


async def _on_validation(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return wrong_parameters(error.errors())


def wrong_parameters(details: Sequence[Any]) -> JSONResponse:
    """422 for what pydantic found wrong."""
    wrong = [
        WrongParameter(
            parameter=_name(detail["loc"]),
            problem=PLAIN_WORDS.get(detail["type"], str(detail["msg"])),
        )
        for detail in details
    ]
    text = "; ".join(f"{one.parameter}: {one.problem}" for one in wrong)
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, text, errors=wrong)


def _name(place: Sequence[str | int]) -> str:
    """The parameter, and where in a body it is; which of several values of a query is not said."""
    parts = place[1:] or place
    named = [part for part in parts if place[0] != "query" or isinstance(part, str)]
    return ".".join(map(str, named))


async def _on_http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers) if error.headers else None
    return problem(error.status_code, str(error.detail), headers=headers)


async def _on_bad_query(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, BadQuery)
    wrong = WrongParameter(parameter=error.parameter, problem=error.problem)
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), errors=[wrong])


async def _on_known(_request: Request, error: Exception) -> JSONResponse:
    status = next(STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF)
    return problem(status, str(error))


async def _on_unusable(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, LexiconUnusableError)
    wrong = [
        WrongParameter(
            parameter="body" if one.term is None else f"terms.{one.term}", problem=one.text
        )
        for one in error.problems
    ]
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), errors=wrong)


async def _on_database(_request: Request, error: Exception) -> JSONResponse:
    logger.error("the database does not answer: %s", type(error).__name__)
    return problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "the database does not answer; try again",
        headers={"Retry-After": "5"},
    )


async def _on_surprise(_request: Request, error: Exception) -> JSONResponse:
    logger.error("unexpected %s", type(error).__name__, exc_info=error)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "something broke here; it was logged")
