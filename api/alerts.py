"""Routes of alerts: list them by filters, read one and what became of it, acknowledge, resolve."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, BackgroundTasks, HTTPException, Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from api.alert_views import AlertEventsView, AlertEventView, AlertsView, AlertView
from api.call_filter import Instant, Text
from api.deps import CanRead, QueueDep, ReadingDep, ReviewerDep, SettingsDep, WritingDep
from api.errors import documented
from models.alert import (
    MAX_BY,
    MAX_NOTE,
    AlertQuery,
    AlertStatus,
    Outcome,
    find_alert,
    find_alerts,
)
from models.alert_event import events_of
from models.alert_life import acknowledge, resolve
from models.key import Key
from settings import Settings

router = APIRouter(prefix="/alerts", tags=["alerts"])

MAX_VALUES = 50
Severity = Literal["low", "medium", "high", "critical"]
MOST_ID = 2**31 - 1
AlertId = Annotated[int, Path(ge=1, le=MOST_ID, examples=[12])]
Cursor = Annotated[int, Field(ge=0, le=MOST_ID, examples=[42])]
Limit = Annotated[int, Field(ge=1, le=200, examples=[50])]


def any_of(what: str, example: Any) -> Any:
    """A filter that may be given more than once, any of its values."""
    return Field(
        default_factory=list,
        max_length=MAX_VALUES,
        examples=[[example]],
        description=f"{what}; given more than once, any of them.",
    )


def _printable(text: str) -> str:
    text = text.strip()
    if not text or not text.isprintable():
        raise PydanticCustomError("name", "a name without control characters")
    return text


def _keepable(text: str) -> str:
    if "\0" in text:
        raise PydanticCustomError("nul", "holds a NUL, which no database keeps")
    return text


class AlertFilter(BaseModel):
    """What `GET /alerts` understands; anything else is refused."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, hide_input_in_errors=True)

    status: list[AlertStatus] = any_of("Where it stands", "new")
    severity: list[Severity] = any_of("Its severity", "high")
    rule: list[Text] = any_of("The rule that raised it", "angry-or-abusive")
    call: list[Annotated[int, Field(ge=1, le=MOST_ID)]] = any_of("The call's id", 4711)
    agent: list[Text] = any_of("Who answered the call", "Alice")
    line: list[Text] = any_of("The number dialled", "+44 20 7946 0100")
    raised_from: Instant | None = Field(
        None,
        alias="from",
        examples=["2026-11-02T00:00:00Z"],
        description="Raised first at this moment or later.",
    )
    raised_to: Instant | None = Field(
        None,
        alias="to",
        examples=["2026-11-03T00:00:00Z"],
        description="Raised first before this moment.",
    )
    overdue: bool | None = Field(
        None,
        examples=[True],
        description="Whether it is late and nobody has acknowledged it yet.",
    )
    order: Literal["oldest", "newest"] = Field(
        "oldest", description="In the order in which they were raised first, or backwards."
    )
    cursor: Cursor | None = Field(None, description="`next_cursor` of the answer before.")
    limit: Limit = 50

    def as_query(self) -> AlertQuery:
        """The same, as records understand it."""
        return AlertQuery(
            statuses=tuple(self.status),
            severities=tuple(self.severity),
            rules=tuple(self.rule),
            calls=tuple(self.call),
            agents=tuple(self.agent),
            lines=tuple(self.line),
            since=self.raised_from,
            until=self.raised_to,
            overdue=self.overdue,
        )


class EventsPage(BaseModel):
    """What `GET /alerts/{alert_id}/events` understands."""

    model_config = ConfigDict(extra="forbid")

    cursor: Cursor = Field(0, description="`next_cursor` of the answer before.")
    limit: Limit = 50


