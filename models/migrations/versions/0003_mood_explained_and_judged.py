"""What a speaker's anger is made of, and what people say of it. Rows that are there keep NULLs
until their call is heard again.

Columns come and go one by one, as in 0002.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.columns import Json, Moment

revision = "0003"
down_revision = "0002"

COLUMNS = (
    ("speaker", "anger_mean", sa.Float()),
    ("speaker", "anger_share", sa.Float()),
    ("speaker", "anger_trend", sa.Float()),
    ("speaker", "anger_at_s", sa.Float()),
    ("turn", "anger_parts", Json),
)


def upgrade() -> None:
    for table, name, kind in COLUMNS:
        op.add_column(table, sa.Column(name, kind, nullable=True))
    op.create_table(
        "mood_verdict",
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("speaker", sa.String(length=20), nullable=False),
        sa.Column("angry", sa.Boolean(), nullable=False),
        sa.Column("given_by", sa.String(length=100)),
        sa.Column("given_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("call_id", "speaker"),
    )


def downgrade() -> None:
    op.drop_table("mood_verdict")
    for table, name, _kind in reversed(COLUMNS):
        op.drop_column(table, name)
