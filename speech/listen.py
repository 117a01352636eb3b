"""The one entrance to this room: a recording in, a `Conversation` out.

Knows nothing of calls, queues or databases; whoever calls it says which channel is the agent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Literal

from speech.acoustics import TurnSound, describe, turn_sound
from speech.activity import Span, pack, speech_spans
from speech.alignment import HeardWord
from speech.audio import AudioLimits, decode
from speech.conversation import Conversation, Effort, Turn, build_turns, with_moods
from speech.frames import FrameStats
from speech.languages import Languages
from speech.mood import MoodModel
from speech.recording import Recording
from speech.roles import AGENT, CUSTOMER, with_roles
from speech.speakers import Diarizer, owners
from speech.transcribe import Transcriber

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ears:
    """The models that hearing needs, loaded once. Without a `diarizer` a recording of one channel
    has one speaker.
    """

    transcriber: Transcriber
    mood: MoodModel | None
    diarizer: Diarizer | None = field(default_factory=Diarizer)


def listen(
    path: Path,
    ears: Ears,
    *,
    agent_channel: Literal[0, 1] = 0,
    language: str | None = None,
    hotwords: Sequence[str] = (),
    limits: AudioLimits | None = None,
    on_progress: Callable[[str, float], None] | None = None,
) -> Conversation:
    """Hear one recording: stereo as agent and customer, mono as the voices that are in it.

    `language` None: found for each channel. `hotwords` are terms that may be said.
    `on_progress` is told (step, share of the step done).
    Raises `speech.audio.AudioError` where the recording cannot be heard.
    """
    told = on_progress or (lambda _step, _share: None)
    clock = _Stopwatch()
    told("decode", 0.0)
    recording = decode(path, limits)
    stereo = len(recording.channels) > 1
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
        hotwords=hotwords,
        on_progress=lambda share: told("transcribe", share),
    )
    transcribe_s = clock.lap()
    if stereo:
        channel_of = {AGENT: agent_channel, CUSTOMER: 1 - agent_channel}
        name_of = {channel: name for name, channel in channel_of.items()}
        turns = build_turns((name_of[heard.channel], heard.word) for heard in transcript.words)
    else:
        turns = _by_voice(
            recording,
            spans,
            transcript.words,
            diarizer=ears.diarizer,
            on_progress=lambda share: told("speakers", share),
        )
        channel_of = dict.fromkeys((turn.speaker for turn in turns), 0)
    languages = transcript.languages
    turns = [replace(t, language=languages.channels[channel_of[t.speaker]]) for t in turns]
    speakers_s = clock.lap()
    if ears.mood is not None:
        told("mood", 0.0)
        turns = _feel(recording, turns, transcript.words, channel_of=channel_of, mood=ears.mood)
    effort = Effort(
        round(decode_s, 3),
        round(activity_s, 3),
        round(transcribe_s, 3),
        round(speakers_s, 3),
        round(clock.lap(), 3),
    )
    logger.info(
        "heard %.1f s in %d turns: decode %.2f, activity %.2f, transcribe %.2f, speakers %.2f, "
        "mood %.2f s",
        recording.duration_s,
        len(turns),
        effort.decode_s,
        effort.activity_s,
        effort.transcribe_s,
        effort.speakers_s,
        effort.mood_s,
    )
    return Conversation(
        duration_s=round(recording.duration_s, 3),
        channels=len(recording.channels),
        turns=tuple(turns),
        language=languages.call.code if turns and languages.call else None,
        language_probability=languages.call.probability if turns and languages.call else None,
        whisper_model=ears.transcriber.name,
        mood_model=ears.mood.name if ears.mood else None,
        warnings=(*recording.warnings, *_doubts(turns, languages, alone=not stereo, ears=ears)),
        effort=effort,
        dropped_words=transcript.dropped_words,
    )


def _by_voice(
    recording: Recording,
    spans: Sequence[Span],
    words: Sequence[HeardWord],
    *,
    diarizer: Diarizer | None,
    on_progress: Callable[[float], None],
) -> list[Turn]:
    """Turns of one channel, by role where that is likely, else numbered by who speaks first."""
    whose = [0] * len(words)
    if diarizer is not None and words:
        whose = owners(diarizer.voices(recording, spans, on_progress=on_progress), words)
    first_s: dict[int, float] = {}
    for voice, heard in zip(whose, words, strict=True):
        first_s[voice] = min(heard.word.start_s, first_s.get(voice, heard.word.start_s))
    in_order = sorted(first_s, key=first_s.__getitem__)
    names = {voice: f"speaker_{number}" for number, voice in enumerate(in_order, 1)}
    return with_roles(
        build_turns((names[voice], heard.word) for voice, heard in zip(whose, words, strict=True))
    )


def _doubts(
    turns: Sequence[Turn], languages: Languages, *, alone: bool, ears: Ears
) -> Iterator[str]:
    """What a reader of these turns should know."""
    if alone and ears.diarizer is None:
        yield "one channel: its speakers are not told apart"
    if not turns:
        yield "nobody speaks in this recording"
    elif len(set(languages.channels.values())) > 1:
        pass  # each side is clear, and each turn says its language
    elif languages.call is None and languages.guess is not None:
        yield (
            f"the language is not clear: taken for {languages.guess.code}, with a probability of "
            f"{languages.guess.probability:.2f}; a push or OVERTONE_LANGUAGE can pin it"
        )


def _feel(
    recording: Recording,
    turns: list[Turn],
    heard: tuple[HeardWord, ...],
    *,
    channel_of: Mapping[str, int],
    mood: MoodModel,
) -> list[Turn]:
    """The turns with their mood and acoustics."""
    frames = {id(word.word): word.frames for word in heard}
    sounds: list[TurnSound] = []
    for turn in turns:
        pooled: FrameStats | None = None
        for word in turn.words:
            pooled = frames[id(word)] if pooled is None else pooled + frames[id(word)]
        samples = recording.view(channel_of[turn.speaker], turn.start_s, turn.end_s)
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
