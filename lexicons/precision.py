"""How often the hits of each term are right, by what people said of them, and what to do about it.

Counts what it is handed; knows neither calls nor where verdicts are kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal, Protocol

from lexicons.terms import Lexicon, Term
from lexicons.text import Token, analyze

Action = Literal["keep", "tighten", "drop"]

WANTED = 0.9
"""The precision that a term is held to, unless another is asked for."""
FEW = 5
"""With fewer verdicts a term is left alone: four of four right may be luck."""
HOPELESS = 0.5
EXAMPLES = 5
"""So many of a term's wrong hits are named."""
_Z = 1.96  # 95 %
_LEAST_WITH_WORD = 2
_MOST_LUCK = 0.25
_SHORTEST_WORD = 3
_BY_EAR = {"spelling", "sound", "hearing"}


class JudgedHit(Protocol):
    """A hit and whether it is right. `found` is whether it still is a hit; `parts` is what its
    score is made of, None where nobody knows; `before` and `after` are the words around it.
    """

    @property
    def term(self) -> str: ...
    @property
    def right(self) -> bool: ...
    @property
    def found(self) -> bool: ...
    @property
    def before(self) -> str: ...
    @property
    def matched(self) -> str: ...
    @property
    def after(self) -> str: ...
    @property
    def score(self) -> float | None: ...
    @property
    def parts(self) -> Mapping[str, float] | None: ...


@dataclass(frozen=True, slots=True)
class Way:
    """A change to a term: `mode` to take, or a phrase for its `unless`; and what of the judged hits
    it does away with.
    """

    mode: Literal["stem"] | None
    unless: str | None
    confirmed_lost: int
    rejected_gone: int


@dataclass(frozen=True, slots=True)
class TermPrecision:
    """What people said of the hits of one term.

    `confirmed` and `rejected` are of what it finds now. `gone` were rejected and are found no more,
    `lost` were confirmed and are found no more. `wrong` are some of the rejected ones.
    """

    term: str
    confirmed: int
    rejected: int
    gone: int
    lost: int
    action: Action
    why: str
    way: Way | None = None
    wrong: tuple[JudgedHit, ...] = ()

    @property
    def precision(self) -> float | None:
        """The share of hits that is right; None where none was judged."""
        judged = self.confirmed + self.rejected
        return self.confirmed / judged if judged else None

    @property
    def at_least(self) -> float | None:
        """What the precision is at least, with 95 % certainty on both sides."""
        return wilson_lower(self.confirmed, self.confirmed + self.rejected)


@dataclass(frozen=True, slots=True)
class LexiconPrecision:
    """What people said of the hits of a lexicon: its judged terms, those with most wrong hits
    first, and how many have no verdict.
    """

    lexicon: str
    version: int
    wanted: float
    terms: tuple[TermPrecision, ...]
    unjudged: int

    @property
    def confirmed(self) -> int:
        """Right hits of all terms."""
        return sum(term.confirmed for term in self.terms)

    @property
    def rejected(self) -> int:
        """Wrong hits of all terms."""
        return sum(term.rejected for term in self.terms)

    @property
    def precision(self) -> float | None:
        """The share of all judged hits that is right; None where none was judged."""
        judged = self.confirmed + self.rejected
        return self.confirmed / judged if judged else None

    @property
    def at_least(self) -> float | None:
        """What that is at least."""
        return wilson_lower(self.confirmed, self.confirmed + self.rejected)


def wilson_lower(right: int, judged: int) -> float | None:
    """The lower end of the 95 % interval around right / judged; None where none was judged.

    E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", Journal of
    the American Statistical Association 22, 1927.
    """
    if not judged:
        return None
    share, z2 = right / judged, _Z * _Z
    spread = _Z * sqrt(share * (1 - share) / judged + z2 / (4 * judged * judged))
    bound = (share + z2 / (2 * judged) - spread) / (1 + z2 / judged)
    return min(max(0.0, bound), share)  # rounding alone puts it beyond


def measure(
    lexicon: Lexicon, hits: Iterable[JudgedHit], *, wanted: float = WANTED
) -> LexiconPrecision:
    """The precision of each term of a lexicon, whose judged hits these are."""
    judged: dict[str, list[JudgedHit]] = {}
    for hit in hits:
        judged.setdefault(hit.term, []).append(hit)
    terms = {term.text: term for term in lexicon.terms}
    measured = [_measure(text, terms.get(text), own, wanted) for text, own in judged.items()]
    measured.sort(key=lambda one: (-one.rejected, -one.confirmed, one.term))
    unjudged = len(terms.keys() - judged.keys())
    return LexiconPrecision(lexicon.name, lexicon.version, wanted, tuple(measured), unjudged)


