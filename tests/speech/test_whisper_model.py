"""Whisper is loaded where it runs, and what is missing is said with what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ctranslate2
import numpy as np
import pytest

from speech import whisper_model
from speech.whisper_files import ModelMissing
from speech.whisper_model import load_whisper

CUBLAS = "Library libcublas.so.12 is not found or cannot be loaded"
OLD_DRIVER = "CUDA failed with error CUDA driver version is insufficient for CUDA runtime version"


@dataclass
class Shelf:
    """Gives out models of width 512 that say where they are; on a GPU they raise `error`, when
    they are loaded or when they first encode.
    """

    error: Exception | None = None
    at_once: bool = False
    loaded: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, _name: str, *, device: str, compute_type: str, **_options: Any) -> Any:
        broken = self.error if device == "cuda" else None
        if broken and self.at_once:
            raise broken
        self.loaded.append((device, compute_type))

        def encode(features: Any) -> Any:
            if broken:
                raise broken
            return np.zeros((len(features), 50, 512), np.float32)

        return SimpleNamespace(model=SimpleNamespace(n_mels=80, device=device), encode=encode)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Shelf]:
    """A machine with a GPU, whose models come from the shelf that this makes."""
    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: 1)
    types = {"cuda": {"float16", "float32"}, "cpu": {"int8", "float32"}}
    monkeypatch.setattr(ctranslate2, "get_supported_compute_types", types.__getitem__)

    def make(error: Exception | None = None, *, at_once: bool = False) -> Shelf:
        shelf = Shelf(error, at_once)
        monkeypatch.setattr(whisper_model, "WhisperModel", shelf)
        return shelf

    return make


def test_a_gpu_that_works_is_taken(gpu: Callable[..., Shelf], tmp_path: Path) -> None:
    shelf = gpu()

    model, width = load_whisper("tiny", tmp_path)

    assert model.model.device == "cuda"
    assert width == 512
    assert shelf.loaded == [("cuda", "float16")]


@pytest.mark.parametrize("at_once", [True, False])
def test_a_gpu_without_its_libraries_is_left_for_the_cpu_with_a_warning(
    gpu: Callable[..., Shelf],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    at_once: bool,
) -> None:
    shelf = gpu(RuntimeError(CUBLAS), at_once=at_once)

    model, width = load_whisper("tiny", tmp_path)

    assert model.model.device == "cpu"
    assert width == 512
    assert shelf.loaded[-1] == ("cpu", "int8")
    assert "libcublas.so.12" in caplog.text
    assert "CPU" in caplog.text


@pytest.mark.parametrize("at_once", [True, False])
def test_a_pinned_gpu_without_its_libraries_is_refused_with_what_to_install(
    gpu: Callable[..., Shelf], tmp_path: Path, at_once: bool
) -> None:
    shelf = gpu(RuntimeError(CUBLAS), at_once=at_once)

    with pytest.raises(ModelMissing, match=r"libcublas\.so\.12 .*pip install nvidia-cublas-cu12"):
        load_whisper("tiny", tmp_path, device="cuda")

    assert ("cpu", "int8") not in shelf.loaded


@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_other_errors_of_a_gpu_are_told(
    gpu: Callable[..., Shelf], tmp_path: Path, device: str
) -> None:
    gpu(RuntimeError("CUDA failed with error an illegal instruction was encountered"))

    with pytest.raises(ModelMissing, match=r"on cuda \(RuntimeError: .* illegal instruction"):
        load_whisper("tiny", tmp_path, device=device)


def test_a_gpu_with_an_old_driver_is_left_for_the_cpu(
    gpu: Callable[..., Shelf], tmp_path: Path
) -> None:
    gpu(RuntimeError(OLD_DRIVER))

    assert load_whisper("tiny", tmp_path)[0].model.device == "cpu"


def test_a_pinned_gpu_that_is_not_there_is_refused_with_what_to_do(
    gpu: Callable[..., Shelf], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def no_driver(_device: str) -> set[str]:
        raise RuntimeError(OLD_DRIVER)

    gpu(RuntimeError(OLD_DRIVER))
    # As ctranslate2 does on a machine without a GPU, the first time it is asked.
    monkeypatch.setattr(ctranslate2, "get_supported_compute_types", no_driver)

    with pytest.raises(ModelMissing, match="OVERTONE_DEVICE"):
        load_whisper("tiny", tmp_path, device="cuda")


def test_a_pinned_type_is_kept_on_the_cpu(gpu: Callable[..., Shelf], tmp_path: Path) -> None:
    shelf = gpu(RuntimeError(CUBLAS))

    load_whisper("tiny", tmp_path, compute_type="float32")

    assert shelf.loaded[-1] == ("cpu", "float32")


def test_a_folder_without_a_model_is_refused_with_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"no model\.bin: set OVERTONE_WHISPER_MODEL"):
        load_whisper(str(tmp_path), tmp_path, device="cpu")


@pytest.mark.parametrize("content", [b"", b"xx", bytes(4096)])
def test_a_broken_model_is_refused_with_what_to_set(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.bin").write_bytes(content)

    with pytest.raises(ModelMissing, match="could not be loaded on cpu") as caught:
        load_whisper(str(tmp_path), tmp_path, device="cpu")

    assert str(tmp_path) in str(caught.value)
    assert "OVERTONE_WHISPER_MODEL" in str(caught.value)
    assert caught.value.__cause__ is not None
