"""What routes ask for: the settings, a session, the queue, the stores, and a key with the right
scope.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Annotated

from fastapi import BackgroundTasks, Depends, HTTPException, Path, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from api.rates import Rates
from models.browser_pass import PassOver, read_pass
from models.db import reading, writing
from models.key import Key, KeyRevoked, find_key, note_use
from models.search import Finder
from models.stores import Stores
from settings import Settings
from workers.queue import CallQueue

logger = logging.getLogger(__name__)
bearer = HTTPBearer(auto_error=False, description="An API key: `Authorization: Bearer ovt_...`")
PASS_COOKIE = "overtone_pass"


async def _engine(request: Request) -> Engine:
    engine: Engine = request.app.state.engine
    return engine


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _queue(request: Request) -> CallQueue:
    queue: CallQueue = request.app.state.queue
    return queue


async def _stores(request: Request) -> Stores:
    stores: Stores = request.app.state.stores
    return stores


async def _finder(request: Request) -> Finder:
    finder: Finder = request.app.state.finder
    return finder


def _reading(request: Request) -> Iterator[Session]:
    with reading(request.app.state.engine) as session:
        yield session


def _writing(request: Request) -> Iterator[Session]:
    with writing(request.app.state.engine) as session:
        yield session


def needs(scope: str, *, or_pass: bool = False) -> Callable[..., Key]:
    """A dependency: the caller's key, which must have `scope`. 401 without a key, 403 without the
    scope, 429 for a key that asks, or an address that tries keys, too often.

    `or_pass` is for what a browser that signed in may do, with its cookie alone: routes that change
    nothing, since other sites can make a browser ask.
    """

    def check(
        request: Request,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
        afterwards: BackgroundTasks,
    ) -> Key:
        text = credentials.credentials if credentials else request.headers.get("x-api-key")
        kept = request.cookies.get(PASS_COOKIE) if or_pass else None
        if text:
            key = key_of(request, text)
        elif kept:
            key = _known(request, kept, read_pass)
        else:
            raise _unknown("send an API key as `Authorization: Bearer KEY`")
        assert key.id is not None  # it is stored
        rates: Rates = request.app.state.rates
        if (wait_s := rates.ask(key.id)) is not None:
            raise _too_often("this API key asks too often (OVERTONE_RATE_LIMIT)", wait_s)
        if not key.used_just_now:
            # After the answer: nobody waits for it.
            afterwards.add_task(_note_use, request.app.state.engine, key.id)
        check_scope(key, scope)
        return key

    return check


def check_scope(key: Key, scope: str) -> None:
    """403 for a key without the scope."""
    if scope not in key.scopes:
        raise HTTPException(
            403,
            f"this API key lacks the scope `{scope}`: `overtone key create NAME --scope "
            f"{scope}` makes one that has it",
        )


def key_of(request: Request, text: str) -> Key:
    """The live key that this text is. 401 for none, 429 where the address tried too many."""
    return _known(request, text, find_key)


def _known(request: Request, text: str, find: Callable[[Session, str], Key | None]) -> Key:
    rates: Rates = request.app.state.rates
    address = request.client.host if request.client else ""
    # Before the key is looked up, or guessing would go on: a right guess would tell.
    if (wait_s := rates.hold_off(address)) is not None:
        raise _too_often("too many wrong API keys come from this address", wait_s)
    try:
        with reading(request.app.state.engine) as session:
            key = find(session, text)
    except (KeyRevoked, PassOver) as error:
        raise _unknown(str(error)) from error
    if key is None:
        rates.note_guess(address)
        raise _unknown("this API key is not known")
    return key


def _unknown(reason: str) -> HTTPException:
    return HTTPException(401, reason, headers={"WWW-Authenticate": "Bearer"})


def _too_often(reason: str, wait_s: int) -> HTTPException:
    return HTTPException(429, f"{reason}: wait {wait_s} s", headers={"Retry-After": str(wait_s)})


def _note_use(engine: Engine, key_id: int) -> None:
    try:
        with writing(engine) as session:
            note_use(session, key_id)
    except SQLAlchemyError as error:
        logger.warning("the use of a key is not written down: %s", type(error).__name__)


EngineDep = Annotated[Engine, Depends(_engine)]
SettingsDep = Annotated[Settings, Depends(_settings)]
QueueDep = Annotated[CallQueue, Depends(_queue)]
FinderDep = Annotated[Finder, Depends(_finder)]
StoresDep = Annotated[Stores, Depends(_stores)]
ReadingDep = Annotated[Session, Depends(_reading)]
# Closed before the answer is sent: a slow client must not keep others from writing.
WritingDep = Annotated[Session, Depends(_writing, scope="function")]
# An id beyond what the databases store would be their error instead of a 422.
CallId = Annotated[int, Path(ge=1, le=2**31 - 1, examples=[4711])]
ReaderDep = Annotated[Key, Depends(needs("read"))]
ListenerDep = Annotated[Key, Depends(needs("read", or_pass=True))]
CanRead = Depends(needs("read"))
CanPush = Depends(needs("push"))
PusherDep = Annotated[Key, Depends(needs("push"))]
# What a database or a log would take for something else is no name.
LexiconName = Annotated[
    str, Path(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$", examples=["product"])
]
ReviewerDep = Annotated[Key, Depends(needs("review"))]
AdminDep = Annotated[Key, Depends(needs("admin"))]
