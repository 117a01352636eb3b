"""Re-matching as a job: in slices, each of some seconds, so that calls are heard between them.

A slice does batches, each committed with how far it is. Whoever finds that another worker has
written a batch ends: any number may run, and none does harm. A slice that dies with its worker is
asked for again by the reconciler.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import monotonic
from typing import Any

from sqlalchemy import Engine

from lexicons.lexicon import Lexicon, LexiconError, from_table
from models.db import reading, writing
from models.rematch import (
    Rematch,
    State,
    ask_rematch,
    begin_slice,
    fail_rematch,
    get_rematch,
    lexicons_moved_on,
)
from models.stored import count_calls
from workers.judging import Judge
from workers.preview import Preview, compare_next, preview_batch, with_draft
from workers.published import Shelf
from workers.retag import retag_batch

logger = logging.getLogger(__name__)

SLICE_S = 15.0
MAX_ATTEMPTS = 5
"""A re-matching whose slices end this often without anything done is given up."""
TRIED_ENOUGH = f"{MAX_ATTEMPTS} attempts got nothing done: the log of the workers says why"

OnProgress = Callable[[int, int], None]
"""Calls done, and about how many there are."""


class RematchEnded(Exception):
    """It was cancelled, or it failed; the text says why."""


def rematch(rematch_id: int, shift: int = 0) -> None:
    """RQ's entry point: one slice; asks for the one after it. `shift` is which of a slice's two
    names the job has.
    """
    from workers.station import station  # loads the models, which a command does without

    here = station()
    after = run_slice(here.engine, rematch_id, here.shelf, here.judge)
    if after == rematch_id:
        here.queue.hand_over(rematch_id, shift)
    elif after is not None:
        here.queue.enqueue_rematch(after)


def run_slice(
    engine: Engine, rematch_id: int, shelf: Shelf, judge: Judge, *, seconds: float = SLICE_S
) -> int | None:
    """Work on a re-matching for some seconds. Returns which one has to go on: this one, the retag
    that took its place since other lexicons are published now, or None.
    """
    with writing(engine) as session:
        row = begin_slice(session, rematch_id)
    if row is None:
        logger.info("re-matching %d is over or gone", rematch_id)
        return None
    if row.attempts > MAX_ATTEMPTS:
        _fail(engine, rematch_id, TRIED_ENOUGH)
        return None
    try:
        return _work(engine, row, shelf, judge, until=monotonic() + seconds)
    except LexiconError as error:
        _fail(engine, rematch_id, str(error))
        return None


def retag_in_process(
    engine: Engine, judge: Judge, on_progress: OnProgress | None = None
) -> dict[str, Any]:
    """Match all stored calls with what is published, here and now; returns the retag's result.

    It is stored as a retag too, so that others see it and can cancel it. Raises `RematchEnded`, and
    `LexiconError` for a stored lexicon that cannot be read.
    """
    shelf = Shelf(engine)
    with writing(engine) as session:
        number = ask_rematch(session, kind="retag").id
    while True:
        assert number is not None  # it was stored
        after = run_slice(engine, number, shelf, judge, seconds=0.0)
        with reading(engine) as session:
            row = get_rematch(session, number)
        if row is None:
            raise RematchEnded("the retag was removed")
        if on_progress:
            on_progress(row.done, row.total)
        if row.state == State.DONE:
            return row.result
        if after not in (None, number):
            number = after
        elif not row.unfinished:
            raise RematchEnded(row.error or "the retag was cancelled")


def preview_in_process(
    engine: Engine, draft: Lexicon, on_progress: OnProgress | None = None
) -> dict[str, Any]:
    """What would change if `draft` were published, as :meth:`workers.preview.Preview.as_result`
    has it; nothing is stored.
    """
    matcher = with_draft(Shelf(engine).current().lexicons, draft)
    with reading(engine) as session:
        total = count_calls(session)
    preview = Preview(draft.name)
    last = 0
    while calls := compare_next(engine, preview, matcher, after=last):
        last = calls[-1].id
        if on_progress:
            on_progress(preview.calls, max(total, preview.calls))
    return preview.as_result()


def _work(engine: Engine, row: Rematch, shelf: Shelf, judge: Judge, *, until: float) -> int | None:
    assert row.id is not None  # it is stored
    matcher = None
    if row.kind == "preview":
        draft = from_table(row.draft or {}, source=f"the draft of {row.lexicon}")
        matcher = with_draft(shelf.current().lexicons, draft)
    while True:
        if matcher is not None:
            goes_on = preview_batch(engine, row, matcher)
        else:
            published = shelf.current()
            if published.revision != row.revision:
                return _supersede(engine, row)
            goes_on = retag_batch(engine, row, published, judge)
        if not goes_on:
            logger.info("re-matching %d: %s ends here", row.id, row.kind)
            return None
        if monotonic() >= until:
            return row.id
        with reading(engine) as session:
            again = get_rematch(session, row.id)
        if again is None or not again.unfinished:
            return None
        row = again


def _supersede(engine: Engine, row: Rematch) -> int | None:
    """Ask for a retag to what is published now, which cancels this one."""
    with writing(engine) as session:
        if not lexicons_moved_on(session, row):
            return row.id
        newer = ask_rematch(session, kind="retag", by=row.created_by)
    logger.info("re-matching %s: other lexicons are published, %s goes on", row.id, newer.id)
    return newer.id


def _fail(engine: Engine, rematch_id: int, reason: str) -> None:
    logger.warning("re-matching %d failed", rematch_id)
    with writing(engine) as session:
        fail_rematch(session, rematch_id, reason)
