"""Uploads are found by name, so that those without a call are. Recordings that have to go say whose
they were, and their numbers are not given again: SQLite's table is made anew for that.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.columns import Moment

revision = "0012"
down_revision = "0011"

UPLOADED = sa.text("substr(recording, 1, 7) = 'upload:'")


DOOMED = ("id", "recording", "deleted_at")


def upgrade() -> None:
    op.create_index(
        "call_by_upload", "call", ["recording"], sqlite_where=UPLOADED, postgresql_where=UPLOADED
    )
    call_id = sa.Column("call_id", sa.Integer())
    if _is_sqlite():
        _make_doomed_anew(call_id, sqlite_autoincrement=True)
    else:
        op.add_column("doomed_recording", call_id)


def downgrade() -> None:
    if _is_sqlite():
        _make_doomed_anew()
    else:
        op.drop_column("doomed_recording", "call_id")
    op.drop_index("call_by_upload", "call")


def _make_doomed_anew(*more: sa.Column[int], **options: bool) -> None:
    """The table with these columns more, and with the rows that are there."""
    op.rename_table("doomed_recording", "doomed_before")
    op.create_table(
        "doomed_recording",
        sa.Column("id", sa.Integer(), nullable=False),
        *more,
        sa.Column("recording", sa.Text(), nullable=False),
        sa.Column("deleted_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **options,
    )
    names = ", ".join(DOOMED)
    op.execute(f"INSERT INTO doomed_recording ({names}) SELECT {names} FROM doomed_before")
    op.drop_table("doomed_before")


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"
