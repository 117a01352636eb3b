"""Test recordings, sound and unsound, written into a folder that the test gives. No speech in them.

Sound is float32 of shape (channels, samples), -1 to 1.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

Sound = NDArray[np.float32]

PCM, UNKNOWN_CODEC = 1, 0x1234


def silence(seconds: float, *, rate_hz: int = 8000, channels: int = 1) -> Sound:
    """Digital silence."""
    return np.zeros((channels, round(seconds * rate_hz)), np.float32)


def tone(
    hz: float, seconds: float, *, rate_hz: int = 8000, channels: int = 1, on: int = 0
) -> Sound:
    """A sine at -10 dB on the channel `on`; the other channels are silent."""
    sound = silence(seconds, rate_hz=rate_hz, channels=channels)
    sound[on] = 0.3 * np.sin(2 * np.pi * hz * np.arange(sound.shape[1]) / rate_hz)
    return sound


def write(
    path: Path, sound: Sound, rate_hz: int, *, subtype: str, container: str, **options: Any
) -> Path:
    """Write with libsndfile: its own WAV, GSM, Ogg, FLAC and MP3, not FFmpeg's."""
    soundfile.write(path, sound.T, rate_hz, subtype=subtype, format=container, **options)
    return path


def encode(path: Path, sound: Sound, rate_hz: int, *, codec: str) -> Path:
    """Write with FFmpeg's libraries, in the container that the file's suffix names."""
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[len(sound)]
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=rate_hz, layout=layout)
        for start in range(0, sound.shape[1], 1024):
            block = (sound[:, start : start + 1024] * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(block.T).reshape(1, -1), format="s16", layout=layout
            )
            frame.sample_rate, frame.pts = rate_hz, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def film(path: Path) -> Path:
    """A second of pictures and no sound."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        for shade in range(10):
            picture = np.full((32, 32, 3), shade * 20, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def samples_of(sound: Sound) -> bytes:
    """The sound as 16-bit PCM, channels interleaved."""
    return (sound.T * 32767).astype("<i2").tobytes()


def wav(
    data: bytes,
    *,
    channels: int = 1,
    rate_hz: int = 8000,
    codec: int = PCM,
    bits: int = 16,
    promised_bytes: int | None = None,
) -> bytes:
    """A WAV file made by hand, so that its header may say anything, true or not."""
    promised = len(data) if promised_bytes is None else promised_bytes
    block = max(1, channels) * bits // 8
    form = struct.pack(
        "<HHIIHH", codec, channels, rate_hz, rate_hz * block & 0xFFFFFFFF, block, bits
    )
    riff = struct.pack("<4sI4s", b"RIFF", min(promised + 36, 0xFFFFFFFF), b"WAVE")
    return (
        riff
        + struct.pack("<4sI", b"fmt ", 16)
        + form
        + struct.pack("<4sI", b"data", promised)
        + data
    )


def playlist(kind: str, target: str) -> bytes:
    """A file of text that asks its reader to open `target` (a path or an address)."""
    return {
        "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{target}\n#EXT-X-ENDLIST\n",
        "concat": f"ffconcat version 1.0\nfile '{target}'\n",
        "dash": (
            '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">'
            "<Period><AdaptationSet><Representation id='1'>"
            f"<BaseURL>{target}</BaseURL></Representation></AdaptationSet></Period></MPD>"
        ),
        "asf reference": f"[Reference]\nRef1={target}\n",
        "sdp": (
            "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
            f"a=control:{target}\nm=audio 5004 RTP/AVP 0\n"
        ),
    }[kind].encode()
