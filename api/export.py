"""`GET /calls/export`: all calls that a search finds, as CSV or JSON lines, sent while read."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field
from sqlalchemy import Engine

from api.call_filter import Filters, with_saved
from api.deps import CanRead, FinderDep
from api.errors import documented
from api.places import ExportPlaces, PatientResponse
from models.db import reading
from models.search import Found

router = APIRouter(prefix="/calls", tags=["calls"])

COLUMNS = (
    *("id", "external_id", "started_at", "duration_s", "agent", "line", "caller", "direction"),
    *("outcome", "status", "review", "assignee", "language", "anger", "anger_trend"),
    *("agent_talk_ratio", "longest_silence_s", "interruptions"),
)
# What a spreadsheet would run as a formula. Numbers and telephone numbers are left as they are.
_FORMULA = re.compile(r"[=@\t\r]|[+-](?![\d ().+-]*$)")


class ExportFilter(Filters):
    """What `GET /calls/export` understands: what `GET /calls` does, less pages and facets."""

    format: Literal["csv", "jsonl"] = Field("csv", description="CSV, or one JSON object a line.")


def _place(request: Request) -> Iterator[None]:
    """One of the places for exports, held until the answer is sent."""
    places: ExportPlaces = request.app.state.exports
    with places.taken():
        yield


@router.get(
    "/export",
    dependencies=[CanRead, Depends(_place)],
    response_class=PatientResponse,
    responses={
        200: {
            "content": {"text/csv": {}, "application/jsonl": {}},
            "description": "One line for each call, in the order asked for",
        },
        **documented(401, 403, 404, 422, 503),
    },
)
def export_calls(
    request: Request, finder: FinderDep, wanted: Annotated[ExportFilter, Query()]
) -> PatientResponse:
    """Every call that matches, with what a list shows of it. Nothing is cut off. A process sends
    few exports at once; others are answered 429 with `Retry-After`.
    """

    engine: Engine = request.app.state.engine
    with reading(engine) as session:
        query = with_saved(session, wanted).as_query()
        # What is wrong with the query is told before the answer begins.
        first = finder.batch(session, query, None)

    def batches() -> Iterator[tuple[Found, ...]]:
        found, last = first
        while last is not None:
            yield found
            # A session for each: whoever reads slowly holds none meanwhile.
            with reading(engine) as session:
                found, last = finder.batch(session, query, last)

    calls = batches()
    write, kind = WRITERS[wanted.format]
    name = f"attachment; filename=calls.{wanted.format}"
    return PatientResponse(write(calls), media_type=kind, headers={"Content-Disposition": name})


def _csv(batches: Iterable[tuple[Found, ...]]) -> Iterator[str]:
    yield _lines([(*COLUMNS, "tags", "metadata")])
    for batch in batches:
        yield _lines([_safe(cell) for cell in _cells(found)] for found in batch)


def _jsonl(batches: Iterable[tuple[Found, ...]]) -> Iterator[str]:
    for batch in batches:
        for found in batch:
            plain = {name: getattr(found.call, name) for name in COLUMNS}
            plain["started_at"] = found.call.started_at.isoformat()
            plain |= {"tags": found.tags, "metadata": found.call.details}
            yield json.dumps(plain, ensure_ascii=False, default=str) + "\n"


WRITERS: dict[str, tuple[Callable[[Iterable[tuple[Found, ...]]], Iterator[str]], str]] = {
    "csv": (_csv, "text/csv; charset=utf-8"),
    "jsonl": (_jsonl, "application/jsonl"),
}


def _cells(found: Found) -> list[Any]:
    cells = [getattr(found.call, name) for name in COLUMNS]
    cells[COLUMNS.index("started_at")] = found.call.started_at.isoformat()
    metadata = json.dumps(found.call.details, ensure_ascii=False) if found.call.details else ""
    return [*cells, "; ".join(found.tags), metadata]


def _lines(rows: Iterable[Iterable[Any]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


def _safe(cell: Any) -> Any:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell
