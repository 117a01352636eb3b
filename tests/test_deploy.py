"""Dockerfile.gpu, compose.yaml and what goes with them, as far as they can be checked without a
Docker engine.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import uvicorn
import yaml  # type: ignore[import-untyped,unused-ignore]
from fastapi import FastAPI
from sqlalchemy.engine import make_url

from api import health
from settings import PREFIX, Settings

ROOT = Path(__file__).parents[1]
DOCKERFILE = ROOT / "Dockerfile.gpu"
COMPOSE = ROOT / "compose.yaml"
TOOLS = Path(sys.executable).parent
IMAGES = ("api", "worker")


@dataclass(slots=True)
class Stage:
    """One FROM of the Dockerfile and its instructions, such as ("USER", "10001")."""

    base: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def all(self, instruction: str) -> list[str]:
        return [value for name, value in self.steps if name == instruction]


def stages() -> dict[str, Stage]:
    """The Dockerfile's stages by name."""
    lines = DOCKERFILE.read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#"))
    found: dict[str, Stage] = {}
    stage = Stage("")
    for line in text.replace("\\\n", " ").splitlines():
        name, _, value = line.strip().partition(" ")
        if name == "FROM":
            base, _, alias = value.partition(" AS ")
            stage = found[alias] = Stage(base)
        elif name:
            stage.steps.append((name, value.strip()))
    return found


def lineage(name: str) -> list[Stage]:
    """A stage after those it is built on."""
    found = stages()
    stage = found[name]
    return [*(lineage(stage.base) if stage.base in found else []), stage]


def environment_of(image: str) -> dict[str, str]:
    """What ENV sets in an image."""
    values = (pair for stage in lineage(image) for env in stage.all("ENV") for pair in env.split())
    return dict(value.split("=", 1) for value in values)


@cache
def compose() -> dict[str, Any]:
    """compose.yaml with its anchors merged, its variables not yet filled in."""
    parsed: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return parsed


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


def filled(value: object, **variables: str) -> str:
    """A value of compose.yaml with `${NAME}`, `${NAME:-default}` and `${NAME:?why}` filled in."""

    def fill(match: re.Match[str]) -> str:
        name, mark, rest = match.groups()
        if name in variables:
            return variables[name]
        assert mark == ":-", f"{name} is not set"
        return str(rest)

    return re.sub(r"\$\{(\w+)(?:(:[-?])([^}]*))?\}", fill, str(value))


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **environment}
    )


def test_hadolint_finds_nothing() -> None:
    linted = run(TOOLS / "hadolint", "--no-color", DOCKERFILE)
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_every_ignored_finding_is_justified() -> None:
    lines = DOCKERFILE.read_text(encoding="utf-8").splitlines()
    for before, line in pairwise(lines):
        if line.startswith("# hadolint ignore"):
            assert before.startswith("# ")


def test_compose_file_fits_the_compose_specification() -> None:
    schema = ("--builtin-schema", "vendor.compose-spec")
    checked = run(TOOLS / "check-jsonschema", *schema, COMPOSE)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_pre_commit_accepts_its_configuration() -> None:
    checked = run(TOOLS / "pre-commit", "validate-config", ROOT / ".pre-commit-config.yaml")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_pre_commit_fetches_nothing_and_checks_what_make_check_does() -> None:
    parsed = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert {repo["repo"] for repo in parsed["repos"]} == {"local"}
    programs = [shlex.split(hook["entry"])[0] for hook in parsed["repos"][0]["hooks"]]
    assert {".venv/bin/ruff", ".venv/bin/mypy", ".venv/bin/hadolint"} <= set(programs)
    assert all((TOOLS / Path(program).name).exists() for program in programs)


def test_images_are_pinned() -> None:
    bases = [stage.base for stage in stages().values() if stage.base not in stages()]
    images = [service["image"] for service in services().values() if "image" in service]
    assert len(bases) >= len(IMAGES)
    built = [service for service in services().values() if "build" in service]
    assert len(images) == len(services()) - len(built)
    for image in bases + images:
        assert re.fullmatch(r"[a-z/]+:\d+\.\d+\.?\d*[a-z0-9.-]*", image), image


def test_every_copied_path_exists_and_reaches_the_build() -> None:
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    let_through = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {
        source
        for stage in stages().values()
        for copy in stage.all("COPY")
        if not copy.startswith("--from=")
        for source in copy.split()[:-1]
    }
    assert copied == let_through
    assert [path for path in sorted(copied) if not (ROOT / path).exists()] == []
    assert "*" in rules, "what is not named stays out"


def test_wheel_stage_copies_every_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    setuptools = project["tool"]["setuptools"]
    rooms = [name.rstrip("*") for name in setuptools["packages"]["find"]["include"]]
    modules = [f"{name}.py" for name in setuptools["py-modules"]]
    copied = " ".join(stages()["wheel"].all("COPY")).split()
    assert {*rooms, *modules} <= set(copied)


