"""Phrases that speak against a term where they stand near it."""

from __future__ import annotations

from collections.abc import Sequence

from lexicons.families import family, lookups
from lexicons.text import Token, analyze


class Phrases:
    """A term's `unless` phrases, compiled."""

    def __init__(self, phrases: Sequence[str]) -> None:
        found = (tuple(family(token.word) for token in analyze(phrase)) for phrase in phrases)
        self._begun_by: dict[str, list[tuple[str, ...]]] = {}
        for families in dict.fromkeys(families for families in found if families):
            self._begun_by.setdefault(families[0], []).append(families)
        self._longest = max(
            (len(families) for begun in self._begun_by.values() for families in begun), default=0
        )

    def near(self, tokens: Sequence[Token], start: int, stop: int, *, within: int) -> bool:
        """Whether one of them stands in tokens `start` to `stop`, over their edges, or up to
        `within` words beside them; inflections count.
        """
        earliest, last = max(start - within - self._longest, 0), min(stop + within, len(tokens) - 1)
        for at in range(earliest, last + 1):
            for one in lookups(tokens[at].word):
                for families in self._begun_by.get(one, ()):
                    if at >= start - within - len(families) and _goes_on(tokens, at, families):
                        return True
        return False


def _goes_on(tokens: Sequence[Token], at: int, families: Sequence[str]) -> bool:
    """Whether a phrase stands in the tokens from `at` on."""
    if at + len(families) > len(tokens):
        return False
    return all(one in lookups(tokens[at + i].word) for i, one in enumerate(families))
