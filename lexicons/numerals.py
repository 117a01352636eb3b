"""The number words of English and Russian, with every inflection, as one table.

It knows words alone; how they add up to numbers is the business of `lexicons.numbers`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["unit", "teen", "tens", "hundreds", "hundred", "scale"]


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number word: `hundreds` are words like «двести», `hundred` and `scale` multiply."""

    value: int
    kind: Kind
    ordinal: bool = False


def _words(listing: str) -> list[str]:
    return listing.split()


OH = frozenset({"o", "oh"})
DOUBLES = {"double": 2, "triple": 3, "treble": 3}
# «два нуля», «две семерки»: what is read out twice and more.
NAMED_DIGITS = {"нуля": "0", "ноля": "0", "нолика": "0", "нулей": "0"} | {
    name + ending: str(digit)
    for digit, name in enumerate(
        "единиц двойк тройк четверк пятерк шестерк семерк восьмерк девятк".split(),  # noqa: SIM905
        1,
    )
    for ending in ("ы" if digit == 1 else "и",)
}
# «две целых пять десятых» is 2.5: how many digits follow.
WHOLES = frozenset({"целая", "целых", "целые", "целой", "целую"})
FRACTIONS = {
    stem + ending: digits
    for digits, stem in ((1, "десят"), (2, "сот"), (3, "тысячн"))
    for ending in ("ая", "ых", "ые", "ой", "ую")
}
POINT = "point"
AND = "and"
FIRST = "first"  # a number in "twenty-first" alone: "first of all" is not about numbers
ARTICLE = "a"

# «семью» is left out: it is far more often the accusative of "family" than "seven".
_RUSSIAN_CARDINALS: dict[int, str] = {
    0: "ноль нуль ноля нуля нолю нулю нолем нулем ноле нуле",
    1: "один одна одно одни одного одной одною одному одним одном одну одних одними",
    2: "два две двух двум двумя",
    3: "три трех трем тремя",
    4: "четыре четырех четырем четырьмя",
    5: "пять пяти пятью",
    6: "шесть шести шестью",
    7: "семь семи",
    8: "восемь восьми восьмью восемью",
    9: "девять девяти девятью",
    10: "десять десяти десятью",
    40: "сорок сорока",
    50: "пятьдесят пятидесяти пятьюдесятью",
    60: "шестьдесят шестидесяти шестьюдесятью",
    70: "семьдесят семидесяти семьюдесятью",
    80: "восемьдесят восьмидесяти восьмьюдесятью восемьюдесятью",
    90: "девяносто девяноста",
    100: "сто ста",
    200: "двести двухсот двумстам двумястами двухстах",
    300: "триста трехсот тремстам тремястами трехстах",
    400: "четыреста четырехсот четыремстам четырьмястами четырехстах",
}
_RUSSIAN_TEENS = {
    11: "одиннадцат",
    12: "двенадцат",
    13: "тринадцат",
    14: "четырнадцат",
    15: "пятнадцат",
    16: "шестнадцат",
    17: "семнадцат",
    18: "восемнадцат",
    19: "девятнадцат",
    20: "двадцат",
    30: "тридцат",
}
_RUSSIAN_HUNDREDS = {
    500: ("пять", "пяти", "пятью"),
    600: ("шесть", "шести", "шестью"),
    700: ("семь", "семи", "семью"),
    800: ("восемь", "восьми", "восемью"),
    900: ("девять", "девяти", "девятью"),
}
_RUSSIAN_ORDINAL_STEMS = {
    1: "перв",
    2: "втор",
    4: "четверт",
    5: "пят",
    6: "шест",
    7: "седьм",
    8: "восьм",
    9: "девят",
    10: "десят",
    40: "сороков",
    50: "пятидесят",
    60: "шестидесят",
    70: "семидесят",
    80: "восьмидесят",
    90: "девяност",
    100: "сот",
    200: "двухсот",
    300: "трехсот",
    400: "четырехсот",
    500: "пятисот",
    600: "шестисот",
    700: "семисот",
    800: "восьмисот",
    900: "девятисот",
}
_RUSSIAN_ORDINAL_ENDINGS = _words("ый ой ого ому ым ом ая ую ою ое ые ых ыми")
_RUSSIAN_THIRD = "третий третьего третьему третьим третьем третья третьей третью третье третьи"
_RUSSIAN_SCALES = {
    1_000: "тысяча тысячи тысяче тысячу тысячей тысячью тысяч тысячам тысячами тысячах тыща тыщи",
    1_000_000: "миллион миллиона миллиону миллионом миллионе миллионы миллионов миллионам",
}

