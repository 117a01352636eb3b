"""Calls say that a push told something of them which rules have not been asked about yet. Events of
alerts are found by their moment.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.columns import Moment

revision = "0013"
down_revision = "0012"

UNJUDGED = sa.text("unjudged_since IS NOT NULL")


def upgrade() -> None:
    op.add_column("call", sa.Column("unjudged_since", Moment()))
    op.create_index(
        "call_unjudged_yet", "call", ["id"], sqlite_where=UNJUDGED, postgresql_where=UNJUDGED
    )
    op.create_index("alert_event_by_moment", "alert_event", ["at", "id"])


def downgrade() -> None:
    op.drop_index("alert_event_by_moment", "alert_event")
    op.drop_index("call_unjudged_yet", "call")
    op.drop_column("call", "unjudged_since")
