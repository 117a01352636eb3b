"""Words written wrong: by slips of the typing hand, and by ear, as a recogniser writes what it
half understood.

It knows letters and sounds, neither terms nor the rules by which a matcher forgives.
"""

from __future__ import annotations

import re
from random import Random

VOWELS = "aeiouyаеёиоуыэюя"
_ROWS = {
    "en": ("qwertyuiop", "asdfghjkl", "zxcvbnm"),
    "ru": ("йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю"),
}
# Near-homophones: (what is written, what a listener may write instead).
_ENGLISH_SOUNDS = (
    ("ph", "f"), ("ck", "k"), ("ee", "ea"), ("ea", "ee"), ("er$", "a"), ("er$", "or"),
    ("or$", "er"), ("c(?=[aoulr])", "k"), ("c(?=[ei])", "s"), ("x", "cks"), ("wh", "w"),
    ("ai", "ay"), ("qu", "kw"), ("oo", "u"), ("ll", "l"), ("mm", "m"), ("nn", "n"), ("ss", "s"),
    ("tt", "t"), ("ar", "er"), ("i(?=[bdfgklmnprst][aeiou])", "e"),
)  # fmt: skip
_VOICED = {"б": "п", "в": "ф", "г": "к", "д": "т", "ж": "ш", "з": "с"}
_VOICELESS = {after: before for before, after in _VOICED.items()}
_REDUCED = {"о": "а", "е": "и", "я": "и", "а": "о", "и": "е"}


def misspell(word: str, slips: int, *, language: str, chance: Random) -> str:
    """A word with so many slips of the typing hand, each of another kind."""
    wrong = word
    kinds = ["swap", "drop", "double", "neighbour", "neighbour", "vowel", "insert"]
    for _ in range(slips):
        kind = chance.choice(kinds)
        kinds = [other for other in kinds if other != kind]
        wrong = _slip(wrong, kind, language=language, chance=chance)
    return wrong


def sound_alike(stressed: str, *, language: str, chance: Random) -> str | None:
    """A word as it might be written by ear; None where no rule of speech changes it.

    A Russian word carries "+" before its stressed vowel: only unstressed vowels lose their colour,
    and consonants lose their voice at the end and before voiceless ones (or take the other's).
    """
    if language == "ru":
        return _russian_alike(stressed, chance)
    ways = [(wrong, right) for wrong, right in _ENGLISH_SOUNDS if re.search(wrong, stressed[1:])]
    if not ways:
        return None
    pattern, instead = chance.choice(ways)
    heard = stressed[0] + re.sub(pattern, instead, stressed[1:], count=1)
    return heard if heard != stressed else None


def _slip(word: str, kind: str, *, language: str, chance: Random) -> str:
    # The first letter is the one that hands and eyes get right.
    at = chance.randrange(1, len(word)) if chance.random() < 0.95 else 0
    letter = word[at]
    if kind == "swap" and at and at + 1 < len(word) and word[at + 1] != letter:
        return word[:at] + word[at + 1] + letter + word[at + 2 :]
    if kind == "drop":
        return word[:at] + word[at + 1 :]
    if kind == "double":
        return word[:at] + letter + word[at:]
    if kind == "vowel" and letter in VOWELS:
        others = [one for one in ("aeiou" if language == "en" else "аеиоу") if one != letter]
        return word[:at] + chance.choice(others) + word[at + 1 :]
    near = _neighbours(letter, language)
    if not near:
        return word[:at] + word[at + 1 :]
    if kind == "insert":
        return word[: at + 1] + chance.choice(near) + word[at + 1 :]
    return word[:at] + chance.choice(near) + word[at + 1 :]


def _neighbours(letter: str, language: str) -> str:
    for row in _ROWS[language]:
        at = row.find(letter)
        if at >= 0:
            return row[max(0, at - 1) : at] + row[at + 1 : at + 2]
    return ""


def _russian_alike(stressed: str, chance: Random) -> str | None:
    stress = stressed.find("+")
    word = stressed.replace("+", "").replace("ё", "е")
    ways: list[str] = []
    for at, letter in enumerate(word):
        following = word[at + 1 : at + 2]
        if at == stress:
            continue
        if letter in _REDUCED and 0 < at < len(word) - 2:
            after_soft = letter in "ая" or word[at - 1] not in "жшц"
            if not (letter == "а" and word[at - 1] in "чщ") and after_soft:
                ways.append(word[:at] + _REDUCED[letter] + word[at + 1 :])
        closing = not following or following in "пфктшсхцчщ"
        if letter in _VOICED and at and closing:
            ways.append(word[:at] + _VOICED[letter] + word[at + 1 :])
        if letter in _VOICELESS and at and following and following in "бгджзнлрм":
            ways.append(word[:at] + _VOICELESS[letter] + word[at + 1 :])
        if following == letter:
            ways.append(word[:at] + word[at + 1 :])
    return chance.choice(ways) if ways else None
