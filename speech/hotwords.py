"""Terms that may be said, and when to believe Whisper that was told of them.

Knows no model. A decoder that is given terms finds more of them, and drops whole sentences
elsewhere (docs/performance.md); so a window's text with terms stands in for the one without only
where it names a term more and is otherwise as long and as likely.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate

CYRILLIC_LANGUAGES = frozenset({"ru", "uk", "be", "bg", "sr", "mk", "kk", "mn", "tg", "tt", "ba"})
# How much less likely, in the mean logarithm of a token's probability, and how much longer or
# shorter, in words or as a share of them, a text with terms may be.
LESS_LIKELY, WORDS, SHARE = 0.15, 3, 0.2


def of_language(terms: Iterable[str], language: str) -> list[str]:
    """The terms in the letters that `language` is written in."""
    cyrillic = language in CYRILLIC_LANGUAGES
    return [term for term in terms if bool(re.search("[а-яё]", term, re.I)) == cyrillic]


def first_that_fit(
    terms: Sequence[str], *, room: int, tokens_of: Callable[[str], int]
) -> list[str]:
    """As many of the first terms as take fewer than `room` tokens together."""
    ends = accumulate(map(tokens_of, terms))
    return [term for term, end in zip(terms, ends, strict=True) if end < room]


def is_better(
    terms: Sequence[str],
    *,
    without: tuple[str, float],
    told: tuple[str, float],
) -> bool:
    """Whether a window's (text, score) from a decoder told of `terms` is to be believed."""
    (plain, plain_score), (text, score) = without, told
    words, told_words = len(plain.split()), len(text.split())
    return (
        words > 0
        and score >= plain_score - LESS_LIKELY
        and abs(words - told_words) <= max(WORDS, SHARE * words)
        and bool(_named(terms, text) - _named(terms, plain))
    )


def _named(terms: Sequence[str], text: str) -> set[str]:
    bare = f" {_bare(text)} "
    return {term for term in terms if f" {_bare(term)} " in bare}


def _bare(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))
