"""The first tables and the search index of turns.

SQLite keeps the index in an FTS5 table that triggers follow; PostgreSQL in a GIN index over the
same keys.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.columns import Json, Moment

revision = "0001"
down_revision = None

TABLES = ("hit", "turn", "speaker", "call_tag", "alert", "key", "call")
# The keys come from the analyzer: letters and digits only, so the tokenizer has nothing left to
# decide.
SQLITE_INDEX = (
    "CREATE VIRTUAL TABLE turn_index USING fts5("
    "keys, content='turn', content_rowid='id', tokenize='unicode61 remove_diacritics 0')",
    "CREATE TRIGGER turn_indexed AFTER INSERT ON turn BEGIN "
    "INSERT INTO turn_index(rowid, keys) VALUES (new.id, new.keys); END",
    "CREATE TRIGGER turn_unindexed AFTER DELETE ON turn BEGIN "
    "INSERT INTO turn_index(turn_index, rowid, keys) VALUES ('delete', old.id, old.keys); END",
    "CREATE TRIGGER turn_reindexed AFTER UPDATE OF keys ON turn BEGIN "
    "INSERT INTO turn_index(turn_index, rowid, keys) VALUES ('delete', old.id, old.keys); "
    "INSERT INTO turn_index(rowid, keys) VALUES (new.id, new.keys); END",
)
POSTGRESQL_INDEX = ("CREATE INDEX turn_index ON turn USING gin (to_tsvector('simple', keys))",)


def upgrade() -> None:
    op.create_table(
        "call",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=False),
        sa.Column("agent", sa.String(length=200)),
        sa.Column("line", sa.String(length=100)),
        sa.Column("caller", sa.String(length=100)),
        sa.Column("direction", sa.String(length=10)),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("agent_channel", sa.String(length=5), nullable=False),
        sa.Column("language_wanted", sa.String(length=3)),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("details", Json, nullable=False),
        sa.Column("recording", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("heard_at", Moment()),
        sa.Column("duration_s", sa.Float()),
        sa.Column("channels", sa.Integer()),
        sa.Column("language", sa.String(length=3)),
        sa.Column("language_probability", sa.Float()),
        sa.Column("whisper_model", sa.String(length=200)),
        sa.Column("mood_model", sa.String(length=200)),
        sa.Column("warnings", Json, nullable=False),
        sa.Column("anger", sa.Float()),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("external_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("call_by_anger", "call", ["anger", "id"])
    op.create_index("call_by_start", "call", ["started_at", "id"])
    op.create_index("call_by_status", "call", ["status", "updated_at"])
    op.create_index("ix_call_agent", "call", ["agent"])
    op.create_index("ix_call_caller", "call", ["caller"])
    op.create_index("ix_call_line", "call", ["line"])
    op.create_table(
        "key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("scopes", Json, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("revoked_at", Moment()),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hash"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "alert",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(length=100), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("evidence", Json, nullable=False),
        sa.Column("start_s", sa.Float(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("call_id", "rule"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_alert_call_id", "alert", ["call_id"])
    op.create_table(
        "call_tag",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("tag", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("call_id", "tag"),
    )
    op.create_index("call_tag_by_tag", "call_tag", ["tag", "call_id"])
    op.create_index("ix_call_tag_call_id", "call_tag", ["call_id"])
    op.create_table(
        "speaker",
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("talk_s", sa.Float(), nullable=False),
        sa.Column("mood", sa.String(length=10)),
        sa.Column("angry", sa.Float()),
        sa.Column("happy", sa.Float()),
        sa.Column("neutral", sa.Float()),
        sa.Column("sad", sa.Float()),
        sa.Column("anger", sa.Float()),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("call_id", "name"),
    )
    op.create_index("speaker_by_mood", "speaker", ["mood", "name"])
    op.create_table(
        "turn",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("speaker", sa.String(length=20), nullable=False),
        sa.Column("start_s", sa.Float(), nullable=False),
        sa.Column("end_s", sa.Float(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("keys", sa.Text(), nullable=False),
        sa.Column("words", Json, nullable=False),
        sa.Column("mood", sa.String(length=10)),
        sa.Column("anger", sa.Float()),
        sa.Column("moods", Json),
        sa.Column("acoustics", Json),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("call_id", "position"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_turn_call_id", "turn", ["call_id"])
    op.create_table(
        "hit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("turn_id", sa.Integer(), nullable=False),
        sa.Column("speaker", sa.String(length=20), nullable=False),
        sa.Column("lexicon", sa.String(length=100), nullable=False),
        sa.Column("lexicon_version", sa.Integer(), nullable=False),
        sa.Column("term", sa.Text(), nullable=False),
        sa.Column("grade", sa.String(length=30)),
        sa.Column("matched", sa.Text(), nullable=False),
        sa.Column("start_s", sa.Float(), nullable=False),
        sa.Column("end_s", sa.Float(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["turn_id"], ["turn.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("hit_by_lexicon", "hit", ["lexicon", "call_id"])
    op.create_index("ix_hit_call_id", "hit", ["call_id"])
    op.create_index("ix_hit_turn_id", "hit", ["turn_id"])
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in SQLITE_INDEX if sqlite else POSTGRESQL_INDEX:
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE turn_index")
    for table in TABLES:
        op.drop_table(table)
