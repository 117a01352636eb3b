"""Phrases that speak against a term where they stand near it."""

from __future__ import annotations

from collections.abc import Sequence

from lexicons.text import Token, analyze


class Phrases:
    """A term's `unless` phrases, compiled."""

    def __init__(self, phrases: Sequence[str]) -> None:
        keys = (tuple(token.key for token in analyze(phrase)) for phrase in phrases)
        self._keys = tuple(dict.fromkeys(key for key in keys if key))

    def near(self, tokens: Sequence[Token], start: int, stop: int, *, within: int) -> bool:
        """Whether one of them stands in tokens `start` to `stop`, over their edges, or up to
        `within` words beside them; inflections count.
        """
        for keys in self._keys:
            first = max(start - within - len(keys), 0)
            last = min(stop + within, len(tokens) - len(keys))
            for at in range(first, last + 1):
                if all(tokens[at + i].key == key for i, key in enumerate(keys)):
                    return True
        return False
