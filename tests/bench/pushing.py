"""How long `POST /calls` takes for uploads of 1 MB, one after the other, over real HTTP."""

from __future__ import annotations

import io
import json
import wave
from collections.abc import Iterator
from random import Random
from time import perf_counter

import httpx

UPLOAD_BYTES = 1_000_000
HEADER_BYTES = 44
WARM_UP = 5


def push_times(url: str, key: str, *, uploads: int) -> list[float]:
    """Milliseconds that each of `uploads` pushes took, of recordings that differ; a few pushes
    before them warm the API up. Raises httpx.HTTPStatusError where one is refused.
    """
    times = []
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=url, headers=headers, timeout=60) as http:
        for number, recording in enumerate(recordings(WARM_UP + uploads)):
            call = json.dumps({"external_id": f"bench-{number}", "agent": "Alice"})
            since = perf_counter()
            answer = http.post(
                "/calls", data={"call": call}, files={"recording": ("call.wav", recording)}
            )
            times.append((perf_counter() - since) * 1000)
            answer.raise_for_status()
    return times[WARM_UP:]


def recordings(count: int, *, seed: int = 6) -> Iterator[bytes]:
    """WAV files of 1 MB: 8 kHz, stereo, noise that is another in each."""
    chance = Random(seed)
    for _ in range(count):
        file = io.BytesIO()
        with wave.open(file, "wb") as out:
            out.setnchannels(2)
            out.setsampwidth(2)
            out.setframerate(8000)
            out.writeframes(chance.randbytes(UPLOAD_BYTES - HEADER_BYTES))
        yield file.getvalue()
