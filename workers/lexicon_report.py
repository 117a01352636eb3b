"""Lexicons in words and figures for a terminal: precision by the verdicts, differences, previews.

Knows no database: what it tells is handed in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from lexicons.changes import Changes
from lexicons.lexicon import term_table
from lexicons.precision import LexiconPrecision, TermPrecision
from lexicons.terms import Term

HOW_TO_JUDGE = (
    "Judge hits with PUT /calls/NUMBER/hits/NUMBER/verdict and a key with the scope `review`, such "
    "as\n"
    '  curl -X PUT -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \\\n'
    "       -d '{\"right\": false}' http://127.0.0.1:8080/calls/4711/hits/815/verdict"
)
MOST_EXCERPTS = 3


def counted(number: int, what: str) -> str:
    """ "1 call", "2 calls"."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def next_steps(name: str) -> Iterator[str]:
    """What to do with a draft."""
    yield f"to see what it would change: overtone lexicon preview {_quoted(name)}"
    yield f"to use it: overtone lexicon publish {_quoted(name)}"


def as_dict(measured: LexiconPrecision) -> dict[str, object]:
    """The report for JSON: everything that the words tell."""
    figures = {"precision": measured.precision, "at_least": measured.at_least}
    counts = {"confirmed": measured.confirmed, "rejected": measured.rejected}
    terms = [
        asdict(term) | {"precision": term.precision, "at_least": term.at_least}
        for term in measured.terms
    ]
    return asdict(measured) | counts | figures | {"terms": terms}


def precision_in_words(measured: LexiconPrecision) -> Iterator[str]:
    """The report on one lexicon, line by line."""
    judged = measured.confirmed + measured.rejected
    name = f"{measured.lexicon} {measured.version}"
    if not measured.terms:
        yield f"{name}: no verdicts yet"
        return
    yield f"{name}: {counted(judged, 'hit')} judged, {_figures(measured)}"
    if measured.unjudged:
        yield f"without a verdict: {counted(measured.unjudged, 'term')}"
    yield "right  wrong  precision (at least)  term"
    for term in measured.terms:
        yield f"{term.confirmed:5}  {term.rejected:5}  {_share(term):20}  {term.term}"
        if term.action != "keep" or term.rejected:
            yield f"{'':36}  {term.action}: {term.why}"
            for hit in term.wrong[:MOST_EXCERPTS]:
                yield f"{'':36}  wrong: {hit.before} [{hit.matched}] {hit.after}".rstrip()
        if term.lost:
            yield f"{'':36}  found no more: {counted(term.lost, 'right hit')}"
        if term.way is not None and term.way.unless is not None:
            phrases = f"{_quoted(term.term)} {_quoted(term.way.unless)}"
            yield f"{'':36}  overtone lexicon exclude {_quoted(measured.lexicon)} {phrases}"


def changes_in_words(changes: Changes) -> Iterator[str]:
    """What differs: + for what is new, - for what is gone, ~ for what is changed."""
    if not changes:
        yield "nothing differs"
    if changes.purpose is not None:
        yield f"~ purpose: {changes.purpose[0]} -> {changes.purpose[1]}"
    yield from (f"+ {term_in_words(term)}" for term in changes.added)
    yield from (f"- {term_in_words(term)}" for term in changes.removed)
    for changed in changes.changed:
        yield f"~ {changed.text}"
        for field, (before, after) in changed.fields.items():
            yield f"    {field}: {_written(before)} -> {_written(after)}"


def term_in_words(term: Term) -> str:
    """A term on one line: its text, and what of it is not as usual."""
    table = term_table(term)
    text = str(table.pop("text"))
    rest = ", ".join(f"{field} {_written(value)}" for field, value in table.items())
    return f"{text}  ({rest})" if rest else text


def preview_in_words(result: Mapping[str, Any]) -> Iterator[str]:
    """What publishing a draft would change, each term with excerpts."""
    yield (
        f"{counted(result['calls'], 'call')} matched: {result['gained']} would get the tag "
        f"{result['lexicon']}, {result['lost']} would lose it"
    )
    more, less = counted(result["added"], "hit"), counted(result["removed"], "hit")
    yield f"{more} more, {less} less" if result["terms"] else "no hit would change"
    for entry in result["terms"]:
        gained = counted(entry["gained"], "call")
        yield f"{entry['term']}: gained in {gained}, lost in {entry['lost']}"
        yield from _excerpts("+", entry["gained_in"])
        yield from _excerpts("-", entry["lost_in"])


def _excerpts(sign: str, excerpts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for one in excerpts[:MOST_EXCERPTS]:
        where = f"call {one['call_id']} {one['start_s']:.2f} s"
        yield f"  {sign} {where}  {one['speaker']}: {one['text']}"


def _figures(measured: LexiconPrecision | TermPrecision) -> str:
    if measured.precision is None or measured.at_least is None:
        return "none of them is found any more"
    return f"precision {measured.precision:.2f}, at least {measured.at_least:.2f}"


def _share(term: TermPrecision) -> str:
    if term.precision is None or term.at_least is None:
        return f"- ({term.gone} wrong gone)" if term.gone else "-"
    return f"{term.precision:.2f} ({term.at_least:.2f})"


def _written(value: object) -> str:
    if value is None:
        return "as usual"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _quoted(text: str) -> str:
    """For a command line, where a text has more than letters and digits."""
    return text if text.isalnum() else "'" + text.replace("'", "'\\''") + "'"
