"""Stands in for the column `outcome` until the migration that has it.

Revision ID: 0006_push_tmp
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006_push_tmp"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("call", sa.Column("outcome", sa.String(10), nullable=True))


def downgrade() -> None:
    op.drop_column("call", "outcome")
