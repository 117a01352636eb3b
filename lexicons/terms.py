"""Terms and lexicons: what they are, and what makes one unusable.

It knows neither files nor how terms are found.

    LexiconError
    ├── LexiconFileError        the file cannot be read, or is not written as described below
    └── TermError               one term cannot work; `source` and `term` say which
        ├── EmptyTermError      there is no text
        ├── LongTermError       over MAX_TERM_CHARS characters
        ├── ControlCharacterError
        ├── WordlessTermError   punctuation only: nothing that could be said
        ├── DuplicateTermError  the analyzer reads it as it reads another one
        ├── GradeError          an abusive term without a grade, or with an unknown one
        └── ConditionError      a condition that can never hold, or is out of bounds
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, cast

from lexicons.families import family
from lexicons.text import analyze

Purpose = Literal["product", "abusive", "praise", "custom"]
Mode = Literal["fuzzy", "stem", "exact", "near"]
Who = Literal["agent", "customer", "either"]

MAX_TERM_CHARS = 200
MAX_NEAR_WORDS = 5
MAX_WITHIN = 20
"""The farthest that words of a `near` term, or a term and what excludes it, may be apart."""
_PLACE = re.compile(r"(first|last) ([0-9]+(?:\.[0-9]+)?) ?(s|%)")
ABUSIVE_GRADES = ("mild", "strong", "threat", "discriminating")


class LexiconError(ValueError):
    """A lexicon cannot be used."""


class LexiconFileError(LexiconError):
    """A lexicon file cannot be read, or is not written as it should be."""


class TermError(LexiconError):
    """A term cannot work. The message names the lexicon's source, the term and what to do."""

    def __init__(self, source: str, term: str, *, problem: str) -> None:
        shown = term if len(term) <= 60 else term[:57] + "..."
        super().__init__(f"{source}: term {shown!r} {problem}")
        self.source = source
        self.term = term


class EmptyTermError(TermError):
    """A term without text."""


class LongTermError(TermError):
    """A term longer than anybody says in one breath."""


class ControlCharacterError(TermError):
    """A term with characters that cannot be seen."""


class WordlessTermError(TermError):
    """A term of which the analyzer leaves nothing."""


class DuplicateTermError(TermError):
    """A term that the analyzer cannot tell from another one."""


class GradeError(TermError):
    """An abusive term whose grade is missing or unknown."""


class ConditionError(TermError):
    """A condition on a term that can never hold, or is out of bounds."""


@dataclass(frozen=True, slots=True)
class Place:
    """A part of a call: its `first` or `last` so many seconds ("s") or percent ("%")."""

    end: Literal["first", "last"]
    amount: float
    unit: Literal["s", "%"]

    @classmethod
    def read(cls, text: str) -> Place:
        """From "first 30 s" or "last 20 %". Raises ValueError, saying what is allowed."""
        found = _PLACE.fullmatch(text.strip().lower())
        if found is None or not 0 < float(found[2]) <= (100 if found[3] == "%" else 36_000):
            raise ValueError('must read like "first 30 s" or "last 20 %"')
        return cls(cast(Any, found[1]), float(found[2]), cast(Any, found[3]))

    def __str__(self) -> str:
        return f"{self.end} {self.amount:g} {self.unit}"

    def holds(self, start_s: float, *, call_s: float) -> bool:
        """Whether what begins at `start_s` of a call of `call_s` seconds lies in this part."""
        span_s = self.amount if self.unit == "s" else self.amount * call_s / 100.0
        return start_s < span_s if self.end == "first" else start_s >= call_s - span_s


