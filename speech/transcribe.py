"""Packed windows through Whisper in batches: words with times, and the encoder's own frames for
the mood.

Knows nothing of speakers or turns. The encoder runs once per window; its output tells the language,
feeds the decoder and the alignment of words and, pooled per word, the mood model.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
from ctranslate2.models import WhisperGenerationResult
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import (
    get_compression_ratio,
    get_suppressed_tokens,
)
from numpy.typing import NDArray

from speech.activity import Window
from speech.alignment import HeardWord, heard_word, whole_words
from speech.audio import AudioError
from speech.device import fitting_batch, free_memory, is_full, window_bytes
from speech.encoded import Encoded, on_cpu, padded_features, those_of
from speech.hotwords import first_that_fit, hotwords_for, is_better
from speech.languages import THRESHOLD, Languages, decide, pinned, spread
from speech.phantoms import Said, phantoms
from speech.recording import Recording
from speech.whisper_files import ModelMissing
from speech.whisper_model import load_whisper

logger = logging.getLogger(__name__)

# A window is taken for silence where both hold: the two thresholds of Whisper's own decoder
# (Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision", section 4.5).
NO_SPEECH_PROBABILITY = 0.6
LOG_PROBABILITY = -1.0
# Text that gzip shrinks more than this repeats itself (same source): the decoder ran in a loop.
LOOP_COMPRESSION = 2.4


@dataclass(frozen=True, slots=True, eq=False)
class Transcript:
    """All words of a recording, in no order. `dropped_words` are those that
    Whisper wrote and nobody said.
    """

    words: tuple[HeardWord, ...]
    languages: Languages
    dropped_words: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class _Heard:
    """One window's words, and how many more were written and not said."""

    words: list[HeardWord]
    dropped: int


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
            tokenizer = self._tokenizer(code)
            for part in chain(
                those_of(speaks, encoded),
                self._encode(recording, [w for w in rest if w.channel in speaks]),
            ):
                for heard in self._decode(part, tokenizer, hotwords):
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

    def _tokenizer(self, language: str) -> Tokenizer:
        return Tokenizer(
            self.model.hf_tokenizer,
            self.model.model.is_multilingual,
            task="transcribe",
            language=language,
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

    def _decode(
        self, part: Encoded, tokenizer: Tokenizer, hotwords: Sequence[str]
    ) -> Iterator[_Heard]:
        """What is said in each window."""
        try:
            results = self._generate(part, tokenizer, hotwords)
            alignments = self._align(part, tokenizer, results)
        except (RuntimeError, MemoryError) as error:
            self._halve(len(part.windows), error)
            for half in part.halves():
                yield from self._decode(half, tokenizer, hotwords)
            return
        frames = on_cpu(part.frames)
        for i, (window, result) in enumerate(zip(part.windows, results, strict=True)):
            pieces = whole_words(alignments[i], window)
            if result.no_speech_prob > NO_SPEECH_PROBABILITY and result.scores[0] < LOG_PROBABILITY:
                yield _Heard([], len(pieces))
                continue
            unsaid = phantoms(
                [Said(p.text, p.probability, window.spans[p.span].peak) for p in pieces]
            )
            said = [piece for place, piece in enumerate(pieces) if place not in unsaid]
            yield _Heard([heard_word(window, frames[i], piece) for piece in said], len(unsaid))

    def _generate(
        self, part: Encoded, tokenizer: Tokenizer, hotwords: Sequence[str]
    ) -> list[WhisperGenerationResult]:
        """The decoder's text for each window; with `hotwords` where that is better.

        A text that runs in a loop is decoded again, alone, without repetitions.
        """
        results = self._texts(part, tokenizer)
        for i, result in enumerate(results):
            if _loops(tokenizer, result):
                results[i] = self._texts(part.only([i]), tokenizer, no_repeat_ngram_size=3)[0]
        known = hotwords_for(tuple(hotwords), tokenizer.language_code)
        for i, result in enumerate(results):
            without = tokenizer.decode(_text_tokens(tokenizer, result)), result.scores[0]
            terms = first_that_fit(
                known.likely(without[0]),
                # Half of the decoder's memory holds terms, the other half its own text.
                room=self.model.max_length // 2,
                tokens_of=lambda term: len(tokenizer.encode(f" {term},")),
            )
            if not terms:
                continue
            told = self._texts(part.only([i]), tokenizer, terms=terms)[0]
            with_terms = tokenizer.decode(_text_tokens(tokenizer, told)), told.scores[0]
            if is_better(terms, without=without, told=with_terms):
                results[i] = told
        return results

    def _texts(
        self, part: Encoded, tokenizer: Tokenizer, *, terms: Sequence[str] = (), **options: Any
    ) -> list[WhisperGenerationResult]:
        prompt = self.model.get_prompt(
            tokenizer, [], without_timestamps=True, hotwords=", ".join(terms) or None
        )
        return list(
            self.model.model.generate(
                part.frames,
                [prompt] * len(part.windows),
                beam_size=self.beam_size,
                max_length=self.model.max_length,
                suppress_blank=True,
                suppress_tokens=get_suppressed_tokens(tokenizer, [-1]),
                return_scores=True,
                return_no_speech_prob=True,
                **options,
            )
        )

    def _align(
        self,
        part: Encoded,
        tokenizer: Tokenizer,
        results: Sequence[WhisperGenerationResult],
    ) -> list[list[dict[str, Any]]]:
        """When each word of each window is said."""
        texts = [_text_tokens(tokenizer, result) for result in results]
        # The encoder has 1500 positions for 3000 mel frames; alignment looks only at the filled
        # part.
        filled = [min(3000, round(window.duration_s * 100)) for window in part.windows]
        found: list[list[dict[str, Any]]] = self.model.find_alignment(
            tokenizer, texts, part.frames, filled
        )
        return found


def _text_tokens(tokenizer: Tokenizer, result: WhisperGenerationResult) -> list[int]:
    return [token for token in result.sequences_ids[0] if token < tokenizer.eot]


def _loops(tokenizer: Tokenizer, result: WhisperGenerationResult) -> bool:
    text = tokenizer.decode(_text_tokens(tokenizer, result))
    return bool(get_compression_ratio(text) > LOOP_COMPRESSION) if text else False
