"""The shapes of alerts and of what became of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from api.view import View
from models.alert import with_address
from models.alert_event import AlertEvent


class AlertView(View):
    """Why somebody should hear a call now, whose call it is, and where the alert stands."""

    id: int
    call_id: int
    external_id: str = Field(description="The pipeline's own name of the call.", examples=["4711"])
    agent: str | None = Field(examples=["Alice"])
    line: str | None = Field(examples=["+44 20 7946 0100"])
    started_at: datetime = Field(description="When the call began.")
    rule: str = Field(examples=["angry-or-abusive"])
    severity: str = Field(examples=["high"])
    status: str = Field(description="new, acknowledged or resolved.", examples=["new"])
    reason: str = Field(
        examples=[
            "customer sounds angry for 9 s of speech in 2 turns, anger up to 0.91: louder than "
            "their other turns by 6 dB, pitch up by 3 semitones"
        ]
    )
    evidence: list[dict[str, Any]] = Field(
        description="Angry turns (`kind` is mood, `parts` as the turn's `anger_parts`) and abusive "
        "words (`kind` is hit), in order."
    )
    start_s: float = Field(description="The second to play from.")
    play: str = Field(
        description="A page that plays the call from that second and says why; a whole address "
        "where OVERTONE_PUBLIC_URL is set.",
        examples=["https://calls.example.com/listen/4711?alert=12&at=24.3"],
    )
    created_at: datetime
    updated_at: datetime
    due_at: datetime | None = Field(
        description="When it is overdue unless it was acknowledged; null where its rule sets no "
        "time."
    )
    overdue_at: datetime | None = Field(description="When it was found overdue.")
    no_longer_at: datetime | None = Field(
        description="When the call was analysed again and its rule did not fire any more."
    )
    acknowledged_at: datetime | None
    acknowledged_by: str | None = Field(examples=["Bob"])
    resolved_at: datetime | None
    resolved_by: str | None = Field(examples=["Bob"])
    outcome: str | None = Field(description="What came of it.", examples=["called_back"])
    note: str | None

    @classmethod
    def of(cls, shown: dict[str, Any], public_url: str | None) -> AlertView:
        return cls.model_validate(with_address(shown, public_url))


class AlertsView(BaseModel):
    """Alerts in the order asked for."""

    items: list[AlertView]
    next_cursor: int | None = Field(
        description="Give it as `cursor` to read on from here, with `order=oldest` also when "
        "nothing is new yet. Null: with `order=newest`, there are no older ones."
    )


class AlertEventView(View):
    """Something that became of an alert, and the alert as it was then."""

    id: int = Field(description="Its id in `GET /alerts/stream`.")
    kind: str = Field(
        description="raised, changed, reopened, acknowledged, resolved, overdue or no_longer.",
        examples=["raised"],
    )
    at: datetime
    by: str | None = Field(description="Who did it; null where it was Overtone.")
    alert: AlertView

    @classmethod
    def of(cls, event: AlertEvent, public_url: str | None) -> AlertEventView:
        assert event.id is not None  # it is stored
        alert = AlertView.of(event.body, public_url)
        return cls(id=event.id, kind=event.kind, at=event.at, by=event.by, alert=alert)


class AlertEventsView(BaseModel):
    """What became of an alert, in order."""

    items: list[AlertEventView]
    next_cursor: int = Field(description="Give it as `cursor` to read on from here.")
