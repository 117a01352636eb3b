"""Pushes recordings out of folders through the API, one after the other, once or for as long as new
ones come, and says what became of each.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import typer

from api.client import Client, KeyRefused, NotNow, PushFailed, sidecar
from api.file_names import NamePattern
from api.folder import Found, Memory, Stamp, Stillness, move, recordings_below
from api.views import Pushed

LOOK_EVERY_S = 1.0
MOST_TROUBLES = 3
LONGEST_WAIT_S = 60.0


@dataclass(slots=True)
class Pusher:
    """Pushes recordings with what is known of them: `fields` go before the JSON file beside one,
    and that before what `pattern` reads in its name. Counts what it did.
    """

    client: Client
    fields: dict[str, str]
    pattern: NamePattern | None = None
    strict: bool = False
    move_to: Path | None = None
    pushed: int = 0
    failed: int = 0

    def push(self, one: Found, *, external_id: str | None = None) -> Pushed | None:
        """Push one recording, by this name where it was pushed before; None where it cannot be
        pushed as it is.

        Raises `NotNow`, `KeyRefused` and httpx.TransportError, which are not its own fault.
        """
        try:
            known = self._known_of(one)
            if external_id is not None:
                known["external_id"] = external_id
            pushed = self.client.upload(one.path, known)
        except (NotNow, KeyRefused):
            raise
        except (PushFailed, OSError) as error:
            self.fail(one, error)
            return None
        self.pushed += 1
        again = "" if pushed.created else " (was there already)"
        typer.echo(f"{one.name}: call {pushed.id} {pushed.status}{again}")
        if self.move_to is not None:
            try:
                move(one, self.move_to, call_id=pushed.id)
            except OSError as error:
                self.fail(one, f"pushed, but not moved: {error}")
        return pushed

    def fail(self, one: Found, reason: object) -> None:
        """Count and say that something went wrong with this one."""
        self.failed += 1
        typer.echo(f"{one.name}: {reason}", err=True)

    def _known_of(self, one: Found) -> dict[str, Any]:
        told = sidecar(one.path)
        named: dict[str, Any] = {}
        if self.pattern is not None:
            fitting = self.pattern.read(one.name)
            if fitting is None and self.strict:
                raise PushFailed("its name does not fit the pattern (--strict)")
            if fitting is None:
                typer.echo(f"{one.name}: warning: its name does not fit the pattern", err=True)
            named = fitting or {}
        known = named | told | self.fields
        if isinstance(told.get("metadata"), dict) and "metadata" in named:
            known["metadata"] = named["metadata"] | told["metadata"]
        if "external_id" not in known:
            known["external_id"] = one.external_id()
        return known


def push_all(
    pusher: Pusher, found: Iterable[Found], *, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Push each recording once, waiting where the API asks for it. Raises `KeyRefused` and
    httpx.TransportError.
    """
    for one in found:
        while True:
            try:
                pusher.push(one)
            except NotNow as busy:
                if busy.after_s is None:
                    pusher.fail(one, busy)
                    break
                typer.echo(f"waiting {busy.after_s:.0f} s: {busy}", err=True)
                sleep(busy.after_s)
            else:
                break


def watch(
    pusher: Pusher,
    folders: list[Path],
    memory: Memory,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Push what lies in the folders and what comes, until interrupted. What the API refuses is
    tried again when it changes; while the API is away, nothing is given up. Raises `KeyRefused`.
    """
    stillness = Stillness()
    refused: dict[Path, Stamp] = {}
    troubles: Counter[Path] = Counter()
    waits = count()
    while True:
        found = [one for folder in folders for one in recordings_below(folder, pusher.move_to)]
        for one in stillness.still(found, clock()):
            try:
                stamp = one.stamp()
                if memory.knows(one) or refused.get(one.path) == stamp:
                    continue
                pushed = pusher.push(one, external_id=memory.name_of(one))
                if pushed is None:
                    refused[one.path] = stamp
                else:
                    memory.remember(one, stamp, pushed.external_id)
                waits = count()
            except FileNotFoundError:
                continue  # gone since it was found
            except (NotNow, httpx.TransportError) as error:
                if isinstance(error, NotNow) and error.after_s is None:
                    # An error of the API's own may be about this one recording: others go on.
                    troubles[one.path] += 1
                    if troubles[one.path] >= MOST_TROUBLES:
                        typer.echo(f"{one.path.name}: left until it changes: {error}", err=True)
                        refused[one.path] = stamp
                        continue
                wait_s = min(2.0 ** next(waits), LONGEST_WAIT_S)
                if isinstance(error, NotNow):
                    wait_s = error.after_s or wait_s
                reason = error if isinstance(error, NotNow) else "no API answers"
                typer.echo(f"waiting {wait_s:.0f} s: {reason}", err=True)
                sleep(wait_s)
                break
        sleep(LOOK_EVERY_S)
