"""The lists that set A is made of, read from their files, and Russian words in their cases.

It knows how the files are written, not what becomes of them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tests.accuracy.read_aloud import Language

CASES = ("nominative", "genitive", "dative", "accusative", "instrumental", "prepositional")
SHEETS = {"en": "planted_english.toml", "ru": "planted_russian.toml"}


@cache
def read_sheet(language: Language) -> Mapping[str, Any]:
    """The lists of one language."""
    return tomllib.loads(Path(__file__).with_name(SHEETS[language]).read_text(encoding="utf-8"))


def bend(pattern: str, endings: Mapping[str, str], *, case: int, plural: int) -> str:
    """Words such as "отв+ёрт:ка" in the case of that number in CASES, stress still marked."""
    bent: list[str] = []
    for word in pattern.split():
        stem, _, name = word.partition(":")
        ending = endings[name].split("|")[plural].split()[case] if name else ""
        bent.append(stem + ending.replace("-", ""))
    return " ".join(bent)


def words_of(sheet: Mapping[str, Any]) -> frozenset[str]:
    """Every word of a language's lists: a slip of the pen must not make one of them."""
    found: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, str):
            found.update(word.strip(".,") for word in value.lower().replace("-", " ").split())
        elif isinstance(value, Mapping):
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk([sheet["carriers"], sheet["decoys"], sheet["real"]])
    for entry in sheet["terms"]:
        walk([entry["text"], *entry.get("near", [])])
    return frozenset(found)
