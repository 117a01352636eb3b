"""The index of whole calls, facets to filter and count by, and the vocabulary of the index.

SQLite's index of turns is made anew: its rows are numbered by call and position. Calls that are
there have no index of their own until the reconciler, or `overtone index`, has made it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

COLUMNS = (
    ("outcome", sa.String(length=10), None),
    ("utc_offset_min", sa.Integer(), "0"),
    ("anger_trend", sa.Float(), None),
    ("place", sa.BigInteger(), None),
    ("facets", sa.LargeBinary(), None),
)
FIGURES = (
    *("anger", "anger_trend", "duration_s", "agent_talk_ratio"),
    *("longest_silence_s", "interruptions", "status"),
)
OPTIONS = "tokenize='unicode61 remove_diacritics 0'"
SPEAKERS = "agent, customer, speaker_1, speaker_2, others"
NUMBER = "{row}.call_id * 65536 + {row}.position"


def _columns(row: str) -> str:
    """The keys of a turn in the column of who said it."""
    known = ("agent", "customer", "speaker_1", "speaker_2")
    said = [f"iif({row}.speaker = '{name}', {row}.keys, '')" for name in known]
    others = ", ".join(f"'{name}'" for name in known)
    return ", ".join([*said, f"iif({row}.speaker IN ({others}), '', {row}.keys)"])


def _insert(row: str) -> str:
    return (
        f"INSERT INTO turn_index(rowid, {SPEAKERS}) "
        f"VALUES ({NUMBER.format(row=row)}, {_columns(row)})"
    )


def _delete(row: str) -> str:
    return (
        f"INSERT INTO turn_index(turn_index, rowid, {SPEAKERS}) "
        f"VALUES ('delete', {NUMBER.format(row=row)}, {_columns(row)})"
    )


SQLITE = (
    f"CREATE VIRTUAL TABLE turn_index USING fts5({SPEAKERS}, content='', columnsize=0, {OPTIONS})",
    f"CREATE TRIGGER turn_indexed AFTER INSERT ON turn BEGIN {_insert('new')}; END",
    f"CREATE TRIGGER turn_unindexed AFTER DELETE ON turn BEGIN {_delete('old')}; END",
    "CREATE TRIGGER turn_reindexed AFTER UPDATE OF keys, speaker, call_id, position ON turn BEGIN "
    f"{_delete('old')}; {_insert('new')}; END",
    f"INSERT INTO turn_index(rowid, {SPEAKERS}) "
    f"SELECT {NUMBER.format(row='turn')}, {_columns('turn')} FROM turn",
    f"CREATE VIRTUAL TABLE call_text USING fts5({SPEAKERS}, columnsize=0, prefix='2 3', {OPTIONS})",
    "CREATE TRIGGER call_unindexed AFTER DELETE ON call BEGIN "
    "DELETE FROM call_text WHERE rowid = old.place; END",
)
OLD_SQLITE = (
    "CREATE VIRTUAL TABLE turn_index USING fts5("
    "keys, content='turn', content_rowid='id', tokenize='unicode61 remove_diacritics 0')",
    "CREATE TRIGGER turn_indexed AFTER INSERT ON turn BEGIN "
    "INSERT INTO turn_index(rowid, keys) VALUES (new.id, new.keys); END",
    "CREATE TRIGGER turn_unindexed AFTER DELETE ON turn BEGIN "
    "INSERT INTO turn_index(turn_index, rowid, keys) VALUES ('delete', old.id, old.keys); END",
    "CREATE TRIGGER turn_reindexed AFTER UPDATE OF keys ON turn BEGIN "
    "INSERT INTO turn_index(turn_index, rowid, keys) VALUES ('delete', old.id, old.keys); "
    "INSERT INTO turn_index(rowid, keys) VALUES (new.id, new.keys); END",
    "INSERT INTO turn_index(turn_index) VALUES ('rebuild')",
)
NOT_YET = sa.text("facets IS NULL")
TRIGGERS = ("turn_indexed", "turn_unindexed", "turn_reindexed")


def upgrade() -> None:
    for name, kind, default in COLUMNS:
        op.add_column(
            "call",
            sa.Column(name, kind, nullable=default is None, server_default=default),
        )
    op.create_table(
        "facet",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name", "value"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "call_facet",
        sa.Column("facet_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("facet_id", "place"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "index_word",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index("call_by_place", "call", ["place"], unique=True)
    op.create_index("call_by_figures", "call", ["place", "id", *FIGURES])
    op.drop_index("call_by_anger", "call")
    op.create_index("call_by_anger", "call", [sa.text("coalesce(anger, -1.0)"), "id"])
    op.create_index("call_by_duration", "call", [sa.text("coalesce(duration_s, -1.0)"), "id"])
    op.create_index(
        "call_unindexed_yet", "call", ["id"], sqlite_where=NOT_YET, postgresql_where=NOT_YET
    )
    if _is_sqlite():
        _drop_turn_index()
        _execute(SQLITE)
    else:
        op.execute(
            "CREATE TABLE call_text ("
            "call_id integer PRIMARY KEY REFERENCES call(id) ON DELETE CASCADE, "
            "words tsvector NOT NULL)"
        )
        op.execute("CREATE INDEX call_text_words ON call_text USING gin (words)")


def downgrade() -> None:
    if _is_sqlite():
        op.execute("DROP TRIGGER call_unindexed")
        _drop_turn_index()
        _execute(OLD_SQLITE)
    op.execute("DROP TABLE call_text")
    op.drop_index("call_unindexed_yet", "call")
    op.drop_index("call_by_duration", "call")
    op.drop_index("call_by_anger", "call")
    op.create_index("call_by_anger", "call", ["anger", "id"])
    op.drop_index("call_by_figures", "call")
    op.drop_index("call_by_place", "call")
    for table in ("index_word", "call_facet", "facet"):
        op.drop_table(table)
    for name, _kind, _default in reversed(COLUMNS):
        op.drop_column("call", name)


def _drop_turn_index() -> None:
    _execute([f"DROP TRIGGER {name}" for name in TRIGGERS])
    op.execute("DROP TABLE turn_index")


def _execute(statements: tuple[str, ...] | list[str]) -> None:
    for statement in statements:
        op.execute(statement)


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"
