"""The grammar of numbers that are said in full: "two hundred and four", «тысяча двести четвёртый».

It does not know how digits are read out one by one: see `lexicons.numbers`.
"""

from __future__ import annotations

from dataclasses import dataclass

from lexicons.numerals import AND, ARTICLE, FIRST, NAMED_DIGITS, NUMERALS, Kind, Numeral
from lexicons.pieces import Pieces

_CEILING = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Cardinal:
    """A value, said by the pieces up to `stop` (exclusive); nothing may follow an ordinal."""

    value: int
    stop: int
    ordinal: bool = False


def read_below_hundred(pieces: Pieces, at: int) -> Cardinal | None:
    """ "seven", "twelfth", "twenty-four", «двадцать четвёртый»."""
    numeral = NUMERALS.get(pieces.word(at))
    if numeral is None or numeral.kind not in ("unit", "teen", "tens"):
        return None
    alone = Cardinal(numeral.value, at + 1, numeral.ordinal)
    if numeral.kind != "tens" or numeral.ordinal or not pieces.close(at + 1):
        return alone
    if pieces.word(at + 1) == FIRST:
        return Cardinal(numeral.value + 1, at + 2, ordinal=True)
    unit = NUMERALS.get(pieces.word(at + 1))
    if unit is None or unit.kind != "unit" or unit.value == 0:
        return alone
    if pieces.word(at + 2) in NAMED_DIGITS:  # «двадцать два нуля» are 20 and two zeros
        return alone
    return Cardinal(numeral.value + unit.value, at + 2, unit.ordinal)


def read_whole(pieces: Pieces, at: int) -> Cardinal | None:
    """A number with a hundred, a thousand or a million in it; None for smaller ones.

    Digits count as well where a word multiplies them: "20 thousand", «2 тысячи 400».
    """
    part = _hundreds(pieces, at) or _multiplied(pieces, at)
    if part is None:
        begin = at + 1 if pieces.word(at) == ARTICLE and pieces.close(at + 1) else at
        if _numeral(pieces, begin, kind="scale") is None:
            return None
        part = Cardinal(1, begin)
    total = 0
    ceiling = _CEILING
    while True:
        scale = _numeral(pieces, part.stop, kind="scale", joined=part.stop > at)
        if part.ordinal or scale is None or scale.value >= ceiling:
            return Cardinal(total + part.value, part.stop, part.ordinal)
        total += part.value * scale.value
        ceiling = scale.value
        end = part.stop + 1
        rest = None if scale.ordinal else _rest(pieces, end, ceiling=ceiling)
        if rest is None:
            return Cardinal(total, end, scale.ordinal)
        part = rest


def _hundreds(pieces: Pieces, at: int) -> Cardinal | None:
    """ "two hundred (and four)", "sixty two hundred", «двести (четыре)»."""
    numeral = NUMERALS.get(pieces.word(at))
    if numeral is not None and numeral.kind == "hundreds":
        whole = Cardinal(numeral.value, at + 1, numeral.ordinal)
        return whole if whole.ordinal else _with_tens(pieces, whole, begin=whole.stop)
    if _numeral(pieces, at, kind="hundred") is not None:
        count = Cardinal(1, at)
    else:
        below = _factor(pieces, at, most=99)
        if below is None:
            return None
        count = below
    hundred = _numeral(pieces, count.stop, kind="hundred", joined=count.stop > at)
    if hundred is None:
        return None
    whole = Cardinal(count.value * 100, count.stop + 1, hundred.ordinal)
    begin = whole.stop + (pieces.word(whole.stop) == AND and pieces.close(whole.stop))
    return whole if whole.ordinal else _with_tens(pieces, whole, begin=begin)


def _multiplied(pieces: Pieces, at: int) -> Cardinal | None:
    """What stands before a thousand or a million: "two", "twenty four", "20", "a"."""
    factor = _factor(pieces, at, most=999)
    if factor is None or _numeral(pieces, factor.stop, kind="scale", joined=True) is None:
        return None
    return factor


def _factor(pieces: Pieces, at: int, *, most: int) -> Cardinal | None:
    word = pieces.word(at)
    if word == ARTICLE:
        return Cardinal(1, at + 1)
    found = _digits(word, at) or read_below_hundred(pieces, at)
    return found if found and not found.ordinal and 0 < found.value <= most else None


def _digits(word: str, at: int) -> Cardinal | None:
    short = len(word) <= 3 and word.isdecimal() and word[0] != "0"
    return Cardinal(int(word), at + 1) if short else None


def _with_tens(pieces: Pieces, whole: Cardinal, *, begin: int) -> Cardinal:
    tens = read_below_hundred(pieces, begin) if pieces.close(begin) else None
    if tens is None or tens.value == 0 or _numeral(pieces, tens.stop, kind="hundred", joined=True):
        return whole
    return Cardinal(whole.value + tens.value, tens.stop, tens.ordinal)


def _rest(pieces: Pieces, at: int, *, ceiling: int) -> Cardinal | None:
    """What may follow a thousand: "two thousand (and) four", "... two hundred", «... 400»."""
    begin = at + (pieces.word(at) == AND and pieces.close(at))
    if not pieces.close(begin):
        return None
    rest = _hundreds(pieces, begin) or read_below_hundred(pieces, begin)
    if rest is None and begin == at:
        rest = _digits(pieces.word(at), at)
    if rest is None or not 0 < rest.value < ceiling:
        return None
    scale = _numeral(pieces, rest.stop, kind="scale", joined=True)
    return None if scale is not None and scale.value >= ceiling else rest


def _numeral(pieces: Pieces, at: int, *, kind: Kind, joined: bool = False) -> Numeral | None:
    numeral = NUMERALS.get(pieces.word(at))
    if numeral is None or numeral.kind != kind or (joined and not pieces.close(at)):
        return None
    return numeral