_ENGLISH_UNITS = _words("zero one two three four five six seven eight nine")
_ENGLISH_TEENS = _words(
    "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
)
_ENGLISH_TENS = _words("twenty thirty forty fifty sixty seventy eighty ninety")
_ENGLISH_ORDINALS = {
    "third": 3,
    "fourth": 4,
    "fifth": 5,
    "sixth": 6,
    "seventh": 7,
    "eighth": 8,
    "ninth": 9,
    "tenth": 10,
    "eleventh": 11,
    "twelfth": 12,
}


def _kind_of(value: int) -> Kind:
    if value < 10:
        return "unit"
    if value < 20:
        return "teen"
    return "tens" if value < 100 else "hundreds"


def _english() -> dict[str, Numeral]:
    table = {word: Numeral(value, "unit") for value, word in enumerate(_ENGLISH_UNITS)}
    table |= {word: Numeral(0, "unit") for word in ("nought", "naught")}
    table |= {word: Numeral(value, "teen") for value, word in enumerate(_ENGLISH_TEENS, 10)}
    for value, word in enumerate(_ENGLISH_TENS, 2):
        table[word] = Numeral(value * 10, "tens")
        table[word[:-1] + "ieth"] = Numeral(value * 10, "tens", ordinal=True)
    for word, value in _ENGLISH_ORDINALS.items():
        table[word] = Numeral(value, _kind_of(value), ordinal=True)
    for value, word in enumerate(_ENGLISH_TEENS[3:], 13):
        table[word + "th"] = Numeral(value, "teen", ordinal=True)
    table["fourty"] = table["forty"]
    table["hundred"] = Numeral(100, "hundred")
    table["hundredth"] = Numeral(100, "hundred", ordinal=True)
    for word, value in (("thousand", 1_000), ("million", 1_000_000)):
        table[word] = Numeral(value, "scale")
        table[word + "th"] = Numeral(value, "scale", ordinal=True)
    return table


def _russian() -> dict[str, Numeral]:
    table: dict[str, Numeral] = {}
    forms = {value: _words(listing) for value, listing in _RUSSIAN_CARDINALS.items()}
    for value, stem in _RUSSIAN_TEENS.items():
        forms[value] = [stem + "ь", stem + "и", stem + "ью"]
    for value, (one, of, by) in _RUSSIAN_HUNDREDS.items():
        forms[value] = [one + "сот", of + "сот", of + "стам", by + "стами", of + "стах"]
    for value, words in forms.items():
        table |= {word: Numeral(value, _kind_of(value)) for word in words}
    stems = _RUSSIAN_ORDINAL_STEMS | _RUSSIAN_TEENS
    for value, stem in stems.items():
        for ending in _RUSSIAN_ORDINAL_ENDINGS:
            table[stem + ending] = Numeral(value, _kind_of(value), ordinal=True)
    for word in (*_words(_RUSSIAN_THIRD), "третьих", "третьими"):
        table[word] = Numeral(3, "unit", ordinal=True)
    for value, listing in _RUSSIAN_SCALES.items():
        table |= {word: Numeral(value, "scale") for word in _words(listing)}
    for ending in _RUSSIAN_ORDINAL_ENDINGS:
        table["тысячн" + ending] = Numeral(1_000, "scale", ordinal=True)
    return table


NUMERALS: dict[str, Numeral] = _english() | _russian()