class Acknowledgement(BaseModel):
    """Who takes care of an alert."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    by: Annotated[str, AfterValidator(_printable)] | None = Field(
        None,
        min_length=1,
        max_length=MAX_BY,
        examples=["Bob"],
        description="The person; left out, the name of the API key.",
    )


class Resolution(Acknowledgement):
    """What came of an alert."""

    outcome: Outcome = Field(examples=["called_back"])
    note: Annotated[str, AfterValidator(_keepable)] | None = Field(
        None, max_length=MAX_NOTE, examples=["Refunded, and the customer thanked us."]
    )


@router.get("", dependencies=[CanRead], responses=documented(401, 403, 422))
def get_alerts(
    session: ReadingDep, settings: SettingsDep, wanted: Annotated[AlertFilter, Query()]
) -> AlertsView:
    """Alerts that match every filter, a page at a time: the oldest first, or the newest.

    A reader who asks again with `next_cursor`, oldest first, misses no new alert. What becomes of
    alerts later is told by `GET /alerts/stream`.
    """
    newest_first = wanted.order == "newest"
    items = find_alerts(
        session,
        wanted.as_query(),
        after=wanted.cursor,
        limit=wanted.limit,
        newest_first=newest_first,
    )
    last = items[-1]["id"] if items else None
    if newest_first:
        cursor = last if len(items) == wanted.limit else None
    else:
        cursor = last or wanted.cursor or 0
    views = [AlertView.of(item, settings.public_url) for item in items]
    return AlertsView(items=views, next_cursor=cursor)


@router.get("/{alert_id}", dependencies=[CanRead], responses=documented(401, 403, 404, 422))
def get_alert(session: ReadingDep, settings: SettingsDep, alert_id: AlertId) -> AlertView:
    """One alert with its evidence, its call, and where it stands."""
    return _view(find_alert(session, alert_id), alert_id, settings)


@router.get("/{alert_id}/events", dependencies=[CanRead], responses=documented(401, 403, 404, 422))
def get_events(
    session: ReadingDep,
    settings: SettingsDep,
    alert_id: AlertId,
    page: Annotated[EventsPage, Query()],
) -> AlertEventsView:
    """What became of an alert, in order, each time with the alert as it was then. Alerts of before
    there were events have none until something becomes of them.
    """
    if find_alert(session, alert_id) is None:
        raise _no_alert(alert_id)
    events = events_of(session, alert_id, page.cursor, limit=page.limit)
    return AlertEventsView(
        items=[AlertEventView.of(event, settings.public_url) for event in events],
        next_cursor=(events[-1].id if events else None) or page.cursor,
    )


@router.post("/{alert_id}/acknowledge", responses=documented(401, 403, 404, 409, 422))
def acknowledge_alert(
    session: WritingDep,
    settings: SettingsDep,
    key: ReviewerDep,
    alert_id: AlertId,
    queue: QueueDep,
    tasks: BackgroundTasks,
    body: Acknowledgement | None = None,
) -> AlertView:
    """Take care of a new alert: it can no longer become overdue. 409 where it is not new."""
    shown = acknowledge(session, alert_id, by=_who(body, key))
    return _woken(tasks, queue.wake_alerts, _view(shown, alert_id, settings))


@router.post("/{alert_id}/resolve", responses=documented(401, 403, 404, 409, 422))
def resolve_alert(
    session: WritingDep,
    settings: SettingsDep,
    key: ReviewerDep,
    alert_id: AlertId,
    queue: QueueDep,
    tasks: BackgroundTasks,
    body: Resolution,
) -> AlertView:
    """Say what came of an acknowledged alert. 409 where it is not acknowledged. New evidence, when
    the call is analysed again, reopens it.
    """
    shown = resolve(
        session, alert_id, outcome=body.outcome, note=body.note or None, by=_who(body, key)
    )
    return _woken(tasks, queue.wake_alerts, _view(shown, alert_id, settings))


def _view(shown: dict[str, Any] | None, alert_id: int, settings: Settings) -> AlertView:
    """404 where there is none."""
    if shown is None:
        raise _no_alert(alert_id)
    return AlertView.of(shown, settings.public_url)


def _no_alert(alert_id: int) -> HTTPException:
    return HTTPException(404, f"there is no alert {alert_id}")


def _who(body: Acknowledgement | None, key: Key) -> str:
    return (body and body.by) or key.name


def _woken(tasks: BackgroundTasks, wake: Callable[[], None], view: AlertView) -> AlertView:
    """Wake after the answer: whoever acknowledges does not wait for a Redis that is away."""
    tasks.add_task(wake)
    return view
