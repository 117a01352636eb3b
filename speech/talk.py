"""How a conversation went: who talked how much and how fast, who interrupted whom, and when nobody
spoke.

Told from the times of turns; knows nothing of audio. All times are seconds (float) on the
recording's clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from math import inf
from typing import TYPE_CHECKING, Any

from speech.backchannels import is_backchannel

if TYPE_CHECKING:
    from speech.conversation import Turn

# A silence longer than this is one that a manager wants to see; it also ends a monologue.
SILENCE_S = 3.0
# An interruption: one speaker starts when another has been speaking for at least this long ...
SPOKEN_S = 0.5
# ... and the other falls silent within this time.
YIELDS_S = 1.5
# Both are heard together for so long at least: times of words are no more exact, and a listener
# hears no shorter overlap (about 0.12 s: Heldner 2011, "Detection thresholds for gaps, overlaps,
# and no-gap-no-overlaps").
NOTICED_S = 0.1
# Nobody falls silent for less than this (a pause within one speaker's speech: NIST's evaluation
# plan RT-09, 2009): a word of somebody else may part two turns there.
PAUSE_S = 0.3
# Differences of times are off by rounding.
_CLOCK_S = 1e-6

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Silence:
    """A stretch of more than 3 s in which nobody speaks."""

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class Interruption:
    """`speaker` begins the turn at `position` at `start_s`, and whoever spoke falls silent."""

    position: int
    speaker: str
    start_s: float


@dataclass(frozen=True, slots=True)
class SpeakerTalk:
    """One speaker's part.

    `talk_s` is the time their turns take, pauses within a turn included; `talk_ratio` its share of
    all speakers' (the shares sum to 1); `words_per_minute` are per minute of `talk_s` (None where
    that is zero). `longest_monologue_s` is their longest run of turns between which nobody else
    begins more than a backchannel, and without a pause of more than 3 s. `interruptions` are those
    they made, None where they cannot be heard.
    """

    name: str
    talk_s: float
    talk_ratio: float
    words_per_minute: float | None
    longest_monologue_s: float
    interruptions: int | None


@dataclass(frozen=True, slots=True)
class TalkMetrics:
    """How a conversation went; `speakers` sorted by name, everything else in order of time.

    `silences` begin with the first turn, since ringing and queueing before it are no part of the
    conversation, and end with the recording: whoever is put on hold and gives up was left in
    silence. `overlap_s` is the time for which turns of two speakers run at once (of three: twice).
    It and `interruptions` are None for a recording of one channel: Whisper writes down one voice at
    a time there, so that nobody is ever heard over another.
    """

    speakers: tuple[SpeakerTalk, ...]
    silences: tuple[Silence, ...]
    interruptions: tuple[Interruption, ...] | None
    overlap_s: float | None

    @property
    def silence_s(self) -> float:
        """All silences of more than 3 s together."""
        return sum((silence.duration_s for silence in self.silences), 0.0)

    @property
    def longest_silence_s(self) -> float:
        """The longest silence; 0 where none is longer than 3 s."""
        return max((silence.duration_s for silence in self.silences), default=0.0)

    def as_dict(self) -> dict[str, Any]:
        """Everything above as plain values for JSON."""
        return asdict(self) | {
            "silence_s": self.silence_s,
            "longest_silence_s": self.longest_silence_s,
        }


def talk_metrics(turns: Sequence[Turn], *, duration_s: float, channels: int) -> TalkMetrics:
    """The metrics of a recording of `duration_s` seconds and `channels` channels, from its turns
    in order of their start.
    """
    names = sorted({turn.speaker for turn in turns})
    own = {name: [turn for turn in turns if turn.speaker == name] for name in names}
    talk_s = {name: _length(_joined(theirs)) for name, theirs in own.items()}
    all_talk_s = sum(talk_s.values())
    anybody = _joined(turns)
    flow = _flow(turns)
    interruptions = tuple(_interruptions(flow)) if channels > 1 else None
    return TalkMetrics(
        speakers=tuple(
            SpeakerTalk(
                name=name,
                talk_s=talk_s[name],
                talk_ratio=talk_s[name] / all_talk_s if all_talk_s else 1 / len(own),
                words_per_minute=_words(theirs) * 60 / talk_s[name] if talk_s[name] else None,
                longest_monologue_s=_longest_monologue(name, flow),
                interruptions=None
                if interruptions is None
                else sum(one.speaker == name for one in interruptions),
            )
            for name, theirs in own.items()
        ),
        silences=tuple(
            Silence(end_s, start_s)
            for (_, end_s), (start_s, _) in pairwise([*anybody, (duration_s, duration_s)])
            if start_s - end_s > SILENCE_S + _CLOCK_S
        ),
        interruptions=interruptions,
        overlap_s=max(0.0, all_talk_s - _length(anybody)) if channels > 1 else None,
    )


def _flow(turns: Iterable[Turn]) -> list[tuple[int, Turn]]:
    """Turns, each with its position, without those that go on after a pause too short to be one:
    they are put to the end of the same speaker's last.
    """
    flow: list[tuple[int, Turn]] = []
    latest: dict[str, int] = {}
    for position, turn in enumerate(turns):
        at = latest.get(turn.speaker)
        if at is not None and turn.start_s - flow[at][1].end_s <= PAUSE_S + _CLOCK_S:
            begun, before = flow[at]
            flow[at] = begun, replace(before, words=before.words + turn.words)
        else:
            latest[turn.speaker] = len(flow)
            flow.append((position, turn))
    return flow


def _longest_monologue(name: str, flow: Iterable[tuple[int, Turn]]) -> float:
    since_s, until_s, longest_s = 0.0, -inf, 0.0
    for _, turn in flow:
        if turn.speaker == name:
            if turn.start_s - until_s > SILENCE_S + _CLOCK_S:
                since_s = turn.start_s
            until_s = turn.end_s
            longest_s = max(longest_s, until_s - since_s)
        elif not is_backchannel(turn.text):
            until_s = -inf
    return longest_s


def _interruptions(flow: Iterable[tuple[int, Turn]]) -> Iterable[Interruption]:
    latest: dict[str, Turn] = {}
    for position, turn in flow:
        if is_backchannel(turn.text):
            continue
        if any(_yields(other, turn.start_s) for other in latest.values()):
            yield Interruption(position, turn.speaker, turn.start_s)
        latest[turn.speaker] = turn


def _yields(turn: Turn, start_s: float) -> bool:
    """Whether `turn` was running for long enough when somebody else started, and soon ends."""
    ran_s, runs_on_s = start_s - turn.start_s, turn.end_s - start_s
    return ran_s >= SPOKEN_S - _CLOCK_S and NOTICED_S - _CLOCK_S <= runs_on_s <= YIELDS_S + _CLOCK_S


def _words(turns: Iterable[Turn]) -> int:
    # A dash between two words is heard as a word of its own, and spoken by nobody.
    return sum(
        any(letter.isalnum() for letter in word.text) for turn in turns for word in turn.words
    )


def _joined(turns: Iterable[Turn]) -> list[Span]:
    """The times of these turns in order, those that overlap or touch as one."""
    joined: list[Span] = []
    for start_s, end_s in sorted((turn.start_s, turn.end_s) for turn in turns):
        if joined and start_s - joined[-1][1] <= _CLOCK_S:
            joined[-1] = (joined[-1][0], max(end_s, joined[-1][1]))
        else:
            joined.append((start_s, end_s))
    return joined


def _length(spans: Iterable[Span]) -> float:
    return sum(end_s - start_s for start_s, end_s in spans)
