"""`GET /alerts/stream`: what becomes of alerts, as server-sent events."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from sqlmodel import Session

from api.alerts import Cursor, Severity, any_of
from api.call_filter import Instant, Text
from api.deps import ReaderDep
from api.errors import documented
from api.event_stream import EventStream
from models.alert_event import EventFilters, EventKind, last_event_before, last_event_id
from models.db import reading

router = APIRouter(prefix="/alerts", tags=["alerts"])

EXAMPLE = 'retry: 3000\nid: 41\n\nid: 42\nevent: raised\ndata: {"id": 12, "call_id": 4711, ...}\n\n'


def _none_for_empty(value: Any) -> Any:
    return None if value == "" else value


class StreamFilter(BaseModel):
    """What `GET /alerts/stream` understands; anything else is refused."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, hide_input_in_errors=True)

    after: Cursor | None = Field(
        None, description="Begin after the event of this id; 0 begins with the first there is."
    )
    since: Instant | None = Field(
        None,
        alias="from",
        examples=["2026-11-02T09:00:00Z"],
        description="Begin with the events of this moment; `after` goes first.",
    )
    severity: list[Severity] = any_of("The alert's severity", "high")
    rule: list[Text] = any_of("The rule that raised it", "angry-or-abusive")
    kind: list[EventKind] = any_of("What became of it", "raised")
    agent: list[Text] = any_of("Who answered the call", "Alice")
    line: list[Text] = any_of("The number dialled", "+44 20 7946 0100")

    def as_filters(self) -> EventFilters:
        """The same, as records understand it."""
        return EventFilters(
            severities=tuple(self.severity),
            rules=tuple(self.rule),
            kinds=tuple(self.kind),
            agents=tuple(self.agent),
            lines=tuple(self.line),
        )


@router.get(
    "/stream",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {"text/event-stream": {"schema": {"type": "string"}, "example": EXAMPLE}},
            "description": "Events without end: `id` is the event's, `event` its kind, `data` the "
            "alert as JSON, as it was then",
        },
        **documented(401, 403, 422, 503),
    },
)
def stream_alerts(
    request: Request,
    key: ReaderDep,
    wanted: Annotated[StreamFilter, Query()],
    last_event_id: Annotated[
        Cursor | None,
        BeforeValidator(_none_for_empty),
        Header(description="Go on after the event of this id; goes before `after` and `from`."),
    ] = None,
) -> EventStream:
    """What becomes of alerts, as it happens: from now on, or after an id, or from a moment.

    A reader that comes back with the id of the last event it has seen, in `Last-Event-ID`, misses
    none. Every 15 seconds of silence a comment says that the stream lives.
    """
    engine = request.app.state.engine
    after = wanted.after if last_event_id is None else last_event_id
    with reading(engine) as session:
        cursor = _cursor(session, after, wanted)
    assert key.id is not None  # it was found
    return EventStream(
        request.app.state.feed,
        engine,
        cursor=cursor,
        filters=wanted.as_filters(),
        key_id=key.id,
        public_url=request.app.state.settings.public_url,
    )


def _cursor(session: Session, after: int | None, wanted: StreamFilter) -> int:
    newest = last_event_id(session)
    if after is not None:
        # An id of the future is of another database: its reader would wait in vain.
        return min(after, newest)
    return newest if wanted.since is None else last_event_before(session, wanted.since)
