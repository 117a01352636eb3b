"""Lexicons out of TOML files: your own, and those that come with Overtone.

It knows how lexicons are written; what terms mean is in `lexicons.terms`, which this module
offers too, and how they are found in `lexicons.matcher`.

A file names the lexicon and lists its terms in groups, which share what they have in common:

    name = "abusive"
    purpose = "abusive"         # product, abusive, praise or custom
    version = 1

    [[groups]]
    grade = "mild"              # optional outside of abusive lexicons
    mode = "stem"               # exact, stem or fuzzy (the default)
    note = "why they are here"  # optional
    terms = ["idiot", { text = "shut up", forms = ["shut it"], grade = "strong" }]
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import cast, get_args

from lexicons.terms import (
    ABUSIVE_GRADES,
    MAX_TERM_CHARS,
    ControlCharacterError,
    DuplicateTermError,
    EmptyTermError,
    GradeError,
    Lexicon,
    LexiconError,
    LexiconFileError,
    LongTermError,
    Mode,
    Purpose,
    Term,
    TermError,
    WordlessTermError,
    problems,
    validate,
)

__all__ = [
    "ABUSIVE_GRADES",
    "MAX_TERM_CHARS",
    "ControlCharacterError",
    "DuplicateTermError",
    "EmptyTermError",
    "GradeError",
    "Lexicon",
    "LexiconError",
    "LexiconFileError",
    "LongTermError",
    "Mode",
    "Purpose",
    "Term",
    "TermError",
    "WordlessTermError",
    "load_toml",
    "loads_toml",
    "problems",
    "shipped",
    "validate",
]

_FILE_KEYS = {"name", "purpose", "version", "groups"}
_TERM_KEYS = {"text", "forms", "grade", "mode", "note"}
_GROUP_KEYS = {"terms", "grade", "mode", "note"}


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
    _refuse_unknown(table, _FILE_KEYS, source)
    name, purpose, version = table.get("name"), table.get("purpose"), table.get("version")
    if not isinstance(name, str) or not name.strip():
        raise LexiconFileError(f'{source}: give the lexicon a name, as in name = "product"')
    if purpose not in get_args(Purpose):
        raise LexiconFileError(f"{source}: purpose must be one of {', '.join(get_args(Purpose))}")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise LexiconFileError(f"{source}: version must be a whole number from 1 upwards")
    terms = tuple(_terms(table.get("groups", []), source))
    lexicon = Lexicon(name, cast(Purpose, purpose), version, terms)
    validate(lexicon, source)
    return lexicon


@cache
def shipped() -> tuple[Lexicon, ...]:
    """The lexicons that come with Overtone: product, abusive and praise."""
    folder = Path(__file__).parent / "data"
    return tuple(load_toml(folder / f"{name}.toml") for name in ("product", "abusive", "praise"))


def _terms(groups: object, source: str) -> Iterator[Term]:
    if not isinstance(groups, list) or not all(isinstance(group, dict) for group in groups):
        raise LexiconFileError(f"{source}: groups must be tables, each begun by [[groups]]")
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
            _refuse_unknown(table, _TERM_KEYS, f"{where}, term {table.get('text')!r}")
            yield _term(shared | table, where)


def _term(table: dict[str, object], where: str) -> Term:
    text = table.get("text")
    where = f"{where}, term {text!r}"
    if not isinstance(text, str):
        raise LexiconFileError(f'{where}: give it a text, as in text = "..."')
    forms = table.get("forms", [])
    if not isinstance(forms, list) or not all(isinstance(form, str) for form in forms):
        raise LexiconFileError(f"{where}: forms must be a list of texts")
    mode = table.get("mode", "fuzzy")
    if mode not in get_args(Mode):
        raise LexiconFileError(f"{where}: mode must be one of {', '.join(get_args(Mode))}")
    return Term(
        text=text,
        forms=tuple(forms),
        grade=_optional_text(table, "grade", where),
        mode=cast(Mode, mode),
        note=_optional_text(table, "note", where),
    )


def _optional_text(table: dict[str, object], key: str, where: str) -> str | None:
    value = table.get(key)
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise LexiconFileError(f"{where}: {key} must be a text")
    return value


def _refuse_unknown(table: dict[str, object], known: set[str], where: str) -> None:
    for key in table:
        if key not in known:
            raise LexiconFileError(
                f"{where}: does not know {key!r}; use {', '.join(sorted(known))}"
            )
