"""What a person is told of an event: a few words and figures, the reason, and where to play from.
Nothing of the transcript beyond the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from models.alert import with_address
from models.alert_event import AlertEvent

HEADINGS = {
    "raised": "Alert",
    "changed": "Alert changed as its call was analysed again",
    "reopened": "Alert reopened",
    "acknowledged": "Alert acknowledged",
    "resolved": "Alert resolved",
    "overdue": "Alert overdue: nobody has acknowledged it",
    "no_longer": "Alert no longer found in its call",
    "test": "Test of this subscription",
}
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Told:
    """One event for people. `link` is None where OVERTONE_PUBLIC_URL is not set, `by` where nobody
    did it, `outcome` where nothing was resolved.
    """

    kind: str
    at: datetime
    severity: str
    rule: str
    reason: str
    agent: str
    line: str
    alert_id: int
    call_id: int
    call: str
    start_s: float
    link: str | None
    by: str | None = None
    outcome: str | None = None

    @classmethod
    def of(cls, event: AlertEvent, public_url: str | None) -> Told:
        """Out of an event's snapshot; what the snapshot does not know is `unknown`."""
        body = with_address(event.body, public_url)
        start_s = float(body.get("start_s") or 0.0)
        return cls(
            kind=event.kind,
            at=event.at,
            severity=str(body.get("severity") or UNKNOWN),
            rule=str(body.get("rule") or UNKNOWN),
            reason=str(body.get("reason") or UNKNOWN),
            agent=str(body.get("agent") or UNKNOWN),
            line=str(body.get("line") or UNKNOWN),
            alert_id=event.alert_id,
            call_id=event.call_id,
            call=str(body.get("external_id") or event.call_id),
            start_s=start_s,
            link=body.get("play") if public_url else None,
            by=event.by,
            outcome=body.get("outcome") if event.kind == "resolved" else None,
        )

    @property
    def heading(self) -> str:
        """What became of the alert, by whom where it was somebody, and what came of it."""
        heading = HEADINGS.get(self.kind, f"Alert {self.kind}")
        by = f" by {self.by}" if self.by else ""
        outcome = f": {self.outcome.replace('_', ' ')}" if self.outcome else ""
        return f"{heading}{by}{outcome}"

    @property
    def place(self) -> str:
        """The second to play from, as minutes and seconds."""
        minutes, seconds = divmod(int(self.start_s), 60)
        return f"{minutes}:{seconds:02}"
