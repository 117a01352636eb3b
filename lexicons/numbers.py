"""Reads the numbers of a text, written or spoken, in English and Russian, as plain digits.

It sees the pieces that a text was cut into and knows nothing of stems, terms or lexicons.
Which neighbouring numbers are read as one is said in `lexicons.spelling`.
"""

from __future__ import annotations

import re
from dataclasses import replace

from lexicons.cardinals import read_below_hundred, read_whole
from lexicons.numerals import (
    ARTICLE,
    DOUBLES,
    FRACTIONS,
    NAMED_DIGITS,
    NUMERALS,
    OH,
    POINT,
    WHOLES,
)
from lexicons.pieces import Gap, Pieces
from lexicons.spelling import Atom, Link, Number, join_atoms, link_atoms


def _set(listing: str) -> frozenset[str]:
    return frozenset(listing.split())


_SUFFIXED = re.compile(r"([0-9]+)(?:st|nd|rd|th|s|й|го|му|ый|ий|ой|ая|ую|ого|ому|ым|ых)")
_RUSSIAN_SUFFIXES = _set("й я е ю го му м х ми ти ой ый ий ая ое ую ые ых ым ого ому ом")
_MARKERS = _set("number numbers num nr номер номера номеру номером номере")
_ABBREVIATED = _set("no nos num nr ном н")
_BARE = _set("no nos")
_DECIMAL = re.compile(r"[0-9]+[.,]([0-9]{1,2})")  # three digits more are thousands
_SYMBOL = "#"
# "this one two oh four": the one is a pronoun, the number begins after it.
_POINTING = _set("this that which another no any some every each other")
_WITHOUT_MARKS = str.maketrans("", "", ".,:/'")

TRIGGERS = frozenset(NUMERALS) | OH | DOUBLES.keys() | _MARKERS | _ABBREVIATED | {ARTICLE, _SYMBOL}
"""The pieces at which a number can begin, apart from those that begin with a digit."""


def read_numbers(pieces: Pieces, at: int) -> list[Number]:
    """The numbers of the run that begins at piece `at`; an empty list where none does.

    A marker right before a number ("no.", "number", "#", «номер») belongs to it. Takes time
    linear in the length of the run.
    """
    word = pieces.word(at)
    if word != _SYMBOL and word not in _MARKERS and word not in _ABBREVIATED:
        return _read_run(pieces, at)
    if not _marks_the_next(pieces, at):
        return []
    begin = at + 1
    if word != _SYMBOL and pieces.word(begin) == _SYMBOL and begin + 1 < len(pieces):
        begin += 1
    numbers = _read_run(pieces, begin)
    if not numbers or (word in _BARE and not _is_named(pieces, numbers[0])):
        return []
    return [replace(numbers[0], first=at), *numbers[1:]]


def _marks_the_next(pieces: Pieces, at: int) -> bool:
    if at + 1 >= len(pieces):
        return False
    word = pieces.word(at)
    between = pieces.between(at + 1).strip()
    if not between:
        return word in _MARKERS or word in _BARE or word == _SYMBOL
    return (between == "." and word in _ABBREVIATED) or (between == ":" and word in _MARKERS)


def _is_named(pieces: Pieces, number: Number) -> bool:
    """ "no 4" and "no two oh four" name a number, "no one" and "no two ways" do not."""
    return len(number.digits) > 1 or pieces.word(number.first)[0].isdecimal()


def _read_run(pieces: Pieces, at: int) -> list[Number]:
    first = _read_atom(pieces, at, said_before=0)
    if first is None:
        return []
    atoms = [first]
    links: list[tuple[Link, Gap]] = []
    while True:
        begin = atoms[-1].stop
        pointed = pieces.word(begin) == POINT and pieces.close(begin) and pieces.close(begin + 1)
        following = _read_atom(pieces, begin + pointed, said_before=len(atoms))
        if following is None:
            break
        if pointed:
            following = replace(following, fraction=len(following.digits))
        gap = pieces.gap(begin)
        link: Link = "strong" if pointed else _link(pieces, atoms[-1], right=following, gap=gap)
        if link == "none":
            break
        atoms.append(following)
        links.append((link, gap))
    return join_atoms(atoms, links)


