"""Whisper runs on the best that is there; errors of devices are read for what went wrong."""

from __future__ import annotations

import ctranslate2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.device import (
    USED_SHARE,
    Place,
    choose,
    fitting_batch,
    free_memory,
    is_full,
    missing_library,
    what_to_install,
    window_bytes,
)

GB = 1 << 30
# What these say, as they say it.
FULL = [
    "CUDA failed with error out of memory",
    "cuBLAS failed with status CUBLAS_STATUS_ALLOC_FAILED",
    "[json.exception] Failed to allocate 134217728 bytes",
]
MISSING = [
    ("Library libcublas.so.12 is not found or cannot be loaded", "libcublas.so.12"),
    (
        "Unable to load any of {libcudnn_ops.so.9.1.0, libcudnn_ops.so.9.1, libcudnn_ops.so.9}",
        "libcudnn_ops.so.9.1.0",
    ),
    (
        "libcudart.so.12: cannot open shared object file: No such file or directory",
        "libcudart.so.12",
    ),
]
NEITHER = [
    "File model.bin is incomplete: failed to read a value of size 4 at position 0",
    "cuDNN failed with status CUDNN_STATUS_EXECUTION_FAILED",
    "the memory of this machine is fine",
    "",
]


def machine(monkeypatch: pytest.MonkeyPatch, *, gpus: int, types: set[str]) -> None:
    """A machine of so many GPUs; whichever device is asked for supports `types`."""
    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: gpus)
    monkeypatch.setattr(ctranslate2, "get_supported_compute_types", lambda _device: types)


@pytest.mark.parametrize(
    ("gpus", "types", "place"),
    [
        (0, {"int8", "int8_float32", "float32"}, Place("cpu", "int8")),
        (0, {"float32"}, Place("cpu", "float32")),
        (0, {"int16"}, Place("cpu", "default")),
        (1, {"float16", "bfloat16", "int8_float16", "float32"}, Place("cuda", "float16")),
        (2, {"bfloat16", "int8", "float32"}, Place("cuda", "bfloat16")),
        (1, {"int8", "int8_float32", "float32"}, Place("cuda", "float32")),
        (1, set(), Place("cuda", "default")),
    ],
)
def test_the_best_of_what_is_there_is_chosen(
    monkeypatch: pytest.MonkeyPatch, gpus: int, types: set[str], place: Place
) -> None:
    machine(monkeypatch, gpus=gpus, types=types)

    assert choose() == place


@pytest.mark.parametrize("gpus", [0, 1])
def test_what_is_pinned_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch, gpus: int) -> None:
    machine(monkeypatch, gpus=gpus, types={"int8", "float32"})

    assert choose("cpu") == Place("cpu", "int8")
    assert choose("cuda", "float16") == Place("cuda", "float16")
    assert choose("auto", "int8_float16") == Place("cuda" if gpus else "cpu", "int8_float16")


def test_this_machine_has_a_place_for_whisper() -> None:
    place = choose()

    assert place.device in ("cpu", "cuda")
    assert place.compute_type in ctranslate2.get_supported_compute_types(place.device)


@pytest.mark.parametrize("text", FULL)
def test_a_full_device_is_known(text: str) -> None:
    assert is_full(RuntimeError(text))
    assert missing_library(RuntimeError(text)) is None


def test_pythons_own_memory_error_is_one() -> None:
    assert is_full(MemoryError())


@pytest.mark.parametrize(("text", "library"), MISSING)
def test_a_missing_library_is_named(text: str, library: str) -> None:
    error = RuntimeError(text)

    assert missing_library(error) == library
    assert not is_full(error)


def test_an_old_driver_is_not_a_full_device() -> None:
    assert not is_full(RuntimeError("CUDA driver version is insufficient for CUDA runtime version"))


@pytest.mark.parametrize("text", NEITHER)
def test_other_errors_are_neither(text: str) -> None:
    assert not is_full(RuntimeError(text))
    assert missing_library(RuntimeError(text)) is None


def test_what_to_install_names_the_library_and_the_way_out() -> None:
    told = what_to_install("libcublas.so.12")

    assert "libcublas.so.12" in told
    assert "pip install nvidia-cublas-cu12" in told
    assert "OVERTONE_DEVICE=cpu" in told


# How many windows


@given(st.integers(1, 64), st.integers(1, 4 * GB), st.integers(0, 160 * GB))
def test_a_batch_fits_the_memory_and_is_no_larger_than_wanted(
    wanted: int, each: int, free: int
) -> None:
    batch = fitting_batch(wanted, each, free)

    assert 1 <= batch <= wanted
    assert batch == 1 or batch * each <= free * USED_SHARE
    # Nor smaller than it must be.
    assert batch == wanted or (batch + 1) * each > free * USED_SHARE - 1


def test_a_batch_is_as_wanted_where_nobody_knows_the_memory() -> None:
    assert fitting_batch(8, 4 * GB, None) == 8
    assert free_memory("cpu") is None


def test_a_smaller_batch_is_told(caplog: pytest.LogCaptureFixture) -> None:
    fitting_batch(8, GB, 100 * GB)
    assert caplog.text == ""

    fitting_batch(8, GB, 4 * GB)
    assert "2 windows at once fit the memory, not 8" in caplog.text


def test_larger_models_and_beams_take_more_room() -> None:
    base = window_bytes("base", 512, beam_size=5, compute_type="float16")
    large = window_bytes("large-v3", 1280, beam_size=5, compute_type="float16")
    turbo = window_bytes("large-v3-turbo", 1280, beam_size=5, compute_type="float16")

    assert base < turbo < large
    assert window_bytes("base", 512, beam_size=1, compute_type="float16") < base
    assert window_bytes("base", 512, beam_size=5, compute_type="float32") == 2 * base
    # A GPU of 8 GB has room for some windows of the largest model.
    assert fitting_batch(8, large, 8 * GB) >= 2
