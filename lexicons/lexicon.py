"""Lexicons out of TOML files and plain tables: your own, and those that come with Overtone.

It knows how lexicons are written; what terms mean is in `lexicons.terms`, which this module
offers too, and how they are found in `lexicons.matcher`.

A file names the lexicon and lists its terms in groups, which share what they have in common:

    name = "abusive"
    purpose = "abusive"         # product, abusive, praise or custom
    version = 1

    [[groups]]
    grade = "mild"              # optional outside of abusive lexicons
    mode = "stem"               # exact, stem, fuzzy (the default) or near, with within = 3
    speaker = "customer"        # agent, customer or either (the default)
    place = "last 30 s"         # or "first 20 %"; anywhere when left out
    unless = ["idiot proof"]    # phrases that speak against it, with unless_within = 3
    negatable = true            # no hit where it is denied; usual in praise
    note = "why they are here"  # optional
    terms = ["idiot", { text = "shut up", forms = ["shut it"], grade = "strong" }]
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import cast, get_args

from lexicons.terms import (
    ABUSIVE_GRADES,
    MAX_TERM_CHARS,
    ConditionError,
    ControlCharacterError,
    DuplicateTermError,
    EmptyTermError,
    GradeError,
    Lexicon,
    LexiconError,
    LexiconFileError,
    LongTermError,
    Mode,
    Place,
    Purpose,
    Term,
    TermError,
    Who,
    WordlessTermError,
    problems,
    validate,
)

__all__ = [
    "ABUSIVE_GRADES",
    "MAX_TERM_CHARS",
    "ConditionError",
    "ControlCharacterError",
    "DuplicateTermError",
    "EmptyTermError",
    "GradeError",
    "Lexicon",
    "LexiconError",
    "LexiconFileError",
    "LongTermError",
    "Mode",
    "Place",
    "Purpose",
    "Term",
    "TermError",
    "Who",
    "WordlessTermError",
    "as_table",
    "from_table",
    "load_toml",
    "loads_toml",
    "problems",
    "shipped",
    "term_from",
    "term_table",
    "validate",
]

_FILE_KEYS = {"name", "purpose", "version", "groups", "terms"}
_GROUP_KEYS = {
    "terms",
    "grade",
    "mode",
    "note",
    "within",
    "unless",
    "unless_within",
    "speaker",
    "place",
    "negatable",
}
_TERM_KEYS = (_GROUP_KEYS - {"terms"}) | {"text", "forms"}
_DEFAULTS = Term("")


def load_toml(path: Path) -> Lexicon:
    """The lexicon in a TOML file; raises LexiconError, naming the file and the term."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise LexiconFileError(f"{path.name}: there is no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise LexiconFileError(f"{path.name}: cannot be read as UTF-8 text: {error}") from error
    return loads_toml(text, source=path.name)


