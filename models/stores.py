"""Where recordings are kept: uploads in the data folder, and the stores that a pushed path or URL
may name.

A recording is stored in the row as `upload:NAME`, `file:/path`, `https://...` or `s3://...`.
Nothing outside the allowed stores is ever opened: paths are resolved, links and all, and addresses
brought into one form before they are compared.
"""

from __future__ import annotations

import errno
import fcntl
import filecmp
import hashlib
import os
import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from models.addresses import canonical

BLOCK_BYTES = 1 << 20
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}")
# How uploads are named, and the folders that they lie in: whole ones, and those that broke off.
UPLOAD_FOLDER = re.compile(r"[0-9a-f]{2}")
UPLOAD_FILE = re.compile(r"[0-9a-f]{32}(\.[A-Za-z0-9]{1,8})?(\.partial)?")


class StoreError(Exception):
    """The recording cannot be taken or reached; the text says why."""


class StoreRefused(StoreError):
    """The path or URL lies outside the allowed stores."""


class RecordingEmpty(StoreError):
    """The recording has no bytes."""


class RecordingTooLarge(StoreError):
    """The recording has more bytes than allowed."""


class StoreFull(StoreError):
    """There is no room for the recording."""


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
    """The uploads folder, and the folders and the https:// and s3:// prefixes that pushes may point
    into.
    """

    uploads: Path
    allowed: tuple[str, ...] = ()

    def save(self, blocks: Iterable[bytes], *, name: str, max_bytes: int) -> Upload:
        """Write an upload to disk, whole or not at all. Raises `RecordingEmpty`,
        `RecordingTooLarge`, `StoreFull`.
        """
        with self.receive(name=name, max_bytes=max_bytes) as incoming:
            for block in blocks:
                incoming.write(block)
            return incoming.keep()

    def receive(self, *, name: str, max_bytes: int) -> Incoming:
        """Open an upload that comes in block by block; of the sender's `name` only the suffix is
        used. Raises `StoreFull`.
        """
        suffix = Path(name).suffix
        kept = f"{uuid.uuid4().hex}{suffix if _SUFFIX.fullmatch(suffix) else ''}"
        return Incoming(self.uploads, f"{kept[:2]}/{kept}", max_bytes=max_bytes)

    def locate(self, source: str) -> str:
        """The reference for a pushed path or URL. Raises `StoreRefused`, or `RecordingGone` for no
        file.
        """
        if "://" in source:
            return self._locate_address(source)
        return f"file:{self._resolve(source)}"

    def path_of(self, recording: str) -> Path | None:
        """The file of a stored reference, checked again; None where it is in a remote store.

        Raises `StoreRefused` or `RecordingGone`.
        """
        if not recording:
            raise RecordingGone("this call has no recording")
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
        self._locate_address(recording)
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
        try:
            is_there = path.is_file()
        except OSError as error:  # a name that is too long, a folder that may not be read
            raise StoreRefused("the path of the recording cannot be used") from error
        if not is_there:
            raise RecordingGone("there is no such file in the store")
        return path

    def _locate_address(self, source: str) -> str:
        address = canonical(source)
        prefixes = tuple(filter(None, map(canonical, self.allowed)))
        if address is None or address.endswith("/") or not address.startswith(prefixes):
            raise StoreRefused(
                "the recording's address lies outside the allowed stores (OVERTONE_STORES), or is "
                "not a plain one: no `..`, query, fragment, name or password"
            )
        return address

    def same_bytes(self, one: str, other: str) -> bool:
        """Whether two recordings are the same, byte for byte; False where that cannot be seen here,
        since one is gone or lies in a remote store.
        """
        try:
            first, second = self.path_of(one), self.path_of(other)
            if first is None or second is None:
                return False
            return filecmp.cmp(first, second, shallow=False)
        except (StoreError, OSError):
            return False

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


class Incoming:
    """An upload on its way to the disk: written block by block, then kept whole or dropped without
    a trace. As a context manager it drops what was not kept.

    Until it is dropped, which also ends a kept one, it holds a lock on its file: its call may not
    be stored yet, and `models.leftovers` must not take it for one that nobody wants.
    """

    def __init__(self, uploads: Path, kept: str, *, max_bytes: int) -> None:
        self.size_bytes = 0
        self._kept = kept
        self._max_bytes = max_bytes
        self._digest = hashlib.sha256()
        self._path = uploads / kept
        self._partial = self._path.with_name(f"{self._path.name}.partial")
        with _telling_full():
            self._made_folder = not self._path.parent.is_dir()
            if self._made_folder:
                self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._partial.open("xb", buffering=0)
        with suppress(OSError):  # where there are no locks, its age alone says that it is new
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def __enter__(self) -> Incoming:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.drop()

    @property
    def sha256(self) -> str:
        """Of what was written so far, in hex."""
        return self._digest.hexdigest()

    def write(self, block: bytes) -> None:
        """Take the next bytes. Raises `RecordingTooLarge`, `StoreFull`."""
        self.size_bytes += len(block)
        if self.size_bytes > self._max_bytes:
            raise RecordingTooLarge(
                f"the recording has more than {self._max_bytes / 1e6:.0f} MB, the limit "
                "(OVERTONE_MAX_UPLOAD_MB)"
            )
        self._digest.update(block)
        rest = memoryview(block)
        with _telling_full():
            while rest:
                rest = rest[self._file.write(rest) :]

    def keep(self) -> Upload:
        """Give the upload its name; it is on the disk when this returns. Raises `RecordingEmpty`,
        `StoreFull`.
        """
        if not self.size_bytes:
            raise RecordingEmpty("the recording is empty (0 bytes)")
        with _telling_full():
            os.fsync(self._file.fileno())
            self._partial.rename(self._path)
            try:
                _sync_folder(self._path.parent)
                if self._made_folder:
                    _sync_folder(self._path.parent.parent)
            except OSError:
                self._path.unlink(missing_ok=True)
                raise
        return Upload(f"upload:{self._kept}", self.sha256)

    def drop(self) -> None:
        """Leave nothing of an upload that was not kept, and let go of one that was."""
        self._file.close()
        self._partial.unlink(missing_ok=True)


@contextmanager
def _telling_full() -> Iterator[None]:
    """Says `StoreFull` where the system says that there is no room."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise StoreFull(
            "there is no room left on the disk for uploads; nothing of this recording was kept. "
            "Free some space, or move the data folder (OVERTONE_DATA_DIR), and push it again"
        ) from error


def _sync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
