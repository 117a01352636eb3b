"""Product codes, however they are read out: "6204 2RS", "six two oh four, two R S", «2 эр эс».

A code is compared as one string of digits and Latin letters, its *compact* form. This module says
what each word of a text adds to a code, and which words of a term are one. It knows no lexicon.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from lexicons.known import is_known
from lexicons.text import Token

LONGEST_CODE = 24
"""Characters of a compact code; longer ones are found only as they are written."""

_MOST_WORDS = 16
_SHORTEST_NUMBER = 3  # what is longer may be read out in parts that the analyzer keeps apart

# Cyrillic letters by their sound, as codes are written and read: «2РС» is 2RS.
_LATIN = str.maketrans(
    {
        "а": "a",
        "б": "b",
        "в": "v",
        "г": "g",
        "д": "d",
        "е": "e",
        "ж": "zh",
        "з": "z",
        "и": "i",
        "й": "y",
        "к": "k",
        "л": "l",
        "м": "m",
        "н": "n",
        "о": "o",
        "п": "p",
        "р": "r",
        "с": "s",
        "т": "t",
        "у": "u",
        "ф": "f",
        "х": "h",
        "ц": "c",
        "ч": "ch",
        "ш": "sh",
        "щ": "sh",
        "ы": "y",
        "э": "e",
        "ю": "yu",
        "я": "ya",
    }
)


def _names(listing: str) -> dict[str, tuple[str, ...]]:
    """From a name to what it may stand for, out of rows that begin with what they stand for."""
    found: dict[str, tuple[str, ...]] = {}
    for row in listing.split(","):
        letter, *names = row.split()
        for name in (letter, *names):
            found[name] = (*found.get(name, ()), letter)
    return found


_LETTER_NAMES = _names(
    "a ay eh, b bee be бэ бе би, c cee see sea си цэ це эс, d dee дэ де ди, e э ее, f eff ef эф,"
    "g gee гэ ге джи, h aitch haitch эйч ха аш, i eye ай, j jay джей жи йот, k kay ка кей,"
    "l el ell эль эл, m em эм, n en эн, o oh owe о, p pee пэ пе пи, q cue queue кью ку,"
    "r ar are эр ар, s ess эс, t tee tea тэ те ти, u you у ю, v vee вэ ве ви в, w в вэ ве дабл,"
    "x ex икс, y why игрек уай, z zed zee зет зэт зед зэ, 0 oh o zero, zh жэ, ch че, sh ша шэ ща"
)
_UNITS = _names(
    "v volt volts вольт вольта вольтовый вольтовая вольтовые, w watt watts ватт ватта,"
    "mm millimeter millimeters millimetre millimetres mil миллиметр миллиметра миллиметров мм,"
    "cm centimeter centimeters centimetre centimetres сантиметр сантиметра сантиметров см,"
    "kg kilo kilos kilogram kilograms килограмм килограмма килограммов кило кг,"
    "l liter liters litre litres литр литра литров, a amp amps ampere amperes ампер ампера,"
    "gb gigabyte gigabytes gig gigs гигабайт гигабайта гига гб,"
    "tb terabyte terabytes терабайт терабайта, kw kilowatt kilowatts киловатт киловатта квт"
)
_DOUBLES = {"double": 2, "triple": 3, "двойное": 2, "двойная": 2, "дабл": 2}
_US = ("u", "you", "ю", "у")
_HAS_DIGIT = re.compile(r"[0-9]")
_PIECE = re.compile(r"[a-z0-9.]+")
_LOOKS_DECIMAL = re.compile(r"[0-9]+\.0[0-9]")  # "2.04" is how "two oh four" may be written


@lru_cache(maxsize=1 << 16)
def pieces(word: str) -> tuple[str, ...]:
    """What a word may add to a compact code; nothing for ordinary words."""
    found: list[str] = []
    if _HAS_DIGIT.search(word) or len(word) <= 4:
        found.append(word.translate(_LATIN))
    found += (*_LETTER_NAMES.get(word, ()), *_UNITS.get(word, ()))
    if _LOOKS_DECIMAL.fullmatch(word):
        found.append(word.replace(".", ""))
    return tuple(dict.fromkeys(piece for piece in found if _PIECE.fullmatch(piece)))


def repeats(word: str) -> int:
    """How many times the letter after this word counts: 2 for "double", else 0."""
    return _DOUBLES.get(word, 0)


def repeated(word: str, times: int) -> tuple[str, ...]:
    """What a word adds that is to be read `times` times; "double u" is w as well."""
    found = tuple(piece * times for piece in pieces(word))
    return (*found, "w") if times == 2 and word in _US else found


def codes_of(text: str, tokens: Sequence[Token]) -> Iterator[tuple[int, int, str]]:
    """The codes in a term: first and last (exclusive) token, and compact form.

    A code is a run of numbers, of words with digits in them, and of short words beside those that
    are written in capitals or nobody knows. Letters alone are one where they are in capitals.
    """
    start = 0
    while start < len(tokens):
        stop = start
        while stop < len(tokens) and stop - start < _MOST_WORDS and _in_code(text, tokens[stop]):
            stop += 1
        if stop > start:
            run = tokens[start:stop]
            compact = "".join(_compact(token.word) for token in run)
            digits = any(_HAS_DIGIT.search(token.word) for token in run)
            short = (
                len(run) == 1
                and run[0].word.replace(".", "").isdigit()
                and len(compact) < _SHORTEST_NUMBER
            )
            if not short and 2 <= len(compact) <= LONGEST_CODE and (digits or len(run) == 1):
                yield start, stop, compact
        start = max(stop, start + 1)


def _in_code(text: str, token: Token) -> bool:
    word = token.word
    if _HAS_DIGIT.search(word) or word in _UNITS:
        return True
    if len(word) > 5 or not word.isalpha():
        return False
    return text[token.start : token.end].isupper() or (len(word) <= 3 and not is_known(word))


def _compact(word: str) -> str:
    return _UNITS.get(word, (word.translate(_LATIN),))[0]
