"""Takes calls in: the recording is on the disk and its row committed before anybody is told so; the
job follows, and where it cannot, the reconciler sends it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Self

from fastapi import Depends, Request
from pydantic import Field, model_validator
from sqlalchemy import Engine

from api.pressure import Gate, QueueFull
from api.views import Pushed
from models.call import SILENT, Call, CallPush, Status
from models.db import reading, writing
from models.push_again import NamedPush, can_be_replaced
from models.pushes import add_call, add_calls, call_named, calls_named, id_of_recording
from models.stores import Incoming, StoreError, Stores
from models.unjudged import is_unjudged
from settings import Settings
from workers.queue import CallQueue, QueueDown, timeout_for

logger = logging.getLogger(__name__)


class PushByName(CallPush):
    """A push of a recording that lies in an allowed store already, or of a call that has none."""

    recording: str | None = Field(
        default=None,
        min_length=1,
        max_length=2000,
        description="An absolute path, or an https:// or s3:// address, inside one of "
        "OVERTONE_STORES. Calls whose `outcome` is missed or failed may have none; they then need "
        "an `external_id`.",
        examples=["/srv/recordings/2026/11/02/4711.wav"],
    )

    @model_validator(mode="after")
    def _recorded(self) -> Self:
        if self.recording is None and self.outcome not in SILENT:
            raise ValueError(f"recording is needed unless outcome is {' or '.join(SILENT)}")
        if self.recording is None and self.external_id is None:
            raise ValueError("external_id is needed where there is no recording")
        return self


@dataclass(frozen=True, slots=True)
class Intake:
    """What taking a call needs. `by` is the name of the key that pushes it."""

    engine: Engine
    settings: Settings
    stores: Stores
    queue: CallQueue
    gate: Gate

    def begin_upload(self, push: CallPush, filename: str) -> Incoming:
        """Open a place for an upload of which only this is known so far. Raises `QueueFull` where
        that is enough to say that it will not be taken, and `StoreFull`.
        """
        if push.external_id is not None and self._no_room(push):
            self._refuse_unless_there(push.external_id)
        return self.stores.receive(name=filename, max_bytes=self.settings.max_upload_mb * 1_000_000)

    def take_upload(self, push: CallPush, incoming: Incoming, *, by: str) -> Pushed:
        """Keep an upload and store its call; where the call is there already and keeps the
        recording that it has, nothing of the upload stays.

        Raises `QueueFull`, `RecordingEmpty`, `StoreFull`.
        """
        external_id = push.external_id or f"sha256:{incoming.sha256}"
        if self._no_room(push):
            self._refuse_unless_there(external_id)
        recording = incoming.keep().recording
        try:
            copy_of = self._copy_of(recording, external_id)
            call, created = self._add(push, recording, external_id, copy_of=copy_of, by=by)
        except Exception:
            # The database may have committed and only its answer got lost.
            kept = self._there(external_id)
            if kept is None or kept.recording != recording:
                self.stores.remove(recording)
            raise
        if call.recording == recording:
            self._enqueue(call, size_bytes=incoming.size_bytes)
        else:
            self.stores.remove(recording)
        self._judge(call)
        return Pushed.of(call, created=created)

    def take_named(self, push: PushByName, *, by: str) -> Pushed:
        """Store the call of a recording that lies in a store. Raises `StoreRefused`,
        `RecordingGone`, `QueueFull`.
        """
        named = self._settle(push)
        if named.recording and self._no_room(push):
            self._refuse_unless_there(named.external_id)
        call, created = self._add(push, named.recording, named.external_id, by=by)
        if created or call.recording == named.recording:
            self._enqueue(call)
        self._judge(call)
        return Pushed.of(call, created=created)

    def take_many(
        self, pushes: Mapping[int, PushByName], *, by: str
    ) -> dict[int, Pushed | StoreError | QueueFull]:
        """`take_named` for many, all their rows in one transaction. Each has its own answer: its
        call, or what `take_named` would have raised.
        """
        answers: dict[int, Pushed | StoreError | QueueFull] = {}
        named: dict[int, NamedPush] = {}
        for number, push in pushes.items():
            try:
                named[number] = self._settle(push)
            except StoreError as error:
                answers[number] = error
        for number in self._beyond_room(named):
            del named[number]
            answers[number] = self.gate.full()
        with writing(self.engine) as session:
            stored = add_calls(
                session, list(named.values()), agent_channel=self.settings.agent_channel, by=by
            )
        to_hear = {
            call.id: call
            for one, (call, created) in zip(named.values(), stored, strict=True)
            if created or call.recording == one.recording
        }
        self._enqueue(*to_hear.values())
        self._judge(*(call for call, _created in stored))
        for number, (call, created) in zip(named, stored, strict=True):
            answers[number] = Pushed.of(call, created=created)
        return answers

    def _settle(self, push: PushByName) -> NamedPush:
        recording = self.stores.locate(push.recording) if push.recording else ""
        return NamedPush(push, recording, push.external_id or id_of_recording(recording))

    def _there(self, external_id: str) -> Call | None:
        with reading(self.engine) as session:
            return call_named(session, external_id)

    def _copy_of(self, recording: str, external_id: str) -> str | None:
        """The recording that the call has already, where this one has the same bytes and could
        replace it.
        """
        call = self._there(external_id)
        if call is None or not can_be_replaced(call):
            return None
        return call.recording if self.stores.same_bytes(call.recording, recording) else None

    def _no_room(self, push: CallPush) -> bool:
        return not push.urgent and self.gate.room() == 0

    def _refuse_unless_there(self, external_id: str) -> None:
        if self._there(external_id) is None:
            raise self.gate.full()

    def _add(
        self,
        push: CallPush,
        recording: str,
        external_id: str,
        *,
        copy_of: str | None = None,
        by: str,
    ) -> tuple[Call, bool]:
        with writing(self.engine) as session:
            return add_call(
                session,
                push,
                recording,
                external_id=external_id,
                agent_channel=self.settings.agent_channel,
                copy_of=copy_of,
                by=by,
            )

    def _beyond_room(self, named: Mapping[int, NamedPush]) -> list[int]:
        """New calls, not urgent, for which there is no room."""
        room = self.gate.room()
        ordinary = {
            number: one for number, one in named.items() if one.recording and not one.push.urgent
        }
        if room is None or len(ordinary) <= room:
            return []
        with reading(self.engine) as session:
            there = calls_named(session, (one.external_id for one in ordinary.values()))
        return [number for number, one in ordinary.items() if one.external_id not in there][room:]

    def _enqueue(self, *calls: Call, size_bytes: int | None = None) -> None:
        timeout_s = timeout_for(size_bytes, self.settings.max_audio_s)
        to_hear = [call for call in calls if call.status == Status.QUEUED]
        self.gate.took(len(to_hear))
        for call in to_hear:
            assert call.id is not None  # it is stored
            try:
                self.queue.enqueue(call.id, urgent=call.urgent, timeout_s=timeout_s)
            except QueueDown:
                # Nothing is lost: the rows are there, and the reconciler enqueues them when the
                # queue is back.
                logger.warning("call %d is stored, but the queue cannot be reached now", call.id)
                return

    def _judge(self, *calls: Call) -> None:
        """Have rules asked about calls of which a push told something else."""
        if not any(map(is_unjudged, calls)):
            return
        try:
            self.queue.enqueue_judging()
        except QueueDown:
            # Nothing is lost: workers look for such calls by themselves, only later.
            logger.warning("news of calls is stored, but the queue cannot be reached now")


async def _intake(request: Request) -> Intake:
    state = request.app.state
    return Intake(state.engine, state.settings, state.stores, state.queue, state.gate)


IntakeDep = Annotated[Intake, Depends(_intake)]