def loads_toml(text: str, *, source: str = "lexicon") -> Lexicon:
    """The lexicon in a TOML text; `source` is what error messages call it."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LexiconFileError(f"{source}: is not TOML: {error}") from error
    lexicon = from_table(table, source=source)
    validate(lexicon, source)
    return lexicon


def from_table(table: Mapping[str, object], *, source: str = "lexicon") -> Lexicon:
    """The lexicon in a table as TOML or JSON give it, its terms not yet looked at.

    Raises LexiconFileError where it is not written as described above.
    """
    _refuse_unknown(table, _FILE_KEYS, source)
    name, purpose, version = table.get("name"), table.get("purpose"), table.get("version", 1)
    if not isinstance(name, str) or not name.strip():
        raise LexiconFileError(f'{source}: give the lexicon a name, as in name = "product"')
    if purpose not in get_args(Purpose):
        raise LexiconFileError(f"{source}: purpose must be one of {', '.join(get_args(Purpose))}")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise LexiconFileError(f"{source}: version must be a whole number from 1 upwards")
    alone = [{"terms": table["terms"]}] if "terms" in table else []
    groups = table.get("groups", [])
    if not isinstance(groups, list) or not all(isinstance(group, dict) for group in groups):
        raise LexiconFileError(f"{source}: groups must be tables, each begun by [[groups]]")
    terms = tuple(_terms([*alone, *groups], source))
    return Lexicon(name, cast(Purpose, purpose), version, terms)


def as_table(lexicon: Lexicon) -> dict[str, object]:
    """What :func:`from_table` reads, of plain JSON types; what is as usual is left out."""
    return {
        "name": lexicon.name,
        "purpose": lexicon.purpose,
        "version": lexicon.version,
        "terms": [term_table(term) for term in lexicon.terms],
    }


def term_table(term: Term) -> dict[str, object]:
    """One term of :func:`as_table`."""
    table: dict[str, object] = {}
    for field in fields(Term):
        value = getattr(term, field.name)
        if value != getattr(_DEFAULTS, field.name):
            plain = list(value) if isinstance(value, tuple) else value
            table[field.name] = str(plain) if isinstance(plain, Place) else plain
    return table


@cache
def shipped() -> tuple[Lexicon, ...]:
    """The lexicons that come with Overtone: product, abusive and praise."""
    folder = Path(__file__).parent / "data"
    return tuple(load_toml(folder / f"{name}.toml") for name in ("product", "abusive", "praise"))


def _terms(groups: Sequence[Mapping[str, object]], source: str) -> Iterator[Term]:
    for number, group in enumerate(groups, 1):
        where = f"{source}: group {number}"
        _refuse_unknown(group, _GROUP_KEYS, where)
        shared = {key: value for key, value in group.items() if key != "terms"}
        entries = group.get("terms")
        if not isinstance(entries, list):
            raise LexiconFileError(f"{where}: give it a list of terms, as in terms = [...]")
        for entry in entries:
            table = {"text": entry} if isinstance(entry, str) else entry
            if not isinstance(table, dict):
                raise LexiconFileError(f"{where}: a term is a text or a table, not {entry!r}")
            yield term_from(shared | table, where=where)


def term_from(table: Mapping[str, object], *, where: str) -> Term:
    """One term out of a table, not yet looked at. Raises LexiconFileError, naming `where`."""
    text = table.get("text")
    where = f"{where}, term {text!r}"
    _refuse_unknown(table, _TERM_KEYS, where)
    if not isinstance(text, str):
        raise LexiconFileError(f'{where}: give it a text, as in text = "..."')
    negatable = table.get("negatable")
    if negatable is not None and not isinstance(negatable, bool):
        raise LexiconFileError(f"{where}: negatable must be true or false")
    return Term(
        text=text,
        forms=_texts(table, "forms", where),
        grade=_optional_text(table, "grade", where),
        mode=cast(Mode, _one_of(table, "mode", get_args(Mode), where)),
        note=_optional_text(table, "note", where),
        within=_whole(table, "within", where),
        unless=_texts(table, "unless", where),
        unless_within=_whole(table, "unless_within", where),
        speaker=cast(Who, _one_of(table, "speaker", get_args(Who), where)),
        place=_place(table, where),
        negatable=negatable,
    )


def _texts(table: Mapping[str, object], key: str, where: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise LexiconFileError(f"{where}: {key} must be a list of texts")
    return tuple(value)


def _whole(table: Mapping[str, object], key: str, where: str) -> int:
    value = table.get(key, getattr(_DEFAULTS, key))
    if not isinstance(value, int) or isinstance(value, bool):
        raise LexiconFileError(f"{where}: {key} must be a whole number")
    return value


def _one_of(table: Mapping[str, object], key: str, allowed: Sequence[str], where: str) -> object:
    value = table.get(key, getattr(_DEFAULTS, key))
    if value not in allowed:
        raise LexiconFileError(f"{where}: {key} must be one of {', '.join(allowed)}")
    return value


def _place(table: Mapping[str, object], where: str) -> Place | None:
    value = _optional_text(table, "place", where)
    try:
        return None if value is None else Place.read(value)
    except ValueError as error:
        raise LexiconFileError(f"{where}: place {error}") from error


def _optional_text(table: Mapping[str, object], key: str, where: str) -> str | None:
    value = table.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        raise LexiconFileError(f"{where}: {key} must be a text")
    return value


def _refuse_unknown(table: Mapping[str, object], known: set[str], where: str) -> None:
    for key in table:
        if key not in known:
            raise LexiconFileError(
                f"{where}: does not know {key!r}; use {', '.join(sorted(known))}"
            )
