"""Where in a turn the words of a query are: the same clauses that the indexes answer, token by
token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.query import Clause, Near, Phrase, Word

Alike = Mapping[Word, Sequence[str]]
"""Other keys of the index that a word of a query stands for, too."""
Span = tuple[int, int]
"""The first and the last token."""


def spans_of(clause: Clause, keys: Sequence[str], alike: Alike) -> list[Span]:
    """Where the clause is among these keys of one turn, in order. Who spoke is not looked at."""
    term = clause.term
    if isinstance(term, Phrase):
        return _places(keys, term.keys)
    if isinstance(term, Near):
        return _near(keys, term)
    wanted = {*term.keys, *alike.get(term, ())}
    return [
        (at, at)
        for at, key in enumerate(keys)
        if key in wanted or (term.prefix and key.startswith(term.written))
    ]


def _places(keys: Sequence[str], wanted: Sequence[str]) -> list[Span]:
    first, last = wanted[0], len(wanted) - 1
    return [
        (at, at + last)
        for at, key in enumerate(keys)
        if key == first and list(keys[at : at + last + 1]) == list(wanted)
    ]


def _near(keys: Sequence[str], term: Near) -> list[Span]:
    found: set[Span] = set()
    rights = _places(keys, term.right)
    for left in _places(keys, term.left):
        for right in rights:
            between = max(right[0] - left[1], left[0] - right[1]) - 1
            if 0 <= between <= term.within:
                found |= {left, right}
    return sorted(found)
