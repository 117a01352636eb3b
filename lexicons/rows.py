"""Rows out of a CSV file as spreadsheets and stock programs write it; knows nothing of products.

    CatalogueError (a LexiconError)     the file as a whole cannot be read

UTF-8 and UTF-16 by their marks, else UTF-8, else CP1251. Columns are parted by comma, semicolon or
tab, whichever the header has most of. What is wrong with a single row is said by its line.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass

from lexicons.terms import LexiconError

MAX_BYTES = 50_000_000
MAX_ROWS = 200_000
MAX_LINE_CHARS = 100_000

_DELIMITERS = (",", ";", "\t")
_NO_DELIMITER = "\x1f"  # a file of one column: commas belong to the names
_LONGEST_ROW_LINES = 6
_MAX_SHOWN_CHARS = 60

_LINE_END = re.compile(r"\r\n|\n|\r")
_DELIMITER_HINT = re.compile(r"sep=([,;\t])", re.IGNORECASE)
_BLANKS = re.compile(r"[ \t\n\u00a0]+")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_UNUSUAL_IN_RUSSIAN = re.compile(r"[^\x00-\x7fА-яЁё№«»„“”’–—…°±\u00a0]")
_CYRILLIC_WORD = re.compile(r"[A-Za-z]*[А-яЁё][A-Za-zА-яЁё]*")
_UNLIKELY_IN_A_WORD = re.compile(r"[A-Za-z]|[а-яё][А-ЯЁ]")
_MOST_UNUSUAL = 0.1
_MOST_UNLIKELY = 0.2


class CatalogueError(LexiconError):
    """A catalogue's file as a whole cannot be read; the message names it and says what to do."""


@dataclass(frozen=True, slots=True)
class RowProblem:
    """What cannot be used at a line of the file (from 1), and why."""

    line: int
    text: str
    reason: str

    def __str__(self) -> str:
        return f"{self.text!r} {self.reason}" if self.text else self.reason


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of a row that begins at `line` of the file, as many as the header has."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """A file's header, its sound rows, and what is wrong with the others."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]
    problems: tuple[RowProblem, ...]


def read_rows(data: bytes, *, source: str) -> Rows:
    """The rows of a CSV file; raises CatalogueError, in which the file is called `source`."""
    if len(data) > MAX_BYTES:
        raise CatalogueError(
            f"{source}: is larger than {MAX_BYTES // 1_000_000} MB: leave out columns, or split it"
        )
    lines = _LINE_END.split(_decode(data, source))
    header_at = next((at for at, line in enumerate(lines) if line.strip()), len(lines))
    hint = _DELIMITER_HINT.fullmatch(lines[header_at].strip(" ")) if lines[header_at:] else None
    header_at += hint is not None
    if not lines[header_at:]:
        raise CatalogueError(f"{source}: is empty: begin it with a row of column names")
    if len(lines[header_at]) > MAX_LINE_CHARS:
        raise CatalogueError(
            f"{source}: the row of column names is too long: it may be no CSV file"
        )
    delimiter = hint[1] if hint is not None else _delimiter(lines[header_at])
    while len(lines) > header_at + 1 and not lines[-1].strip(f' "{delimiter}'):
        lines.pop()
    if len(lines) - header_at - 1 > MAX_ROWS:
        raise CatalogueError(f"{source}: has more than {MAX_ROWS:,} rows: split it")
    header = _cells(lines[header_at], delimiter)
    if header is None:
        raise CatalogueError(f"{source}: the row of column names has a quote that is not closed")
    return _rows(lines, header_at, header=header, delimiter=delimiter)


def shown(text: str) -> str:
    """A text, shortened for a message."""
    return text if len(text) <= _MAX_SHOWN_CHARS else text[: _MAX_SHOWN_CHARS - 3] + "..."


def _rows(lines: list[str], header_at: int, *, header: tuple[str, ...], delimiter: str) -> Rows:
    rows: list[Row] = []
    problems: list[RowProblem] = []
    at = header_at + 1
    while at < len(lines):
        taken = 1
        cells = _cells(lines[at], delimiter)
        if cells is None:
            taken, cells = _over_lines(lines, at, delimiter)
        if cells is not None and not any(cells[len(header) :]):
            cells = cells[: len(header)]
        reason = None
        if len(lines[at]) > MAX_LINE_CHARS:
            reason = f"has over {MAX_LINE_CHARS:,} characters: shorten it"
        elif cells is None:
            reason = 'has a quote that is not closed, or one inside that is not doubled ("")'
        elif len(cells) != len(header) and any(cells):
            reason = (
                f"has {len(cells)} fields where the header has {len(header)}: "
                f"put a field in quotes where it has {_named(delimiter)} in it"
            )
            taken = 1  # what was put together may not belong together
        if reason is not None:
            problems.append(RowProblem(at + 1, shown(lines[at]), reason))
        elif cells is not None:
            rows.append(Row(at + 1, cells + ("",) * (len(header) - len(cells))))
        at += taken
    return Rows(header, tuple(rows), tuple(problems))


def _cells(line: str, delimiter: str) -> tuple[str, ...] | None:
    """The cells of a line, blanks around them taken off; None where its quotes are broken, or it
    is too long.
    """
    if len(line) > MAX_LINE_CHARS:
        return None
    try:
        rows = list(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error:  # that it is broken is all there is to know
        return None
    return tuple(_BLANKS.sub(" ", cell).strip(" ") for cell in rows[0]) if rows else ("",)


def _over_lines(lines: list[str], at: int, delimiter: str) -> tuple[int, tuple[str, ...] | None]:
    """A row whose quoted field goes on over further lines: how many it takes, and its cells."""
    open_quote = lines[at].count('"') % 2 == 1
    for stop in range(at + 1, min(at + _LONGEST_ROW_LINES, len(lines))) if open_quote else ():
        if lines[stop].count('"') % 2 == 1:
            cells = _cells("\n".join(lines[at : stop + 1]), delimiter)
            return (1, None) if cells is None else (stop + 1 - at, cells)
    return 1, None


def _delimiter(header: str) -> str:
    counts = {delimiter: len(_cells(header, delimiter) or ()) for delimiter in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda delimiter: counts[delimiter])
    return best if counts[best] > 1 else _NO_DELIMITER


def _named(delimiter: str) -> str:
    return {",": "a comma", ";": "a semicolon", "\t": "a tab"}.get(delimiter, "a control character")


def _decode(data: bytes, source: str) -> str:
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        if wide:
            raise _unreadable(source) from error
    try:
        text = data.decode("cp1251")
    except UnicodeDecodeError as error:
        raise _unreadable(source) from error
    if not _is_russian(text):
        raise _unreadable(source)
    return text


def _is_russian(text: str) -> bool:
    """Whether CP1251 was right: few characters that Russian does without, and few words like
    "Schlьssel" and «вПМФ», which is what other languages and KOI8-R look like in it.
    """
    foreign = len(_NOT_ASCII.findall(text))
    if len(_UNUSUAL_IN_RUSSIAN.findall(text)) > foreign * _MOST_UNUSUAL:
        return False
    words = _CYRILLIC_WORD.findall(text)
    unlikely = sum(_UNLIKELY_IN_A_WORD.search(word) is not None for word in words)
    return unlikely <= len(words) * _MOST_UNLIKELY


def _unreadable(source: str) -> CatalogueError:
    return CatalogueError(
        f"{source}: is neither UTF-8 nor UTF-16 nor CP1251 text: save it as CSV in UTF-8"
    )
