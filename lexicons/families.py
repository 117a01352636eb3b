"""Which words are inflections of one word: a term's word has a family, a text's word may have many.

Finer than stemming, which serves search: "bearing" takes "bearings" and leaves "bear" alone, and
«дебил», «клапан», which a stemmer cuts as if they were verbs, keep what is theirs. Knows English
and Russian endings; whether a Russian word is a verb it asks the dictionary.
"""

from __future__ import annotations

import re
from functools import lru_cache

from lexicons.known import verbs
from lexicons.text import stem

# Endings that make another word and not another form of it.
_DERIVED = re.compile(r"(?:ing|er|or|ly|ness|ment|tion|ity|able|ous|al|ive|ful|less|ish)$")

_NOMINATIVE = re.compile(r"(?:[иыо]й|[ая]я|[оеыи]е|ия|[аяоеьйыи])$")
_ENDINGS = frozenset(
    """
    а я о е и ы у ю ь й ов ев ей ий ой ый ам ям ом ем ах ях ами ями ою ею ую юю ая яя ое ее ые ие
    ого его ому ему ым им ых их ыми ими ия ию ии ией иям иями иях ием
    """.split()  # noqa: SIM905 - a list would take a page
)
# «молоток» and «молотка», «доволен» and «довольна»: a vowel that comes and goes.
_FLEETING = re.compile(r"(?<=[а-я][бвгджзйклмнпрстфхцчшщ])[ое]([кцнл])$")
_VERBAL = re.compile(r"(?:[ую]|[еи](?:м|шь|т|те)|[уюая]т|[тч]ь|ти|л[аои]?|йте|с[ья])$")
NAME = "="
"""Before the families of names: no word begins with it."""

_SHORTEST_STEM = 3
_LONGEST_ENDING = 3


def singular(word: str) -> str:
    """An English word without the ending of its plural; other words as they are."""
    if not word.isascii() or len(word) < 4 or word[-1] != "s" or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "sses", "xes", "zes")):
        return word[:-2]
    return word[:-1]


def is_name(written: str) -> bool:
    """Whether a word of a term is written as a name: "Park", not "park" or "PARK"."""
    return written[:1].isupper() and written[1:].islower()


def family(word: str, *, name: bool = False) -> str:
    """What all inflections of a term's word have in common; those of an English `name` are its
    plural, so that "Park" leaves "parking" alone.
    """
    if name and word.isascii():
        return NAME + singular(word)
    if not word.isascii():
        return _russian(_NOMINATIVE.sub("", word), word)
    key, one = stem(word), singular(word)
    return one if len(one) > len(key) and _DERIVED.search(one) else key


@lru_cache(maxsize=1 << 16)
def lookups(word: str) -> tuple[str, ...]:
    """The families that a word of a text may belong to."""
    if word.isascii():
        key, one = stem(word), singular(word)
        return (key,) if key == one else (key, one)
    cuts = [word]
    for length in range(1, min(_LONGEST_ENDING, len(word) - _SHORTEST_STEM) + 1):
        if word[-length:] in _ENDINGS:
            cuts.append(word[:-length])
    return tuple(dict.fromkeys(_russian(cut, word) for cut in cuts))


def verb_families(word: str) -> tuple[str, ...]:
    """The verbs a Russian word may be a form of, each in a tense; none for other words."""
    return verbs(word) if not word.isascii() and _VERBAL.search(word) else ()


def _russian(cut: str, word: str) -> str:
    kept = cut if len(cut) >= _SHORTEST_STEM else word
    return _FLEETING.sub(r"\1", kept.replace("ь", ""))
