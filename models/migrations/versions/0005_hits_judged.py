"""What people say of hits. A verdict names a hit by its number, so SQLite never gives one again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.columns import Moment

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "hit_verdict",
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("lexicon", sa.String(length=100), nullable=False),
        sa.Column("term", sa.Text(), nullable=False),
        sa.Column("speaker", sa.String(length=20), nullable=False),
        sa.Column("start_s", sa.Float(), nullable=False),
        sa.Column("right", sa.Boolean(), nullable=False),
        sa.Column("matched", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("given_by", sa.String(length=100)),
        sa.Column("given_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("call_id", "lexicon", "term", "speaker", "start_s"),
    )
    op.create_index("hit_verdict_by_lexicon", "hit_verdict", ["lexicon"])
    _rebuild_hits(never_again=True)


def downgrade() -> None:
    op.drop_table("hit_verdict")
    _rebuild_hits(never_again=False)


def _rebuild_hits(*, never_again: bool) -> None:
    if op.get_bind().dialect.name == "sqlite":  # PostgreSQL's sequence never goes back
        options = {"sqlite_autoincrement": never_again}
        with op.batch_alter_table("hit", recreate="always", table_kwargs=options):
            pass
