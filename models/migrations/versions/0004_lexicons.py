"""Lexicons with their versions, re-matching of stored calls, what a hit's score is made of, and
with which lexicons a call's hits were made. Rows that are there keep NULLs until they are matched
again.

Columns come and go one by one, as in 0002.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.columns import Json, Moment

revision = "0004"
down_revision = "0003"

COLUMNS = (("call", "lexicon_revision", sa.Integer()), ("hit", "parts", Json))
TABLES = ("rematch", "lexicon_revision", "lexicon_version", "lexicon")


def upgrade() -> None:
    for table, name, kind in COLUMNS:
        op.add_column(table, sa.Column(name, kind, nullable=True))
    op.create_table(
        "lexicon",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("retired_by", sa.String(length=100)),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "lexicon_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lexicon_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("definition", Json, nullable=False),
        sa.Column("terms", sa.Integer(), nullable=False),
        sa.Column("shipped", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.String(length=100)),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("published_by", sa.String(length=100)),
        sa.Column("published_at", Moment()),
        sa.ForeignKeyConstraint(["lexicon_id"], ["lexicon.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("lexicon_id", "version"),
    )
    draft = sa.text("state = 'draft'")
    op.create_index(
        "lexicon_draft",
        "lexicon_version",
        ["lexicon_id"],
        unique=True,
        sqlite_where=draft,
        postgresql_where=draft,
    )
    op.create_table(
        "lexicon_revision",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "rematch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("lexicon", sa.String(length=100)),
        sa.Column("draft", Json),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("last_call_id", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("result", Json, nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("created_by", sa.String(length=100)),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("finished_at", Moment()),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("rematch_by_state", "rematch", ["state", "updated_at"])


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    for table, name, _kind in reversed(COLUMNS):
        op.drop_column(table, name)
