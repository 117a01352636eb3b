"""The published lexicons, compiled: what hearing and re-matching find hits with.

Loads no model and may be used by commands as well as by workers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock

from sqlalchemy import Engine

from lexicons.lexicon import Lexicon, as_table, from_table, shipped
from lexicons.matcher import Matcher
from models.db import reading, writing
from models.lexicon import published_tables, revision, seed_lexicons


@dataclass(frozen=True, slots=True)
class Compiled:
    """All that is published at one revision: the lexicons, their matcher, and what the first
    product terms are called.
    """

    revision: int
    lexicons: tuple[Lexicon, ...]
    matcher: Matcher
    hotwords: tuple[str, ...] = ()


class Shelf:
    """Always holds what is published now; may be shared by threads."""

    def __init__(self, engine: Engine, *, hotwords: int = 0) -> None:
        self._engine = engine
        self._hotwords = hotwords
        self._lock = Lock()
        self._compiled: Compiled | None = None

    def current(self) -> Compiled:
        """What is published at this moment. One short query; compiled anew only where that changed.

        Raises `LexiconError` for a stored lexicon that this Overtone cannot read.
        """
        with reading(self._engine) as session:
            number = revision(session)
        with self._lock:
            if self._compiled is None or self._compiled.revision != number:
                self._compiled = self._compile()
            return self._compiled

    def _compile(self) -> Compiled:
        with reading(self._engine) as session:
            # Were the number read after the tables, it could stand for newer ones than these.
            number = revision(session)
            tables = published_tables(session)
        lexicons = tuple(from_table(table, source=str(table["name"])) for table in tables)
        return Compiled(
            number, lexicons, Matcher(lexicons), product_names(lexicons, self._hotwords)
        )


def seed(engine: Engine) -> int:
    """Publish what comes with Overtone and is not there yet; returns how many lexicons."""
    with writing(engine) as session:
        return seed_lexicons(session, [as_table(lexicon) for lexicon in shipped()])


def product_names(lexicons: Iterable[Lexicon], most: int) -> tuple[str, ...]:
    """What the first `most` product terms are called, in each alphabet."""
    products = [lexicon for lexicon in lexicons if lexicon.purpose == "product"]
    terms = [term for lexicon in products for term in lexicon.terms]
    names: list[str] = []
    for term in terms[:most]:
        for ours in (str.isascii, lambda phrase: not phrase.isascii()):
            names += list(filter(ours, term.phrases))[:1]
    return tuple(names)
