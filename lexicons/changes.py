"""What differs between two versions of a lexicon, and the one change that a rejected hit asks for.

It knows neither where versions are kept nor what a change does to hits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from lexicons.lexicon import term_table
from lexicons.terms import ConditionError, Lexicon, Term, TermError, problems
from lexicons.text import analyze


class NoSuchTermError(TermError):
    """The lexicon has no term of this text."""


@dataclass(frozen=True, slots=True)
class ChangedTerm:
    """A term that both versions have: each field that differs, before and after. None stands for
    what is left out, and so as usual.
    """

    text: str
    fields: Mapping[str, tuple[object, object]]


@dataclass(frozen=True, slots=True)
class Changes:
    """What one version has that another has not, in the order of the terms."""

    purpose: tuple[str, str] | None
    added: tuple[Term, ...]
    removed: tuple[Term, ...]
    changed: tuple[ChangedTerm, ...]

    def __bool__(self) -> bool:
        return bool(self.purpose or self.added or self.removed or self.changed)


def compare(before: Lexicon, after: Lexicon) -> Changes:
    """What must be done to `before` to get `after`; terms are the same where their texts are."""
    old = {term.text: term for term in before.terms}
    new = {term.text: term for term in after.terms}
    return Changes(
        purpose=None if before.purpose == after.purpose else (before.purpose, after.purpose),
        added=tuple(term for text, term in new.items() if text not in old),
        removed=tuple(term for text, term in old.items() if text not in new),
        changed=tuple(_changed(old, new)),
    )


def exclude(lexicon: Lexicon, text: str, phrase: str) -> Lexicon:
    """The lexicon, in which `phrase` speaks against the term of this text where it is near.

    Raises NoSuchTermError, or another TermError for a phrase that cannot work.
    """
    phrase = phrase.strip()
    terms = list(lexicon.terms)
    at = next((i for i, term in enumerate(terms) if term.text == text), None)
    if at is None:
        raise NoSuchTermError(
            lexicon.name, text, problem="is not in it: give the text of one of its terms"
        )
    term = terms[at]
    if phrase not in term.unless:
        terms[at] = replace(term, unless=(*term.unless, phrase))
        for problem in problems(replace(lexicon, terms=(terms[at],))):
            raise problem
        if _is_said_in(phrase, text):
            raise ConditionError(
                lexicon.name,
                text,
                problem=f"holds {phrase!r} itself and would never be found: take other words",
            )
    return replace(lexicon, terms=tuple(terms))


def _changed(old: Mapping[str, Term], new: Mapping[str, Term]) -> Iterator[ChangedTerm]:
    for text, term in new.items():
        if text not in old or old[text] == term:
            continue
        before, after = term_table(old[text]), term_table(term)
        fields = {
            name: (before.get(name), after.get(name))
            for name in dict.fromkeys((*before, *after))
            if before.get(name) != after.get(name)
        }
        yield ChangedTerm(text, fields)


def _is_said_in(phrase: str, text: str) -> bool:
    wanted = [token.key for token in analyze(phrase)]
    keys = [token.key for token in analyze(text)]
    return any(keys[at : at + len(wanted)] == wanted for at in range(len(keys)))
