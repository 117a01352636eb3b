"""How people read numbers and letters out, in English and Russian, and how it is then written down.

An examiner's own account, made without the grammar that it examines. It knows no terms: a code
goes in as written ("SKF 6204 2RS"), and a style comes out of it in words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from random import Random
from typing import Literal

Language = Literal["en", "ru"]

EN_ONES = str.split(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
EN_TENS = str.split("- - twenty thirty forty fifty sixty seventy eighty ninety")
RU_ONES = str.split(
    "ноль один два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать "
    "тринадцать четырнадцать пятнадцать шестнадцать семнадцать восемнадцать девятнадцать"
)
RU_TENS = str.split(
    "- - двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто"
)
RU_HUNDREDS = str.split(
    "- сто двести триста четыреста пятьсот шестьсот семьсот восемьсот девятьсот"
)
# The last word of an ordinal without its ending; "третий" bends in a way of its own.
RU_ORDINALS = {
    "один": "перв", "два": "втор", "четыре": "четвёрт", "пять": "пят", "шесть": "шест",
    "семь": "седьм", "восемь": "восьм", "девять": "девят", "десять": "десят", "сорок": "сороков",
    "пятьдесят": "пятидесят", "шестьдесят": "шестидесят", "семьдесят": "семидесят",
    "восемьдесят": "восьмидесят", "девяносто": "девяност", "сто": "сот", "двести": "двухсот",
    "триста": "трёхсот", "четыреста": "четырёхсот", "пятьсот": "пятисот",
}  # fmt: skip
RU_SETS = str.split(
    "нуля единицы двойки тройки четвёрки пятёрки шестёрки семёрки восьмёрки девятки"
)
EN_LETTERS = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        str.split(
            "ay bee see dee ee eff gee aitch eye jay kay ell em en oh pee queue ar ess tee you "
            "vee double-u ex why zed"
        ),
        strict=True,
    )
)
RU_LETTERS = {
    **dict(zip("ABCDEFGHKLMNOPRSTUVWXZ", (
        "а", "бэ", "цэ", "дэ", "е", "эф", "жэ", "аш", "ка", "эль", "эм", "эн", "о", "пэ", "эр",
        "эс", "тэ", "у", "вэ", "вэ", "икс", "зэт"), strict=True)),
    **dict(zip("АБВГДЕЖЗИКЛМНОПРСТУФХЦЧШ", (
        "а", "бэ", "вэ", "гэ", "дэ", "е", "жэ", "зэ", "и", "ка", "эль", "эм", "эн", "о", "пэ",
        "эр", "эс", "тэ", "у", "эф", "ха", "цэ", "че", "ша"), strict=True)),
}  # fmt: skip
RU_WRITTEN = str.maketrans("SKFRNUWMH", "СКФРНУВМХ")


def pieces(code: str) -> list[str]:
    """A code's words, letter groups and digit groups: "6204-2RS" is 6204, 2 and RS."""
    return re.findall(r"[^\W\d_]+|\d+", code)


def cardinal(number: int, language: Language, *, and_: bool = True) -> str:
    """A whole number below 10,000 in words."""
    if language == "ru":
        return " ".join(_russian(number)) or RU_ONES[0]
    thousands, rest = divmod(number, 1000)
    hundreds, last = divmod(rest, 100)
    parts = [f"{EN_ONES[thousands]} thousand"] if thousands else []
    parts += [f"{EN_ONES[hundreds]} hundred"] if hundreds else []
    if last or not parts:
        parts += ["and"] if and_ and parts else []
        parts.append(_english_below_100(last))
    return " ".join(parts)


def ordinal(number: int, ending: str) -> str:
    """A Russian ordinal in a form that ends as `ending` does: "ый", "ого", "ая" ..."""
    *words, last = cardinal(number, "ru").split()
    if last == "три":
        soft = {"ый": "ий", "ого": "ьего", "ому": "ьему", "ым": "ьим", "ом": "ьем"}
        return " ".join([*words, "трет" + soft.get(ending, "ь" + ending.replace("ая", "я"))])
    stem = RU_ORDINALS.get(last) or last.removesuffix("ь")
    return " ".join([*words, stem + ("ой" if ending == "ый" and _hard_end(last) else ending)])


