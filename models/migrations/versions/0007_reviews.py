"""Work on calls: review, assignee, legal hold; tags by hand, comments, and the history of all of
it. Recordings that have to go, the audit trail, and when a key was used last. Calls that are there
are new and nobody's.

Columns come and go one by one, as in 0002.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.columns import Json, Moment

revision = "0007"
down_revision = "0006"

# Table, name, kind, and what rows that are there get; None is NULL.
COLUMNS = (
    ("call", "review", sa.String(length=10), "new"),
    ("call", "assignee", sa.String(length=100), None),
    ("call", "legal_hold", sa.Boolean(), sa.false()),
    ("key", "last_used_at", Moment(), None),
)
TABLES = ("audit", "doomed_recording", "call_event", "comment", "call_label")


def upgrade() -> None:
    for table, name, kind, default in COLUMNS:
        op.add_column(
            table, sa.Column(name, kind, nullable=default is None, server_default=default)
        )
    op.create_table(
        "call_label",
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("tag", sa.String(length=50), nullable=False),
        sa.Column("given_by", sa.String(length=100), nullable=False),
        sa.Column("given_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("call_id", "tag"),
    )
    op.create_index("call_label_by_tag", "call_label", ["tag", "call_id"])
    op.create_table(
        "comment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("given_by", sa.String(length=100), nullable=False),
        sa.Column("key_name", sa.String(length=100), nullable=False),
        sa.Column("given_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_comment_call_id", "comment", ["call_id"])
    op.create_table(
        "call_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("before", sa.Text()),
        sa.Column("after", sa.Text()),
        sa.Column("given_by", sa.String(length=100), nullable=False),
        sa.Column("given_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_call_event_call_id", "call_event", ["call_id"])
    op.create_table(
        "doomed_recording",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("recording", sa.Text(), nullable=False),
        sa.Column("deleted_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("key_name", sa.String(length=100)),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("call_id", sa.Integer()),
        sa.Column("detail", Json, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("audit_by_action", "audit", ["action", "id"])
    op.create_index("audit_by_call", "audit", ["call_id", "id"])
    op.create_index("audit_by_time", "audit", ["at"])


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    for table, name, _kind, _default in reversed(COLUMNS):
        op.drop_column(table, name)
