"""Finds the terms of lexicons in a text.

It takes the analyzer's tokens and knows neither who spoke nor when. Terms are compiled once into
a tree over word ids, so that a text costs time by its own length, hardly by the number of terms.
`lexicons.lattice` offers the ids that the words of a text may stand for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import NamedTuple

from lexicons.codes import codes_of
from lexicons.context import Phrases
from lexicons.families import is_name
from lexicons.lattice import FILLERS, Lattice, Words
from lexicons.misspelling import SPELLED
from lexicons.near import NearTerm, Place, find_near
from lexicons.negation import is_denied
from lexicons.score import Heard, certainty, score_of, score_parts
from lexicons.terms import MAX_NEAR_WORDS, Lexicon, Term
from lexicons.text import Token, analyze
from lexicons.tree import End, Node, descend

MOST_EDITS_PERCENT = 23
"""Of a phrase's letters, this many may be wrong; with more it is another phrase."""

_MOST_TOKENS = 64
"""So many words of a text, an "uh" or more among them, may be one term."""

_NOT_ALLOWED = {
    "exact": ~SPELLED,
    "stem": ~SPELLED,
    "fuzzy": 0,
    "near": 0,
}
"""In which ways a word must not stand for a term's word, by the term's mode."""


@dataclass(frozen=True, slots=True)
class Match:
    """A term found at characters `start` to `end` of a text, where it reads `matched`.

    `score` is the product of its `parts`, each 0 to 1 (:func:`lexicons.score.score_parts`); parts
    that are 1 are left out. `definition` is the term as its lexicon has it.
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


class _Candidate(NamedTuple):
    """A possible match over the tokens `start` to `stop` (exclusive)."""

    lexicon: int
    term: int
    start: int
    stop: int
    score: float
    parts: dict[str, float]

    @property
    def rank(self) -> tuple[int, float, int, int]:
        """Longest first, then best, then leftmost, then by the lexicon's order."""
        return self.start - self.stop, -self.score, self.start, self.term


