"""Lexicons in files: read from TOML, JSON or a product list in CSV, and written as TOML.

Knows no database.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

from lexicons.catalogue import load_catalogue
from lexicons.checking import MOST_PROBLEMS, LexiconUnusableError, Problem, check, read_table
from lexicons.lexicon import Lexicon, as_table
from lexicons.terms import LexiconFileError
from workers.toml_text import toml_value

MAX_FILE_MB = 20


@dataclass(frozen=True, slots=True)
class LexiconFile:
    """What a file says; `problems` are lines of a product list that make no term, or less of one
    than they say, and why.
    """

    lexicon: Lexicon
    problems: tuple[tuple[int, str], ...] = ()


def read_lexicon_file(path: Path, name: str = "") -> LexiconFile:
    """The lexicon in a file, by its suffix. `name` is what it is called, whatever the file says;
    a product list without one is called as its file.

    Raises LexiconError, which says what to do.
    """
    read = {".toml": _read_toml, ".json": _read_json, ".csv": _read_csv}.get(path.suffix.lower())
    if read is None:
        raise LexiconFileError(f"{path.name}: is no .toml, .json or .csv file")
    try:
        if path.stat().st_size > MAX_FILE_MB * 1_000_000:
            raise LexiconFileError(f"{path.name}: has over {MAX_FILE_MB} MB: make several of it")
        data = path.read_bytes()
    except OSError as error:
        raise LexiconFileError(f"{path.name}: cannot be read: {error.strerror}") from error
    return read(data, path, name)


def to_toml(lexicon: Lexicon) -> str:
    """The lexicon as a TOML file that reads back as the same lexicon."""
    table = as_table(lexicon)
    terms = table.pop("terms")
    assert isinstance(terms, list)  # as_table gives a list
    lines = [f"{key} = {toml_value(value)}" for key, value in table.items()]
    lines += ["terms = [", *(f"  {_toml_term(term)}," for term in terms), "]"]
    return "\n".join(lines) + "\n"


def _read_toml(data: bytes, path: Path, name: str) -> LexiconFile:
    try:
        table: object = tomllib.loads(data.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise LexiconFileError(f"{path.name}: is not TOML in UTF-8: {error}") from error
    return _read_table(table, path, name)


def _read_json(data: bytes, path: Path, name: str) -> LexiconFile:
    try:
        table: object = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise LexiconFileError(f"{path.name}: is not JSON in UTF-8: {error}") from error
    return _read_table(table, path, name)


def _read_table(table: object, path: Path, name: str) -> LexiconFile:
    if name and isinstance(table, dict):
        table = {**table, "name": name}
    return LexiconFile(read_table(table, source=path.name))


def _read_csv(data: bytes, path: Path, name: str) -> LexiconFile:
    catalogue = load_catalogue(data, name=name or path.stem, source=path.name)
    problems = tuple((problem.line, str(problem)) for problem in catalogue.problems)
    if not catalogue.lexicon.terms:
        first = [
            Problem(None, f"{path.name}: line {line}: {reason}")
            for line, reason in problems[:MOST_PROBLEMS]
        ]
        nothing = Problem(None, f"{path.name}: has no lines with products")
        raise LexiconUnusableError(
            path.name, first or [nothing], more=len(problems) > MOST_PROBLEMS
        )
    check(catalogue.lexicon, source=path.name)
    return LexiconFile(replace(catalogue.lexicon, name=name or path.stem), problems)


def _toml_term(term: dict[str, object]) -> str:
    """A text alone where a term has nothing else."""
    return toml_value(term["text"]) if term.keys() == {"text"} else toml_value(term)
