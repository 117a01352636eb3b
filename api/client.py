"""A small client of the API, as `overtone push` and the demo use it."""

from __future__ import annotations

import json
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from api.views import Pushed
from models.call import CallPush

# Of a JSON file beside a recording, what is pushed with it; the rest is its owner's business.
PUSHED_FIELDS = tuple(CallPush.model_fields)


class PushFailed(Exception):
    """The API refused what it was asked for; the text is the API's own."""


class KeyRefused(PushFailed):
    """The API refused the key: it will refuse every recording."""


class NotNow(PushFailed):
    """The API cannot take a recording now; the same push may be sent again in `after_s` seconds,
    None where it does not say when.
    """

    def __init__(self, text: str, after_s: float | None) -> None:
        super().__init__(text)
        self.after_s = after_s


class Client:
    """Speaks to one API with one key. Use it as a context manager."""

    def __init__(self, url: str, key: str) -> None:
        self.http = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.http.close()

    def push(self, path: Path, fields: dict[str, Any] | None = None) -> Pushed:
        """Upload a recording; a JSON file of the same name beside it gives metadata, `fields` go
        first.

        Raises `PushFailed`, httpx.HTTPError where the API does not answer, OSError for the file.
        """
        return self.upload(path, sidecar(path) | (fields or {}))

    def upload(self, path: Path, fields: dict[str, Any]) -> Pushed:
        """Upload a recording with these fields. Raises as `push` does."""
        with path.open("rb") as file:
            # The fields go first: the API can then refuse a push before it has read the file.
            answer = self.http.post(
                "/calls",
                data={"call": json.dumps(fields)},
                files={"recording": (path.name, file)},
            )
        if answer.status_code == HTTPStatus.ACCEPTED:
            return Pushed.model_validate(answer.json())
        if answer.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise KeyRefused(detail_of(answer))
        if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS or answer.is_server_error:
            raise NotNow(detail_of(answer), _retry_after(answer))
        raise PushFailed(detail_of(answer))

    def get(self, path: str, **parameters: Any) -> Any:
        """The JSON answer of a GET. Raises `PushFailed` with the API's own text for an error."""
        answer = self.http.get(path, params=parameters)
        if answer.is_error:
            raise PushFailed(detail_of(answer))
        return answer.json()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """The JSON answer of a POST. Raises `PushFailed` with the API's own text for an error."""
        answer = self.http.post(path, json=body)
        if answer.is_error:
            raise PushFailed(detail_of(answer))
        return answer.json()


def sidecar(path: Path) -> dict[str, Any]:
    """What the JSON file beside a recording says of its call; empty where there is none. Raises
    `PushFailed` where it is not JSON.
    """
    beside = path.with_suffix(".json")
    if not beside.is_file():
        return {}
    try:
        known = json.loads(beside.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise PushFailed(f"{beside.name} is not JSON: {error}") from error
    if not isinstance(known, dict):
        raise PushFailed(f"{beside.name} must hold a JSON object")
    return {name: known[name] for name in PUSHED_FIELDS if name in known}


def _retry_after(answer: httpx.Response) -> float | None:
    seconds = answer.headers.get("Retry-After", "")
    return float(seconds) if seconds.isdecimal() else None


def detail_of(answer: httpx.Response) -> str:
    """The API's own words for an error."""
    try:
        return f"{answer.status_code}: {answer.json()['detail']}"
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code} {answer.reason_phrase}"
