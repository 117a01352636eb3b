"""Deletes uploads that killed processes left behind, a piece of the uploads at a time."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic

from sqlalchemy import Engine

from models.columns import now
from models.db import reading
from models.leftovers import abandoned, files_between, first_key_at, unnamed, upload_folders

logger = logging.getLogger(__name__)

# No push takes so long.
SAFE_AGE = timedelta(days=1)
# An upload is missed for so long by one process before it goes: where an older database was put
# back, it does not know what was pushed since, and there must be time to notice.
MISSED_S = 86_400.0
FILES_AT_ONCE = 2000
PAUSE_S = 3600.0


class Leftovers:
    """Goes through all uploads once an hour, `FILES_AT_ONCE` files in each round or little more."""

    def __init__(self, engine: Engine, uploads: Path) -> None:
        self._engine = engine
        self._uploads = uploads
        self._folders: list[Path] = []
        self._next_s = 0.0
        self._missed: dict[str, float] = {}

    def sweep(self) -> int:
        """One round: delete what is older than `SAFE_AGE` and no call has named for `MISSED_S`;
        returns how many.
        """
        if not self._folders:
            if monotonic() < self._next_s:
                return 0
            self._folders = upload_folders(self._uploads)
            self._next_s = monotonic() + PAUSE_S
        with reading(self._engine) as session:
            since = first_key_at(session)
        if since is None:
            return 0
        # What is older was pushed to another database: that this one does not know it, is no reason
        # to delete it.
        found = self._next_files(since, now() - SAFE_AGE)
        with reading(self._engine) as session:
            left = unnamed(session, found)
        removed = self._remove(filter(self._long_missed, left))
        if removed:
            logger.info("%d uploads without a call were left behind and are deleted", removed)
        return removed

    def _long_missed(self, recording: str) -> bool:
        since = self._missed.setdefault(recording, monotonic())
        if monotonic() - since < MISSED_S:
            return False
        del self._missed[recording]
        return True

    def _next_files(self, since: datetime, until: datetime) -> list[str]:
        found: list[str] = []
        while self._folders and len(found) < FILES_AT_ONCE:
            found += files_between(self._folders.pop(), since, until)
        return found

    def _remove(self, recordings: Iterable[str]) -> int:
        removed = 0
        for recording in recordings:
            try:
                removed += self._remove_one(recording)
            except OSError as error:
                logger.warning("an upload cannot be deleted now: %s", type(error).__name__)
        return removed

    def _remove_one(self, recording: str) -> bool:
        with abandoned(self._uploads, recording) as path:
            if path is None:
                return False
            # Asked again: only now is it sure that whoever pushed it has committed, or never will.
            with reading(self._engine) as session:
                if not unnamed(session, [recording]):
                    return False
            path.unlink(missing_ok=True)
            return True
