"""RQ's entry points: ids in, rows out, safe to run twice.

A recording that cannot be heard fails its call at once, with the reason; anything else that goes
wrong is counted on the call, and the reconciler asks again until the count is full.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from sqlalchemy import Engine

from models.alert_life import write_alerts
from models.call import Call, CallPush, Status
from models.columns import now
from models.db import writing
from models.pushes import add_call, id_of_recording
from models.stores import StoreError
from models.waiting import leave_as_heard
from speech.audio import AudioError
from speech.conversation import Conversation
from speech.listen import listen
from workers.call_facts import About
from workers.fetching import Fetcher
from workers.judging import unhurried
from workers.pipeline import Analysis, analyse, record
from workers.queue import timeout_for
from workers.station import Station, station

logger = logging.getLogger(__name__)

UNHEARD = Conversation(0.0, 0, (), None, None, "none", None)
NOBODY_SPEAKS = "nobody speaks in this recording: it holds silence, tones or noise only"


def hear(call_id: int) -> None:
    """Hear a call's recording and write everything that follows from it."""
    hear_call(call_id, station())


def judge() -> None:
    """Ask the rules about all calls of which pushes told something since they were judged."""
    here = station()
    while here.judge.judge_news():
        here.queue.wake_alerts()


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
            external_id=id_of_recording(reference),
            agent_channel=here.settings.agent_channel,
        )
    assert call.id is not None  # it was just stored
    if created or (call.recording == reference and call.status == Status.QUEUED):
        timeout_s = timeout_for(None, here.settings.max_audio_s)
        here.queue.enqueue(call.id, urgent=call.urgent, timeout_s=timeout_s)
    _judge_news(call.id, here)
    return call.id


def hear_call(call_id: int, here: Station) -> None:
    """`hear` at a given station."""
    _hear(call_id, here)
    # Pushes may have told something since it was begun.
    _judge_news(call_id, here)


def _judge_news(call_id: int, here: Station) -> None:
    if here.judge.judge_news(call_id):
        here.queue.wake_alerts()


def _hear(call_id: int, here: Station) -> None:
    call = _begin(here.engine, call_id)
    if call is None:
        logger.info("call %d is gone or heard already", call_id)
        return
    since = perf_counter()
    try:
        if not call.recording:
            _judge_unheard(call, here)
            return
        with TemporaryDirectory(prefix="overtone-") as folder:
            conversation = _listen(call, here, Path(folder))
    except (AudioError, StoreError) as error:
        _fail(here.engine, call_id, str(error), analysis=_judged_by_its_facts(call, here))
        here.queue.wake_alerts()
        logger.warning("call %d cannot be heard: %s", call_id, type(error).__name__)
        return
    except Exception as error:
        _count_failure(here, call_id, error)
        raise
    try:
        analysis = _analyse(call, conversation, here)
        if not conversation.turns:
            _fail(here.engine, call_id, NOBODY_SPEAKS, conversation, analysis=analysis)
            here.queue.wake_alerts()
            logger.warning("call %d: nobody speaks", call_id)
            return
        with writing(here.engine) as session:
            if not record(session, call_id, analysis):
                logger.info("call %d was deleted, or put under hold, while it was heard", call_id)
                return
    except Exception as error:
        _count_failure(here, call_id, error)
        raise
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


def _judge_unheard(call: Call, here: Station) -> None:
    """Finish a call without a recording: nothing is heard, but rules may ask how it went."""
    assert call.id is not None  # it is stored
    analysis = _analyse(call, UNHEARD, here)
    with writing(here.engine) as session:
        row = session.get(Call, call.id, with_for_update=True)
        if row is None:
            return
        if row.recording:
            # It came meanwhile. The reconciler asks for it once this job is gone.
            logger.info("call %d has a recording now", call.id)
            return
        row.status, row.updated_at = Status.DONE, now()
        session.add(row)
        write_alerts(session, call.id, analysis.alerts, judged=analysis.judged)
        session.commit()
    here.queue.wake_alerts()


def _judged_by_its_facts(call: Call, here: Station) -> Analysis | None:
    """What rules say of a call that could not be heard: how it went is known all the same. None
    where it was heard before, when more was known.
    """
    if call.heard_at is not None:
        return None
    analysis = _analyse(call, UNHEARD, here)
    # What does not fire now may have fired, had it been heard.
    return replace(analysis, judged=frozenset(draft.rule for draft in analysis.alerts))


def _analyse(call: Call, conversation: Conversation, here: Station) -> Analysis:
    # Asked for again: something may have been published while the call was heard.
    published = here.shelf.current()
    analysis = analyse(
        conversation,
        published.matcher,
        here.rules.current(),
        about=About.of(call),
        threshold=here.settings.alert_anger,
        revision=published.revision,
    )
    alerts = unhurried(analysis.alerts, call.started_at, here.judge.history)
    return replace(analysis, alerts=alerts)


def _begin(engine: Engine, call_id: int) -> Call | None:
    """Mark the call as being heard; None where there is nothing to do."""
    with writing(engine) as session:
        call = session.get(Call, call_id, with_for_update=True)
        if call is None or call.status in (Status.DONE, Status.FAILED):
            return None
        if leave_as_heard(call):
            session.commit()
            return None
        call.status = Status.HEARING
        call.attempts += 1
        call.updated_at = now()
        session.add(call)
        session.commit()
        return call


def _listen(call: Call, here: Station, folder: Path) -> Conversation:
    fetcher = Fetcher(here.stores, here.settings.s3_endpoint)
    max_bytes = here.settings.max_upload_mb * 1_000_000
    path = fetcher.fetch(call.recording, folder, max_bytes=max_bytes)
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


def _fail(
    engine: Engine,
    call_id: int,
    reason: str,
    conversation: Conversation | None = None,
    *,
    analysis: Analysis | None = None,
) -> None:
    """Mark a call as failed; with an analysis, what its rules found is told all the same."""
    with writing(engine) as session:
        call = session.get(Call, call_id, with_for_update=True)
        if call is None:
            return
        if leave_as_heard(call):
            session.commit()
            return
        call.status = Status.FAILED
        call.error = reason
        call.updated_at = now()
        if conversation is not None:
            call.duration_s = conversation.duration_s
            call.channels = conversation.channels
            call.warnings = list(conversation.warnings)
            # Rules have been asked about them, and may be asked again.
            call.silences = [asdict(silence) for silence in conversation.talk.silences]
            call.dropped_words = conversation.dropped_words
        session.add(call)
        if analysis is not None:
            write_alerts(session, call_id, analysis.alerts, judged=analysis.judged)
        session.commit()


def _count_failure(here: Station, call_id: int, error: Exception) -> None:
    """One more failure on the call; the last one allowed makes it `failed`."""
    with writing(here.engine) as session:
        call = session.get(Call, call_id, with_for_update=True)
        if call is None:
            return
        if leave_as_heard(call):
            session.commit()
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
