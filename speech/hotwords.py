"""Terms that may have been said, and when to believe Whisper that was told of them.

Knows no model. A decoder that is given terms finds more of them, and drops whole sentences
elsewhere (docs/performance.md). So it is told only of terms that look like something it wrote
without them, and its text with terms stands in for the one without only where it names a term
more and is otherwise as long and as likely.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import accumulate

from rapidfuzz import fuzz, process

CYRILLIC_LANGUAGES = frozenset({"ru", "uk", "be", "bg", "sr", "mk", "kk", "mn", "tg", "tt", "ba"})
# How much less likely, in the mean logarithm of a token's probability, and how much longer or
# shorter, in words or as a share of them, a text with terms may be.
LESS_LIKELY, WORDS, SHARE = 0.15, 3, 0.2
# How alike, of 100, a part of a text and a term are where it may have been said: a code that was
# misheard keeps some of its digits, a name most of its letters.
CODE_LIKENESS, NAME_LIKENESS = 55.0, 75.0
SHORTEST_NAME_CHARS = 5
MOST_TERMS = 24


def of_language(terms: Iterable[str], language: str) -> list[str]:
    """The terms in the letters that `language` is written in."""
    cyrillic = language in CYRILLIC_LANGUAGES
    return [term for term in terms if bool(re.search("[а-яё]", term, re.I)) == cyrillic]


class Hotwords:
    """Terms, ready to be looked for in what was heard."""

    def __init__(self, terms: Sequence[str]) -> None:
        bare = [(term, _bare(term)) for term in dict.fromkeys(terms)]
        with_digits = re.compile("[0-9]")
        self._codes = [(term, text) for term, text in bare if with_digits.search(text)]
        self._names = [
            (term, text)
            for term, text in bare
            if len(text) >= SHORTEST_NAME_CHARS and not with_digits.search(text)
        ]

    def likely(self, text: str) -> list[str]:
        """Terms that what Whisper wrote may have been, the likeliest first."""
        heard = _bare(text)
        if not heard:
            return []
        found: list[tuple[float, str]] = []
        for terms, least in ((self._codes, CODE_LIKENESS), (self._names, NAME_LIKENESS)):
            scored = process.extract(
                heard,
                [bare for _, bare in terms],
                scorer=fuzz.partial_ratio,
                processor=None,
                score_cutoff=least,
                limit=MOST_TERMS,
            )
            found += [(score / least, terms[place][0]) for _, score, place in scored]
        found.sort(key=lambda one: -one[0])
        return [term for _, term in found[:MOST_TERMS]]


@lru_cache(maxsize=8)
def hotwords_for(terms: tuple[str, ...], language: str) -> Hotwords:
    """These terms, as far as they are of the language."""
    return Hotwords(of_language(terms, language))


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
