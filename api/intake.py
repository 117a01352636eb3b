"""Takes calls in: the recording is on the disk and its row committed before anybody is told so; the
job follows, and where it cannot, the reconciler sends it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from pydantic import Field
from sqlalchemy import Engine

from api.pressure import Gate
from api.views import Pushed
from models.call import Call, CallPush, add_call, call_named, id_of_recording
from models.db import reading, writing
from models.stores import Incoming, Stores
from settings import Settings
from workers.queue import CallQueue, QueueDown, timeout_for

logger = logging.getLogger(__name__)


class PushByName(CallPush):
    """A push of a recording that lies in an allowed store already."""

    recording: str = Field(
        min_length=1,
        max_length=2000,
        description="An absolute path or an https:// address inside one of OVERTONE_STORES.",
        examples=["/srv/recordings/2026/11/02/4711.wav"],
    )


@dataclass(frozen=True, slots=True)
class Intake:
    """What taking a call needs."""

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

    def take_upload(self, push: CallPush, incoming: Incoming) -> Pushed:
        """Keep an upload and store its call; where the call is there already, nothing of the upload
        stays.

        Raises `QueueFull`, `RecordingEmpty`, `StoreFull`.
        """
        external_id = push.external_id or f"sha256:{incoming.sha256}"
        if self._no_room(push):
            self._refuse_unless_there(external_id)
        recording = incoming.keep().recording
        try:
            call, created = self._add(push, recording, external_id)
        except Exception:
            # The database may have committed and only its answer got lost.
            kept = self._there(external_id)
            if kept is None or kept.recording != recording:
                self.stores.remove(recording)
            raise
        if created:
            self._enqueue(call, incoming.size_bytes)
        else:
            self.stores.remove(recording)
        return Pushed.of(call, created=created)

    def take_named(self, push: PushByName) -> Pushed:
        """Store the call of a recording that lies in a store. Raises `StoreRefused`,
        `RecordingGone`, `QueueFull`.
        """
        recording = self.stores.locate(push.recording)
        external_id = push.external_id or id_of_recording(recording)
        if self._no_room(push):
            self._refuse_unless_there(external_id)
        call, created = self._add(push, recording, external_id)
        if created:
            self._enqueue(call, None)
        return Pushed.of(call, created=created)

    def _there(self, external_id: str) -> Call | None:
        with reading(self.engine) as session:
            return call_named(session, external_id)

    def _no_room(self, push: CallPush) -> bool:
        return not push.urgent and self.gate.room() == 0

    def _refuse_unless_there(self, external_id: str) -> None:
        if self._there(external_id) is None:
            raise self.gate.full()

    def _add(self, push: CallPush, recording: str, external_id: str) -> tuple[Call, bool]:
        with writing(self.engine) as session:
            return add_call(
                session,
                push,
                recording,
                external_id=external_id,
                agent_channel=self.settings.agent_channel,
            )

    def _enqueue(self, call: Call, size_bytes: int | None) -> None:
        assert call.id is not None  # it is stored
        timeout_s = timeout_for(size_bytes, self.settings.max_audio_s)
        try:
            self.queue.enqueue(call.id, urgent=call.urgent, timeout_s=timeout_s)
        except QueueDown:
            # Nothing is lost: the row is there, and the reconciler enqueues it when the queue is
            # back.
            logger.warning("call %d is stored, but the queue cannot be reached now", call.id)
        self.gate.took(1)


async def _intake(request: Request) -> Intake:
    state = request.app.state
    return Intake(state.engine, state.settings, state.stores, state.queue, state.gate)


IntakeDep = Annotated[Intake, Depends(_intake)]
