"""What the words of a text may stand for, as a lattice: edges from word to word, each an id.

A text's word may be a term's word as it is, inflected, misspelt or misheard; two words may be one
("play station"), one may be two, and several may be a code that was read out. This module knows
the words of all terms and no term.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from lexicons import known
from lexicons.codes import LONGEST_CODE, pieces, repeated, repeats
from lexicons.families import singular
from lexicons.misspelling import PARTED, SPELLED, Option, Vocabulary
from lexicons.text import Token

FILLERS = frozenset("uh um erm er hmm э ээ эээ эм мм ну".split())  # noqa: SIM905 - reads as said
# So common that they are no torn-off beginning of a word.
_SMALL_WORDS = frozenset(
    """
    a the and is to of it we be he she me my you your that this these they them their there here
    so do does did if as or us our are was were for not but with have has had his her what when
    who how why will would can could should just like get got go well okay yes yeah know think
    и не а я ты он она мы вы они что это как так но же да нет ну вот там тут мне вам нас вас его
    """.split()  # noqa: SIM905 - a list would take a page
)
UNSURE_BELOW = 0.5
"""A word heard with less probability than this may have been any word."""

_SHORTEST_PART_CHARS = 2
_MOST_REMEMBERED = 400_000
_MOST_CODE_WORDS = 20
_LETTERS = re.compile("[a-z]+")

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
    """One text: a record for each token, the tokens at which a term may begin, and those that may
    be one word with the next.
    """

    words: Words
    tokens: Sequence[Token]
    certainties: Sequence[float] | None
    records: list[Record]
    starts: list[int]
    parted: set[int]

    def wide(self, at: int) -> list[Edge]:
        """All edges from a token but its options."""
        record = self.records[at]
        found: list[Edge] = [(pair, at + 1, 0, PARTED) for pair in record.splits]
        if at in self.parted:
            found += self.words.joined(self.tokens[at].word, self.tokens[at + 1].word, at=at)
        if record.code:
            found += self.words.codes(self.tokens, at)
        return found


class Words:
    """The words and codes of all terms. Add them all, then :meth:`close`, then ask."""

    def __init__(self) -> None:
        self._vocabulary = Vocabulary()
        self._pairs: set[tuple[int, int]] = set()
        self._lefts: set[str] = set()
        self._codes: dict[str, int] = {}
        self._code_starts: set[str] = set()
        self._letters: set[str] = set()
        self._joined: dict[str, tuple[Option, ...]] = {}
        self._roots: frozenset[int] = frozenset()
        self._learned = _Remembered(self, sure=True)
        self._guessed = _Remembered(self, sure=False)

    def add(self, words: Sequence[str], *, fuzzy: bool, names: Sequence[bool]) -> tuple[int, ...]:
        """Ids of the words of a term, some of them `names`."""
        ids = tuple(
            self._vocabulary.add(word, fuzzy=fuzzy, name=name)
            for word, name in zip(words, names, strict=True)
        )
        if fuzzy:
            self.put_side_by_side(words, ids)
        return ids

    def put_side_by_side(self, words: Sequence[str], ids: Sequence[int]) -> None:
        """Words and compact codes that stand so in a term may be written as one."""
        self._pairs.update(pairwise(ids))
        self._lefts.update(words[:-1], map(singular, words[:-1]))

    def add_code(self, compact: str) -> int:
        """Id of a code in its compact form."""
        number = self._codes.get(compact)
        if number is None:
            number = self._codes[compact] = self._vocabulary.add(compact, fuzzy=False)
            self._code_starts.update(compact[:end] for end in range(1, len(compact)))
            for letters in _LETTERS.findall(compact):
                ends = range(1, len(letters) + 1)
                self._letters.update(letters[at:end] for end in ends for at in range(end))
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
        starts: list[int] = []
        parted: set[int] = set()
        last, goes_on = len(tokens) - 1, self._vocabulary.goes_on
        for at, record in enumerate(records):
            if record is _NOTHING:
                continue
            if record.head and at < last and goes_on(tokens[at].word, tokens[at + 1].word):
                parted.add(at)
                starts.append(at)
            elif record.begins:
                starts.append(at)
        return Lattice(self, tokens, certainties, records, starts, parted) if starts else None

    def joined(self, left: str, right: str, *, at: int) -> list[Edge]:
        """Edges over two words that were one."""
        options = self._joined.get(left + right)
        if options is None:
            if len(self._joined) >= _MOST_REMEMBERED:
                self._joined.clear()
            options = tuple(self._vocabulary.sounding(left + right))
            self._joined[left + right] = options
        if not options:
            return []
        both_known = known.is_known(left) and known.is_known(right)
        return [
            ((number,), at + 2, edits, how | PARTED)
            for number, edits, how in options
            if not (how and both_known)
        ]

    def codes(self, tokens: Sequence[Token], at: int) -> list[Edge]:
        """Edges over the tokens that read out a code, from the one at `at` on."""
        found: dict[tuple[int, int], Edge] = {}
        following = tokens[at + 1].word if at + 1 < len(tokens) else ""
        times = repeats(tokens[at].word) or 1
        if not (self._read(following, times) or repeats(following) or following == "and"):
            return []
        reached = {("", at, 1)}
        for _ in range(_MOST_CODE_WORDS):
            further: set[tuple[str, int, int]] = set()
            for said, after, times in reached:
                if after >= len(tokens):
                    continue
                word = tokens[after].word
                if repeats(word):
                    further.add((said, after + 1, repeats(word)))
                read = [(piece, after + 1) for piece in self._read(word, times)]
                hundreds = self._with_hundreds(tokens, after)
                if hundreds:
                    read.append((hundreds, after + 3))
                for piece, stop in read:
                    compact = said + piece
                    number = self._codes.get(compact)
                    if number is not None and stop > at + 1:
                        found[number, stop] = ((number,), stop, 0, SPELLED)
                    if len(compact) <= LONGEST_CODE and compact in self._code_starts:
                        further.add((compact, stop, 1))
            if not further:
                break
            reached = further
        return list(found.values())

    def _read(self, word: str, times: int = 1) -> list[str]:
        """What a word may add to any of the codes."""
        letters = self._letters
        return [piece for piece in repeated(word, times) if piece in letters or not piece.isalpha()]

    @staticmethod
    def _with_hundreds(tokens: Sequence[Token], at: int) -> str | None:
        """ "239" for "200 and 39", as Whisper may write it."""
        if at + 2 >= len(tokens) or tokens[at + 1].word != "and":
            return None
        hundreds, rest = tokens[at].word, tokens[at + 2].word
        if not hundreds.endswith("00") or not rest.isdigit() or len(rest) > 2:
            return None
        return hundreds[:-2] + rest.zfill(2)

    def learn(self, word: str, *, sure: bool) -> Record:
        """What a word of a text may be."""
        options = tuple(self._vocabulary.alike(word, sure=sure))
        code = False
        if self._codes:
            code = self._begins_code(word)
            taken = {option[0] for option in options}
            whole = (self._codes[piece] for piece in pieces(word) if piece in self._codes)
            options += tuple((number, 0, SPELLED) for number in whole if number not in taken)
        splits = () if options else tuple(self._splits(word))
        head = word not in _SMALL_WORDS and self._vocabulary.begins(word)
        if not (options or splits or head or code):
            return _NOTHING
        begins = (
            code
            or any(number in self._roots for number, _, _ in options)
            or any(first in self._roots for first, _ in splits)
        )
        return Record(options, splits, head, code, begins, bool(splits) or head or code)

    def _begins_code(self, word: str) -> bool:
        starts = self._code_starts
        if repeats(word) or any(piece in starts for piece in self._read(word)):
            return True
        return word.endswith("00") and word[:-2] in starts  # "200 and 39" for 239

    def _splits(self, word: str) -> Iterator[tuple[int, int]]:
        """Two words or codes of a term, side by side in it, that are written as one here."""
        for cut in range(_SHORTEST_PART_CHARS, len(word)):
            if word[:cut] in self._lefts:
                for left in self._either(word[:cut]):
                    for right in self._either(word[cut:]):
                        if (left, right) in self._pairs:
                            yield left, right

    def _either(self, part: str) -> tuple[int, ...]:
        codes = (self._codes[piece] for piece in pieces(part) if piece in self._codes)
        return tuple(dict.fromkeys((*self._vocabulary.exact(part), *codes)))


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
