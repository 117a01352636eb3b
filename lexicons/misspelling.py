"""A vocabulary that finds its words again when they are misspelt.

It knows words one at a time, and neither terms nor texts. Lookups do not slow down as the
vocabulary grows: words within k edits of each other share what is left after deleting k characters
from each, so candidates come out of a dictionary, and only those are compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from rapidfuzz.distance import OSA

SHORTEST_FUZZY_CHARS = 5
LONGEST_FUZZY_CHARS = 32
_TWO_EDITS_FROM_CHARS = 9
_MOST_REMEMBERED = 200_000


def edits_allowed(key: str) -> int:
    """How many edits a word of a vocabulary may be away: 0 for numbers, codes, short words.

    An edit adds, drops or replaces a letter or swaps two neighbours.
    """
    if not SHORTEST_FUZZY_CHARS <= len(key) <= LONGEST_FUZZY_CHARS or not key.isalpha():
        return 0
    return 1 if len(key) < _TWO_EDITS_FROM_CHARS else 2


class Vocabulary:
    """Words by id, in the order they were added."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self._keys: list[str] = []
        self._fuzzy: set[int] = set()
        self._shortened: dict[str, list[int]] = {}
        self._remembered: dict[str, tuple[tuple[int, int], ...]] = {}

    def add(self, key: str, *, fuzzy: bool) -> int:
        """The id of a word; where `fuzzy`, its misspellings are found as well from now on."""
        number = self._ids.setdefault(key, len(self._keys))
        if number == len(self._keys):
            self._keys.append(key)
        self._remembered.clear()
        if fuzzy and number not in self._fuzzy and edits_allowed(key):
            self._fuzzy.add(number)
            for shortened in _shorten(key, edits_allowed(key)):
                self._shortened.setdefault(shortened, []).append(number)
        return number

    def alike(self, key: str) -> tuple[tuple[int, int], ...]:
        """Ids of the word itself and of those it may be a misspelling of, each with its edits.

        A word shorter than SHORTEST_FUZZY_CHARS, or with digits, is never a misspelling.
        """
        found = self._remembered.get(key)
        if found is None:
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            found = self._remembered[key] = tuple(self._search(key))
        return found

    def _search(self, key: str) -> Iterator[tuple[int, int]]:
        own = self._ids.get(key)
        if own is not None:
            yield own, 0
        if not edits_allowed(key) or not self._fuzzy:
            return
        reach = 2 if len(key) >= _TWO_EDITS_FROM_CHARS - 2 else 1
        candidates = {
            number
            for shortened in _shorten(key, reach)
            for number in self._shortened.get(shortened, ())
        }
        for number in sorted(candidates - {own}):
            other = self._keys[number]
            allowed = edits_allowed(other)
            edits = OSA.distance(key, other, score_cutoff=allowed)
            if edits <= allowed:
                yield number, edits


def _shorten(key: str, most: int) -> set[str]:
    """The word with up to `most` characters taken out, in every way."""
    shortened = {key}
    for count in range(1, most + 1):
        for places in combinations(range(len(key)), count):
            begin = 0
            left = ""
            for place in places:
                left += key[begin:place]
                begin = place + 1
            shortened.add(left + key[begin:])
    return shortened
