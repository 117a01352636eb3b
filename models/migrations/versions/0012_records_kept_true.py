"""Uploads are found by name, so that those without a call are. Recordings that have to go say whose
they were, and their ids are not given again: SQLite's table is made anew for that. Calls have the
telephone numbers that they are found by when somebody is erased. Revoked keys get back the names
that they had when they were used, unless others have them now.
"""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op

from models.columns import Json, Moment
from models.numbers import numbers_of_call

revision = "0012"
down_revision = "0011"

UPLOADED = sa.text("substr(recording, 1, 7) = 'upload:'")


CALL = sa.table(
    "call",
    sa.column("id", sa.Integer()),
    *(sa.column(name, sa.String()) for name in ("caller", "line", "direction")),
    sa.column("details", Json),
)
AT_ONCE = 1000
KEY = sa.table("key", sa.column("id", sa.Integer()), sa.column("name", sa.String()))
RENAMED = re.compile(r"(.+) \(revoked \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\)")
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
    _number_calls(
        op.create_table(
            "call_number",
            sa.Column("number", sa.String(length=100), nullable=False),
            sa.Column("call_id", sa.Integer(), nullable=False),
            sa.ForeignKeyConstraint(["call_id"], ["call.id"], ondelete="CASCADE"),
            sa.PrimaryKeyConstraint("number", "call_id"),
            sqlite_with_rowid=False,
        )
    )
    op.create_index("ix_call_number_call_id", "call_number", ["call_id"])
    _name_keys()


def downgrade() -> None:
    op.drop_table("call_number")
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


def _number_calls(table: sa.Table) -> None:
    """Give the calls that are there their numbers."""
    connection = op.get_bind()
    last = 0
    wanted = sa.select(CALL).order_by(CALL.c.id).limit(AT_ONCE)
    while calls := connection.execute(wanted.where(CALL.c.id > last)).all():
        last = calls[-1].id
        rows = [
            {"call_id": call.id, "number": number}
            for call in calls
            for number in numbers_of_call(
                caller=call.caller, line=call.line, direction=call.direction, details=call.details
            )
        ]
        if rows:
            connection.execute(table.insert(), rows)


def _name_keys() -> None:
    connection = op.get_bind()
    keys = connection.execute(sa.select(KEY).order_by(KEY.c.id)).all()
    taken = {key.name for key in keys}
    for key in keys:
        renamed = RENAMED.fullmatch(key.name)
        if renamed and renamed[1] not in taken:
            taken.add(renamed[1])
            connection.execute(sa.update(KEY).where(KEY.c.id == key.id).values(name=renamed[1]))


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"
