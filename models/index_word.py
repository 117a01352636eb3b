"""The distinct words of the index: what was ever said in a call, each key once.

Only words that can be mistaken for another are kept. Numbers and codes never are, and a caller's
number has no business here.
"""

from __future__ import annotations

import json
from collections.abc import Collection

from sqlalchemy import Column, String, text
from sqlmodel import Field, Session, SQLModel

from lexicons.text import MAX_KEY_CHARS

SHORTEST_CHARS, LONGEST_CHARS = 4, 32
_AT_ONCE = 5000


class IndexWord(SQLModel, table=True):
    """One analyzer key. Rows are never changed and never removed."""

    __tablename__ = "index_word"

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(sa_column=Column(String(MAX_KEY_CHARS), unique=True, nullable=False))


_ROWS = {
    "sqlite": "json_each(:keys)",
    "postgresql": "json_array_elements_text(CAST(:keys AS json)) AS said",
}
# Known keys are looked up first: a conflict on PostgreSQL would use an id up.
_LEARN = """
    INSERT INTO index_word (key)
    SELECT value FROM {rows}
    WHERE NOT EXISTS (SELECT 1 FROM index_word WHERE index_word.key = value)
    ORDER BY value
    ON CONFLICT DO NOTHING
"""


def can_be_near(key: str) -> bool:
    """Whether a key is a word that may be mistaken for another: 4 to 32 letters and no digit."""
    return SHORTEST_CHARS <= len(key) <= LONGEST_CHARS and key.isalpha()


def learn(session: Session, keys: Collection[str]) -> None:
    """Add those of the keys that are words and not there yet; does not commit.

    Call it once in a transaction: all writers add in one order, so that on PostgreSQL none waits
    for another that waits for it.
    """
    statement = text(_LEARN.format(rows=_ROWS[session.get_bind().dialect.name]))
    words = sorted({key for key in keys if can_be_near(key)})
    for at in range(0, len(words), _AT_ONCE):
        session.execute(statement, {"keys": json.dumps(words[at : at + _AT_ONCE])})
