"""Word error rates over text normalised as Whisper's authors do (Radford et al. 2022, appendix C).

Knows nothing of audio.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import jiwer
import numpy as np
from whisper_normalizer.basic import BasicTextNormalizer
from whisper_normalizer.english import EnglishTextNormalizer


@dataclass(frozen=True, slots=True)
class WordErrors:
    """Counts over one or more texts; adding two joins their texts."""

    words: int
    substituted: int = 0
    deleted: int = 0
    inserted: int = 0

    @property
    def errors(self) -> int:
        return self.substituted + self.deleted + self.inserted

    @property
    def rate(self) -> float:
        """Errors in each word of the reference."""
        return self.errors / max(self.words, 1)

    def __add__(self, other: WordErrors) -> WordErrors:
        return WordErrors(
            self.words + other.words,
            self.substituted + other.substituted,
            self.deleted + other.deleted,
            self.inserted + other.inserted,
        )

    def __str__(self) -> str:
        parts = f"{self.substituted} wrong, {self.deleted} missing, {self.inserted} invented"
        return f"{self.rate:.4f} ({parts} of {self.words})"


def word_errors(truth: str, heard: str, language: str = "en") -> WordErrors:
    """How the normalised texts differ, by the fewest edits of words."""
    clean = _normaliser(language)
    wanted, found = clean(truth).split(), clean(heard).split()
    if not wanted:
        return WordErrors(0, inserted=len(found))
    edits = jiwer.process_words(" ".join(wanted), " ".join(found))
    return WordErrors(len(wanted), edits.substitutions, edits.deletions, edits.insertions)


def rate_of(counts: Sequence[WordErrors]) -> float:
    """The error rate of many texts as if they were one."""
    return sum(counts, WordErrors(0)).rate


def ratio_of(ours: Sequence[WordErrors], theirs: Sequence[WordErrors]) -> float:
    """Our errors to theirs on the same texts; theirs count as one at least, so that it is finite.

    Raises ValueError where the texts are not the same.
    """
    if [count.words for count in ours] != [count.words for count in theirs]:
        raise ValueError("error rates of different texts cannot be compared")
    own, other = sum(ours, WordErrors(0)).errors, sum(theirs, WordErrors(0)).errors
    return own / other if other else 1.0 + own


def ratio_spread(
    ours: Sequence[WordErrors], theirs: Sequence[WordErrors], *, rounds: int = 2000
) -> tuple[float, float]:
    """Within which bounds 95 of 100 ratios of other calls like these lie (bootstrap over calls)."""
    chance = np.random.default_rng(0)
    own, other = (np.array([count.errors for count in counts]) for counts in (ours, theirs))
    drawn = chance.integers(0, len(own), (rounds, len(own)))
    ratios = own[drawn].sum(axis=1) / np.maximum(other[drawn].sum(axis=1), 1)
    low, high = np.percentile(ratios, (2.5, 97.5))
    return float(low), float(high)


@cache
def _normaliser(language: str) -> BasicTextNormalizer | EnglishTextNormalizer:
    return EnglishTextNormalizer() if language == "en" else BasicTextNormalizer()
