"""RQ's entry points: ids in, rows out, safe to run twice.

A recording that cannot be heard fails its call at once, with the reason; anything else that goes
wrong is counted on the call, and the reconciler asks again until the count is full.
"""

from __future__ import annotations

import logging
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import httpx
from sqlalchemy import Engine

from models.call import Call, CallPush, Status, add_call
from models.columns import now
from models.db import writing
from models.stores import RecordingGone, StoreError, Stores
from speech.audio import AudioError
from speech.conversation import Conversation
from speech.listen import listen
from workers.pipeline import analyse, record
from workers.queue import timeout_for
from workers.station import Station, station

logger = logging.getLogger(__name__)

NOBODY_SPEAKS = "nobody speaks in this recording: it holds silence, tones or noise only"
FETCH_TIMEOUT_S = 60


class StoreUnavailable(Exception):
    """The remote store did not give the recording now; later it may."""


def hear(call_id: int) -> None:
    """Hear a call's recording and write everything that follows from it."""
    hear_call(call_id, station())


def ingest(recording: str, **push: Any) -> int:
    """Take a call from a pipeline that speaks Redis: a path or URL in an allowed store, and the
    fields of `CallPush`. Returns the call's id.

    Raises `StoreRefused` or `RecordingGone`, and pydantic's ValidationError, without the values,
    for fields that are wrong.
    """
    here = station()
    reference = here.stores.locate(recording)
    with writing(here.engine) as session:
        call, created = add_call(
            session,
            CallPush.model_validate(push),
            reference,
            external_id=reference,
            agent_channel=here.settings.agent_channel,
        )
    assert call.id is not None  # it was just stored
    if created:
        timeout_s = timeout_for(None, here.settings.max_audio_s)
        here.queue.enqueue(call.id, urgent=call.urgent, timeout_s=timeout_s)
    return call.id


def hear_call(call_id: int, here: Station) -> None:
    """`hear` at a given station."""
    call = _begin(here.engine, call_id)
    if call is None:
        logger.info("call %d is gone or heard already", call_id)
        return
    since = perf_counter()
    try:
        with TemporaryDirectory(prefix="overtone-") as folder:
            conversation = _listen(call, here, Path(folder))
    except (AudioError, StoreError) as error:
        _fail(here.engine, call_id, str(error))
        logger.warning("call %d cannot be heard: %s", call_id, type(error).__name__)
        return
    except Exception as error:
        _count_failure(here, call_id, error)
        raise
    if not conversation.turns:
        _fail(here.engine, call_id, NOBODY_SPEAKS, conversation)
        logger.warning("call %d: nobody speaks", call_id)
        return
    # Asked for again: something may have been published while the call was heard.
    published = here.shelf.current()
    analysis = analyse(conversation, published.matcher, here.rules, revision=published.revision)
    with writing(here.engine) as session:
        record(session, call_id, analysis)
    here.queue.wake_alerts()
    logger.info(
        "call %d: %.0f s heard in %.1f s, %d turns, %d hits, %d alerts",
        call_id,
        conversation.duration_s,
        perf_counter() - since,
        len(conversation.turns),
        len(analysis.hits),
        len(analysis.alerts),
    )


def _begin(engine: Engine, call_id: int) -> Call | None:
    """Mark the call as being heard; None where there is nothing to do."""
    with writing(engine) as session:
        call = session.get(Call, call_id)
        if call is None or call.status in (Status.DONE, Status.FAILED):
            return None
        call.status = Status.HEARING
        call.attempts += 1
        call.updated_at = now()
        session.add(call)
        session.commit()
        return call


def _listen(call: Call, here: Station, folder: Path) -> Conversation:
    path = here.stores.path_of(call.recording)
    if path is None:
        path = _fetch(call.recording, folder, here.settings.max_upload_mb * 1_000_000)
    try:
        return listen(
            path,
            here.ears,
            agent_channel=0 if call.agent_channel == "left" else 1,
            language=call.language_wanted or here.settings.language,
            hotwords=here.shelf.current().hotwords,
            limits=here.limits,
        )
    except AudioError as error:
        # The name is one that we gave the file: it tells its sender nothing.
        raise type(error)(str(error).replace(path.name, "the recording")) from error


def _fetch(url: str, folder: Path, max_bytes: int) -> Path:
    """Download from an allowed store; no redirect is followed, since it could lead out of it."""
    inbox = Stores(folder)
    with httpx.stream("GET", url, follow_redirects=False, timeout=FETCH_TIMEOUT_S) as answer:
        if answer.status_code in (404, 410):
            raise RecordingGone("the store no longer has the recording")
        if answer.is_redirect:
            raise RecordingGone("the store redirects elsewhere; redirects are not followed")
        if answer.is_error:
            # httpx's own error would carry the whole address into the log.
            raise StoreUnavailable(f"the store answered {answer.status_code}")
        name = Path(answer.url.path).name
        upload = inbox.save(answer.iter_bytes(), name=name, max_bytes=max_bytes)
    path = inbox.path_of(upload.recording)
    assert path is not None  # an upload is always a file
    return path


def _fail(
    engine: Engine, call_id: int, reason: str, conversation: Conversation | None = None
) -> None:
    with writing(engine) as session:
        call = session.get(Call, call_id)
        if call is None:
            return
        call.status = Status.FAILED
        call.error = reason
        call.updated_at = now()
        if conversation is not None:
            call.duration_s = conversation.duration_s
            call.channels = conversation.channels
            call.warnings = list(conversation.warnings)
            call.dropped_words = conversation.dropped_words
        session.add(call)
        session.commit()


def _count_failure(here: Station, call_id: int, error: Exception) -> None:
    """One more failure on the call; the last one allowed makes it `failed`."""
    with writing(here.engine) as session:
        call = session.get(Call, call_id)
        if call is None:
            return
        call.failures += 1
        call.error = (
            f"hearing failed {call.failures} times, last with {type(error).__name__}: {error}"
        )
        full = call.failures >= here.settings.job_failures
        call.status = Status.FAILED if full else Status.QUEUED
        call.updated_at = now()
        session.add(call)
        session.commit()
