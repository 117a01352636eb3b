"""Routes of re-matchings: preview a draft, retag stored calls, watch, cancel and resume either."""

from __future__ import annotations

import logging
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Response
from sqlmodel import Session

from api.deps import AdminDep, CanRead, LexiconName, QueueDep, ReadingDep, WritingDep
from api.errors import documented
from api.lexicon_views import RematchesView, RematchSummaryView, RematchView
from models.lexicon import lexicon_names
from models.rematch import (
    Rematch,
    ask_rematch,
    cancel_rematch,
    get_rematch,
    list_rematches,
    resume_rematch,
)
from workers.queue import CallQueue, QueueDown

logger = logging.getLogger(__name__)
router = APIRouter(tags=["lexicons"])

RematchId = Annotated[int, Path(ge=1, le=2**31 - 1, examples=[12])]


def start_retag(session: Session, queue: CallQueue, *, by: str) -> RematchView:
    """Ask for a retag to what is published now, and commit."""
    return _send(ask_rematch(session, kind="retag", by=by), queue)


@router.post(
    "/lexicons/{name}/preview", status_code=202, responses=documented(401, 403, 404, 409, 422)
)
def post_preview(
    session: WritingDep, queue: QueueDep, key: AdminDep, name: LexiconName, response: Response
) -> RematchView:
    """Find out what would change in stored calls if the draft were published; nothing is written
    to them. The answer comes at once, its `result` when the work is done.
    """
    if name not in lexicon_names(session):
        raise HTTPException(404, f"there is no lexicon {name}")
    return _accepted(
        _send(ask_rematch(session, kind="preview", lexicon=name, by=key.name), queue), response
    )


@router.post("/retag", status_code=202, responses=documented(401, 403))
def post_retag(
    session: WritingDep, queue: QueueDep, key: AdminDep, response: Response
) -> RematchView:
    """Match all stored calls with what is published, from their stored words. Publishing does this
    by itself.
    """
    return _accepted(start_retag(session, queue, by=key.name), response)


@router.get("/rematches", dependencies=[CanRead], responses=documented(401, 403))
def get_rematches(session: ReadingDep) -> RematchesView:
    """The last 20 previews and retags, newest first, without their results."""
    rows = list_rematches(session)
    return RematchesView(items=[RematchSummaryView.model_validate(row) for row in rows])


@router.get(
    "/rematches/{rematch_id}", dependencies=[CanRead], responses=documented(401, 403, 404, 422)
)
def get_one_rematch(session: ReadingDep, rematch_id: RematchId) -> RematchView:
    """How far a preview or a retag is, and what came of it so far."""
    return RematchView.model_validate(_there(get_rematch(session, rematch_id), rematch_id))


@router.post("/rematches/{rematch_id}/cancel", responses=documented(401, 403, 404, 422))
def post_cancel(session: WritingDep, _key: AdminDep, rematch_id: RematchId) -> RematchView:
    """End a preview or a retag where it is; calls that were matched stay so."""
    return RematchView.model_validate(_there(cancel_rematch(session, rematch_id), rematch_id))


@router.post(
    "/rematches/{rematch_id}/resume", status_code=202, responses=documented(401, 403, 404, 409, 422)
)
def post_resume(
    session: WritingDep, queue: QueueDep, _key: AdminDep, rematch_id: RematchId, response: Response
) -> RematchView:
    """Go on with one that was cancelled or failed, where it stopped."""
    row = _there(resume_rematch(session, rematch_id), rematch_id)
    return _accepted(_send(row, queue), response)


def _send(row: Rematch, queue: CallQueue) -> RematchView:
    assert row.id is not None  # it is stored
    try:
        queue.enqueue_rematch(row.id)
    except QueueDown:
        # Nothing is lost: the row is there, and the reconciler enqueues it when the queue is back.
        logger.warning("re-matching %d waits, but the queue cannot be reached now", row.id)
    return RematchView.model_validate(row)


def _accepted(view: RematchView, response: Response) -> RematchView:
    response.headers["Location"] = f"/rematches/{view.id}"
    return view


def _there(row: Rematch | None, rematch_id: int) -> Rematch:
    if row is None:
        raise HTTPException(404, f"there is no re-matching {rematch_id}")
    return row
