"""Words said in turns: the query's words as phrases of analyzer keys, and each database's way to
match them.

Knows nothing of filters or pages.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Integer, bindparam, column, func, literal_column, or_, text
from sqlmodel import Session, col

from lexicons.text import analyze
from models.turn import Turn

Phrase = tuple[str, ...]
MAX_WORDS = 32
MAX_QUERY_CHARACTERS = 1000


class BadQuery(Exception):
    """The query cannot be answered; the text says which part and what is allowed."""

    def __init__(self, parameter: str, problem: str) -> None:
        super().__init__(f"{parameter}: {problem}")
        self.parameter = parameter
        self.problem = problem


def parse_words(q: str | None) -> list[Phrase]:
    """The query as phrases of keys: text in double quotes stays together, other words stand alone.

    A quote that is never closed is read as if it were not there. Raises `BadQuery` where there is
    nothing to look for, or too much.
    """
    if q is None:
        return []
    if len(q) > MAX_QUERY_CHARACTERS:
        raise BadQuery("q", f"at most {MAX_QUERY_CHARACTERS} characters")
    phrases: list[Phrase] = []
    parts = q.split('"')
    for number, part in enumerate(parts):
        keys = [token.key for token in analyze(part)]
        if number % 2 and number < len(parts) - 1 and keys:
            phrases.append(tuple(keys))
        else:
            phrases.extend((key,) for key in keys)
    unique = list(dict.fromkeys(phrases))
    if not unique:
        raise BadQuery("q", "has no word or number to look for")
    if sum(len(phrase) for phrase in unique) > MAX_WORDS:
        raise BadQuery("q", f"at most {MAX_WORDS} words")
    return unique


def matching_turns(session: Session, phrases: Sequence[Phrase]) -> ColumnElement[bool]:
    """Turns in which at least one of the phrases was said, by this database's own full-text
    search.
    """
    if session.get_bind().dialect.name == "sqlite":
        match = " OR ".join('"' + " ".join(phrase) + '"' for phrase in phrases)
        rows = text("SELECT rowid AS id FROM turn_index WHERE turn_index MATCH :match")
        return col(Turn.id).in_(
            rows.bindparams(bindparam("match", match, unique=True)).columns(column("id", Integer))
        )
    simple: ColumnElement[str] = literal_column("'simple'::regconfig")
    vector = func.to_tsvector(simple, col(Turn.keys))
    return or_(
        *(vector.op("@@")(func.phraseto_tsquery(simple, " ".join(phrase))) for phrase in phrases)
    )
