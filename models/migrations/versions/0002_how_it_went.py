"""How a conversation went, and how sure each turn is. Rows that are there keep NULLs until their
call is heard again.

Columns come and go one by one: a table made anew, as batches do on SQLite, would lose its triggers
and take with it all rows that refer to it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.columns import Json

revision = "0002"
down_revision = "0001"

COLUMNS = (
    ("call", "agent_talk_ratio", sa.Float()),
    ("call", "silence_s", sa.Float()),
    ("call", "longest_silence_s", sa.Float()),
    ("call", "silences", Json),
    ("call", "overlap_s", sa.Float()),
    ("call", "interruptions", sa.Integer()),
    ("call", "dropped_words", sa.Integer()),
    ("speaker", "talk_ratio", sa.Float()),
    ("speaker", "words_per_minute", sa.Float()),
    ("speaker", "longest_monologue_s", sa.Float()),
    ("speaker", "interruptions", sa.Integer()),
    ("turn", "language", sa.String(length=3)),
    ("turn", "confidence", sa.Float()),
    ("turn", "interrupts", sa.Boolean()),
)


def upgrade() -> None:
    for table, name, kind in COLUMNS:
        op.add_column(table, sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    for table, name, _kind in reversed(COLUMNS):
        op.drop_column(table, name)
