"""Everything that keeps a lexicon from being saved, found in one look.

`lexicons.lexicon` stops at the first thing that is written wrongly, and so does a person who has
to mend a table of thousands of terms one answer at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from lexicons.lexicon import from_table
from lexicons.terms import Lexicon, LexiconError, LexiconFileError, TermError, problems

MOST_PROBLEMS = 100
MAX_GRADE_CHARS = 30
MAX_NOTE_CHARS = 500
_MAX_TERM_SHOWN = 60
_MAX_PROBLEM_CHARS = 300


@dataclass(frozen=True, slots=True)
class Problem:
    """What to mend; `term` is the text of the term, None for the lexicon as a whole."""

    term: str | None
    text: str


class LexiconUnusableError(LexiconError):
    """A lexicon cannot be saved. `problems` are what to mend, at most MOST_PROBLEMS of them;
    `more` says whether there are others.
    """

    def __init__(self, source: str, found: list[Problem], *, more: bool = False) -> None:
        count = f"{'more than ' if more else ''}{len(found)}"
        first = found[0].text
        super().__init__(
            first if len(found) == 1 else f"{source}: {count} problems, the first: {first}"
        )
        self.problems = tuple(found)
        self.more = more


def read_table(table: object, *, source: str, name: str | None = None) -> Lexicon:
    """The lexicon in a table as JSON or TOML give it, without a problem. `name` is what it must be
    called, and is called where the table gives no name.

    Raises LexiconUnusableError.
    """
    if not isinstance(table, dict):
        raise _unusable(source, 'must be a table, as in {"purpose": ..., "terms": [...]}')
    if name is not None:
        if table.get("name", name) != name:
            raise _unusable(source, f"has another name in the table: leave it out, or say {name}")
        table = {**table, "name": name}
    try:
        lexicon = from_table(table, source=source)
    except LexiconFileError as error:
        raise _refusal(source, _miswritten(table, source, error)) from error
    check(lexicon, source=source)
    return lexicon


def check(lexicon: Lexicon, *, source: str) -> None:
    """Raises LexiconUnusableError where there is a problem with the lexicon."""
    found = list(islice(_problems(lexicon, source), MOST_PROBLEMS + 1))
    if found:
        raise _refusal(source, found)


def _problems(lexicon: Lexicon, source: str) -> Iterator[Problem]:
    if not lexicon.terms:
        yield Problem(None, f"{source}: has no terms: give it some, or retire the lexicon")
    for term in lexicon.terms:
        for name, text, most in (
            ("grade", term.grade, MAX_GRADE_CHARS),
            ("note", term.note, MAX_NOTE_CHARS),
        ):
            if text is not None and len(text) > most:
                yield _problem(
                    TermError(source, term.text, problem=f"has a {name} of over {most} characters")
                )
    yield from map(_problem, problems(lexicon, source))


def _problem(error: TermError) -> Problem:
    return Problem(_short(error.term, _MAX_TERM_SHOWN), str(error))


def _miswritten(table: Mapping[str, object], source: str, error: LexiconFileError) -> list[Problem]:
    """Every term that is not written as it should be; the error itself where it is not a term."""
    found: dict[str, Problem] = {}
    for entry, shared in _entries(table):
        alone = {"name": source, "purpose": "custom", "groups": [{**shared, "terms": [entry]}]}
        try:
            from_table(alone, source=source)
        except LexiconFileError as wrong:
            text = entry.get("text") if isinstance(entry, dict) else entry
            shown = _short(text, _MAX_TERM_SHOWN) if isinstance(text, str) else None
            # What a group has wrong, each of its terms has wrong.
            problem = _short(str(wrong), _MAX_PROBLEM_CHARS)
            found.setdefault(problem, Problem(shown, problem))
            if len(found) > MOST_PROBLEMS:
                break
    return list(found.values()) or [Problem(None, _short(str(error), _MAX_PROBLEM_CHARS))]


def _entries(table: Mapping[str, object]) -> Iterator[tuple[object, dict[str, object]]]:
    """Terms with what their group shares, as far as they are written at all."""
    groups = table.get("groups", [])
    alone: list[object] = [{"terms": table["terms"]}] if "terms" in table else []
    for group in [*alone, *(groups if isinstance(groups, list) else ())]:
        terms = group.get("terms") if isinstance(group, dict) else None
        if isinstance(group, dict) and isinstance(terms, list):
            shared = {key: value for key, value in group.items() if key != "terms"}
            for entry in terms:
                yield entry, shared


def _unusable(source: str, problem: str) -> LexiconUnusableError:
    return LexiconUnusableError(source, [Problem(None, f"{source}: {problem}")])


def _refusal(source: str, found: list[Problem]) -> LexiconUnusableError:
    return LexiconUnusableError(source, found[:MOST_PROBLEMS], more=len(found) > MOST_PROBLEMS)


def _short(text: str, most: int) -> str:
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")  # half characters
    return text if len(text) <= most else text[: most - 3] + "..."
