"""What a condition looks at: whose speech, in which part of the call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from workers.call_facts import CallFacts, SaidTerm, Span, SpokenTurn

Who = Literal["customer", "agent", "anybody"]
Seconds = Annotated[float, Field(strict=True, gt=0, le=36_000, allow_inf_nan=False)]
Percent = Annotated[float, Field(strict=True, gt=0, le=100, allow_inf_nan=False)]
# Differences of times are off by rounding.
CLOCK_S = 1e-6


class Plain(BaseModel):
    """What the parts of a rule share: unknown names are refused, nothing changes."""

    # Errors are logged, and a rule may hold a phone number.
    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, hide_input_in_errors=True
    )


class Window(Plain):
    """The first or last so many seconds or percent of a call: one of the four."""

    first_s: Seconds | None = Field(None, examples=[30])
    last_s: Seconds | None = Field(None, examples=[60])
    first_percent: Percent | None = Field(None, examples=[10])
    last_percent: Percent | None = Field(None, examples=[20])

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if len(self.model_dump(exclude_none=True)) != 1:
            raise PydanticCustomError(
                "window", "name one of first_s, last_s, first_percent, last_percent"
            )
        return self

    def span(self, lasts_s: float) -> Span:
        """From which second to before which, in a call of `lasts_s` seconds."""
        if self.first_s is not None:
            return 0.0, self.first_s
        if self.first_percent is not None:
            return 0.0, self.first_percent * lasts_s / 100
        last_s = (self.last_percent or 0.0) * lasts_s / 100 if self.last_s is None else self.last_s
        return max(0.0, lasts_s - last_s), inf

    def __str__(self) -> str:
        [(name, amount)] = self.model_dump(exclude_none=True).items()
        end, _, unit = name.partition("_")
        return f"the {end} {amount:g} {'%' if unit == 'percent' else unit}"


@dataclass(frozen=True, slots=True)
class Scene:
    """The part of a call from `start_s` to before `end_s`, and there the turns and hits of those
    that `who` means. `speakers` are who that is, None where nobody can say.
    """

    facts: CallFacts
    who: Who
    window: Window | None
    start_s: float
    end_s: float
    speakers: frozenset[str] | None
    turns: tuple[SpokenTurn, ...]
    hits: tuple[SaidTerm, ...]

    @classmethod
    def of(cls, facts: CallFacts, who: Who, window: Window | None = None) -> Scene:
        start_s, end_s = window.span(facts.lasts_s) if window else (0.0, inf)
        speakers = _meant(facts.speakers, who)
        theirs = speakers or ()
        # Lists are made faster than generators are read, and there is a scene for each window.
        turns = [
            turn
            for turn in facts.turns
            if turn.speaker in theirs and turn.start_s < end_s and turn.end_s > start_s
        ]
        hits = [
            hit for hit in facts.hits if hit.speaker in theirs and start_s <= hit.start_s < end_s
        ]
        return cls(facts, who, window, start_s, end_s, speakers, tuple(turns), tuple(hits))

    def spoken_s(self, turn: SpokenTurn) -> float:
        """How many seconds of a turn lie in it."""
        return min(turn.end_s, self.end_s) - max(turn.start_s, self.start_s)

    @property
    def where(self) -> str:
        """The window in words, after a space; nothing for the whole call."""
        return f" in {self.window}" if self.window else ""

    @property
    def until_s(self) -> float:
        """Where it ends, or the call."""
        return min(self.end_s, self.facts.lasts_s)

    @property
    def silences(self) -> list[Span]:
        """The silences, or what of them lies in it."""
        return [
            (max(start_s, self.start_s), min(end_s, self.end_s))
            for start_s, end_s in self.facts.silences or ()
            if start_s < self.end_s and end_s > self.start_s
        ]

    @property
    def talk_ratio(self) -> float | None:
        """Their share of all talk in it, 0 to 1; None where nobody speaks. What one speaker says
        twice at once counts once.
        """
        spans: dict[str, list[Span]] = {}
        for turn in self.facts.turns:
            if turn.start_s < self.end_s and turn.end_s > self.start_s:
                span = max(turn.start_s, self.start_s), min(turn.end_s, self.end_s)
                spans.setdefault(turn.speaker, []).append(span)
        talk_s = {speaker: _covered_s(said) for speaker, said in spans.items()}
        theirs = self.speakers or frozenset()
        all_s = sum(talk_s.values())
        return sum(talk_s[name] for name in talk_s if name in theirs) / all_s if all_s else None


class Scenes:
    """The scenes of one call, each made once however many conditions look at it."""

    def __init__(self, facts: CallFacts) -> None:
        self.facts = facts
        self._made: dict[tuple[Who, Window | None], Scene] = {}

    def of(self, who: Who, window: Window | None) -> Scene:
        """What a condition of `who` and `window` looks at."""
        scene = self._made.get((who, window))
        if scene is None:
            scene = self._made[who, window] = Scene.of(self.facts, who, window)
        return scene


def _meant(speakers: frozenset[str], who: Who) -> frozenset[str] | None:
    """Where no one is known to be the customer, anybody but the agent may be; but nobody is the
    agent where only the voices are told apart.
    """
    if who == "anybody":
        return speakers
    if who == "customer":
        return speakers & {who} or speakers - {"agent"}
    return None if speakers.isdisjoint(("agent", "customer")) else speakers & {who}


def _covered_s(spans: Iterable[Span]) -> float:
    covered_s = until_s = 0.0
    for start_s, end_s in sorted(spans):
        covered_s += max(0.0, end_s - max(start_s, until_s))
        until_s = max(until_s, end_s)
    return covered_s
