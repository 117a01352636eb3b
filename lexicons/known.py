"""Whether a word is in the dictionaries of English and Russian, every inflection counted.

A word that everybody knows was hardly meant to be another one; a string that nobody knows was
misspelt or misheard. The words come from the dictionaries of pyspellchecker (English) and
OpenCorpora (Russian, by pymorphy3); nothing here knows terms or texts.
"""

from __future__ import annotations

import gzip
import json
import re
from functools import cache, lru_cache
from importlib.resources import files

from pymorphy3 import MorphAnalyzer

_CYRILLIC = re.compile(r"[а-я]+")
_VERBS = ("VERB", "INFN")


@lru_cache(maxsize=1 << 17)
def is_known(word: str) -> bool:
    """Whether `word` (folded, as the analyzer gives it) is a word of English or Russian."""
    if word.isascii():
        return word in _english()
    return _CYRILLIC.fullmatch(word) is not None and bool(_russian().word_is_known(word))


@lru_cache(maxsize=1 << 16)
def verbs(word: str) -> tuple[str, ...]:
    """The infinitives that a Russian word is a form of, each with its tense."""
    if not is_known(word):
        return ()
    found = (one for one in _russian().parse(word) if one.tag.POS in _VERBS)
    return tuple(dict.fromkeys(f"{one.normal_form} {one.tag.tense}" for one in found))


def load() -> None:
    """Read the dictionaries now, which takes a sixth of a second, and not at the first question."""
    _english()
    _russian()


@cache
def _english() -> frozenset[str]:
    packed = (files("spellchecker") / "resources" / "en.json.gz").read_bytes()
    return frozenset(word.replace("'", "") for word in json.loads(gzip.decompress(packed)))


@cache
def _russian() -> MorphAnalyzer:
    return MorphAnalyzer()
