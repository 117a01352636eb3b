"""Folds displayed text to plain lower-case characters and remembers where each of them came from.

It knows Unicode, not words: what a word or a number is belongs to `lexicons.text`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

# One character to one character, so that the fast path keeps every position.
_ALIKE = str.maketrans(
    {
        "ё": "е",
        "Ё": "Е",
        "№": "#",
        "\u2018": "'",
        "\u2019": "'",
        "\u201b": "'",
        "\u02bc": "'",
        "\uff07": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u201e": '"',
        "«": '"',
        "»": '"',
        "\u2010": "-",
        "\u2011": "-",
        "\u2012": "-",
        "\u2013": "-",
        "\u2212": "-",
        "\u2014": ";",  # a dash between clauses is a pause, never a hyphen
        "\u2026": ";",
        "\u00a0": " ",
        "\u202f": " ",
        "\u2044": "/",
    }
)
_PLAIN = re.compile(r"[\x00-\x7fА-я]*")
_ACCENTS = ("\u0300", "\u036f")
_LONGEST_CACHED_CLUSTER = 4


@dataclass(frozen=True, slots=True)
class Folded:
    """Folded `text`, and for each of its characters the span it came from.

    `starts` and `ends` are None where both texts have the same length and positions.
    """

    text: str
    starts: list[int] | None = None
    ends: list[int] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The span in the displayed text of a non-empty span of the folded text."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]


def fold(text: str) -> Folded:
    """NFKC, case folding, ё as е, Latin letters without accents, typographic marks as ASCII ones.

    Marks without a letter of their own (stress, vowel signs, joiners) disappear; й stays.
    Never raises, whatever the characters, lone surrogates included.
    """
    if text.isascii():
        return Folded(text.lower())
    alike = text.translate(_ALIKE)
    if _PLAIN.fullmatch(alike):
        return Folded(alike.lower())
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    position = 0
    while position < len(text):
        end = position + 1
        while end < len(text) and _leans_on_the_one_before(text[end]):
            end += 1
        cluster = text[position:end]
        short = len(cluster) <= _LONGEST_CACHED_CLUSTER
        for character in _fold_cluster(cluster) if short else _fold_cluster.__wrapped__(cluster):
            characters.append(character)
            starts.append(position)
            ends.append(end)
        position = end
    return Folded("".join(characters), starts, ends)


def _leans_on_the_one_before(character: str) -> bool:
    """Combining marks, and the Hangul vowels and finals that compose with an initial."""
    return unicodedata.combining(character) != 0 or "\u1160" <= character <= "\u11ff"


@lru_cache(maxsize=1 << 14)
def _fold_cluster(cluster: str) -> str:
    composed = unicodedata.normalize("NFKC", cluster.translate(_ALIKE))
    lower = unicodedata.normalize("NFKC", composed.casefold().lower()).translate(_ALIKE)
    return "".join(_fold_character(character) for character in lower)


def _fold_character(character: str) -> str:
    if character.isascii() or character == "й":
        return character
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    bare = "".join(
        part
        for part in unicodedata.normalize("NFD", character)
        if not _ACCENTS[0] <= part <= _ACCENTS[1]
    )
    return "".join(
        part
        for part in unicodedata.normalize("NFC", bare)
        if unicodedata.category(part) not in {"Mn", "Mc", "Me", "Cf"}
    )
