"""`GET /listen/{call_id}`: the page that an alert's link leads to. It plays the call from a second,
and shows what was said, who was angry, and why the alert was raised.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, HTTPException, Query, Request, Security
from fastapi.responses import Response
from fastapi.security import HTTPAuthorizationCredentials

from api.alerts import MOST_ID
from api.deps import PASS_COOKIE, CallId, ReadingDep, SettingsDep, StoresDep, bearer, needs
from api.web.listening import Listening, as_place
from api.web.pages import page
from api.web.sign_in import sign_in_page
from models.key import Key
from models.reading import read_call
from models.stores import RecordingGone, StoreRefused, Stores

router = APIRouter(include_in_schema=False)

LONGEST_S = 7 * 86_400.0
Second = Annotated[float | None, Query(ge=0, le=LONGEST_S, allow_inf_nan=False)]
OfAlert = Annotated[int | None, Query(ge=1, le=MOST_ID)]
REMOTE = "The recording is kept in a remote store and is not played from here."
_may_listen = needs("read", or_pass=True)


def _visitor(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
    afterwards: BackgroundTasks,
) -> Key | HTTPException:
    """The key that a visitor signed in with, or why they may not listen."""
    try:
        return _may_listen(request, credentials, afterwards)
    except HTTPException as error:
        return error


@router.get("/listen/{call_id}")
def get_listening_page(
    request: Request,
    session: ReadingDep,
    settings: SettingsDep,
    stores: StoresDep,
    visitor: Annotated[Key | HTTPException, Depends(_visitor)],
    call_id: CallId,
    at: Second = None,
    alert: OfAlert = None,
) -> Response:
    """A page to listen to a call from second `at`, or from where `alert` begins. Who is not signed
    in is asked for a key.
    """
    here = _address(call_id, at, alert)
    if isinstance(visitor, HTTPException):
        # Who comes for the first time has done nothing wrong.
        tried = PASS_COOKIE in request.cookies or visitor.status_code != 401
        return sign_in_page(
            here, visitor, root="../", reason=str(visitor.detail) if tried else None
        )
    whole = read_call(session, call_id)
    if whole is None:
        return page(
            "no_call", root="../", status=404, call_id=call_id, here=here, signed_in=visitor.name
        )
    return page(
        "listen",
        root="../",
        shown=Listening.of(whole, angry_from=settings.alert_anger, at_s=at, alert_id=alert),
        alert_id=alert,
        as_place=as_place,
        unplayable=_why_unplayable(stores, whole.call.recording),
        here=here,
        signed_in=visitor.name,
    )


def _address(call_id: int, at_s: float | None, alert_id: int | None) -> str:
    asked = {"alert": alert_id, "at": None if at_s is None else f"{at_s:.2f}"}
    query = "&".join(f"{name}={value}" for name, value in asked.items() if value is not None)
    return f"listen/{call_id}{'?' if query else ''}{query}"


def _why_unplayable(stores: Stores, recording: str) -> str | None:
    """Why there is nothing to play, in a sentence; None where there is."""
    if not recording:
        return "This call has no recording."
    try:
        return REMOTE if stores.path_of(recording) is None else None
    except RecordingGone:
        return "The recording is no longer where it was kept."
    except StoreRefused:
        return "The recording lies outside the stores that are allowed now (OVERTONE_STORES)."
