"""What the words of a text may stand for, as a lattice: edges from word to word, each an id.

A text's word may be a term's word as it is, inflected, misspelt or misheard; two words may be one
("play station"), one may be two, and several may be a code that was read out. This module knows
the words of all terms and no term.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from lexicons import known
from lexicons.codes import LONGEST_CODE, pieces, repeated, repeats
from lexicons.misspelling import PARTED, SPELLED, Option, Vocabulary
from lexicons.text import Token

FILLERS = frozenset("uh um erm er hmm э ээ эээ эм мм ну".split())  # noqa: SIM905 - reads as said
UNSURE_BELOW = 0.5
"""A word heard with less probability than this may have been any word."""

_SHORTEST_PART_CHARS = 2
_MOST_REMEMBERED = 400_000
_MOST_CODE_WORDS = 20

Edge = tuple[tuple[int, ...], int, int, int]
"""Ids one after the other, the token after them, wrong letters, and in which ways."""


class Record(NamedTuple):
    """What one word of a text may be: `options` by itself, `splits` where it is two words; more,
    together with the words after it, where it is a `head` or begins a `code`. A term may begin
    with it where it `begins`.
    """

    options: tuple[Option, ...] = ()
    splits: tuple[tuple[int, int], ...] = ()
    head: bool = False
    code: bool = False
    begins: bool = False
    wide: bool = False


_NOTHING = Record()


class Lattice(NamedTuple):
    """One text: a record for each token, and the tokens at which a term may begin."""

    words: Words
    tokens: Sequence[Token]
    certainties: Sequence[float] | None
    records: list[Record]
    starts: list[int]

    def wide(self, at: int) -> list[Edge]:
        """All edges from a token but its options."""
        record = self.records[at]
        found: list[Edge] = [(pair, at + 1, 0, PARTED) for pair in record.splits]
        if record.head and at + 1 < len(self.tokens):
            found += self.words.joined(self.tokens[at].word, self.tokens[at + 1].word, at=at)
        if record.code:
            found += self.words.codes(self.tokens, at)
        return found


class Words:
    """The words and codes of all terms. Add them all, then :meth:`close`, then ask."""

    def __init__(self) -> None:
        self._vocabulary = Vocabulary()
        self._pairs: set[tuple[int, int]] = set()
        self._codes: dict[str, int] = {}
        self._code_starts: set[str] = set()
        self._roots: frozenset[int] = frozenset()
        self._learned = _Remembered(self, sure=True)
        self._guessed = _Remembered(self, sure=False)

    def add(self, words: Sequence[str], *, fuzzy: bool) -> tuple[int, ...]:
        """Ids of the words of a term."""
        ids = tuple(self._vocabulary.add(word, fuzzy=fuzzy) for word in words)
        if fuzzy:
            self.put_side_by_side(ids)
        return ids

    def put_side_by_side(self, ids: Sequence[int]) -> None:
        """Words and codes that stand so in a term may be written as one."""
        self._pairs.update(pairwise(ids))

    def add_code(self, compact: str) -> int:
        """Id of a code in its compact form."""
        number = self._codes.get(compact)
        if number is None:
            number = self._codes[compact] = self._vocabulary.add(compact, fuzzy=False)
            self._code_starts.update(compact[:end] for end in range(1, len(compact)))
        return number

    def close(self, roots: frozenset[int]) -> None:
        """All words are here; `roots` are the ids with which a term can begin."""
        self._roots = roots
        known.load()

    def lattice(
        self, tokens: Sequence[Token], certainties: Sequence[float] | None
    ) -> Lattice | None:
        """The lattice of a text, None where no term can begin in it. `certainties` are how
        probable each token is, where that is known.
        """
        learned = self._learned
        records = [learned[token.word] for token in tokens]
        if certainties is not None and min(certainties, default=1.0) < UNSURE_BELOW:
            for at, certain in enumerate(certainties):
                if certain < UNSURE_BELOW:
                    records[at] = self._guessed[tokens[at].word]
        starts = [at for at, record in enumerate(records) if record.begins]
        return Lattice(self, tokens, certainties, records, starts) if starts else None

    def joined(self, left: str, right: str, *, at: int) -> list[Edge]:
        """Edges over two words that were one."""
        if not self._vocabulary.goes_on(left, right):
            return []
        both_known = known.is_known(left) and known.is_known(right)
        return [
            ((number,), at + 2, edits, how | PARTED)
            for number, edits, how in self._vocabulary.sounding(left + right)
            if not (how and both_known)
        ]

    def codes(self, tokens: Sequence[Token], at: int) -> list[Edge]:
        """Edges over the tokens that read out a code, from the one at `at` on."""
        found: dict[tuple[int, int], Edge] = {}
        reached = {("", at, 1)}
        for _ in range(_MOST_CODE_WORDS):
            further: set[tuple[str, int, int]] = set()
            for said, after, times in reached:
                if after >= len(tokens):
                    continue
                word = tokens[after].word
                if repeats(word):
                    further.add((said, after + 1, repeats(word)))
                for piece in repeated(word, times):
                    compact = said + piece
                    number = self._codes.get(compact)
                    if number is not None and after > at:
                        edge = ((number,), after + 1, 0, SPELLED)
                        found[number, after] = edge
                    if len(compact) <= LONGEST_CODE and compact in self._code_starts:
                        further.add((compact, after + 1, 1))
            if not further:
                break
            reached = further
        return list(found.values())

    def learn(self, word: str, *, sure: bool) -> Record:
        """What a word of a text may be."""
        options = tuple(self._vocabulary.alike(word, sure=sure))
        code = bool(self._codes) and (
            repeats(word) > 0 or any(piece in self._code_starts for piece in pieces(word))
        )
        codes = [
            (self._codes[piece], 0, SPELLED)
            for piece in (pieces(word) if self._codes else ())
            if piece in self._codes and self._codes[piece] not in {option[0] for option in options}
        ]
        options += tuple(codes)
        splits = () if options else tuple(self._splits(word))
        head = self._vocabulary.begins(word)
        if not (options or splits or head or code):
            return _NOTHING
        begins = (
            head
            or code
            or any(number in self._roots for number, _, _ in options)
            or any(first in self._roots for first, _ in splits)
        )
        return Record(options, splits, head, code, begins, bool(splits) or head or code)

    def _splits(self, word: str) -> list[tuple[int, int]]:
        """Two words or codes of a term, side by side in it, that are written as one here."""
        if not self._pairs:
            return []
        return [
            (left, right)
            for cut in range(_SHORTEST_PART_CHARS, len(word))
            for left in self._either(word[:cut])
            for right in self._either(word[cut:])
            if (left, right) in self._pairs
        ]

    def _either(self, part: str) -> tuple[int, ...]:
        found = self._vocabulary.exact(part)
        codes = (self._codes[piece] for piece in pieces(part) if piece in self._codes)
        return tuple(dict.fromkeys((*found, *codes))) if self._codes else found


class _Remembered(dict[str, Record]):
    """Every word is learned once."""

    def __init__(self, words: Words, *, sure: bool) -> None:
        super().__init__()
        self._words = words
        self._sure = sure

    def __missing__(self, word: str) -> Record:
        if len(self) >= _MOST_REMEMBERED:
            self.clear()
        record = self[word] = self._words.learn(word, sure=self._sure)
        return record