def _read_atom(pieces: Pieces, at: int, *, said_before: int) -> Atom | None:
    word = pieces.word(at)
    if word in OH:
        zero = _is_zero(pieces, at, said_before=said_before)
        return Atom("0", at, at + 1, spoken=True) if zero else None
    if word in DOUBLES:
        digit = _single_digit(pieces.word(at + 1)) if pieces.close(at + 1) else None
        return None if digit is None else Atom(digit * DOUBLES[word], at, at + 2, spoken=True)
    written = word[:1].isdecimal()
    if not written and word not in NUMERALS and word != ARTICLE:
        return None
    count = NUMERALS.get(word)
    named = NAMED_DIGITS.get(pieces.word(at + 1)) if pieces.close(at + 1) else None
    if named and count is not None and count.value in (2, 3, 4) and not count.ordinal:
        return Atom(named * count.value, at, at + 2, spoken=True)
    whole = read_whole(pieces, at)
    if whole is not None:
        return Atom(
            str(whole.value), at, whole.stop, spoken=True, whole=True, ordinal=whole.ordinal
        )
    if written:
        return _read_written(pieces, at)
    said = read_below_hundred(pieces, at)
    if said is None:
        return None
    if pieces.word(said.stop) in WHOLES and pieces.close(said.stop):
        return _with_fraction(pieces, at, whole=str(said.value), stop=said.stop + 1)
    return Atom(str(said.value), at, said.stop, spoken=True, ordinal=said.ordinal)


def _with_fraction(pieces: Pieces, at: int, *, whole: str, stop: int) -> Atom:
    """«две целых (и) пять десятых» from "двух целых" on: its digits, as those of "2.5"."""
    begin = stop + (pieces.word(stop) == "и")
    part = read_below_hundred(pieces, begin) if pieces.close(begin) else None
    digits = FRACTIONS.get(pieces.word(part.stop)) if part is not None else None
    if part is None or digits is None or len(str(part.value)) > digits:
        return Atom(whole, at, stop, spoken=True)
    behind = str(part.value).zfill(digits)
    return Atom(whole + behind, at, part.stop + 1, spoken=True, fraction=digits)


def _read_written(pieces: Pieces, at: int) -> Atom | None:
    """ "204", "2.04", "204th", "204s", «204-й»; None for a code such as "2rs"."""
    word = pieces.word(at)
    suffixed = _SUFFIXED.fullmatch(word.replace("'", ""))
    if suffixed is not None:
        return Atom(suffixed[1], at, at + 1, spoken=False, ordinal=True)
    digits = word.translate(_WITHOUT_MARKS)
    if not digits.isdecimal():
        return None
    if pieces.gap(at + 1) == "hyphen" and pieces.word(at + 1) in _RUSSIAN_SUFFIXES:
        return Atom(digits, at, at + 2, spoken=False, ordinal=True)
    decimal = _DECIMAL.fullmatch(word)
    fraction = len(decimal[1]) if decimal else 0
    return Atom(digits, at, at + 1, spoken=False, fraction=fraction)


def _is_zero(pieces: Pieces, at: int, *, said_before: int) -> bool:
    """Whether an "oh" is read out as a digit and is not an exclamation."""
    goes_on = _digit_follows(pieces, at + 1)
    if said_before and goes_on:
        return True
    if said_before:  # "six two oh." ends a code; "twenty oh my" does not
        return said_before > 1 and pieces.close(at) and not pieces.close(at + 1)
    singing = pieces.word(at + 1) in OH and pieces.word(at + 2) in OH
    following = NUMERALS.get(pieces.word(at + 1))
    ends = following is not None and following.ordinal
    return goes_on and not singing and not ends and _digit_follows(pieces, at + 2)


def _digit_follows(pieces: Pieces, at: int) -> bool:
    word = pieces.word(at)
    return pieces.close(at) and (word in DOUBLES or _single_digit(word) is not None)


def _single_digit(word: str) -> str | None:
    if word in OH:
        return "0"
    numeral = NUMERALS.get(word)
    if numeral is not None and numeral.kind == "unit":
        return str(numeral.value)
    return word if len(word) == 1 and word.isdecimal() else None


def _link(pieces: Pieces, left: Atom, *, right: Atom, gap: Gap) -> Link:
    if gap == "comma" and right.digits == "0" and not _digit_follows(pieces, right.stop):
        return "weak" if len(left.digits) == 1 and not left.whole and not left.ordinal else "none"
    one = pieces.word(left.first) == "one" and pieces.word(left.first - 1) in _POINTING
    return "none" if one and right.digits[0] != "0" else link_atoms(left, right, gap=gap)
