"""Finds the terms of lexicons in a text.

It takes the analyzer's tokens and knows neither who spoke nor when. Terms are compiled once into
a tree over token ids, so that a text costs time by its own length, hardly by the number of terms;
`lexicons.misspelling` offers the ids that a misspelt token may stand for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from lexicons.misspelling import Vocabulary
from lexicons.negation import is_denied
from lexicons.terms import Lexicon, Mode, Term
from lexicons.text import Token, analyze

MOST_EDITS_PERCENT = 15
"""Of a phrase's letters, this many may be wrong; with more it is another phrase."""


@dataclass(frozen=True, slots=True)
class Match:
    """A term found at characters `start` to `end` of a text, where it reads `matched`.

    `score` is the product of its `parts`, each 0 to 1: `spelling` (the share of letters that are
    right), `sound` (how alike it sounds, where it was misheard), `hearing` (lower where a word
    that is not as the term spells it was heard with certainty), `order` (words apart). Parts that
    are 1 are left out.
    """

    lexicon: str
    version: int
    term: str
    grade: str | None
    matched: str
    start: int
    end: int
    score: float
    parts: dict[str, float] = field(default_factory=dict)
    definition: Term | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class _End:
    """A term that is complete at a node of the tree."""

    lexicon: int
    term: int
    mode: Mode
    words: tuple[str, ...]
    letters: int
    most_edits: int


@dataclass(slots=True)
class _Node:
    children: dict[int, _Node] = field(default_factory=dict)
    ends: list[_End] = field(default_factory=list)
    most_edits: int = 0
    """The most that any term beyond this node takes."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A possible match over the tokens `start` to `stop` (exclusive)."""

    lexicon: int
    term: int
    start: int
    stop: int
    score: float

    @property
    def rank(self) -> tuple[int, float, int, int]:
        """Longest first, then best, then leftmost, then by the lexicon's order."""
        return self.start - self.stop, -self.score, self.start, self.term


class Matcher:
    """Every term of `lexicons`, compiled; may be shared by threads."""

    def __init__(self, lexicons: Sequence[Lexicon]) -> None:
        self._lexicons = tuple(lexicons)
        self._vocabulary = Vocabulary()
        self._root = _Node()
        for number, lexicon in enumerate(self._lexicons):
            for position, term in enumerate(lexicon.terms):
                for phrase in term.phrases:
                    self._add(number, position, phrase=phrase, mode=term.mode)

    def find(self, text: str, tokens: Sequence[Token] | None = None) -> list[Match]:
        """Matches in `text` by place. `tokens` are `analyze(text)`, where the caller has them.

        Matches of one lexicon never overlap: the longest wins, then the best, then the leftmost.
        In praise lexicons, what is denied or wished for ("not very helpful") is no match.
        """
        if tokens is None:
            tokens = analyze(text)
        candidates = self._candidates(tokens)
        if not candidates:
            return []
        kept: list[_Candidate] = []
        taken: set[tuple[int, int]] = set()
        for candidate in sorted(candidates, key=attrgetter("rank")):
            places = [(candidate.lexicon, at) for at in range(candidate.start, candidate.stop)]
            if not taken.isdisjoint(places):
                continue
            taken.update(places)
            if not self._is_denied(text, tokens, candidate=candidate):
                kept.append(candidate)
        kept.sort(key=attrgetter("start", "stop", "lexicon"))
        return [self._match(text, tokens, candidate=candidate) for candidate in kept]

    def _add(self, lexicon: int, term: int, *, phrase: str, mode: Mode) -> None:
        tokens = analyze(phrase)
        if not tokens:
            return
        words = tuple(token.word for token in tokens)
        letters = sum(len(token.key) for token in tokens)
        most_edits = letters * MOST_EDITS_PERCENT // 100 if mode == "fuzzy" else 0
        end = _End(lexicon, term, mode, words, letters, most_edits)
        node = self._root
        for token in tokens:
            number = self._vocabulary.add(token.key, fuzzy=mode == "fuzzy")
            node = node.children.setdefault(number, _Node())
            node.most_edits = max(node.most_edits, end.most_edits)
        node.ends.append(end)

    def _candidates(self, tokens: Sequence[Token]) -> list[_Candidate]:
        alike = self._vocabulary.alike
        options = [alike(token.key) for token in tokens]
        roots = self._root.children
        found: list[_Candidate] = []
        for start, first in enumerate(options):
            reached = [
                (roots[number], edits)
                for number, edits in first
                if number in roots and edits <= roots[number].most_edits
            ]
            stop = start
            while reached:
                stop += 1
                further: list[tuple[_Node, int]] = []
                onward = options[stop] if stop < len(options) else ()
                for node, edits in reached:
                    if node.ends:
                        found += _complete(node.ends, tokens[start:stop], start=start, edits=edits)
                    if node.children:
                        for number, more in onward:
                            child = node.children.get(number)
                            if child is not None and edits + more <= child.most_edits:
                                further.append((child, edits + more))
                reached = further
        return found

    def _is_denied(self, text: str, tokens: Sequence[Token], *, candidate: _Candidate) -> bool:
        praise = self._lexicons[candidate.lexicon].purpose == "praise"
        return praise and is_denied(text, tokens, start=candidate.start)

    def _match(self, text: str, tokens: Sequence[Token], *, candidate: _Candidate) -> Match:
        lexicon = self._lexicons[candidate.lexicon]
        term = lexicon.terms[candidate.term]
        start, end = tokens[candidate.start].start, tokens[candidate.stop - 1].end
        return Match(
            lexicon=lexicon.name,
            version=lexicon.version,
            term=term.text,
            grade=term.grade,
            matched=text[start:end],
            start=start,
            end=end,
            score=candidate.score,
        )


def _complete(
    ends: Sequence[_End], tokens: Sequence[Token], *, start: int, edits: int
) -> Iterator[_Candidate]:
    """Candidates for the terms that `tokens`, which begin at token `start`, spell out in full."""
    for end in ends:
        if edits > end.most_edits:
            continue
        if end.mode == "exact" and end.words != tuple(token.word for token in tokens):
            continue
        score = 1 - edits / end.letters
        yield _Candidate(end.lexicon, end.term, start, start + len(tokens), score)
