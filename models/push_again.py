"""A call that is pushed again: what the push says otherwise is written to it, and to its history.

Where that is something that rules may ask about, the call is marked to be judged anew
(`models.unjudged`). Where the call had no recording and a push brings one, the call takes it, and
waits to be heard.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlmodel import Session, col, select

from models.call import SILENT, Call, CallPush, Status
from models.columns import now
from models.history import CallEvent, Change
from models.unjudged import JUDGED

# What a later push may say otherwise. What decides how a call is heard stays as it was first.
FIELDS = ("agent", "line", "caller", "direction", "outcome")


def news_of(call: Call, push: CallPush, recording: str) -> dict[str, Any]:
    """What the push says otherwise than the call, by the names of its columns. What is left out, or
    null, says nothing; metadata that is given stands in place of what was there, and a recording
    only where there was none.
    """
    said = {name: getattr(push, name) for name in FIELDS if name in push.model_fields_set}
    if not call.recording and recording:
        said["recording"] = recording
    elif not call.recording and push.outcome not in SILENT:
        said.pop("outcome", None)  # nothing but that may have no recording
    if push.started_at is not None:
        offset = push.started_at.utcoffset() or timedelta()
        said["started_at"] = push.started_at
        said["utc_offset_min"] = round(offset.total_seconds() / 60)
    if "metadata" in push.model_fields_set:
        said["details"] = push.metadata
    news = {
        name: value
        for name, value in said.items()
        if value is not None and value != getattr(call, name)
    }
    if "utc_offset_min" in news:  # the same moment, told in another time zone
        news["started_at"] = push.started_at
    return news


def write_news(
    session: Session, pushes: Mapping[int, Sequence[tuple[CallPush, str]]], *, by: str
) -> list[Call]:
    """Bring these calls, by their ids, up to date with the pushes of each, each with its recording,
    one after the other; those under legal hold stay as they are, but for a recording that they did
    not have. Returns those that changed; the caller indexes them, and commits.
    """
    if not pushes:
        return []
    wanted = select(Call).where(col(Call.id).in_(pushes)).order_by(col(Call.id))
    held = wanted.with_for_update().execution_options(populate_existing=True)
    changed: list[Call] = []
    for call in session.exec(held).all():
        assert call.id is not None  # it is stored
        told = [_write(session, call, *one, by=by) for one in pushes[call.id]]
        if any(told):
            changed.append(call)
    return changed


def _write(session: Session, call: Call, push: CallPush, recording: str, *, by: str) -> bool:
    """One push of one call; False where it says nothing new."""
    assert call.id is not None  # it is stored
    news = news_of(call, push, recording)
    if call.legal_hold:
        news = {name: value for name, value in news.items() if name == "recording"}
    if not news:
        return False
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
    if not JUDGED.isdisjoint(news):
        call.unjudged_since = now()
    if "recording" in news:
        # As if it were pushed now: this push knows how the recording is to be heard.
        call.agent_channel = push.agent_channel or call.agent_channel
        call.language_wanted = push.language or call.language_wanted
        call.urgent = push.urgent or call.urgent
        call.status, call.updated_at = Status.QUEUED, now()
        call.attempts = call.failures = 0
        call.error = None
    return True


def _as_json(said: dict[str, Any]) -> str:
    """As the push had it: without what is only kept for the index; of a recording, whether there is
    one.
    """
    plain = {name: value for name, value in said.items() if name != "utc_offset_min"}
    if "recording" in plain:
        plain["recording"] = bool(plain["recording"])
    if "details" in plain:
        plain["metadata"] = plain.pop("details")
    return json.dumps(plain, ensure_ascii=False, default=lambda moment: moment.isoformat())
