"""The peer that our hearing is measured against: faster-whisper's own batched pipeline, with word
times, once per channel.

It shares our loaded model, beam and compute type, so that only what is built around them differs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from faster_whisper import BatchedInferencePipeline, decode_audio
from faster_whisper.transcribe import Word

from speech.transcribe import Transcriber


@dataclass(frozen=True, slots=True)
class PeerChannel:
    """What it heard on one channel, and the language it took it for."""

    words: tuple[Word, ...]
    language: str

    @property
    def text(self) -> str:
        return "".join(word.word for word in self.words).strip()


class Peer:
    """Over a transcriber's own model; not safe to share between threads."""

    def __init__(self, transcriber: Transcriber) -> None:
        self._pipeline = BatchedInferencePipeline(transcriber.model)
        self._beam_size = transcriber.beam_size
        self._batch_size = transcriber.batch_size

    def hear(self, path: Path, channels: int) -> list[PeerChannel]:
        """Hear a recording of one or two channels, decoding included."""
        if channels == 1:
            sounds = [decode_audio(str(path))]
        else:
            sounds = list(decode_audio(str(path), split_stereo=True))
        return [self._hear(sound) for sound in sounds]

    def _hear(self, sound: object) -> PeerChannel:
        segments, info = self._pipeline.transcribe(
            sound,
            word_timestamps=True,
            beam_size=self._beam_size,
            batch_size=self._batch_size,
        )
        words = tuple(word for segment in segments for word in segment.words or ())
        return PeerChannel(words, info.language)