@dataclass(frozen=True, slots=True)
class Term:
    """Something that can be said. A hit on any of the `forms` is a hit on the term.

    `mode`: `exact` wants the words as written, `stem` takes other inflections of them too,
    `fuzzy` (the default) what is misspelt, misheard, split or joined as well, and `near` all of
    that with the words in any order and up to `within` other words between them. Case,
    punctuation and how numbers are said never matter.

    `unless` are phrases that speak against it within `unless_within` words before or after.
    `speaker` and `place` say who must say it and where in the call; while nobody knows who is
    agent and who customer, anybody may. `negatable` terms are no hit where they are denied or
    wished for ("not very helpful"); None: as the lexicon's purpose has it, which is so for praise.
    """

    text: str
    forms: tuple[str, ...] = ()
    grade: str | None = None
    mode: Mode = "fuzzy"
    note: str | None = None
    within: int = 3
    unless: tuple[str, ...] = ()
    unless_within: int = 3
    speaker: Who = "either"
    place: Place | None = None
    negatable: bool | None = None

    def allows(self, speaker: str, start_s: float, *, call_s: float) -> bool:
        """Whether this speaker may say it at this second of a call of `call_s` seconds."""
        other = {"agent": "customer", "customer": "agent"}.get(self.speaker)
        if speaker == other:
            return False
        return self.place is None or self.place.holds(start_s, call_s=call_s)

    @property
    def phrases(self) -> tuple[str, ...]:
        """The text and all its other forms."""
        return (self.text, *self.forms)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """A base of terms with a purpose, in one version, for any languages."""

    name: str
    purpose: Purpose
    version: int
    terms: tuple[Term, ...]


def validate(lexicon: Lexicon, source: str | None = None) -> None:
    """Raise the first of the `problems` of a lexicon, if there are any."""
    for problem in problems(lexicon, source):
        raise problem


def problems(lexicon: Lexicon, source: str | None = None) -> Iterator[TermError]:
    """What keeps terms from working, in the order of the terms."""
    source = source or lexicon.name
    seen: dict[tuple[str, ...], list[tuple[Mode, tuple[str, ...], str]]] = {}
    for term in lexicon.terms:
        if lexicon.purpose == "abusive" and term.grade not in ABUSIVE_GRADES:
            yield GradeError(
                source, term.text, problem=f"needs a grade: {', '.join(ABUSIVE_GRADES)}"
            )
        yield from _condition_problems(term, source)
        for phrase in term.phrases:
            problem = _phrase_problem(phrase, source)
            if problem is not None:
                yield problem
                continue
            tokens = analyze(phrase)
            words = tuple(token.word for token in tokens)
            alike = seen.setdefault(tuple(map(family, words)), [])
            for mode, other_words, other in alike:
                if words == other_words or "exact" not in (mode, term.mode):
                    yield DuplicateTermError(
                        source, phrase, problem=f"is read just as {other!r} is: keep one of the two"
                    )
                    break
            alike.append((term.mode, words, phrase))


def _condition_problems(term: Term, source: str) -> Iterator[TermError]:
    for name, value in (("within", term.within), ("unless_within", term.unless_within)):
        if not 0 <= value <= MAX_WITHIN:
            yield ConditionError(
                source, term.text, problem=f"has {name} = {value}: make it 0 to {MAX_WITHIN}"
            )
    if term.mode == "near":
        for phrase in term.phrases:
            if len(phrase) <= MAX_TERM_CHARS and len(analyze(phrase)) > MAX_NEAR_WORDS:
                yield ConditionError(
                    source,
                    phrase,
                    problem=f"has over {MAX_NEAR_WORDS} words, too many for the mode near",
                )
    for phrase in term.unless:
        problem = _phrase_problem(phrase, source)
        if problem is not None:
            yield problem
        elif all(_is_said_in(phrase, own) for own in term.phrases):
            yield ConditionError(
                source,
                term.text,
                problem=f"holds {phrase!r} itself and would never be found: take other words",
            )


def _is_said_in(phrase: str, text: str) -> bool:
    """Whether the words of a phrase stand side by side in a text, however inflected."""
    wanted, there = ([family(token.word) for token in analyze(one)] for one in (phrase, text))
    return any(there[at : at + len(wanted)] == wanted for at in range(len(there)))


def _phrase_problem(phrase: str, source: str) -> TermError | None:
    if not phrase.strip():
        return EmptyTermError(source, phrase, problem="is empty: give it a text or remove it")
    if len(phrase) > MAX_TERM_CHARS:
        return LongTermError(
            source, phrase, problem=f"has {len(phrase)} characters: shorten it to {MAX_TERM_CHARS}"
        )
    for character in phrase:
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
            return ControlCharacterError(
                source,
                phrase,
                problem=f"has the control character U+{ord(character):04X}: remove it",
            )
    if not analyze(phrase):
        return WordlessTermError(source, phrase, problem="has no word or number in it: remove it")
    return None
