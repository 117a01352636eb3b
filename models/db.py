"""Engine, sessions and migrations. SQLite (WAL) by default, PostgreSQL at scale; knows no table by
name.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Lock
from time import monotonic, sleep
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, SQLModel, create_engine

from models.columns import now

BUSY_TIMEOUT_MS = 30_000
BUSY_RETRY_S = 0.02
# A commit must survive a power cut: a recording once accepted is never lost.
SYNCHRONOUS = "FULL"
# Pages kept by each connection, and how much of the file is read through the system's own cache
# without being copied first.
CACHE_KIB = 16 * 1024
MMAP_BYTES = 4 << 30
# Any number will do, as long as every Overtone process takes the same.
MIGRATION_LOCK = 0x0E27_03E5
# As many connections as the API has threads that may want one; few of them stay open.
POOL: dict[str, Any] = {"pool_size": 10, "max_overflow": 40}
# SQLite looks at the clock each time it did so many of its steps: about every 10 ms.
PROGRESS_STEPS = 200_000
# https://www.postgresql.org/docs/current/errcodes-appendix.html
QUERY_CANCELED = "57014"
_one_at_a_time = Lock()
Item = TypeVar("Item")


def connect(url: str) -> Engine:
    """An engine for `url`; a SQLite file's folder is made where it is missing."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        # Statements carry transcripts and phone numbers: an error's text must not repeat them.
        return create_engine(url, pool_pre_ping=True, hide_parameters=True, **POOL)
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    once = {"check_same_thread": False}
    engine = create_engine(url, connect_args=once, hide_parameters=True, **POOL)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver's own BEGIN comes late and is always DEFERRED; ours is sent by `_begin_sqlite`.
    # https://docs.sqlalchemy.org/en/21/dialects/sqlite.html#pysqlite-serializable
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    _write_ahead(cursor)
    cursor.execute(f"PRAGMA synchronous = {SYNCHRONOUS}")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    cursor.execute(f"PRAGMA mmap_size = {MMAP_BYTES}")
    cursor.close()


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Switch the file to WAL, waiting for whoever writes to it.

    The switch reads first and then wants to write. SQLite does not let a reader wait for a writer,
    since the two could wait for each other: it says "busy" at once, and we ask again.
    https://www.sqlite.org/c3ref/busy_handler.html
    """
    until = monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            # The last byte is the kind of error, those before say which of its kind.
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() > until:
                raise
        sleep(BUSY_RETRY_S)


def _begin_sqlite(connection: Any) -> None:
    wants = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {wants}")


def is_sqlite(session: Session) -> bool:
    """Whether this session talks to SQLite; else it is PostgreSQL."""
    return session.get_bind().dialect.name == "sqlite"


def insert_into(session: Session, table: type[SQLModel]) -> Any:
    """This database's INSERT, which knows ON CONFLICT."""
    return (sqlite if is_sqlite(session) else postgresql).insert(table)


def take_lock(session: Session, lock: int, *, shared: bool = False) -> None:
    """Take a lock of this number until the session ends its transaction: alone, or with others that
    hold it `shared`. Nothing on SQLite, which has one writer at a time.
    """
    if not is_sqlite(session):
        kind = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
        session.execute(text(f"SELECT {kind}(:lock)"), {"lock": lock})


def slices(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """The items in runs of at most `size`: databases bound how much one statement may name."""
    return (items[at : at + size] for at in range(0, len(items), size))


def database_clock(session: Session) -> datetime:
    """This moment, by a clock that all processes share: the server's own with PostgreSQL, this
    machine's with SQLite.
    """
    if is_sqlite(session):
        return now()
    moment: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    return moment


class QueryTooSlow(Exception):
    """A query was given up because it takes too long; the text says what to do."""


@contextmanager
def giving_up_after(session: Session, seconds: float) -> Iterator[None]:
    """Statements within are ended, and `QueryTooSlow` raised, once this time is over.

    On PostgreSQL each statement has that time, and the limit holds until the transaction ends.
    """
    connection = session.connection()
    until = monotonic() + seconds
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        driver.set_progress_handler(lambda: monotonic() > until, PROGRESS_STEPS)
    else:
        milliseconds = text("SELECT set_config('statement_timeout', :most, true)")
        connection.execute(milliseconds, {"most": str(round(seconds * 1000))})
    try:
        yield
    except OperationalError as error:
        is_over = getattr(error.orig, "sqlstate", None) == QUERY_CANCELED
        if is_over or getattr(error.orig, "sqlite_errorname", "") == "SQLITE_INTERRUPT":
            raise QueryTooSlow(
                f"this takes longer than {seconds:.0f} s: ask for rarer words, or narrow it by time"
            ) from error
        raise
    finally:
        if connection.dialect.name == "sqlite":
            driver.set_progress_handler(None, 0)


def writing(engine: Engine) -> Session:
    """A session that will write: on SQLite it takes the write lock at once and waits for it, so
    that two writers queue up instead of failing half-way."""
    return Session(engine.execution_options(sqlite_begin="IMMEDIATE"), expire_on_commit=False)


def reading(engine: Engine) -> Session:
    """A session that only reads."""
    return Session(engine, expire_on_commit=False)


def migrate(engine: Engine, revision: str = "head") -> None:
    """Bring the schema up, or down, to `revision` ("base" has no tables), in one transaction.

    Safe to call at every start, also by several processes at once: the first one does it.
    """
    config = _config()
    # Alembic keeps the running migration in module globals; the database's own lock keeps other
    # processes apart, this one the threads of ours. The transaction is begun here: left to
    # Alembic, it would end after each revision on SQLite, and let another process in between.
    with _one_at_a_time, engine.execution_options(sqlite_begin="IMMEDIATE").begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(
                text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK}
            )
        config.attributes["connection"] = connection
        if revision in {"base", *_below(config, _revision(connection))}:
            command.downgrade(config, revision)
        else:
            command.upgrade(config, revision)


def is_current(engine: Engine) -> bool:
    """Whether the schema is the newest that this code knows."""
    with engine.connect() as connection:
        current = _revision(connection)
    return current == ScriptDirectory.from_config(_config()).get_current_head()


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _below(config: Config, revision: str | None) -> set[str]:
    """The revisions that come before this one."""
    if revision is None:
        return set()
    scripts = ScriptDirectory.from_config(config).iterate_revisions(revision, "base")
    return {script.revision for script in scripts} - {revision}


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
