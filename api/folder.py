"""Recordings in folders: which there are, which are written to no more, which were pushed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = {".wav", ".mp3", ".ogg", ".opus", ".flac", ".gsm", ".au", ".m4a", ".aac", ".amr"}
STILL_S = 2.0
MAX_ID = 200
ID_DIGITS = 12

Stamp = tuple[int, ...]


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """A recording, and its name within the folder that was named."""

    path: Path
    name: str

    @property
    def sidecar(self) -> Path:
        """The JSON file that may lie beside it."""
        return self.path.with_suffix(".json")

    def stamp(self) -> Stamp:
        """Sizes and times of the recording and its sidecar: when they change, so did it. Raises
        OSError where it is gone.
        """
        stat = self.path.stat()
        stamp: Stamp = (stat.st_size, stat.st_mtime_ns)
        try:
            beside = self.sidecar.stat()
        except FileNotFoundError:
            return stamp
        return (*stamp, beside.st_size, beside.st_mtime_ns)

    def external_id(self) -> str:
        """Its name, for people, and the start of its SHA-256, since folders and telephone systems
        use names again.
        """
        with self.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:ID_DIGITS]
        name = "".join(letter if letter.isprintable() else "?" for letter in self.name)
        return f"{name[-(MAX_ID - ID_DIGITS - 1) :]}#{digest}"


def recordings_in(paths: Iterable[Path], *, less: Path | None = None) -> list[Found]:
    """The files named, and those within the folders named that look like recordings, sorted; hidden
    ones and what lies in `less` are left out.
    """
    found: list[Found] = []
    for path in paths:
        found += sorted(recordings_below(path, less)) if path.is_dir() else [Found(path, path.name)]
    return found


def recordings_below(folder: Path, less: Path | None) -> Iterator[Found]:
    """What looks like recordings within a folder, in no order."""
    without = less.resolve() if less else None
    for at, folders, names in os.walk(folder):
        here = Path(at)
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and (here / name).resolve() != without
        ]
        for name in names:
            path = here / name
            if not name.startswith(".") and path.suffix.lower() in SUFFIXES:
                yield Found(path, path.relative_to(folder).as_posix())


class Stillness:
    """Tells files that are written to no more: those that did not change for `STILL_S` seconds
    while we looked, and are not empty.
    """

    def __init__(self) -> None:
        self._seen: dict[Path, tuple[Stamp, float]] = {}

    def still(self, found: Iterable[Found], now_s: float) -> list[Found]:
        """Those of `found` that are still at `now_s`, on a clock that never goes back."""
        before, self._seen = self._seen, {}
        still = []
        for one in found:
            try:
                stamp = one.stamp()
            except OSError:
                continue  # gone since it was found
            known = before.get(one.path)
            since_s = known[1] if known and known[0] == stamp else now_s
            self._seen[one.path] = (stamp, since_s)
            if now_s - since_s >= STILL_S and stamp[0]:
                still.append(one)
        return still


class Memory:
    """What was pushed from a folder to an API, kept in a file: a recording that did not change is
    not pushed again after a restart.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pushed: dict[str, Stamp] = {}
        self._names: dict[str, str] = {}
        if path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                self._recall(line)
        path.parent.mkdir(parents=True, exist_ok=True)

    @classmethod
    def of(cls, data_dir: Path, folders: Iterable[Path], url: str) -> Memory:
        """The memory of these folders and this API, in the data folder."""
        whole = "\n".join([url, *sorted(str(folder.resolve()) for folder in folders)])
        return cls(data_dir / "pushed" / f"{hashlib.sha256(whole.encode()).hexdigest()[:16]}.jsonl")

    def knows(self, one: Found) -> bool:
        """Whether this recording, as it is now, was pushed."""
        return self._pushed.get(str(one.path)) == one.stamp()

    def name_of(self, one: Found) -> str | None:
        """The `external_id` that this recording was pushed by, if it is the same that it was then;
        its sidecar may have come or changed since.
        """
        before = self._pushed.get(str(one.path))
        same = before is not None and before[:2] == one.stamp()[:2]
        return self._names.get(str(one.path)) if same else None

    def remember(self, one: Found, stamp: Stamp, external_id: str) -> None:
        """It was pushed by this name as it was when it had this stamp."""
        self._keep(str(one.path), stamp, external_id)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(self._line(str(one.path)))

    def forget_gone(self) -> None:
        """Leave out what is there no more, so that the file does not grow for ever."""
        for path in [path for path in self._pushed if not Path(path).exists()]:
            del self._pushed[path]
            self._names.pop(path, None)
        shorter = self._path.with_suffix(".tmp")
        shorter.write_text("".join(map(self._line, self._pushed)), encoding="utf-8")
        shorter.replace(self._path)

    def _recall(self, line: str) -> None:
        try:
            path, *stamp = json.loads(line)
        except (ValueError, TypeError):
            return  # cut off by a crash: that one is pushed again, and the API knows it
        # Before names were kept, nothing but numbers stood behind the path.
        name = stamp.pop() if stamp and isinstance(stamp[-1], str) else None
        self._keep(path, tuple(stamp), name)

    def _keep(self, path: str, stamp: Stamp, external_id: str | None) -> None:
        self._pushed[path] = stamp
        if external_id is not None:
            self._names[path] = external_id

    def _line(self, path: str) -> str:
        name = [self._names[path]] if path in self._names else []
        return json.dumps([path, *self._pushed[path], *name]) + "\n"


def move(one: Found, folder: Path, *, call_id: int) -> None:
    """Move a recording and its sidecar below `folder`; where its name is taken there, the call's id
    joins it. Raises OSError.
    """
    target = folder / one.name
    if target.exists():
        target = target.with_name(f"{target.stem}.call-{call_id}{target.suffix}")
    target.parent.mkdir(parents=True, exist_ok=True)
    if one.sidecar.is_file():
        shutil.move(one.sidecar, target.with_suffix(".json"))
    shutil.move(one.path, target)
