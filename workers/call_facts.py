"""What rules look at of an analysed call: plain values, the same from a conversation that was just
heard and from stored rows.

Loads no model and knows no database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.call import Call
    from models.heard import CallRow, TurnRow
    from speech.conversation import Conversation, Turn
    from workers.hits import TimedHit

Span = tuple[float, float]
"""From when to when, in seconds on the recording's clock."""


@dataclass(frozen=True, slots=True)
class VoiceChange:
    """How a turn's voice differs from the same speaker's other turns: louder (dB), higher
    (semitones), faster (0.2 is a fifth). None: not known.
    """

    loudness_change_db: float | None = None
    pitch_change_st: float | None = None
    tempo_change: float | None = None


@dataclass(frozen=True, slots=True)
class SpokenTurn:
    """One turn. `evidence` is what the mood model read for anger (log odds by part), None where it
    is not kept; `interrupts` is None where interruptions cannot be heard.
    """

    position: int
    speaker: str
    start_s: float
    end_s: float
    anger: float | None = None
    interrupts: bool | None = None
    voice: VoiceChange | None = None
    evidence: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class SaidTerm:
    """A hit, in the turn at `position`."""

    position: int
    speaker: str
    start_s: float
    end_s: float
    lexicon: str
    term: str
    grade: str | None = None


@dataclass(frozen=True, slots=True)
class About:
    """What the telephone side told of a call. None: nothing."""

    agent: str | None = None
    line: str | None = None
    direction: str | None = None
    outcome: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, call: Call) -> About:
        return cls(call.agent, call.line, call.direction, call.outcome, call.details)


@dataclass(frozen=True)
class CallFacts:
    """A call of `lasts_s` seconds: turns in order, hits in order of time, silences of over 3 s
    (None: not known).
    """

    lasts_s: float
    turns: tuple[SpokenTurn, ...]
    hits: tuple[SaidTerm, ...]
    silences: tuple[Span, ...] | None
    about: About = About()

    @cached_property
    def speakers(self) -> frozenset[str]:
        """The names of those who speak."""
        return frozenset(turn.speaker for turn in self.turns)

    @property
    def is_heard(self) -> bool:
        """Whether there was anything to hear: a call without a recording has no length."""
        return self.lasts_s > 0 or bool(self.turns)

    def said_in(self, position: int) -> list[SaidTerm]:
        """The hits in one turn."""
        return [hit for hit in self.hits if hit.position == position]


def heard_facts(
    conversation: Conversation, hits: Iterable[TimedHit], about: About, *, explained_from: float
) -> CallFacts:
    """The facts of a call that was just heard. What the mood model read is kept of turns whose
    anger is at or above `explained_from`.
    """
    talk = conversation.talk
    interrupting = talk.interruptions and {one.position for one in talk.interruptions}
    turns = [
        spoken_turn(
            position,
            turn,
            interrupts=None if interrupting is None else position in interrupting,
            explained_from=explained_from,
        )
        for position, turn in enumerate(conversation.turns)
    ]
    return CallFacts(
        lasts_s=conversation.duration_s,
        turns=tuple(turns),
        hits=_in_order(map(said_term, hits)),
        silences=tuple((silence.start_s, silence.end_s) for silence in talk.silences),
        about=about,
    )


def spoken_turn(
    position: int, turn: Turn, *, interrupts: bool | None = None, explained_from: float = 0.0
) -> SpokenTurn:
    """One turn that was just heard."""
    mood, acoustics = turn.mood, turn.acoustics
    evidence = mood.evidence if mood and mood.anger >= explained_from else None
    return SpokenTurn(
        position=position,
        speaker=turn.speaker,
        start_s=turn.start_s,
        end_s=turn.end_s,
        anger=mood.anger if mood else None,
        interrupts=interrupts,
        voice=VoiceChange(
            acoustics.loudness_change_db, acoustics.pitch_change_st, acoustics.tempo_change
        )
        if acoustics
        else None,
        # As it is stored, so that a stored call tells the same.
        evidence=evidence and {part: round(odds, 2) for part, odds in evidence.items()},
    )


def said_term(hit: TimedHit) -> SaidTerm:
    """A hit that was just found."""
    match = hit.match
    return SaidTerm(
        hit.position, hit.speaker, hit.start_s, hit.end_s, match.lexicon, match.term, match.grade
    )


def stored_facts(call: CallRow) -> CallFacts:
    """The facts of a stored call."""
    turns = tuple(_stored_turn(turn) for turn in call.turns)
    positions = {turn.id: turn.position for turn in call.turns}
    hits = (
        SaidTerm(
            positions[hit.turn_id],
            hit.speaker,
            hit.start_s,
            hit.end_s,
            hit.lexicon,
            hit.term,
            hit.grade,
        )
        for hit in call.hits
        if hit.turn_id in positions  # else the call was heard again between two statements
    )
    lasts_s = max((turn.end_s for turn in turns), default=0.0)
    return CallFacts(
        lasts_s=lasts_s if call.duration_s is None else call.duration_s,
        turns=turns,
        hits=_in_order(hits),
        silences=None
        if call.silences is None
        else tuple((silence["start_s"], silence["end_s"]) for silence in call.silences),
        about=About(call.agent, call.line, call.direction, call.outcome, call.details),
    )


def _stored_turn(turn: TurnRow) -> SpokenTurn:
    changes = ("loudness_change_db", "pitch_change_st", "tempo_change")
    return SpokenTurn(
        position=turn.position,
        speaker=turn.speaker,
        start_s=turn.start_s,
        end_s=turn.end_s,
        anger=turn.anger,
        interrupts=turn.interrupts,
        voice=VoiceChange(*map(turn.acoustics.get, changes)) if turn.acoustics else None,
        evidence=turn.anger_parts["evidence"] if turn.anger_parts else None,
    )


def _in_order(hits: Iterable[SaidTerm]) -> tuple[SaidTerm, ...]:
    return tuple(sorted(hits, key=lambda hit: (hit.start_s, hit.end_s, hit.lexicon, hit.term)))
