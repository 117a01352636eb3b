"""Packed windows through Whisper in batches: words with times, and the encoder's own frames for
the mood.

Knows nothing of speakers or turns. The encoder runs once per window; its output tells the language,
feeds the decoder (`speech.decoder`) and, pooled per word, the mood model.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from numpy.typing import NDArray

from speech.activity import Window
from speech.alignment import HeardWord
from speech.audio import AudioError
from speech.decoder import Decoded, Decoder
from speech.device import fitting_batch, free_memory, is_full, window_bytes
from speech.encoded import Encoded, on_cpu, padded_features, those_of
from speech.languages import THRESHOLD, Languages, decide, pinned, spread
from speech.recording import Recording
from speech.whisper_files import ModelMissing
from speech.whisper_model import load_whisper

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Transcript:
    """All words of a recording, in no order. `dropped_words` are those that
    Whisper wrote and nobody said.
    """

    words: tuple[HeardWord, ...]
    languages: Languages
    dropped_words: int = 0


class LanguageUnknown(AudioError):
    """The language asked for is none that the model knows."""


class NoRoom(ModelMissing):
    """Not even one window fits the device's memory."""


class Transcriber:
    """A loaded Whisper model. One at a time: it is not safe to share between threads.

    Where the device has no room for `batch_size` windows at once, that is halved, and stays so.
    """

    def __init__(
        self,
        model: WhisperModel,
        name: str,
        *,
        beam_size: int = 5,
        batch_size: int = 8,
        language_threshold: float = THRESHOLD,
    ) -> None:
        self.model = model
        self.name = name
        self.beam_size = beam_size
        self.batch_size = batch_size
        self.language_threshold = language_threshold

    @classmethod
    def load(
        cls,
        name: str,
        models_folder: Path,
        *,
        device: str = "auto",
        compute_type: str = "default",
        beam_size: int = 5,
        batch_size: int = 8,
        language_threshold: float = THRESHOLD,
    ) -> Transcriber:
        """Load `name` (a size, hub id or folder) on the best device that is there.

        Raises `ModelMissing` saying what to install or set.
        """
        model, width = load_whisper(name, models_folder, device=device, compute_type=compute_type)
        whisper = model.model
        each = window_bytes(name, width, beam_size=beam_size, compute_type=whisper.compute_type)
        return cls(
            model,
            Path(name).name,
            beam_size=beam_size,
            batch_size=fitting_batch(batch_size, each, free_memory(whisper.device)),
            language_threshold=language_threshold,
        )

    def transcribe(
        self,
        recording: Recording,
        windows: Sequence[Window],
        *,
        language: str | None = None,
        hotwords: Sequence[str] = (),
        on_progress: Callable[[float], None] | None = None,
    ) -> Transcript:
        """Hear `windows` of `recording`. `language` None: each channel's, found from speech all
        over the call. `hotwords` are terms that may be said: where something like them was
        heard, it is decoded once more.

        `on_progress` is told the share done, 0 to 1, after each batch.
        """
        if language is not None:
            self.check_language(language)
        if language is None and self.model.model.is_multilingual:
            asked = spread(windows)
            encoded = list(self._encode(recording, [windows[place] for place in asked]))
            shares = [found for part in encoded for found in self._shares(part)]
            languages = decide(shares, threshold=self.language_threshold)
        else:
            asked, encoded = [], []
            languages = pinned(language or "en", (window.channel for window in windows))
        rest = [window for place, window in enumerate(windows) if place not in set(asked)]
        words: list[HeardWord] = []
        dropped = done = 0
        for code in sorted(set(languages.channels.values())):
            speaks = {channel for channel, own in languages.channels.items() if own == code}
            decoder = Decoder(self.model, code, beam_size=self.beam_size, hotwords=hotwords)
            for part in chain(
                those_of(speaks, encoded),
                self._encode(recording, [w for w in rest if w.channel in speaks]),
            ):
                for heard in self._decode(part, recording, decoder):
                    words += heard.words
                    dropped += heard.dropped
                done += len(part.windows)
                if on_progress:
                    on_progress(done / len(windows))
        return Transcript(tuple(words), languages, dropped)

    def encode(self, sounds: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Encoder frames of sounds up to 30 s each: shape (sounds, positions, width), 50 positions
        a second of the longest, with its padding.
        """
        return on_cpu(self._frames(sounds))

    def _frames(self, sounds: Sequence[NDArray[np.float32]]) -> ctranslate2.StorageView:
        return self.model.encode(padded_features(self.model.feature_extractor, sounds))

    def check_language(self, code: str) -> None:
        """Raise `LanguageUnknown` for a language that the model does not know."""
        if code not in self.model.supported_languages:
            raise LanguageUnknown(
                f"{code!r} is no language that Whisper {self.name} knows; take its code of two "
                "letters, such as en or ru"
            )

    def _encode(self, recording: Recording, windows: Sequence[Window]) -> Iterator[Encoded]:
        """Windows of like length in batches: the decoder waits for the longest text of a batch."""
        waiting = sorted(windows, key=lambda window: -window.duration_s)
        while waiting:
            batch = tuple(waiting[: self.batch_size])
            try:
                frames = self.model.encode(
                    padded_features(
                        self.model.feature_extractor,
                        [window.samples(recording) for window in batch],
                    )
                )
            except (RuntimeError, MemoryError) as error:
                self._halve(len(batch), error)
                continue
            del waiting[: len(batch)]
            yield Encoded(batch, frames)

    def _halve(self, windows: int, error: Exception) -> None:
        """Take fewer windows at once where the device was full; raise what was wrong otherwise."""
        if not is_full(error):
            raise error
        if windows == 1:
            raise NoRoom(
                f"Whisper {self.name} has no room for a single window in the memory of its device: "
                "stop what else runs there, or set OVERTONE_WHISPER_MODEL to a smaller model, "
                "OVERTONE_COMPUTE_TYPE to int8_float16 or OVERTONE_BEAM_SIZE to 1"
            ) from error
        self.batch_size = min(self.batch_size, windows // 2)
        logger.warning("no room for %d windows at once: %d from now on", windows, self.batch_size)

    def _shares(self, part: Encoded) -> Iterator[tuple[Window, dict[str, float]]]:
        """Each window with the probability of every language in it."""
        try:
            found = self.model.model.detect_language(part.frames)
        except (RuntimeError, MemoryError) as error:
            self._halve(len(part.windows), error)
            for half in part.halves():
                yield from self._shares(half)
            return
        for window, languages in zip(part.windows, found, strict=True):
            yield window, {token[2:-2]: probability for token, probability in languages}

    def _decode(self, part: Encoded, recording: Recording, decoder: Decoder) -> Iterator[Decoded]:
        """What is said in some windows, and in those that were to be heard again."""
        try:
            decoded = decoder.decode(part)
        except (RuntimeError, MemoryError) as error:
            self._halve(len(part.windows), error)
            for half in part.halves():
                yield from self._decode(half, recording, decoder)
            return
        yield decoded
        for smaller in self._encode(recording, decoded.again):
            yield from self._decode(smaller, recording, decoder)
