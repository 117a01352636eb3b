"""Uploads that no call names: those that broke off, and those whose process died too early.

Only files that bear names of ours, in the folders of uploads themselves, are ever looked at.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from sqlmodel import Session, col, select

from models.call import UPLOADED, Call
from models.db import slices
from models.key import Key
from models.stores import UPLOAD_FILE, UPLOAD_FOLDER

AT_ONCE = 500


def upload_folders(uploads: Path) -> list[Path]:
    """The folders that uploads lie in; none where this machine does not have the uploads."""
    try:
        with os.scandir(uploads) as entries:
            return [
                Path(entry.path)
                for entry in entries
                if UPLOAD_FOLDER.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
            ]
    except FileNotFoundError:
        return []


def files_between(folder: Path, since: datetime, until: datetime) -> Iterator[str]:
    """The uploads in one of these folders that were last written between two moments, whole and
    broken off, each as `call.recording` names it.
    """
    low, high = since.timestamp(), until.timestamp()
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith(folder.name) or not UPLOAD_FILE.fullmatch(entry.name):
                continue
            with suppress(FileNotFoundError):  # it was kept or removed this moment
                if (
                    entry.is_file(follow_symlinks=False)
                    and low <= entry.stat(follow_symlinks=False).st_mtime < high
                ):
                    yield f"upload:{folder.name}/{entry.name}"


def unnamed(session: Session, recordings: Collection[str]) -> set[str]:
    """Those of these uploads that no call names."""
    left = set(recordings)
    for some in slices(sorted(recordings), AT_ONCE):
        named = select(Call.recording).where(col(Call.recording).in_(some), UPLOADED)
        left.difference_update(session.exec(named).all())
    return left


def first_key_at(session: Session) -> datetime | None:
    """When the first key was made: no upload for this database is older. None where there is no
    key.
    """
    return session.exec(select(Key.created_at).order_by(col(Key.created_at)).limit(1)).first()


@contextmanager
def abandoned(uploads: Path, recording: str) -> Iterator[Path | None]:
    """The file of an upload, if nobody is pushing it; while it is held here, nobody else takes it.
    Else None. Raises OSError where that cannot be told.
    """
    path = uploads / recording.removeprefix("upload:")
    try:
        file = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        yield None
        return
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield path
    finally:
        os.close(file)
