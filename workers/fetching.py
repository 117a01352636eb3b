"""Recordings from wherever they lie: local ones are used in place, remote ones are downloaded
within bounds. Every scheme goes through `Fetcher.open_recording`, and nothing outside the allowed
stores is opened.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import fsspec
import httpx

from models.stores import RecordingGone, StoreFull, Stores, stream_blocks

ANSWER_TIMEOUT_S = 60
DOWNLOAD_TIMEOUT_S = 1800
S3_TRIES = 2


class StoreUnavailable(Exception):
    """The remote store did not give the recording now; later it may."""


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Gets recordings out of the allowed stores. `transport` is httpx's own unless a test brings
    another.
    """

    stores: Stores
    s3_endpoint: str | None = None
    transport: httpx.BaseTransport | None = None

    def fetch(self, recording: str, folder: Path, *, max_bytes: int) -> Path:
        """The file of a recording: its own where it is local, else a copy in `folder`.

        Raises `StoreRefused`, `RecordingGone`, `RecordingTooLarge`, `RecordingEmpty`, `StoreFull`,
        and `StoreUnavailable` where another try may help.
        """
        path = self.stores.path_of(recording)
        if path is not None:
            return path
        inbox = Stores(folder)
        name = recording.rpartition("/")[2]
        with closing(self.open_recording(recording)) as blocks:
            try:
                copy = inbox.save(_in_time(blocks), name=name, max_bytes=max_bytes)
            except StoreFull as error:
                raise StoreUnavailable("there is no room for a copy in the temporary folder") from (
                    error
                )
        copied = inbox.path_of(copy.recording)
        assert copied is not None  # an upload is always a file
        return copied

    def open_recording(self, recording: str) -> Generator[bytes, None, None]:
        """The bytes of a stored reference, in blocks. Raises `StoreRefused`, `RecordingGone`,
        `StoreUnavailable`.
        """
        path = self.stores.path_of(recording)
        if path is not None:
            with path.open("rb") as file:
                yield from stream_blocks(file)
        elif recording.startswith("s3://"):
            yield from _s3_blocks(recording, self.s3_endpoint)
        else:
            yield from _https_blocks(recording, self.transport)


def _https_blocks(
    address: str, transport: httpx.BaseTransport | None
) -> Generator[bytes, None, None]:
    """No redirect is followed, since it could lead out of the store."""
    headers = {"Accept-Encoding": "identity"}
    try:
        with (
            httpx.Client(transport=transport, timeout=ANSWER_TIMEOUT_S, headers=headers) as http,
            http.stream("GET", address, follow_redirects=False) as answer,
        ):
            if answer.status_code in (404, 410):
                raise RecordingGone("the store no longer has the recording")
            if answer.is_redirect:
                raise RecordingGone("the store redirects elsewhere; redirects are not followed")
            if not answer.is_success:
                raise StoreUnavailable(f"the store answered {answer.status_code}")
            yield from answer.iter_bytes()
    except httpx.HTTPError as error:
        # httpx's own text may carry the address into the log.
        raise StoreUnavailable(f"the store broke off: {type(error).__name__}") from error


def _s3_blocks(address: str, endpoint: str | None) -> Generator[bytes, None, None]:
    try:
        from botocore.exceptions import BotoCoreError, ClientError  # comes with s3fs, an extra
    except ImportError as error:
        raise StoreUnavailable("s3:// stores need s3fs: pip install 'overtone[s3]'") from error
    options: dict[str, Any] = {
        "config_kwargs": {
            "connect_timeout": ANSWER_TIMEOUT_S,
            "read_timeout": ANSWER_TIMEOUT_S,
            "retries": {"max_attempts": S3_TRIES},
        }
    }
    if endpoint is not None:
        options["endpoint_url"] = endpoint
    try:
        with fsspec.filesystem("s3", **options).open(address, "rb") as file:
            yield from stream_blocks(file)
    except FileNotFoundError as error:
        raise RecordingGone("the store no longer has the recording") from error
    except PermissionError as error:
        raise StoreUnavailable("the store refuses access: check the AWS_* variables") from error
    except (OSError, BotoCoreError, ClientError) as error:
        raise StoreUnavailable(f"the store broke off: {type(error).__name__}") from error


def _in_time(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The blocks, as long as all of them together do not take too long."""
    until = monotonic() + DOWNLOAD_TIMEOUT_S
    for block in blocks:
        if monotonic() > until:
            raise StoreUnavailable(f"the store took more than {DOWNLOAD_TIMEOUT_S} s")
        yield block
