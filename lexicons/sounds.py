"""How a word sounds, written so that spellings of one sound are one: "skrew" and "screw".

Rules of English and Russian spelling, for words as the analyzer folds them. Coarser than a
transcription and finer than Soundex: vowels count, since "boring" is not "bearing".
"""

from __future__ import annotations

import re
from functools import lru_cache

from lexicons.families import singular

_START = {"kn": "n", "gn": "n", "pn": "n", "wr": "r", "rh": "r", "ps": "s", "wh": "w"}
# In order, consonants first; "C" keeps "ch" apart from c, and "Y" a long e from a short i.
_CONSONANTS = (
    *(("ph", "f"), ("augh", "o"), ("ough", "o"), ("igh", "i"), ("tch", "ch"), ("sch", "sk")),
    *(("tion", "shn"), ("sion", "shn"), ("shun", "shn"), ("ssure", "shr"), ("dge", "j")),
    *(("ch", "C"), ("ce", "se"), ("ci", "si"), ("cy", "sy"), ("ck", "k"), ("c", "k")),
    *(("qu", "kw"), ("q", "k"), ("x", "ks"), ("z", "s")),
)
_VOWELS = (
    *(("ee", "Y"), ("ea", "Y"), ("ie", "Y"), ("ei", "Y"), ("ey", "Y")),
    *(("oo", "u"), ("ew", "u"), ("ue", "u"), ("ui", "u"), ("ai", "e"), ("ay", "e")),
    *(("au", "o"), ("aw", "o"), ("oa", "o"), ("ow", "o"), ("oe", "o")),
)
_GREAT = re.compile(r"^(br|gr|st)ea(?=[kt])")
_BEAR = re.compile(r"(?:ea|ai|ei|a)(?=r(?:[aeiouy]|$))")
_SALE = re.compile(r"a(?=[^aeiouy]e$)")
_DOUBLE = re.compile(r"([^aeiou])\1")
_BUTTER = re.compile(r"re$|[aeiou]r(?=$|[^aeiouy])|(?<=[^aeiouy])a$")
_GYM = re.compile(r"y(?=[^aeiouy])")
_MUTE_H = re.compile(r"(?<![sC])h(?![aeiou])")
_RUSSIAN = [
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"[ьъ]", ""),
        (r"(?<=[жчшщ])о", "е"),
        (r"тс|тьс|дс|тц|дц", "ц"),
        (r"стн", "сн"),
        (r"здн", "зн"),
        (r"сч|зч|жч|сщ", "щ"),
        (r"чн|чт", "ш"),
        (r"(.)\1", r"\1"),
        (r"[оаё]", "а"),
        (r"[еэиыя]", "и"),
        (r"ю", "у"),
        (r"йи|ий", "и"),
        (r"б(?=$|[пфктшсхцчщ])", "п"),
        (r"в(?=$|[пфктшсхцчщ])", "ф"),
        (r"г(?=$|[пфктшсхцчщ])", "к"),
        (r"д(?=$|[пфктшсхцчщ])", "т"),
        (r"ж(?=$|[пфктшсхцчщ])", "ш"),
        (r"з(?=$|[пфктшсхцчщ])", "с"),
        (r"(.)\1", r"\1"),
    )
]


# What is left of Russian endings in :func:`sound`.
_ENDING = re.compile(
    r"(?<=...)(?:ами|ими|ава|ива|аму|иму|ах|их|ам|им|ум|аф|иф|ав|ив|ай|ий|уй|уу|и|а|у|й)$"
)


@lru_cache(maxsize=1 << 17)
def sound(word: str) -> str:
    """The sound of a folded word; of other scripts, and with digits, the word itself."""
    if not word.isalpha():
        return word
    if word.isascii():
        return _english(word)
    for pattern, written in _RUSSIAN:
        word = pattern.sub(written, word)
    return word


def _english(word: str) -> str:
    word = _START.get(word[:2], word[:2]) + word[2:]
    for spelled, written in _CONSONANTS:
        word = word.replace(spelled, written)
    if word.endswith("mb"):
        word = word[:-1]
    if "ea" in word:
        word = _GREAT.sub(r"\1e", word)
    if "r" in word:
        word = _BEAR.sub("e", word)
    if word[-1] == "e":
        word = _SALE.sub("e", word)
    word = _DOUBLE.sub(r"\1", word)
    word = _BUTTER.sub("r", word)
    if "y" in word:
        word = _GYM.sub("i", word)
    for spelled, written in _VOWELS:
        word = word.replace(spelled, written)
    if word[-1] == "e":
        word = word[:-1]
    return _MUTE_H.sub("", word) if "h" in word else word


def base_sound(word: str) -> str:
    """The sound that all inflections of a word share."""
    if word.isascii():
        return sound(singular(word))
    return _ENDING.sub("", sound(word))
