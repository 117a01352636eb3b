"""The words of the index in memory, and which of them a word of a query may be there as.

A transcript misspells what it misheard, and so do people who search. Near to a word are those that
sound like it and those a letter or two away. Of two words that everybody knows neither is the
other misspelt: "hearing" is not near to "bearing"; but "baring", which sounds alike, is.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from threading import Lock

from rapidfuzz.distance import OSA
from rapidfuzz.process import extract
from sqlmodel import Session, col, or_, select

from lexicons.known import is_known, load
from lexicons.sounds import sound
from models.index_word import IndexWord, can_be_near, learn
from models.query import Word

__all__ = ["IndexWord", "Vocabulary", "learn"]

MOST_NEAR = 8
TWO_EDITS_FROM_CHARS = 8
_SHORTEST_HOMOPHONE_CHARS = 5
_IDS_LOOKED_BACK, _MOST_MISSING = 10_000, 1000

# What makes a known word of a stem.
_ENGLISH = ("", "e", "ed", "ing", "al", "ate", "ion", "ous", "ic")
_RUSSIAN = ("", *"аяоеыиь", "ый", "ий", "ой", "ия", "ие", "ть", "ать", "ить", "еть")


class Vocabulary:
    """One per database, kept by a process. Many threads may refresh and ask at once.

    100,000 words take about 25 MB; the first refresh takes two seconds then, an answer under 1 ms.
    """

    def __init__(self) -> None:
        self._refreshing = Lock()
        self._last_id = 0
        self._missing: set[int] = set()
        self._keys: set[str] = set()
        # Lists and tuples here only grow, or are replaced: nobody who reads them needs a lock.
        self._spelled: dict[tuple[str, int], list[str]] = {}
        self._sounding: dict[str, tuple[str, ...]] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def refresh(self, session: Session) -> None:
        """Read what was learned since the last time.

        On PostgreSQL an id may be committed after a higher one: ids that were left out so far are
        asked for again.
        """
        with self._refreshing:
            if not self._keys:
                load()  # so that no search waits for the dictionaries
            number = col(IndexWord.id)
            wanted = or_(number > self._last_id, number.in_(self._missing))
            rows = session.execute(select(number, col(IndexWord.key)).where(wanted)).all()
            last_id = max([self._last_id, *(row.id for row in rows)])
            recent = range(max(self._last_id, last_id - _IDS_LOOKED_BACK) + 1, last_id)
            missing = self._missing.union(recent).difference(row.id for row in rows)
            self._missing = set(sorted(missing)[-_MOST_MISSING:])
            self._last_id = last_id
            self.add(row.key for row in rows)

    def add(self, keys: Iterable[str]) -> None:
        """Take words in without a database, one thread at a time."""
        for key in keys:
            if key in self._keys or not can_be_near(key):
                continue
            self._keys.add(key)
            self._spelled.setdefault((key[0], len(key)), []).append(key)
            said = _sound(key)
            self._sounding[said] = (*self._sounding.get(said, ()), key)

    def near(self, word: Word) -> tuple[str, ...]:
        """Up to 8 other keys of the index that `word` may be there as, nearest first: those that
        sound alike, then by the letters that differ (optimal string alignment distance).

        One letter may differ, and two from 8 letters on, but not the first; of words that sound
        alike one more. None for a prefix, a number, a code, or a key of fewer than 4 letters.
        """
        key = word.keys[0]
        if word.prefix or not can_be_near(key):
            return ()
        most = _most_edits(key)
        alike, near = self._alike(key, most + 1), self._misspelt(key, most)
        if word.written != key and can_be_near(word.written):
            # A letter is missing at the end: "cordles" has the stem "cordl", "cordless" has not.
            near = self._misspelt(word.written, _most_edits(word.written)) | near
        if is_known(word.written) or _is_stem_of_known(key):
            near = _unknown(near)
            if not key.isascii() or len(word.written) < _SHORTEST_HOMOPHONE_CHARS:
                alike = _unknown(alike)  # the sound of these says too little
        edits = near | alike
        edits.pop(key, None)
        ranked = sorted(edits, key=lambda other: (other not in alike, edits[other], other))
        return tuple(ranked[:MOST_NEAR])

    def _alike(self, key: str, most: int) -> dict[str, int]:
        """Keys that sound alike, with the edits between the two."""
        alike = self._sounding.get(_sound(key), ())
        edits = {other: OSA.distance(key, other, score_cutoff=most) for other in alike}
        return {other: distance for other, distance in edits.items() if distance <= most}

    def _misspelt(self, key: str, most: int) -> dict[str, int]:
        """Keys with the same first letter at most so many edits away, each with its edits."""
        edits: dict[str, int] = {}
        for length in range(len(key) - most, len(key) + most + 1):
            same = self._spelled.get((key[0], length), [])[:]  # others may be added meanwhile
            found = extract(key, same, scorer=OSA.distance, score_cutoff=most, limit=None)
            edits.update((other, int(distance)) for other, distance, _at in found)
        return edits


def _most_edits(key: str) -> int:
    return 1 if len(key) < TWO_EDITS_FROM_CHARS else 2


def _sound(key: str) -> str:
    """How a stem sounds, in a word with an ending where an r is last: "bear" and "bar" would be
    alike for :func:`sound`, "bearing" and "boring" are not.
    """
    # Past the cache of `sound`: each key is asked for once, and there are many.
    if key.isascii() and key.endswith(("r", "re")):
        return sound.__wrapped__(key.removesuffix("e") + "ing")
    return sound.__wrapped__(key)


def _unknown(edits: dict[str, int]) -> dict[str, int]:
    return {key: distance for key, distance in edits.items() if not _is_stem_of_known(key)}


@lru_cache(maxsize=1 << 14)
def _is_stem_of_known(key: str) -> bool:
    """Whether a word that everybody knows has this stem, as far as common endings tell."""
    if not key.isascii():
        return any(is_known(key + ending) for ending in _RUSSIAN)
    spelled = key[:-1] + "y" if key.endswith("i") else key
    return is_known(spelled) or any(is_known(key + ending) for ending in _ENGLISH)
