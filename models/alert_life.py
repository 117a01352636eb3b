"""The life of alerts: what rules found in a call becomes its alerts. Nothing here commits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from sqlmodel import Session, select

from models.alert import Alert
from models.columns import now


class DraftLike(Protocol):
    """What a rule found."""

    @property
    def rule(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def evidence(self) -> tuple[dict[str, Any], ...]: ...
    @property
    def start_s(self) -> float: ...


def write_alerts(session: Session, call_id: int, drafts: Sequence[DraftLike]) -> list[int]:
    """Write the alerts of a call, one for each rule: hearing it again updates them. Returns their
    ids.
    """
    alerts = [_alert(session, call_id, draft) for draft in drafts]
    session.add_all(alerts)
    session.flush()
    return [alert.id or 0 for alert in alerts]


def _alert(session: Session, call_id: int, draft: DraftLike) -> Alert:
    wanted = select(Alert).where(Alert.call_id == call_id, Alert.rule == draft.rule)
    alert = session.exec(wanted).first() or Alert(
        call_id=call_id, rule=draft.rule, reason="", evidence=[], start_s=0.0
    )
    alert.reason = draft.reason
    alert.evidence = list(draft.evidence)
    alert.start_s = draft.start_s
    alert.updated_at = now()
    return alert
