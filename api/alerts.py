"""Routes of alerts: the feed, read by a cursor."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.deps import CanRead, ReadingDep
from api.errors import documented
from api.views import AlertsView, AlertView
from models.alert import alerts_after

router = APIRouter(prefix="/alerts", tags=["alerts"])


class AlertFilter(BaseModel):
    """What `GET /alerts` understands; anything else is refused."""

    model_config = ConfigDict(extra="forbid")

    cursor: int = Field(
        0, examples=[42], ge=0, le=2**62, description="`next_cursor` of the answer before."
    )
    limit: int = Field(50, examples=[50], ge=1, le=200)


@router.get("", dependencies=[CanRead], responses=documented(401, 403, 422))
def get_alerts(session: ReadingDep, wanted: Annotated[AlertFilter, Query()]) -> AlertsView:
    """Alerts raised after the cursor, oldest first. Ask again with `next_cursor`: nothing is
    missed.
    """
    alerts = alerts_after(session, wanted.cursor, wanted.limit)
    last = alerts[-1].id if alerts else None
    return AlertsView(
        items=[AlertView.model_validate(alert) for alert in alerts],
        next_cursor=last or wanted.cursor,
    )
