"""The numbers, days, times and prices that any call is full of, as they are said or written."""

from __future__ import annotations

import re
from random import Random

from tests.accuracy.read_aloud import (
    Language,
    cardinal,
    number_styles,
    ordinal,
    read_number,
)

MONTHS = {
    "en": str.split("January February March April May June July August September October"),
    "ru": str.split("января февраля марта апреля мая июня июля августа сентября октября"),
}
EN_DAYS = str.split("first second third fourth fifth sixth seventh eighth ninth tenth")


def fill(text: str, *, language: Language, chance: Random) -> str:
    """A sentence with {n} (a long number), {d} (a day), {t} (a time), {p} (a price) and {m} (a
    count) filled in."""

    def instead(found: re.Match[str]) -> str:
        return _SAID[found[1]](language, chance)

    return re.sub(r"\{([ndtpm])\}", instead, text)


def _long_number(language: Language, chance: Random) -> str:
    digits = str(chance.randrange(1000, 10_000_000))
    if len(digits) == 4:
        style = chance.choice(number_styles(digits, language))
    else:
        style = chance.choice(["digits", "spaced", "dashed", "written"])
    if style == "written":
        return digits
    return read_number(digits, style, language=language, chance=chance)


def _day(language: Language, chance: Random) -> str:
    month, day = chance.choice(MONTHS[language]), chance.randrange(1, 11)
    if chance.random() < 0.3:
        return f"{day} {month}"
    if language == "ru":
        return f"{ordinal(day, 'ого')} {month}"
    return f"{EN_DAYS[day - 1]} of {month}"


def _time(language: Language, chance: Random) -> str:
    hour, minute = chance.randrange(7, 20), chance.choice([0, 4, 5, 10, 15, 20, 30, 45, 50])
    if chance.random() < 0.4 or minute == 0:
        return f"{hour}:{minute:02}"
    zero = {"en": "oh ", "ru": "ноль "}[language] if minute < 10 else ""
    return f"{cardinal(hour, language)} {zero}{cardinal(minute, language)}"


def _price(language: Language, chance: Random) -> str:
    price = chance.choice([chance.randrange(5, 400), chance.randrange(400, 6000)])
    unit = {"en": "dollars", "ru": "рублей"}[language]
    said = str(price) if chance.random() < 0.4 else cardinal(price, language)
    return f"{said} {unit}"


def _count(language: Language, chance: Random) -> str:
    count = chance.randrange(2, 70)
    return str(count) if chance.random() < 0.3 else cardinal(count, language)


_SAID = {"n": _long_number, "d": _day, "t": _time, "p": _price, "m": _count}
