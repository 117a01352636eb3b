"""The life of alerts, and what became of them event by event. Alerts that are there have no events
until something becomes of them.

Columns come and go one by one, as in 0002.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.columns import Json, Moment

revision = "0010"
down_revision = "0009"

COLUMNS = (
    ("due_at", Moment()),
    ("overdue_at", Moment()),
    ("no_longer_at", Moment()),
    ("acknowledged_at", Moment()),
    ("acknowledged_by", sa.String(length=100)),
    ("resolved_at", Moment()),
    ("resolved_by", sa.String(length=100)),
    ("outcome", sa.String(length=20)),
    ("note", sa.Text()),
)


def upgrade() -> None:
    severity = sa.Column("severity", sa.String(length=10), nullable=False, server_default="high")
    op.add_column("alert", severity)
    for name, kind in COLUMNS:
        op.add_column("alert", sa.Column(name, kind, nullable=True))
    op.create_index("alert_by_status", "alert", ["status", "id"])
    awaited = sa.text("status = 'new' AND overdue_at IS NULL AND due_at IS NOT NULL")
    op.create_index(
        "alert_awaited", "alert", ["due_at"], sqlite_where=awaited, postgresql_where=awaited
    )
    op.create_table(
        "alert_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("alert_id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("by", sa.String(length=100)),
        sa.Column("body", Json, nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_alert_event_alert_id", "alert_event", ["alert_id"])


def downgrade() -> None:
    op.drop_table("alert_event")
    op.drop_index("alert_awaited", "alert")
    op.drop_index("alert_by_status", "alert")
    for name, _kind in reversed(COLUMNS):
        op.drop_column("alert", name)
    op.drop_column("alert", "severity")
