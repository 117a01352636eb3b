"""Counts the facets of calls that were found, from the numbers packed on each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from threading import Lock
from typing import Any

import numpy as np
from sqlalchemy import select as select_rows
from sqlmodel import Session

from models.db import slices
from models.facets import AT_ONCE, FACET, Pair


class FacetCounts:
    """Counts facets of found calls. Remembers what numbers stand for: keep one per database, any
    thread may use it.
    """

    def __init__(self) -> None:
        self._learning = Lock()
        self._known: dict[int, Pair] = {}
        self._kinds: dict[str, int] = defaultdict(lambda: len(self._kinds) + 1)
        self._kind_of = np.zeros(1024, dtype=np.int32)

    def count(
        self, session: Session, packs: Sequence[bytes | None], names: Collection[str], *, most: int
    ) -> dict[str, list[tuple[str, int]]]:
        """For each name, the values that most of the calls have, with how many; at most `most`."""
        numbers = np.frombuffer(b"".join(pack for pack in packs if pack), dtype="<i4")
        counts = np.bincount(numbers) if numbers.size else np.zeros(0, dtype=np.int64)
        there = np.flatnonzero(counts)
        with self._learning:  # another thread may need the same numbers, or higher ones
            self._learn(session, there)
            kinds = self._kind_of[there]
            wanted = {name: self._kinds[name] for name in names}
        found: dict[str, list[tuple[str, int]]] = {}
        for name, kind in wanted.items():
            ours = there[kinds == kind]
            if len(ours) > most:
                least = np.partition(counts[ours], -most)[-most]
                ours = ours[counts[ours] >= least]
            ranked = sorted((-int(counts[n]), self._known[n][1]) for n in ours.tolist())
            found[name] = [(value, -count) for count, value in ranked[:most]]
        return found

    def _learn(self, session: Session, numbers: np.ndarray[Any, Any]) -> None:
        if not numbers.size:
            return
        if numbers[-1] >= len(self._kind_of):
            grown = np.zeros(int(numbers[-1]) * 2, dtype=np.int32)
            grown[: len(self._kind_of)] = self._kind_of
            self._kind_of = grown
        unknown = numbers[self._kind_of[numbers] == 0].tolist()
        for some in slices(unknown, AT_ONCE * 4):
            rows = select_rows(FACET.id, FACET.name, FACET.value).where(FACET.id.in_(some))
            for number, name, value in session.execute(rows):
                self._known[number] = name, value
                self._kind_of[number] = self._kinds[name]
