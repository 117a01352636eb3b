"""What routes ask for: the settings, a session, the queue, the stores, and a key with the right
scope.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated

from fastapi import Depends, HTTPException, Path, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlmodel import Session

from models.db import reading, writing
from models.key import Key, find_key
from models.search import Finder
from models.stores import Stores
from settings import Settings
from workers.queue import CallQueue

bearer = HTTPBearer(auto_error=False, description="An API key: `Authorization: Bearer ovt_...`")


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def _queue(request: Request) -> CallQueue:
    queue: CallQueue = request.app.state.queue
    return queue


def _stores(request: Request) -> Stores:
    stores: Stores = request.app.state.stores
    return stores


def _finder(request: Request) -> Finder:
    finder: Finder = request.app.state.finder
    return finder


def _reading(request: Request) -> Iterator[Session]:
    with reading(request.app.state.engine) as session:
        yield session


def _writing(request: Request) -> Iterator[Session]:
    with writing(request.app.state.engine) as session:
        yield session


def needs(scope: str) -> Callable[..., Key]:
    """A dependency: the caller's key, which must have `scope`. 401 without a key, 403 without the
    scope.
    """

    def check(
        request: Request,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
    ) -> Key:
        text = credentials.credentials if credentials else request.headers.get("x-api-key")
        if not text:
            raise HTTPException(
                401,
                "send an API key as `Authorization: Bearer KEY`",
                headers={"WWW-Authenticate": "Bearer"},
            )
        with reading(request.app.state.engine) as session:
            key = find_key(session, text)
        if key is None:
            raise HTTPException(
                401, "this API key is not known", headers={"WWW-Authenticate": "Bearer"}
            )
        if scope not in key.scopes:
            raise HTTPException(
                403,
                f"this API key lacks the scope `{scope}`: `overtone key create NAME --scope "
                f"{scope}` makes one that has it",
            )
        return key

    return check


SettingsDep = Annotated[Settings, Depends(_settings)]
QueueDep = Annotated[CallQueue, Depends(_queue)]
FinderDep = Annotated[Finder, Depends(_finder)]
StoresDep = Annotated[Stores, Depends(_stores)]
ReadingDep = Annotated[Session, Depends(_reading)]
WritingDep = Annotated[Session, Depends(_writing)]
# An id beyond what the databases store would be their error instead of a 422.
CallId = Annotated[int, Path(ge=1, le=2**31 - 1, examples=[4711])]
ReaderDep = Annotated[Key, Depends(needs("read"))]
CanRead = Depends(needs("read"))
CanPush = Depends(needs("push"))
# What a database or a log would take for something else is no name.
LexiconName = Annotated[
    str, Path(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$", examples=["product"])
]
ReviewerDep = Annotated[Key, Depends(needs("review"))]
AdminDep = Annotated[Key, Depends(needs("admin"))]