class Matcher:
    """Every term of `lexicons`, compiled; may be shared by threads."""

    def __init__(self, lexicons: Sequence[Lexicon]) -> None:
        self._lexicons = tuple(lexicons)
        self._words = Words()
        self._root = Node()
        self._near: dict[int, list[NearTerm]] = {}
        self._unless: dict[tuple[int, int], Phrases] = {}
        for number, lexicon in enumerate(self._lexicons):
            for position, term in enumerate(lexicon.terms):
                for phrase in term.phrases:
                    self._add(number, position, phrase=phrase, term=term)
                if term.unless:
                    self._unless[number, position] = Phrases(term.unless)
        self._words.close(frozenset(self._root.children) | frozenset(self._near))

    def find(
        self, text: str, tokens: Sequence[Token] | None = None, *, heard: Heard | None = None
    ) -> list[Match]:
        """Matches in `text` by place. `tokens` are `analyze(text)`, where the caller has them;
        `heard` says how certainly each word was heard: (start, end, probability) by characters.

        Matches of one lexicon never overlap: the longest wins, then the best, then the leftmost.
        What its term excludes, or denied and wished for where its term minds that ("not very
        helpful"), is no match.
        """
        if tokens is None:
            tokens = analyze(text)
        lattice = self._words.lattice(tokens, certainty(tokens, heard))
        if lattice is None:
            return []
        candidates = self._side_by_side(lattice)
        if self._near:
            candidates += self._apart(lattice)
        if not candidates:
            return []
        kept: list[_Candidate] = []
        taken: set[tuple[int, int]] = set()
        for candidate in sorted(candidates, key=attrgetter("rank")):
            places = [(candidate.lexicon, at) for at in range(candidate.start, candidate.stop)]
            if not taken.isdisjoint(places) or self._is_excluded(tokens, candidate):
                continue
            taken.update(places)
            if not self._is_denied(text, tokens, candidate=candidate):
                kept.append(candidate)
        kept.sort(key=attrgetter("start", "stop", "lexicon"))
        return [self._match(text, tokens, candidate=candidate) for candidate in kept]

    def _add(self, lexicon: int, position: int, *, phrase: str, term: Term) -> None:
        tokens = analyze(phrase)
        if not tokens:
            return
        words = tuple(token.word for token in tokens)
        letters = sum(map(len, words))
        fuzzy = term.mode in ("fuzzy", "near")
        most_edits = letters * MOST_EDITS_PERCENT // 100 if fuzzy else 0
        names = [fuzzy and is_name(phrase[token.start : token.end]) for token in tokens]
        ids = self._words.add(words, fuzzy=fuzzy, names=names)
        paths = [ids]
        codes = list(codes_of(phrase, tokens))
        if codes:
            coded, spelled = list(ids), list(words)
            for start, stop, compact in reversed(codes):
                coded[start:stop] = [self._words.add_code(compact)]
                spelled[start:stop] = [compact]
            paths.append(tuple(coded))
            self._words.put_side_by_side(spelled, coded)
        end = End(lexicon, position, term.mode, words, letters, most_edits)
        for path in dict.fromkeys(paths):
            if term.mode == "near" and 1 < len(path) <= MAX_NEAR_WORDS:
                near = NearTerm(lexicon, position, path, letters, most_edits, term.within)
                for number in path:
                    self._near.setdefault(number, [])
                self._near[path[0]].append(near)
                continue
            node = self._root
            for number in path:
                node = node.children.setdefault(number, Node())
                node.most_edits = max(node.most_edits, most_edits)
            node.ends.append(end)

    def _side_by_side(self, lattice: Lattice) -> list[_Candidate]:
        """Terms whose words follow each other, but for an "uh" in between."""
        found: list[_Candidate] = []
        tokens, records = lattice.tokens, lattice.records
        count = len(tokens)
        for start in lattice.starts:
            reached = [(self._root, start, 0, 0)]
            passed: set[tuple[Node, int, int, int]] = set()
            while reached:
                state = reached.pop()
                node, at, edits, how = state
                record = records[at]
                if start < at < count - 1 and tokens[at].word in FILLERS:
                    # Terms may have such words themselves: "uh um uh" comes here in many ways.
                    if state in passed:
                        continue
                    passed.add(state)
                    if at < start + _MOST_TOKENS:
                        reached.append((node, at + 1, edits, how))
                steps: list[tuple[Node, int, int, int]] = []
                for number, more, way in record.options:
                    child = node.children.get(number)
                    if child is not None:
                        steps.append((child, at + 1, edits + more, how | way))
                if record.wide:
                    for ids, after, more, way in lattice.wide(at):
                        child = descend(node, ids)
                        if child is not None:
                            steps.append((child, after, edits + more, how | way))
                for step in steps:
                    child, after, edits_now, ways = step
                    if edits_now > child.most_edits:
                        continue
                    if child.ends:
                        self._complete(
                            found, child.ends, lattice, start, after, edits=edits_now, how=ways
                        )
                    if after < count and child.children:
                        reached.append(step)
        return found

    @staticmethod
    def _complete(
        found: list[_Candidate],
        ends: Sequence[End],
        lattice: Lattice,
        start: int,
        stop: int,
        *,
        edits: int,
        how: int,
    ) -> None:
        """Candidates for the terms that tokens `start` to `stop` spell out in full."""
        for end in ends:
            if edits > end.most_edits or how & _NOT_ALLOWED[end.mode]:
                continue
            if (
                end.mode == "exact"
                and not how
                and end.words != tuple(token.word for token in lattice.tokens[start:stop])
            ):
                continue
            found.append(_candidate(end, lattice, start, stop, edits=edits, how=how))

    def _apart(self, lattice: Lattice) -> Iterator[_Candidate]:
        """Terms whose words stand near each other."""
        places: dict[int, list[Place]] = {}
        for at, record in enumerate(lattice.records):
            for number, edits, how in record.options:
                if number in self._near:
                    places.setdefault(number, []).append(Place(at, at + 1, edits, how))
            for ids, after, edits, how in lattice.wide(at) if record.wide else ():
                if len(ids) == 1 and ids[0] in self._near:
                    places.setdefault(ids[0], []).append(Place(at, after, edits, how))
        for number in places:
            for found in find_near(self._near[number], places):
                yield _candidate(
                    found.term,
                    lattice,
                    found.start,
                    found.stop,
                    edits=found.edits,
                    how=found.how,
                    apart=found.apart,
                )

    def _is_excluded(self, tokens: Sequence[Token], candidate: _Candidate) -> bool:
        phrases = self._unless.get((candidate.lexicon, candidate.term))
        if phrases is None:
            return False
        within = self._term(candidate).unless_within
        return phrases.near(tokens, candidate.start, candidate.stop, within=within)

    def _is_denied(self, text: str, tokens: Sequence[Token], *, candidate: _Candidate) -> bool:
        minds = self._term(candidate).negatable
        if minds is None:
            minds = self._lexicons[candidate.lexicon].purpose == "praise"
        return minds and is_denied(text, tokens, start=candidate.start)

    def _term(self, candidate: _Candidate) -> Term:
        return self._lexicons[candidate.lexicon].terms[candidate.term]

    def _match(self, text: str, tokens: Sequence[Token], *, candidate: _Candidate) -> Match:
        lexicon = self._lexicons[candidate.lexicon]
        term = self._term(candidate)
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
            parts=candidate.parts,
            definition=term,
        )


def _candidate(
    end: End | NearTerm,
    lattice: Lattice,
    start: int,
    stop: int,
    *,
    edits: int,
    how: int,
    apart: int = 0,
) -> _Candidate:
    certain = None
    if how and lattice.certainties is not None:
        certain = min(lattice.certainties[start:stop])
    parts: dict[str, float] = {}
    if how or apart:
        parts = score_parts(edits=edits, letters=end.letters, how=how, certain=certain, apart=apart)
    return _Candidate(end.lexicon, end.term, start, stop, score_of(parts), parts)
