"""Where Whisper runs and how: device, numbers' type, and how many windows fit its memory.

Knows nothing of audio. Settings may pin each; `auto` and `default` take what is there.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass

import ctranslate2

logger = logging.getLogger(__name__)

# In the order of preference: the smallest that the models were published in, and int8 on a CPU.
GPU_TYPES = ("float16", "bfloat16", "int8_float16", "float32")
CPU_TYPES = ("int8", "float32")
# What an allocator says that has run out, of ctranslate2, CUDA and cuBLAS.
_FULL = re.compile(r"out of memory|CUBLAS_STATUS_ALLOC_FAILED|failed to allocate", re.IGNORECASE)
DRIVER = "CUDA driver"
_LIBRARY = re.compile(r"lib(?:cublas|cudnn|cudart)[\w.]*\w|CUDA driver", re.IGNORECASE)
# Of free memory, what batches may take: the rest is for what we cannot see.
USED_SHARE = 0.7
POSITIONS, TEXT = 1500, 448
# Decoder layers by width (table 1 of Radford et al. 2022), and of models that keep fewer.
LAYERS = {384: 4, 512: 6, 768: 12, 1024: 24, 1280: 32}
FEW_LAYERS = {"turbo": 4, "distil": 2}


@dataclass(frozen=True, slots=True)
class Place:
    """A device of ctranslate2 (`cpu` or `cuda`) and its compute type."""

    device: str
    compute_type: str


def choose(device: str = "auto", compute_type: str = "default") -> Place:
    """The best of what is there. A pinned device or type is taken as it is."""
    if device == "auto":
        device = "cuda" if ctranslate2.get_cuda_device_count() > 0 else "cpu"
    if compute_type == "default":
        wanted = GPU_TYPES if device == "cuda" else CPU_TYPES
        try:
            able = ctranslate2.get_supported_compute_types(device)
        except RuntimeError:  # a pinned GPU that is not there: loading the model says why
            able = set()
        compute_type = next((kind for kind in wanted if kind in able), "default")
    return Place(device, compute_type)


def is_full(error: Exception) -> bool:
    """Whether a device ran out of memory."""
    return isinstance(error, MemoryError) or bool(_FULL.search(str(error)))


def missing_library(error: Exception) -> str | None:
    """Which of CUDA's libraries was not found, if that is what went wrong."""
    found = _LIBRARY.search(str(error))
    return found.group(0) if found else None


def what_to_install(library: str) -> str:
    """What a person does about a missing library of CUDA."""
    if library == DRIVER:
        return (
            "no GPU can be used: its driver is missing or too old for CUDA 12; install NVIDIA's "
            "driver of the 525 series or newer, or set OVERTONE_DEVICE=cpu"
        )
    return (
        f"a GPU is there, but its library {library} cannot be loaded: install NVIDIA's cuBLAS "
        "(pip install nvidia-cublas-cu12, its folder in LD_LIBRARY_PATH), or set "
        "OVERTONE_DEVICE=cpu"
    )


def window_bytes(name: str, width: int, *, beam_size: int, compute_type: str) -> int:
    """Memory that one window of 30 s takes at most while model `name` hears it.

    What the decoder keeps of the encoder's 1500 frames and of up to 448 tokens (keys and values
    in each layer, for each beam), and the encoder's widest layer with its attention.
    """
    layers = next((own for mark, own in FEW_LAYERS.items() if mark in name), LAYERS.get(width, 32))
    size = 4 if compute_type in ("float32", "int8", "int8_float32") else 2
    kept = 2 * layers * width * (POSITIONS + TEXT) * beam_size
    widest = POSITIONS * 8 * width + width // 64 * POSITIONS * POSITIONS
    return size * (kept + widest)


def fitting_batch(wanted: int, each_bytes: int, free_bytes: int | None) -> int:
    """As many windows as `wanted`, or as fit; at least one. `free_bytes` None: not known."""
    if free_bytes is None:
        return wanted
    fits = int(free_bytes * USED_SHARE) // max(each_bytes, 1)
    if fits < wanted:
        logger.warning("%d windows at once fit the memory, not %d", max(1, fits), wanted)
    return max(1, min(wanted, fits))


def free_memory(device: str) -> int | None:
    """Free bytes of the GPU, None on a CPU and where nobody can tell."""
    if device != "cuda":
        return None
    try:
        import torch
    except ImportError:
        return None
    if not torch.cuda.is_available():
        return None
    free, _total = torch.cuda.mem_get_info()
    return int(free)
