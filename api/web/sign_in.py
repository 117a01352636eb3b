"""Signing in with a browser: a key with the scope `read` becomes a pass (`models.browser_pass`) in
a cookie.

The cookie opens GET of the listening page and of recordings, and nothing that changes a record, so
other sites gain nothing by sending a browser there.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from api.bodies import read_as, read_body
from api.deps import PASS_COOKIE, SettingsDep, check_scope, key_of
from api.web.pages import HEADERS, page
from models.browser_pass import write_pass
from models.columns import now
from settings import Settings

router = APIRouter(include_in_schema=False)

STAY = timedelta(hours=12)
# Pages here, named so that they can lead nowhere else: nothing before `listen`, no slash after it.
PAGES_HERE = r"^listen/[1-9][0-9]{0,9}(\?[a-z0-9=&.]{0,100})?(#t=[0-9.]{1,20})?$"
MOST_FIELDS = 10


class Leaving(BaseModel):
    """Where the browser goes afterwards."""

    model_config = ConfigDict(hide_input_in_errors=True, str_strip_whitespace=True)

    next: str = Field(pattern=PAGES_HERE)


class SigningIn(Leaving):
    """The key that somebody gave."""

    key: str = Field(max_length=200)


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form of our own. 403 where another site sent it, so that nobody is signed in
    with somebody else's key.
    """
    if not _is_ours(request):
        raise HTTPException(403, "this form was sent from another site")
    body = await read_body(request, max_mb=1, hint="it holds one key")
    try:
        return dict(parse_qsl(body.decode(), max_num_fields=MOST_FIELDS))
    except ValueError as error:
        raise HTTPException(422, "the body is not a form in UTF-8") from error


FormDep = Annotated[dict[str, str], Depends(_form)]


@router.post("/sign-in")
def sign_in(request: Request, settings: SettingsDep, fields: FormDep) -> Response:
    """Check a key and lead back to the page that asked for it; or show the form again, with what is
    wrong.
    """
    form = read_as(SigningIn, fields)
    try:
        key = key_of(request, form.key)
        check_scope(key, "read")
    except HTTPException as error:
        return sign_in_page(form.next, error, root="./", reason=str(error.detail))
    answer = _to(form.next)
    answer.set_cookie(
        PASS_COOKIE,
        write_pass(key, now() + STAY),
        max_age=int(STAY.total_seconds()),
        path="/",
        secure=_is_secure(request, settings),
        httponly=True,
        samesite="lax",
    )
    return answer


@router.post("/sign-out")
def sign_out(request: Request, settings: SettingsDep, fields: FormDep) -> Response:
    """Have the browser forget its pass."""
    answer = _to(read_as(Leaving, fields).next)
    answer.delete_cookie(
        PASS_COOKIE,
        path="/",
        secure=_is_secure(request, settings),
        httponly=True,
        samesite="lax",
    )
    return answer


def sign_in_page(
    to: str, refused: HTTPException, *, root: str, reason: str | None = None
) -> Response:
    """The form that leads to a page here, with the status of what was refused; `reason` is what
    somebody who tried is told.
    """
    return page(
        "sign_in",
        root=root,
        status=refused.status_code,
        headers=refused.headers,
        to=to,
        reason=reason,
    )


def _to(place: str) -> RedirectResponse:
    return RedirectResponse(place, status_code=303, headers=HEADERS)


def _is_ours(request: Request) -> bool:
    """Whether a page of ours sent a form, as far as the browser tells: newer ones say so over
    https, all name the origin. What says neither is no browser, and has no cookies to protect.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    if origin is None:
        return True
    public_url: str | None = request.app.state.settings.public_url
    here = {request.headers.get("host"), urlsplit(public_url or "").netloc or None}
    return urlsplit(origin).netloc in here


def _is_secure(request: Request, settings: Settings) -> bool:
    """Whether people come by https, as far as this side of a proxy can tell."""
    return request.url.scheme == "https" or (settings.public_url or "").startswith("https://")
