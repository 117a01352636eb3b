"""What was said in a call, by whom, when and how: plain frozen values that every later step reads.

Knows nothing of audio, models or databases. All times are seconds (float) on the recording's clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from speech.speaker_mood import SpeakerMood, speaker_mood
from speech.talk import TalkMetrics, talk_metrics


@dataclass(frozen=True, slots=True)
class Word:
    """One word as heard. `text` carries its punctuation and no surrounding space."""

    text: str
    start_s: float
    end_s: float
    probability: float


@dataclass(frozen=True, slots=True)
class Mood:
    """Probabilities of four moods (they sum to 1), and `anger`: the calibrated number to sort by,
    0 to 1.

    `evidence` says what speaks for anger (above 0) and against it, in log odds by part of the
    voice (:data:`speech.mood_head.PARTS`); None where the model cannot tell.
    """

    angry: float
    happy: float
    neutral: float
    sad: float
    anger: float
    evidence: dict[str, float] | None = None

    @property
    def label(self) -> str:
        """The most probable of the four moods."""
        moods = {
            "angry": self.angry,
            "happy": self.happy,
            "neutral": self.neutral,
            "sad": self.sad,
        }
        return max(moods, key=moods.__getitem__)


@dataclass(frozen=True, slots=True)
class Acoustics:
    """How a turn sounded, and how that differs from the same speaker's ordinary voice in this call.

    `pitch_hz` and `pitch_change_st` (semitones) are None where nothing voiced was found; the three
    changes are None where the speaker has no other turns to compare with.
    """

    loudness_db: float
    pitch_hz: float | None
    tempo_wps: float
    loudness_change_db: float | None = None
    pitch_change_st: float | None = None
    tempo_change: float | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One speaker's uninterrupted stretch of speech."""

    speaker: str
    words: tuple[Word, ...]
    mood: Mood | None = None
    acoustics: Acoustics | None = None
    language: str | None = None

    @property
    def confidence(self) -> float:
        """How sure Whisper was of the words, 0 to 1: the mean of their probabilities."""
        return sum(word.probability for word in self.words) / len(self.words)

    @property
    def start_s(self) -> float:
        return self.words[0].start_s

    @property
    def end_s(self) -> float:
        return self.words[-1].end_s

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s

    @property
    def text(self) -> str:
        """The words joined by single spaces, so that a word's span in it can be computed."""
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True, slots=True)
class Effort:
    """Seconds of wall time that each step of hearing took."""

    decode_s: float = 0.0
    activity_s: float = 0.0
    transcribe_s: float = 0.0
    speakers_s: float = 0.0
    mood_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Conversation:
    """One recording as heard: turns of all speakers in order of their start."""

    duration_s: float
    channels: int
    turns: tuple[Turn, ...]
    language: str | None
    language_probability: float | None
    whisper_model: str
    mood_model: str | None
    warnings: tuple[str, ...] = ()
    effort: Effort = Effort()
    # Words that Whisper wrote where nobody spoke, or over and over: left out of the turns.
    dropped_words: int = 0

    @property
    def speakers(self) -> tuple[str, ...]:
        """Names of those who spoke, sorted."""
        return tuple(sorted({turn.speaker for turn in self.turns}))

    def of(self, speaker: str) -> tuple[Turn, ...]:
        """One speaker's turns."""
        return tuple(turn for turn in self.turns if turn.speaker == speaker)

    @property
    def talk(self) -> TalkMetrics:
        """Who talked how much and how fast, interruptions and silences."""
        return talk_metrics(self.turns, duration_s=self.duration_s, channels=self.channels)

    def moods(self, threshold: float) -> dict[str, SpeakerMood]:
        """Each speaker's mood over all their turns, without those of whom none is known; a turn is
        angry from anger `threshold`.
        """
        found = {name: speaker_mood(self.of(name), threshold) for name in self.speakers}
        return {name: mood for name, mood in found.items() if mood}

    def as_dict(self, threshold: float) -> dict[str, Any]:
        """Everything above as plain values for JSON, each turn with its start, end, text and
        confidence; a turn is angry from anger `threshold`.
        """
        moods = {name: asdict(mood) for name, mood in self.moods(threshold).items()}
        plain = asdict(self) | {"talk": self.talk.as_dict(), "moods": moods}
        for turn, plain_turn in zip(self.turns, plain["turns"], strict=True):
            plain_turn |= {
                "start_s": turn.start_s,
                "end_s": turn.end_s,
                "text": turn.text,
                "confidence": turn.confidence,
            }
        return plain


def build_turns(words: Iterable[tuple[str, Word]], *, longest_gap_s: float = 1.0) -> list[Turn]:
    """Turns from (speaker, word) pairs: a new one after a silence longer than `longest_gap_s`
    within a speaker's words, or where somebody else spoke in the speaker's pause.

    Speech that overlaps is kept on both sides.
    """
    in_order = sorted(words, key=lambda pair: (pair[1].start_s, pair[1].end_s))
    finished: list[tuple[str, list[Word]]] = []
    speaking: dict[str, list[Word]] = {}
    for speaker, word in in_order:
        said = speaking.get(speaker)
        if said and not _goes_on(said[-1], word, speaker, speaking, longest_gap_s):
            finished.append((speaker, said))
            said = None
        if said is None:
            speaking[speaker] = said = []
        said.append(word)
    finished.extend(speaking.items())
    turns = [Turn(speaker, tuple(said)) for speaker, said in finished if said]
    return sorted(turns, key=lambda turn: (turn.start_s, turn.end_s, turn.speaker))


def _goes_on(
    last: Word,
    word: Word,
    speaker: str,
    speaking: dict[str, list[Word]],
    longest_gap_s: float,
) -> bool:
    if word.start_s - last.end_s > longest_gap_s:
        return False
    return not any(
        # Not the last word alone: that one may run on past the end of the pause.
        earlier.start_s >= last.end_s and earlier.end_s <= word.start_s
        for other, said in speaking.items()
        if other != speaker
        for earlier in said[-2:]
    )


def with_moods(turns: Iterable[Turn], moods: Iterable[Mood | None]) -> list[Turn]:
    """The same turns, each with its mood."""
    return [replace(turn, mood=mood) for turn, mood in zip(turns, moods, strict=True)]
