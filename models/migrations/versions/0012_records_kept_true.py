"""Uploads are found by name, so that those without a call are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

UPLOADED = sa.text("substr(recording, 1, 7) = 'upload:'")


def upgrade() -> None:
    op.create_index(
        "call_by_upload", "call", ["recording"], sqlite_where=UPLOADED, postgresql_where=UPLOADED
    )


def downgrade() -> None:
    op.drop_index("call_by_upload", "call")
