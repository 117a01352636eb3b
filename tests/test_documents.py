"""Every setting, command and route is documented, and the documents say what is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.main import get_command

from overtone import app
from settings import PREFIX, BadSettings, Settings, read_settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = {
    "call_id": 4711,
    "hit_id": 815,
    "name": "product",
    "rematch_id": 12,
    "tag": "refund",
    "comment_id": 7,
    "rule": "threats",
    "alert_id": 12,
    "subscription": "wallboard",
    "delivery_id": 77,
}


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_stands_in_the_readme_with_its_default(name: str) -> None:
    field = Settings.model_fields[name]
    default = "" if field.default in (None, ()) else f"`{field.default}`"
    assert f"| `{PREFIX}{name.upper()}` | {default} | {field.description} |" in README


def test_the_readme_names_no_setting_that_is_not_there() -> None:
    named = set(re.findall(rf"{PREFIX}[A-Z0-9_]+", README))
    assert named <= {PREFIX + name.upper() for name in Settings.model_fields}


def test_every_command_stands_in_the_readme() -> None:
    commands = set(get_command(app).commands)  # type: ignore[attr-defined]
    assert commands
    assert {name for name in commands if f"overtone {name}" not in README} == set()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_route_stands_in_the_readme(api: TestClient) -> None:
    for path, methods in api.get("/openapi.json").json()["paths"].items():
        for method in methods:
            route = f"{method.upper()} {path.format_map(EXAMPLES)}"
            assert route in README, route


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"(?:`|^    )make ([a-z]+)", README, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_link_between_the_documents_leads_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "samples/README.md"]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_bad_and_unknown_settings_are_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERTONE_API_PORT", "many")
    monkeypatch.setenv("OVERTONE_STORES", "relative/folder")
    monkeypatch.setenv("OVERTONE_WISPER_MODEL", "base")
    with pytest.raises(BadSettings) as error:
        read_settings()
    for name in ("OVERTONE_API_PORT", "OVERTONE_STORES", "OVERTONE_WISPER_MODEL"):
        assert name in str(error.value)


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERTONE_STORES", "/srv/a, https://records.example.com/")
    monkeypatch.setenv("OVERTONE_DATA_DIR", "/srv/overtone")
    settings = read_settings()
    assert settings.stores == ("/srv/a", "https://records.example.com/")
    assert settings.database == "sqlite:////srv/overtone/overtone.db"
    assert settings.redis == "unix:///srv/overtone/queue/valkey.sock"


@pytest.mark.parametrize(
    "store",
    [
        "http://a.example/",
        "https://a.example",
        "https://user@a.example/",
        "https://a.example/b/../",
        "https://a.example/%2e/",
        "https://a.example/?b/",
        "s3://bucket",
        "s3:///",
        "ftp://a/",
        "memory://a/",
        "simplecache::s3://a/",
        "a/b",
    ],
)
def test_stores_that_would_not_be_safe_are_refused(
    monkeypatch: pytest.MonkeyPatch, store: str
) -> None:
    monkeypatch.setenv("OVERTONE_STORES", store)
    with pytest.raises(BadSettings, match="OVERTONE_STORES"):
        read_settings()


def test_a_long_data_folder_still_has_a_short_socket() -> None:
    settings = Settings(data_dir=Path("/" + "long/" * 30))
    assert len(str(settings.queue_socket)) <= 103
    assert settings.queue_socket == Settings(data_dir=Path("/" + "long/" * 30)).queue_socket
