"""Who may import whom, and what the API must never load."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = {"speech", "lexicons", "models", "workers", "api", "settings", "overtone"}
ALLOWED = {
    "overtone": ROOMS,
    "api": {
        "models",
        "lexicons",
        "workers.queue",
        "workers.rules",
        "workers.sending",
        "settings",
    },
    "workers": {"speech", "lexicons", "models", "settings"},
    "models": {"lexicons.text", "lexicons.sounds", "lexicons.known"},
    "speech": set(),
    "lexicons": set(),
    "settings": set(),
}
TOO_HEAVY_FOR_THE_API = ("torch", "ctranslate2", "librosa", "transformers", "faster_whisper", "av")


def imports_of(path: Path) -> set[str]:
    """Dotted names of everything a module imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            found |= {f"{module}.{name.name}" for name in node.names}
    return found


def allowed(target: str, room: str) -> bool:
    return target.split(".")[0] == room or any(
        target == place or target.startswith(f"{place}.") for place in ALLOWED[room]
    )


def modules_of(room: str) -> list[Path]:
    folder = ROOT / room
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [ROOT / f"{room}.py"]


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_a_room_imports_only_what_it_may(room: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {target}"
        for path in modules_of(room)
        for target in sorted(imports_of(path))
        if target.split(".")[0] in ROOMS and not allowed(target, room)
    ]
    assert wrong == []


def test_every_room_is_looked_at() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages - {"tests"} <= set(ALLOWED)
    assert all(modules_of(room) for room in ALLOWED)


@pytest.mark.parametrize(
    "module", ["api.app", "api.commands", "workers.queue", "workers.sending.courier", "overtone"]
)
def test_serving_and_commands_start_without_the_hearing_models(module: str) -> None:
    code = f"import {module}, sys; print(sorted(set({TOO_HEAVY_FOR_THE_API!r}) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == "[]"
