"""A call that is pushed again: what the push says otherwise is written to it, and to its history.

Where that is something that rules may ask about, the call is marked to be judged anew
(`models.unjudged`). Where the call had no recording and a push brings one, the call takes it, and
waits to be heard. So it does where it has one that could not be heard, and the push brings another.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlmodel import Session, col, select

from models.call import SILENT, Call, CallPush, Status
from models.columns import now
from models.doomed import DoomedRecording, is_ours
from models.history import CallEvent, Change
from models.unjudged import JUDGED

# What a later push may say otherwise. What decides how a call is heard stays as it was first.
FIELDS = ("agent", "line", "caller", "direction", "outcome")


class CallGone(Exception):
    """A call was deleted since it was looked up."""


@dataclass(frozen=True, slots=True)
class NamedPush:
    """A push whose id and recording are settled. `copy_of` is another recording that holds the same
    bytes, where one is known.
    """

    push: CallPush
    recording: str
    external_id: str
    copy_of: str | None = None


def can_be_replaced(call: Call) -> bool:
    """Whether another recording may take the place of the one that a call has: it could not be
    heard, never was, and nobody holds it as evidence.
    """
    return call.status == Status.FAILED and call.heard_at is None and not call.legal_hold


def news_of(call: Call, one: NamedPush) -> dict[str, Any]:
    """What the push says otherwise than the call, by the names of its columns. What is left out, or
    null, says nothing; metadata that is given stands in place of what was there, and a recording
    only where there was none, or another that can be replaced.
    """
    push = one.push
    said = {name: getattr(push, name) for name in FIELDS if name in push.model_fields_set}
    if _takes_recording(call, one):
        said["recording"] = one.recording
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


def _takes_recording(call: Call, one: NamedPush) -> bool:
    if not call.recording or not one.recording:
        return bool(one.recording)
    # What failed once fails again: who pushes the same for ever must not have it heard for ever.
    is_another = call.recording not in (one.recording, one.copy_of)
    return is_another and can_be_replaced(call)


def write_news(
    session: Session, pushes: Mapping[int, Sequence[NamedPush]], *, by: str
) -> list[Call]:
    """Bring these calls, by their ids, up to date with the pushes of each, one after the other;
    those under legal hold stay as they are, but for a recording that they did not have. Returns
    those that changed; the caller indexes them, and commits. Raises `CallGone`.
    """
    if not pushes:
        return []
    wanted = select(Call).where(col(Call.id).in_(pushes)).order_by(col(Call.id))
    held = wanted.with_for_update().execution_options(populate_existing=True)
    calls = session.exec(held).all()
    if len(calls) < len(pushes):
        raise CallGone("a call was deleted while it was pushed again")
    changed: list[Call] = []
    for call in calls:
        assert call.id is not None  # it is stored
        told = [_write(session, call, one, by=by) for one in pushes[call.id]]
        if any(told):
            changed.append(call)
    return changed


def _write(session: Session, call: Call, one: NamedPush, *, by: str) -> bool:
    """One push of one call; False where it says nothing new."""
    assert call.id is not None  # it is stored
    news = news_of(call, one)
    if call.legal_hold:
        news = {name: value for name, value in news.items() if name == "recording"}
    if not news:
        return False
    before = {name: getattr(call, name) for name in news}
    if "recording" in news and call.error is not None:
        before["error"] = call.error
    session.add(
        CallEvent(
            call_id=call.id,
            kind=Change.PUSHED,
            before=_as_json(before),
            after=_as_json(news),
            given_by=by,
        )
    )
    if "recording" in news:
        _wait_anew(session, call, one.push)
    for name, value in news.items():
        setattr(call, name, value)
    if not JUDGED.isdisjoint(news):
        call.unjudged_since = now()
    return True


def _wait_anew(session: Session, call: Call, push: CallPush) -> None:
    """Have a call wait as if it were pushed now: this push knows how its recording is to be heard.
    What was known of the recording before it, and that itself, goes.
    """
    if is_ours(call.recording):
        session.add(DoomedRecording(recording=call.recording, call_id=call.id))
    call.agent_channel = push.agent_channel or call.agent_channel
    call.language_wanted = push.language or call.language_wanted
    call.urgent = push.urgent or call.urgent
    call.status, call.updated_at = Status.QUEUED, now()
    call.attempts = call.failures = 0
    call.error = call.duration_s = call.channels = call.dropped_words = None
    call.warnings = []


def _as_json(said: dict[str, Any]) -> str:
    """As the push had it: without what is only kept for the index; of a recording, whether there is
    one, and of one that is replaced, why it could not be heard.
    """
    plain = {name: value for name, value in said.items() if name != "utc_offset_min"}
    if "recording" in plain:
        plain["recording"] = bool(plain["recording"])
    if "details" in plain:
        plain["metadata"] = plain.pop("details")
    return json.dumps(plain, ensure_ascii=False, default=lambda moment: moment.isoformat())