def _measure(
    text: str, term: Term | None, hits: Sequence[JudgedHit], wanted: float
) -> TermPrecision:
    now = [hit for hit in hits if hit.found]
    confirmed = [hit for hit in now if hit.right]
    rejected = [hit for hit in now if not hit.right]
    lost = sum(hit.right for hit in hits) - len(confirmed)
    gone = len(hits) - len(now) - lost
    action, why, way = _proposal(term, confirmed, rejected, wanted)
    return TermPrecision(
        text,
        len(confirmed),
        len(rejected),
        gone,
        lost,
        action=action,
        why=why,
        way=way,
        wrong=tuple(rejected[:EXAMPLES]),
    )


def _proposal(
    term: Term | None,
    confirmed: Sequence[JudgedHit],
    rejected: Sequence[JudgedHit],
    wanted: float,
) -> tuple[Action, str, Way | None]:
    right, wrong = len(confirmed), len(rejected)
    if term is None:
        return "keep", "is not in what is published any more", None
    if right + wrong < FEW:
        return "keep", f"give it {FEW} verdicts or more, these are too few to tell", None
    if right / (right + wrong) >= wanted:
        return "keep", "is right often enough", None
    ways = [way for way in _ways(term, confirmed, rejected) if way.rejected_gone]
    best = max(ways, key=lambda way: _left(way, right, wrong), default=None)
    if best is not None and _left(best, right, wrong) >= max(HOPELESS, right / (right + wrong)):
        return "tighten", _in_words(best, right, wrong), best
    if right / (right + wrong) < HOPELESS:
        return "drop", "is wrong more often than right, and nothing tells the two apart", None
    return "keep", "nothing tells wrong from right yet: give more verdicts", None


def _left(way: Way, right: int, wrong: int) -> float:
    """The precision that a change leaves; where it leaves nothing that was judged, 1."""
    right, wrong = right - way.confirmed_lost, wrong - way.rejected_gone
    return right / (right + wrong) if right + wrong else 1.0


def _ways(
    term: Term, confirmed: Sequence[JudgedHit], rejected: Sequence[JudgedHit]
) -> Iterable[Way]:
    word = _telling_word(term, confirmed, rejected)
    if word is not None:
        yield word
    if term.mode == "fuzzy":
        lost, gone = sum(map(_by_ear, confirmed)), sum(map(_by_ear, rejected))
        if gone >= _LEAST_WITH_WORD and gone > lost:
            yield Way("stem", None, confirmed_lost=lost, rejected_gone=gone)


def _by_ear(hit: JudgedHit) -> bool:
    """Whether it was misspelt or only sounds like the term: not what `stem` would find."""
    if hit.parts is None:
        return hit.score is not None and hit.score < 1.0
    return not _BY_EAR.isdisjoint(hit.parts)


def _telling_word(
    term: Term, confirmed: Sequence[JudgedHit], rejected: Sequence[JudgedHit]
) -> Way | None:
    """The word that stands most often in or near rejected hits and never near confirmed ones."""
    usual = {token.key for phrase in (*term.phrases, *term.unless) for token in analyze(phrase)}
    near_right = {token.key for hit in confirmed for token in _near(hit, term.unless_within)}
    counted: Counter[str] = Counter()
    said: dict[str, Counter[str]] = {}
    for hit in rejected:
        words = {token.key: token.word for token in _near(hit, term.unless_within)}
        for key in words.keys() - usual - near_right:
            if len(words[key]) >= _SHORTEST_WORD:
                counted[key] += 1
                said.setdefault(key, Counter())[words[key]] += 1
    if not counted:
        return None
    key, count = min(counted.items(), key=lambda pair: (-pair[1], -len(pair[0]), pair[0]))
    # That none of the confirmed has it may be luck: so likely, were it as usual near those.
    luck = (1 - count / len(rejected)) ** len(confirmed) if confirmed else 1.0
    if count < _LEAST_WITH_WORD or luck > _MOST_LUCK:
        return None
    word = min(said[key].items(), key=lambda pair: (-pair[1], pair[0]))[0]
    return Way(None, word, confirmed_lost=0, rejected_gone=count)


def _near(hit: JudgedHit, within: int) -> list[Token]:
    """The words of a hit, and those on each side with no more than `within` others in between."""
    before, after = analyze(hit.before), analyze(hit.after)
    reach = within + 1
    return [*before[max(len(before) - reach, 0) :], *analyze(hit.matched), *after[:reach]]


def _in_words(way: Way, right: int, wrong: int) -> str:
    change = f"add “{way.unless}” to its unless" if way.mode is None else "take stem for fuzzy"
    lost = f" and {way.confirmed_lost} of {right} right ones" if way.confirmed_lost else ""
    return f"{change}: {way.rejected_gone} of {wrong} wrong hits go{lost}"
