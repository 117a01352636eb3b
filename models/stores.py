"""Where recordings are kept: uploads in the data folder, and the stores that a pushed path or URL
may name.

A recording is stored in the row as `upload:NAME`, `file:/path` or `https://...`. Nothing outside
the allowed stores is ever opened: paths are resolved, links and all, before they are compared.
"""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

BLOCK_BYTES = 1 << 20
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}")


class StoreError(Exception):
    """The recording cannot be taken or reached; the text says why."""


class StoreRefused(StoreError):
    """The path or URL lies outside the allowed stores."""


class RecordingEmpty(StoreError):
    """The recording has no bytes."""


class RecordingTooLarge(StoreError):
    """The recording has more bytes than allowed."""


class RecordingGone(StoreError):
    """The recording is not where it was."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A recording written to the uploads folder: its reference for the row, and its SHA-256 in
    hex.
    """

    recording: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Stores:
    """The uploads folder, and the folders and https:// prefixes that pushes may point into."""

    uploads: Path
    allowed: tuple[str, ...] = ()

    def save(self, blocks: Iterable[bytes], *, name: str, max_bytes: int) -> Upload:
        """Write an upload to disk, whole or not at all. Raises `RecordingEmpty`,
        `RecordingTooLarge`.
        """
        suffix = Path(name).suffix
        kept = f"{uuid.uuid4().hex}{suffix if _SUFFIX.fullmatch(suffix) else ''}"
        kept = f"{kept[:2]}/{kept}"
        digest = hashlib.sha256()
        size = 0
        with _written_whole(self.uploads / kept) as out:
            for block in blocks:
                size += len(block)
                if size > max_bytes:
                    raise RecordingTooLarge(
                        f"the recording has more than {max_bytes / 1e6:.0f} MB, the limit "
                        "(OVERTONE_MAX_UPLOAD_MB)"
                    )
                digest.update(block)
                out.write(block)
            if not size:
                raise RecordingEmpty("the recording is empty (0 bytes)")
        return Upload(f"upload:{kept}", digest.hexdigest())

    def locate(self, source: str) -> str:
        """The reference for a pushed path or URL. Raises `StoreRefused`, or `RecordingGone` for no
        file.
        """
        if "://" in source:
            return self._locate_url(source)
        return f"file:{self._resolve(source)}"

    def path_of(self, recording: str) -> Path | None:
        """The file of a stored reference, checked again; None where it is a URL.

        Raises `StoreRefused` or `RecordingGone`.
        """
        kind, _, rest = recording.partition(":")
        if kind == "upload":
            path = (self.uploads / rest).resolve()
            if not path.is_relative_to(self.uploads.resolve()):
                raise StoreRefused("the recording lies outside the uploads folder")
            if not path.is_file():
                raise RecordingGone("the recording is no longer in the uploads folder")
            return path
        if kind == "file":
            return self._resolve(rest)
        self._locate_url(recording)
        return None

    def _resolve(self, source: str) -> Path:
        folders = [Path(store).resolve() for store in self.allowed if "://" not in store]
        try:
            path = Path(source).resolve()
        except (OSError, ValueError) as error:
            raise StoreRefused("the path of the recording cannot be used") from error
        if not Path(source).is_absolute() or not any(path.is_relative_to(f) for f in folders):
            raise StoreRefused(
                "the recording lies outside the allowed stores (OVERTONE_STORES); upload the file, "
                "or name an absolute path inside one of them"
            )
        if not path.is_file():
            raise RecordingGone("there is no such file in the store")
        return path

    def _locate_url(self, source: str) -> str:
        parts = urlsplit(source)
        # Where a server would fold ".." or an encoded slash, the prefix would no longer hold.
        path = parts.path
        while (plain := unquote(path)) != path:
            path = plain
        steps = path.replace("\\", "/").split("/")
        inside = any(
            source.startswith(store) for store in self.allowed if store.startswith("https://")
        )
        if not inside or ".." in steps or parts.username or not source.isprintable():
            raise StoreRefused(
                "the recording's address lies outside the allowed stores (OVERTONE_STORES)"
            )
        return source

    def remove(self, recording: str) -> None:
        """Delete an upload that no call keeps; recordings in other stores are left alone."""
        if recording.startswith("upload:"):
            path = self.path_of(recording)
            if path is not None:
                path.unlink(missing_ok=True)


def stream_blocks(source: BinaryIO) -> Iterator[bytes]:
    """A file's bytes in blocks of 1 MiB."""
    while block := source.read(BLOCK_BYTES):
        yield block


@contextmanager
def _written_whole(path: Path) -> Iterator[BinaryIO]:
    """A file that appears under its name only when it is complete and on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("xb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        partial.rename(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        partial.unlink(missing_ok=True)
