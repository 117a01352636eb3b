"""Whisper's decoder for one language: encoded windows in; words with times out, and which windows
are to be heard again.

Knows neither recordings nor how windows are encoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ctranslate2.models import WhisperGenerationResult
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_compression_ratio, get_suppressed_tokens

from speech.activity import Span, Window
from speech.alignment import HeardWord, heard_word, whole_words
from speech.encoded import Encoded, on_cpu
from speech.hotwords import first_that_fit, hotwords_for, is_better
from speech.phantoms import SURE_OF_SPEECH, Said, phantoms

# A window is taken for silence where both hold: the two thresholds of Whisper's own decoder
# (Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision", section 4.5).
NO_SPEECH_PROBABILITY = 0.6
LOG_PROBABILITY = -1.0
# Text that gzip shrinks more than this repeats itself (same source): the decoder ran in a loop.
LOOP_COMPRESSION = 2.4
# Surely speech that long has words: a breath, a cough, or a short "mhm" may have none.
LONG_S = 0.8


@dataclass(slots=True, eq=False)
class Decoded:
    """What was heard in some windows: their words, in no order, how many more were written and not
    said, and what is to be heard again: windows whose text repeats itself, in halves, and spans in
    which somebody surely speaks and nothing was written.
    """

    words: list[HeardWord] = field(default_factory=list)
    dropped: int = 0
    again: list[Window] = field(default_factory=list)


class Decoder:
    """Decodes with a loaded model in one language, `code`. `hotwords` are terms that may be said.

    Its methods raise what the device raises where it is full.
    """

    def __init__(
        self, model: WhisperModel, code: str, *, beam_size: int, hotwords: Sequence[str] = ()
    ) -> None:
        self._model = model
        self._beam_size = beam_size
        self._tokenizer = Tokenizer(
            model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language=code
        )
        self._known = hotwords_for(tuple(hotwords), code)

    def decode(self, part: Encoded) -> Decoded:
        """What is said in some windows.

        A text that repeats itself may be a decoder that runs in a loop, or somebody who says
        everything twice. The spans of such a window are to be heard again, half of them at a time:
        a person's words stay, and a loop ends with the sound that it began in. The decoder also
        passes spans over, often because they repeat what was said before.
        """
        decoded = Decoded()
        results = self._generate(part)
        kept: list[int] = []
        for i, window in enumerate(part.windows):
            halves = _halves(window) if self._loops(results[i]) else ()
            decoded.again += halves
            if not halves:
                kept.append(i)
        if kept:
            self._take(part.only(kept), [results[i] for i in kept], decoded)
        return decoded

    def _take(
        self, part: Encoded, results: Sequence[WhisperGenerationResult], decoded: Decoded
    ) -> None:
        """Add the words of windows to what was decoded."""
        frames = on_cpu(part.frames)
        alignments = self._align(part, results)
        for i, (window, result) in enumerate(zip(part.windows, results, strict=True)):
            pieces = whole_words(alignments[i], window)
            if result.no_speech_prob > NO_SPEECH_PROBABILITY and result.scores[0] < LOG_PROBABILITY:
                decoded.dropped += len(pieces)
                continue
            unsaid = phantoms(
                [Said(p.text, p.probability, window.spans[p.span].peak) for p in pieces]
            )
            decoded.dropped += len(unsaid)
            decoded.words += (
                heard_word(window, frames[i], piece)
                for place, piece in enumerate(pieces)
                if place not in unsaid
            )
            missed = _missed(window, {piece.span for piece in pieces})
            decoded.again += (Window((span,)) for span in missed)

    def _generate(self, part: Encoded) -> list[WhisperGenerationResult]:
        """The decoder's text for each window; with hotwords where that is better.

        A single span's text that runs in a loop is decoded again without repetitions.
        """
        results = self._texts(part)
        for i, result in enumerate(results):
            if self._loops(result) and not _halves(part.windows[i]):
                results[i] = self._texts(part.only([i]), no_repeat_ngram_size=3)[0]
        for i, result in enumerate(results):
            without = self._text(result), result.scores[0]
            terms = first_that_fit(
                self._known.likely(without[0]),
                # Half of the decoder's memory holds terms, the other half its own text.
                room=self._model.max_length // 2,
                tokens_of=lambda term: len(self._tokenizer.encode(f" {term},")),
            )
            if not terms:
                continue
            told = self._texts(part.only([i]), terms=terms)[0]
            with_terms = self._text(told), told.scores[0]
            if is_better(terms, without=without, told=with_terms):
                results[i] = told
        return results

    def _texts(
        self, part: Encoded, *, terms: Sequence[str] = (), **options: Any
    ) -> list[WhisperGenerationResult]:
        prompt = self._model.get_prompt(
            self._tokenizer, [], without_timestamps=True, hotwords=", ".join(terms) or None
        )
        return list(
            self._model.model.generate(
                part.frames,
                [prompt] * len(part.windows),
                beam_size=self._beam_size,
                max_length=self._model.max_length,
                suppress_blank=True,
                suppress_tokens=get_suppressed_tokens(self._tokenizer, [-1]),
                return_scores=True,
                return_no_speech_prob=True,
                **options,
            )
        )

    def _align(
        self, part: Encoded, results: Sequence[WhisperGenerationResult]
    ) -> list[list[dict[str, Any]]]:
        """When each word of each window is said."""
        texts = [self._tokens(result) for result in results]
        # The encoder has 1500 positions for 3000 mel frames; alignment looks only at the filled
        # part.
        filled = [min(3000, round(window.duration_s * 100)) for window in part.windows]
        found: list[list[dict[str, Any]]] = self._model.find_alignment(
            self._tokenizer, texts, part.frames, filled
        )
        return found

    def _tokens(self, result: WhisperGenerationResult) -> list[int]:
        return [token for token in result.sequences_ids[0] if token < self._tokenizer.eot]

    def _text(self, result: WhisperGenerationResult) -> str:
        return str(self._tokenizer.decode(self._tokens(result)))

    def _loops(self, result: WhisperGenerationResult) -> bool:
        text = self._text(result)
        return bool(get_compression_ratio(text) > LOOP_COMPRESSION) if text else False


def _missed(window: Window, heard: set[int]) -> tuple[Span, ...]:
    """The spans that must have words and have none; nothing where no span of the window has any:
    that is what the model makes of this sound, and not a sentence it left out.
    """
    return tuple(
        span
        for place, span in enumerate(window.spans)
        if heard and place not in heard and span.peak >= SURE_OF_SPEECH and span.speech_s >= LONG_S
    )


def _halves(window: Window) -> tuple[Window, ...]:
    """A window of several spans as two windows of about half of them; nothing for a single span."""
    middle = len(window.spans) // 2
    return (Window(window.spans[:middle]), Window(window.spans[middle:])) if middle else ()