@pytest.mark.parametrize(
    ("stage", "extras"),
    [("api-packages", "postgresql"), ("worker-packages", "worker,postgresql,s3")],
)
def test_images_install_extras_that_exist_at_the_tested_versions(stage: str, extras: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (install,) = (step for step in stages()[stage].all("RUN") if "pip install" in step)
    assert f'".[{extras}]"' in install
    assert "--constraint constraints.txt" in install
    assert set(extras.split(",")) <= set(project["optional-dependencies"])


@pytest.mark.parametrize("path", ["Dockerfile.gpu", "compose.yaml", "docs/deploy.md"])
def test_every_setting_named_exists(path: str) -> None:
    named = set(re.findall(rf"{PREFIX}[A-Z_]+", (ROOT / path).read_text(encoding="utf-8")))
    assert named
    assert named <= {PREFIX + name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize("image", IMAGES)
def test_image_runs_without_root_and_keeps_its_data_in_the_volume(image: str) -> None:
    stage = stages()[image]
    assert stage.all("USER") == ["10001:10001"]
    assert [name for name, _ in stage.steps].index("USER") > stage.steps.index(
        ("COPY", f"--from={image}-packages /opt/overtone /opt/overtone")
    )
    assert stage.all("VOLUME") == ["/data"]
    assert environment_of(image)["OVERTONE_DATA_DIR"] == "/data"
    assert stage.all("ENTRYPOINT") == ['["overtone"]']
    assert stage.all("CMD") == [f'["{image}"]']


@pytest.mark.parametrize("image", IMAGES)
def test_service_settings_are_valid_together(image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = environment_of(image) | services()[image]["environment"]
    for name, value in given.items():
        if name.startswith(PREFIX):
            monkeypatch.setenv(name, filled(value, POSTGRES_PASSWORD="x1"))
    settings = Settings()
    url = make_url(settings.database)
    assert url.get_dialect().name == "postgresql"
    assert (url.host, url.password) == ("postgres", "x1")
    assert settings.redis == "redis://valkey:6379/0"
    assert settings.data_dir == Path("/data")
    if image == "api":
        port = filled(services()[image]["ports"][0]).split(":")[-1]
        assert (settings.api_host, str(settings.api_port)) == ("0.0.0.0", port)
    else:
        assert settings.device == "cuda"


def test_only_the_api_is_published_and_only_to_this_machine() -> None:
    ports = {name: service.get("ports", []) for name, service in services().items()}
    assert [name for name, published in ports.items() if published] == ["api"]
    assert all(filled(port).startswith("127.0.0.1:") for port in ports["api"])
    for name in ("valkey", "postgres"):
        networks = services()[name]["networks"]
        assert all(compose()["networks"][network]["internal"] for network in networks)


def test_every_service_comes_back_and_waits_for_what_it_needs() -> None:
    found = services()
    assert all(service["restart"] == "unless-stopped" for service in found.values())
    for name in ("valkey", "postgres"):
        assert found[name]["healthcheck"]["test"]
    healthy = {"condition": "service_healthy"}
    for name in IMAGES:
        assert found[name]["depends_on"] == {"postgres": healthy, "valkey": healthy}


def test_nothing_that_must_last_lies_in_a_container() -> None:
    found = services()
    named = set(compose()["volumes"])
    for service in found.values():
        assert {volume.split(":")[0] for volume in service["volumes"]} <= named
    for name in (*IMAGES, "notify"):
        assert found[name]["volumes"] == ["data:/data"]
    assert found["valkey"]["command"][1:] == ["--appendonly", "yes"]


def test_services_are_built_from_the_stages_of_the_dockerfile() -> None:
    for image in IMAGES:
        build = services()[image]["build"]
        assert (ROOT / build["context"] / build["dockerfile"]) == DOCKERFILE
        assert build["target"] == image
        assert image in stages()


def test_alerts_are_delivered_by_the_image_of_the_api() -> None:
    api, notify = services()["api"], services()["notify"]
    assert (notify["build"], notify["command"]) == (api["build"], ["notify"])
    assert notify["environment"] == services()["worker"]["environment"]
    assert "ports" not in notify


def test_the_worker_reserves_a_gpu() -> None:
    (device,) = services()["worker"]["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}


def test_the_worker_reports_to_nobody() -> None:
    environment = environment_of("worker")
    assert environment["ORT_DISABLE_TELEMETRY"] == environment["HF_HUB_DISABLE_TELEMETRY"] == "1"


def test_no_password_stands_in_the_files() -> None:
    password = services()["postgres"]["environment"]["POSTGRES_PASSWORD"]
    assert password.startswith("${POSTGRES_PASSWORD:?")
    assert password in services()["api"]["environment"]["OVERTONE_DATABASE_URL"]


@contextmanager
def served() -> Iterator[int]:
    """The API's health routes on a free port."""
    app = FastAPI()
    app.include_router(health.router)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def test_the_health_check_tells_a_living_api_from_a_dead_one() -> None:
    (check,) = stages()["api"].all("HEALTHCHECK")
    program, *arguments = json.loads(check.partition("CMD ")[2])
    assert program == "python"
    with served() as port:
        living = run(sys.executable, *arguments, OVERTONE_API_PORT=str(port))
    dead = run(sys.executable, *arguments, OVERTONE_API_PORT=str(port))
    assert living.returncode == 0, living.stderr
    assert dead.returncode == 1
