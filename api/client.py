"""A small client of the API, as `overtone push` and the demo use it."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from api.views import Pushed

# Of a JSON file beside a recording, what is pushed with it; the rest is its owner's business.
PUSHED_FIELDS = (
    "external_id",
    "agent",
    "line",
    "caller",
    "direction",
    "started_at",
    "agent_channel",
    "language",
    "urgent",
    "metadata",
)


class PushFailed(Exception):
    """The API refused what it was asked for; the text is the API's own."""


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
        known = sidecar(path) | (fields or {})
        with path.open("rb") as file:
            answer = self.http.post(
                "/calls",
                files={"recording": (path.name, file)},
                data={"call": json.dumps(known)},
            )
        if answer.status_code != 202:
            raise PushFailed(detail_of(answer))
        return Pushed.model_validate(answer.json())

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
    """What the JSON file beside a recording says of its call; empty where there is none."""
    beside = path.with_suffix(".json")
    if not beside.is_file():
        return {}
    try:
        known = json.loads(beside.read_text(encoding="utf-8"))
    except ValueError as error:
        raise PushFailed(f"{beside.name} is not JSON: {error}") from error
    if not isinstance(known, dict):
        raise PushFailed(f"{beside.name} must hold a JSON object")
    return {name: known[name] for name in PUSHED_FIELDS if name in known}


def detail_of(answer: httpx.Response) -> str:
    """The API's own words for an error."""
    try:
        return f"{answer.status_code}: {answer.json()['detail']}"
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code} {answer.reason_phrase}"
