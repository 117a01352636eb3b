"""One term of a lexicon found in one turn."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Text
from sqlmodel import Field, SQLModel

from models.call import NEVER_REUSE_IDS, of_call
from models.columns import Json


class Hit(SQLModel, table=True):
    """Which term, the words that matched it, when they were said, and how well they match (0 to
    1): the product of `parts`, which is None for hits of before they were known.
    """

    __tablename__ = "hit"
    __table_args__ = (Index("hit_by_lexicon", "lexicon", "call_id"), NEVER_REUSE_IDS)

    id: int | None = Field(default=None, primary_key=True)
    call_id: int = Field(sa_column=of_call())
    turn_id: int = Field(
        sa_column=Column(
            Integer, ForeignKey("turn.id", ondelete="CASCADE"), nullable=False, index=True
        )
    )
    speaker: str = Field(sa_column=Column(String(20), nullable=False))
    lexicon: str = Field(sa_column=Column(String(100), nullable=False))
    lexicon_version: int
    term: str = Field(sa_column=Column(Text, nullable=False))
    grade: str | None = Field(default=None, sa_column=Column(String(30)))
    matched: str = Field(sa_column=Column(Text, nullable=False))
    start_s: float
    end_s: float
    score: float
    parts: dict[str, float] | None = Field(default=None, sa_column=Column(Json))
