"""How a word sounds, written so that spellings of one sound are one: "skrew" and "screw".

Rules of English and Russian spelling, for words as the analyzer folds them. Coarser than a
transcription and finer than Soundex: vowels count, since "boring" is not "bearing".
"""

from __future__ import annotations

import re
from functools import lru_cache

from lexicons.families import singular

# In order; each is applied everywhere before the next.
_ENGLISH = [
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"^(?:kn|gn|pn)", "n"),
        (r"^wr", "r"),
        (r"^rh", "r"),
        (r"^ps", "s"),
        (r"^x", "z"),
        (r"^wh", "w"),
        (r"ph", "f"),
        (r"augh|ough", "o"),
        (r"igh", "i"),
        (r"tch", "ch"),
        (r"sch", "sk"),
        (r"mb$", "m"),
        (r"(?:t|s)ion|shun", "shn"),
        (r"ssure", "shr"),
        (r"dge?(?=$|[^aeiouy])|dge", "j"),
        (r"c(?=[eiy])", "s"),
        (r"ck|c(?!h)|q(?!u)|k", "k"),
        (r"qu", "kw"),
        (r"x", "ks"),
        (r"z", "s"),
        (r"^(br|gr|st)ea(?=[kt])", r"\1e"),
        (r"(?:ea|ai|ei|a)(?=r(?:[aeiouy]|$))", "e"),
        (r"a(?=[^aeiouy]e$)", "e"),
        (r"([^aeiou])\1", r"\1"),
        (r"re$", "r"),
        (r"[aeiou]r(?=$|[^aeiouy])|(?<=[^aeiouy])a$", "r"),
        (r"y(?=[^aeiouy])", "i"),
        (r"(?:ee|ea|ie|ei|ey)", "y"),
        (r"(?:oo|ew|ue|ui|u)", "u"),
        (r"(?:ai|ay)", "e"),
        (r"(?:au|aw|oa|ow|oe)", "o"),
        (r"e$", ""),
        (r"h(?![aeiou])(?<![cs]h)", ""),
    )
]
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
    for pattern, written in _ENGLISH if word.isascii() else _RUSSIAN:
        word = pattern.sub(written, word)
    return word


def base_sound(word: str) -> str:
    """The sound that all inflections of a word share."""
    if word.isascii():
        return sound(singular(word))
    return _ENDING.sub("", sound(word))