def number_styles(digits: str, language: Language) -> list[str]:
    """The ways in which people read a group of digits out or recognisers write them."""
    if len(digits) == 1:
        return ["cardinal"]
    styles = ["cardinal"] if digits[0] != "0" and len(digits) < 5 else []
    if len(digits) == 2:
        return styles
    styles += ["digits", "digits", "spaced", "dashed"]
    styles += ["pairs", "pairs", "written pairs"] if len(digits) == 4 else []
    if language == "en":
        styles += ["zero"] if "0" in digits else []
        styles += ["pairs"] if len(digits) == 3 and "0" not in digits[:2] else []
    if any(len(list(run)) == 2 for _, run in groupby(digits)):
        styles.append("double")
    return styles


def read_number(digits: str, style: str, *, language: Language, chance: Random) -> str:
    """A group of digits read out in a style of :func:`number_styles`."""
    ones = RU_ONES if language == "ru" else EN_ONES
    oh = ones if language == "ru" or style == "zero" else ["oh", *ones[1:]]
    match style:
        case "digits" | "zero":
            return " ".join(oh[int(digit)] for digit in digits)
        case "spaced" | "dashed":
            return (" " if style == "spaced" else "-").join(digits)
        case "written pairs":
            return f"{digits[:2]}{chance.choice(' -')}{digits[2:]}"
        case "pairs":
            halves = [digits[: len(digits) - 2], digits[-2:]]
            return " ".join(_half(half, language, first=i == 0) for i, half in enumerate(halves))
        case "double":
            return " ".join(_runs(digits, oh, language))
    return cardinal(int(digits), language, and_=chance.random() < 0.6)


def read_letters(letters: str, *, language: Language, chance: Random) -> str:
    """A group of letters one by one, as names or as a recogniser writes them."""
    names = RU_LETTERS if language == "ru" else EN_LETTERS
    ways = [" ".join(letters), "-".join(letters), " ".join(names[one] for one in letters)]
    if language == "ru":
        ways.append(ways[-1])
        ways.append(letters.translate(RU_WRITTEN))
    return chance.choice(ways)


def read_code(
    code: str, *, language: Language, chance: Random, spell: bool, words: Sequence[str] = ()
) -> str:
    """A whole code read out; letters one by one where `spell`, else as written. `words` stand in
    for its words, in order (their inflected forms)."""
    said: list[str] = []
    instead = iter(words)
    for piece in pieces(code):
        if piece.isdigit():
            styles = number_styles(piece, language)
            said.append(read_number(piece, chance.choice(styles), language=language, chance=chance))
        elif not piece.isupper():
            said.append(next(instead, piece))
        elif spell:
            said.append(read_letters(piece, language=language, chance=chance))
        else:
            said.append(piece if chance.random() < 0.7 else piece.lower())
    return " ".join(said)


def _english_below_100(number: int) -> str:
    if number < 20:
        return EN_ONES[number]
    tens, ones = divmod(number, 10)
    return EN_TENS[tens] + (f"-{EN_ONES[ones]}" if ones else "")


def _russian(number: int) -> list[str]:
    thousands, rest = divmod(number, 1000)
    words: list[str] = []
    if thousands:
        words += {1: ["тысяча"], 2: ["две", "тысячи"]}.get(
            thousands, [RU_ONES[thousands], "тысячи" if thousands < 5 else "тысяч"]
        )
    hundreds, last = divmod(rest, 100)
    words += [RU_HUNDREDS[hundreds]] if hundreds else []
    if last >= 20:
        words.append(RU_TENS[last // 10])
        last %= 10
    return words + ([RU_ONES[last]] if last else [])


def _hard_end(last: str) -> bool:
    return last in ("два", "шесть", "семь", "восемь", "сорок")


def _half(half: str, language: Language, *, first: bool) -> str:
    ones = RU_ONES if language == "ru" else ["oh", *EN_ONES[1:]]
    if half == "00" and language == "en" and not first:
        return "hundred"
    if half[0] == "0" and len(half) > 1:
        return f"{ones[0]} {ones[int(half[1])]}"
    return cardinal(int(half), language)


def _runs(digits: str, names: Sequence[str], language: Language) -> list[str]:
    said: list[str] = []
    for digit, run in groupby(digits):
        size = len(list(run))
        if size == 2:
            pair = f"два {RU_SETS[0]}" if digit == "0" else f"две {RU_SETS[int(digit)]}"
            said.append(pair if language == "ru" else f"double {names[int(digit)]}")
        else:
            said += [names[int(digit)]] * size
    return said
