"""Phrases that speak against a term where they stand near it."""

from __future__ import annotations

from collections.abc import Sequence

from lexicons.families import family, lookups
from lexicons.text import Token, analyze


class Phrases:
    """A term's `unless` phrases, compiled."""

    def __init__(self, phrases: Sequence[str]) -> None:
        found = (tuple(family(token.word) for token in analyze(phrase)) for phrase in phrases)
        self._families = tuple(dict.fromkeys(families for families in found if families))

    def near(self, tokens: Sequence[Token], start: int, stop: int, *, within: int) -> bool:
        """Whether one of them stands in tokens `start` to `stop`, over their edges, or up to
        `within` words beside them; inflections count.
        """
        for families in self._families:
            first = max(start - within - len(families), 0)
            last = min(stop + within, len(tokens) - len(families))
            for at in range(first, last + 1):
                if all(one in lookups(tokens[at + i].word) for i, one in enumerate(families)):
                    return True
        return False
