"""placeholder until the real one is merged"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Column, String
from sqlmodel import Field, Session, SQLModel

from models.query import Word


class IndexWord(SQLModel, table=True):
    __tablename__ = "index_word"

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(sa_column=Column(String(100), unique=True, nullable=False))


def learn(session: Session, keys: Collection[str]) -> None:
    pass


class Vocabulary:
    def refresh(self, session: Session) -> None:
        pass

    def near(self, word: Word) -> tuple[str, ...]:
        return ()
