"""The query language: what people type into `q`, as a tree. Pure: no database, no SQL.

    bearing 204              all words, in any order, anywhere in the call
    "bearing of that kind"   these words one after the other, as they are: near words do not count
    -refund  -"call back"    calls without
    bear*                    words that begin so, from 2 characters on
    price NEAR/5 bearing     in one turn, at most 5 other words between them, in either order;
                             NEAR alone is NEAR/10
    customer:bearing         said by the customer; `agent:` by the agent (`клиент:`, `оператор:`)

The last two also stand in front of phrases and of NEAR, and go together: `-customer:refund`.

Whatever is no operator is text. So is an operator without the words it needs, a quote that is
never closed, a hyphen inside a word or alone, and what full-text engines know beyond this. AND in
upper case between words says what is meant anyway and is dropped; OR and NOT are words.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from lexicons.text import Token, analyze
from models.prefix import whole_keys

MAX_CHARACTERS = 1000
MAX_WORDS = 32
SHORTEST_PREFIX_CHARS = 2
MAX_WITHIN = 50
USUAL_WITHIN = 10

Keys = tuple[str, ...]
Side = Literal["agent", "customer"]


class BadQuery(Exception):
    """The query cannot be answered; the text says which part and what is allowed."""

    def __init__(self, parameter: str, problem: str) -> None:
        super().__init__(f"{parameter}: {problem}")
        self.parameter = parameter
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Word:
    """One word or number. It was said where a token's key is one of `keys`; of a `prefix`, also
    where the key begins with `written`.

    `written` is the word as it was typed, folded but not stemmed: "bearings" with the key `bear`.
    The first key is the word's own. Only a prefix can have others: those of whole words that begin
    so ("connecti*" has `connect`, the key of "connection").
    """

    keys: Keys
    prefix: bool
    written: str


@dataclass(frozen=True, slots=True)
class Phrase:
    """Tokens one after the other: text in quotes, or one word of several tokens ("play-station").
    A single word in quotes is a phrase of one key.
    """

    keys: Keys


@dataclass(frozen=True, slots=True)
class Near:
    """Two words or phrases in one turn, in either order, at most `within` other tokens between
    them (1 to 50).
    """

    left: Keys
    right: Keys
    within: int


@dataclass(frozen=True, slots=True)
class Clause:
    """One thing that a call must have, or must not where it is `without`. With a `speaker`, only
    what that speaker said counts.
    """

    term: Word | Phrase | Near
    speaker: Side | None = None
    without: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """All of these must hold. Empty where no query was given."""

    clauses: tuple[Clause, ...] = ()

    @property
    def positive(self) -> tuple[Clause, ...]:
        """What must have been said."""
        return tuple(clause for clause in self.clauses if not clause.without)

    @property
    def negative(self) -> tuple[Clause, ...]:
        """What must not have been said."""
        return tuple(clause for clause in self.clauses if clause.without)


def parse(q: str | None) -> Query:
    """The query as a tree; identical clauses come once. None is a query that asks for nothing.

    Raises `BadQuery` where there is nothing to look for, or too much, and nothing else, whatever
    the text.
    """
    if q is None:
        return Query()
    if len(q) > MAX_CHARACTERS:
        raise BadQuery("q", f"at most {MAX_CHARACTERS:,} characters")
    clauses = tuple(dict.fromkeys(_join([*_pieces(q)])))
    if not clauses:
        raise BadQuery("q", "has no word or number to look for")
    if sum(_size(clause.term) for clause in clauses) > MAX_WORDS:
        raise BadQuery("q", f"at most {MAX_WORDS} words")
    return Query(clauses)


def _size(term: Word | Phrase | Near) -> int:
    match term:
        case Word():
            return 1
        case Phrase():
            return len(term.keys)
        case Near():
            return len(term.left) + len(term.right)


@dataclass(frozen=True, slots=True)
class _Front:
    """What stands in front of a word; `words` is what it is where no word follows."""

    speaker: Side | None
    without: bool
    words: list[Clause]


@dataclass(frozen=True, slots=True)
class _Beside:
    """A NEAR before it has its operands; `words` is what it is without them."""

    within: int
    words: list[Clause]


_QUOTE = '"\u201c\u201d\u201e«»'
_MINUS = "[-\u2010-\u2013\u2212]"
_SIDES: dict[str, Side] = {
    "agent": "agent",
    "оператор": "agent",
    "customer": "customer",
    "клиент": "customer",
}
# A minus and a speaker are operators at the beginning of a word alone.
_OPERATOR = re.compile(
    rf"""
      (?<![^\s(]) (?:
          {_MINUS}? (?P<side>(?i:{"|".join(_SIDES)})) : \s* (?: {_MINUS} (?=[\w{_QUOTE}\#№]) )?
        | {_MINUS} (?=[\w{_QUOTE}\#№])
      )
    | [{_QUOTE}] (?P<quoted>[^{_QUOTE}]*) [{_QUOTE}]
    | (?<!\S) (?P<near>NEAR (?:/(?P<within>[0-9]+))?) (?!\S)
    """,
    re.VERBOSE,
)
# Between the tokens of one written word: "play-station", "and/or", "R&D". A comma parts words.
_JOINT = re.compile(rf"(?:{_MINUS}|['\u2019./@&_+])*")
_STAR = re.compile(r"\*(?!\w)")
_AND = Clause(Word(("and",), False, "and"))
"""An AND in upper case, told from other words by identity."""


def _join(pieces: Sequence[Clause | _Beside]) -> list[Clause]:
    """The clauses, with the two sides of a NEAR as one.

    "a NEAR b NEAR c" is "a NEAR b" and "b NEAR c", both with what stands in front of a.
    """
    ends = (0, len(pieces) - 1)
    waiting = deque(piece for at, piece in enumerate(pieces) if piece is not _AND or at in ends)
    clauses: list[Clause] = []
    while waiting:
        piece = waiting.popleft()
        if isinstance(piece, Clause):
            clauses.append(piece)
        elif clauses and waiting and _share_a_word(clauses[-1], waiting[0]):
            continue
        elif clauses and waiting and (near := _near(clauses[-1], waiting[0], piece.within)):
            waiting.popleft()
            if not isinstance(clauses[-1].term, Near):
                clauses.pop()
            clauses.append(near)
        else:
            clauses.extend(piece.words)
    return clauses


def _share_a_word(left: Clause, right: Clause | _Beside) -> bool:
    """Whether a word is on both sides: which of its places is meant, nobody can say, and full-text
    engines disagree. What is left are both sides, wherever they are.
    """
    if isinstance(right, _Beside) or isinstance(left.term, Near):
        return False
    return not set(_side(left.term)).isdisjoint(_side(right.term))


def _near(left: Clause, right: Clause | _Beside, within: int) -> Clause | None:
    """Both as one clause; None where they do not go together."""
    if isinstance(right, _Beside) or right.without:
        return None
    if left.speaker and right.speaker and left.speaker != right.speaker:
        return None
    near = Near(_side(left.term), _side(right.term), within)
    return replace(left, term=near, speaker=left.speaker or right.speaker)


def _side(term: Word | Phrase | Near) -> Keys:
    """What a NEAR right after this term stands beside."""
    match term:
        case Word():
            return term.keys[:1]
        case Phrase():
            return term.keys
        case Near():
            return term.right


def _pieces(q: str) -> Iterator[Clause | _Beside]:
    """The query from left to right, what stands in front of a word in the word's clause."""
    front: _Front | None = None
    for part in _parts(q):
        if isinstance(part, list):
            if part and front:
                part[0] = replace(part[0], speaker=front.speaker, without=front.without)
                front = None
            yield from part
            continue
        if front:
            yield from front.words
        front = part if isinstance(part, _Front) else None
        if isinstance(part, _Beside):
            yield part
    if front:
        yield from front.words


def _parts(q: str) -> Iterator[list[Clause] | _Front | _Beside]:
    """Operators, and what stands between them."""
    at = 0
    for found in _OPERATOR.finditer(q):
        yield _words(q[at : found.start()])
        at = found.end()
        if found["quoted"] is not None:
            keys = tuple(token.key for token in analyze(found["quoted"]))
            yield [Clause(Phrase(keys))] if keys else []
        elif found["near"]:
            within = int(found["within"] or USUAL_WITHIN)
            yield _Beside(min(max(within, 1), MAX_WITHIN), _words(found["near"]))
        else:
            side = found["side"]
            without = re.search(_MINUS, found[0]) is not None
            yield _Front(_SIDES[side.casefold()] if side else None, without, _words(side or ""))
    yield _words(q[at:])


def _words(text: str) -> list[Clause]:
    """The words of a text without operators. It is analyzed as a whole, since numbers may be
    spoken over several words.
    """
    written: list[list[Token]] = []
    for token in analyze(text):
        joined = written and _JOINT.fullmatch(text, written[-1][-1].end, token.start)
        if joined and not _STAR.match(text, token.end):
            written[-1].append(token)
        else:
            written.append([token])
    return [_clause(text, tokens) for tokens in written]


def _clause(text: str, tokens: Sequence[Token]) -> Clause:
    """One written word."""
    if len(tokens) > 1:
        return Clause(Phrase(tuple(token.key for token in tokens)))
    [token] = tokens
    said = text[token.start : token.end]
    if _STAR.match(text, token.end):
        start = token.word.replace(".", "")
        if start.isdecimal() and said.isalpha():  # "ten*" asks for "tenant" too
            start = said.lower().replace("ё", "е")
        if len(start) >= SHORTEST_PREFIX_CHARS:
            keys = dict.fromkeys((token.key, *whole_keys(start)))
            return Clause(Word(tuple(keys), True, start))
    elif said == "AND":
        return _AND
    return Clause(Word((token.key,), False, token.word))
