"""Whatever is asked, as the API's own schema describes it: never an error of ours, never an answer
that the schema does not know.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.app import make_app
from models.db import connect, migrate, writing
from models.key import create_key
from models.lexicon import save_draft
from settings import Settings
from tests.fakes import ANGRY, turn
from tests.records import store_call

EXAMPLES = 25
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)


@pytest.fixture(scope="module")
def schema(
    valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[schemathesis.BaseSchema]:
    """The API over a database that has a little of everything."""
    folder = tmp_path_factory.mktemp("schema")
    settings = Settings(
        data_dir=folder,
        database_url=f"sqlite:///{folder / 'schema.db'}",
        redis_url=valkey_url,
        stores=(str(folder),),
        rate_limit=0,
        max_upload_mb=1,
    )
    engine = connect(settings.database)
    migrate(engine)
    for number in range(3):
        said = turn("customer", 1.0, "You are useless idiots, where is bearing 204?", ANGRY)
        store_call(engine, f"call-{number}", said, agent="Alice")
    with writing(engine) as session:
        key = create_key(session, "schema")
        save_draft(session, {"name": "fruit", "purpose": "product", "terms": []}, by="schema")
    (Path(folder) / "a.wav").write_bytes(b"RIFF")
    app = make_app(settings)
    with TestClient(app):
        found = schemathesis.openapi.from_asgi("/openapi.json", app)
        found.config.update(headers={"Authorization": f"Bearer {key}"})
        yield found
    engine.dispose()


def test_every_answer_is_one_that_the_schema_knows(schema: schemathesis.BaseSchema) -> None:
    problems: list[str] = []
    # A stream of events never ends: tests/api/test_alert_stream.py reads it.
    for found in schema.exclude(path="/alerts/stream").get_all_operations():
        operation = found.ok()

        @hypothesis_settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case: schemathesis.Case) -> None:
            case.call_and_validate(checks=list(CHECKS))

        try:
            ask()
        except FailureGroup as group:
            problems += [f"{operation.label}: {one}" for one in group.exceptions]
        except Failure as one:
            problems.append(f"{operation.label}: {one}")
    assert problems == []
