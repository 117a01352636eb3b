"""A call that is pushed again: what the push says otherwise is written to it, and to its history.

Rules were judged when the call was heard, and are not judged again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlmodel import Session, col, select

from models.call import SILENT, Call, CallPush
from models.history import CallEvent, Change

# What a later push may say otherwise. What decides how a call is heard stays as it was first.
FIELDS = ("agent", "line", "caller", "direction", "outcome")


def news_of(call: Call, push: CallPush) -> dict[str, Any]:
    """What the push says otherwise than the call, by the names of its columns. What is left out, or
    null, says nothing; metadata that is given stands in place of what was there.
    """
    said = {name: getattr(push, name) for name in FIELDS if name in push.model_fields_set}
    if not call.recording and push.outcome not in SILENT:
        said.pop("outcome", None)  # nothing but that may have no recording
    if push.started_at is not None:
        offset = push.started_at.utcoffset() or timedelta()
        said["started_at"] = push.started_at
        said["utc_offset_min"] = round(offset.total_seconds() / 60)
    if "metadata" in push.model_fields_set:
        said["details"] = push.metadata
    return {
        name: value
        for name, value in said.items()
        if value is not None and value != getattr(call, name)
    }


def write_news(session: Session, pushes: Mapping[int, CallPush], *, by: str) -> list[Call]:
    """Bring these calls, by their ids, up to date with the last push of each; those under legal
    hold stay as they are. Returns those that changed; the caller indexes them, and commits.
    """
    if not pushes:
        return []
    wanted = select(Call).where(col(Call.id).in_(pushes)).order_by(col(Call.id))
    held = wanted.with_for_update().execution_options(populate_existing=True)
    changed: list[Call] = []
    for call in session.exec(held).all():
        assert call.id is not None  # it is stored
        news = {} if call.legal_hold else news_of(call, pushes[call.id])
        if not news:
            continue
        before = {name: getattr(call, name) for name in news}
        session.add(
            CallEvent(
                call_id=call.id,
                kind=Change.PUSHED,
                before=_as_json(before),
                after=_as_json(news),
                given_by=by,
            )
        )
        for name, value in news.items():
            setattr(call, name, value)
        changed.append(call)
    return changed


def _as_json(said: dict[str, Any]) -> str:
    """As the push had it: without what is only kept for the index."""
    plain = {name: value for name, value in said.items() if name != "utc_offset_min"}
    if "details" in plain:
        plain["metadata"] = plain.pop("details")
    return json.dumps(plain, ensure_ascii=False, default=lambda moment: moment.isoformat())
