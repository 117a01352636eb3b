"""The one entrance to this room: a recording in, a `Conversation` out.

Knows nothing of calls, queues or databases; whoever calls it says which channel is the agent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Literal

from speech.acoustics import TurnSound, describe, turn_sound
from speech.activity import Span, pack, speech_spans
from speech.alignment import HeardWord
from speech.audio import AudioLimits, Recording, decode
from speech.conversation import Conversation, Effort, Turn, build_turns, with_moods
from speech.frames import FrameStats
from speech.mood import MoodModel
from speech.transcribe import Transcriber

logger = logging.getLogger(__name__)

AGENT, CUSTOMER, UNKNOWN = "agent", "customer", "speaker_1"


@dataclass(frozen=True, slots=True)
class Ears:
    """The models that hearing needs, loaded once."""

    transcriber: Transcriber
    mood: MoodModel | None


def listen(
    path: Path,
    ears: Ears,
    *,
    agent_channel: Literal[0, 1] = 0,
    language: str | None = None,
    limits: AudioLimits | None = None,
    on_progress: Callable[[str, float], None] | None = None,
) -> Conversation:
    """Hear one recording: stereo as agent and customer, mono as one stream.

    `language` None detects it. `on_progress` is told (step, share of the step done).
    Raises `speech.audio.AudioError` where the recording cannot be heard.
    """
    told = on_progress or (lambda _step, _share: None)
    clock = _Stopwatch()
    told("decode", 0.0)
    recording = decode(path, limits)
    decode_s = clock.lap()
    spans: list[Span] = []
    for channel in range(len(recording.channels)):
        told("activity", channel / len(recording.channels))
        spans.extend(speech_spans(recording, channel))
    activity_s = clock.lap()
    transcript = ears.transcriber.transcribe(
        recording,
        pack(spans),
        language=language,
        on_progress=lambda share: told("transcribe", share),
    )
    transcribe_s = clock.lap()
    names = _speakers(recording, agent_channel)
    turns = build_turns((names[heard.channel], heard.word) for heard in transcript.words)
    if ears.mood is not None:
        told("mood", 0.0)
        turns = _feel(recording, turns, transcript.words, names=names, mood=ears.mood)
    warnings = list(recording.warnings)
    if len(recording.channels) == 1:
        warnings.append("one channel: its speakers are not told apart")
    if not turns:
        warnings.append("nobody speaks in this recording")
    effort = Effort(
        round(decode_s, 3), round(activity_s, 3), round(transcribe_s, 3), round(clock.lap(), 3)
    )
    logger.info(
        "heard %.1f s in %d turns: decode %.2f, activity %.2f, transcribe %.2f, mood %.2f s",
        recording.duration_s,
        len(turns),
        effort.decode_s,
        effort.activity_s,
        effort.transcribe_s,
        effort.mood_s,
    )
    return Conversation(
        duration_s=round(recording.duration_s, 3),
        channels=len(recording.channels),
        turns=tuple(turns),
        language=transcript.language,
        language_probability=transcript.language_probability,
        whisper_model=ears.transcriber.name,
        mood_model=ears.mood.name if ears.mood else None,
        warnings=tuple(warnings),
        effort=effort,
    )


def _speakers(recording: Recording, agent_channel: int) -> list[str]:
    """The speaker of each channel."""
    if len(recording.channels) == 1:
        return [UNKNOWN]
    return [AGENT if channel == agent_channel else CUSTOMER for channel in (0, 1)]


def _feel(
    recording: Recording,
    turns: list[Turn],
    heard: tuple[HeardWord, ...],
    *,
    names: list[str],
    mood: MoodModel,
) -> list[Turn]:
    """The turns with their mood and acoustics."""
    frames = {id(word.word): word.frames for word in heard}
    sounds: list[TurnSound] = []
    for turn in turns:
        pooled: FrameStats | None = None
        for word in turn.words:
            pooled = frames[id(word)] if pooled is None else pooled + frames[id(word)]
        samples = recording.view(names.index(turn.speaker), turn.start_s, turn.end_s)
        sounds.append(turn_sound(turn.speaker, samples, word_count=len(turn.words), frames=pooled))
    felt = with_moods(turns, mood.moods(sounds))
    return [
        replace(turn, acoustics=acoustics)
        for turn, acoustics in zip(felt, describe(sounds), strict=True)
    ]


class _Stopwatch:
    def __init__(self) -> None:
        self._since = perf_counter()

    def lap(self) -> float:
        """Seconds since the last lap."""
        now = perf_counter()
        lap_s, self._since = now - self._since, now
        return lap_s
