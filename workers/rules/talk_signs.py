"""Signs in how the conversation went: silences, interruptions, who talks how much."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from workers.call_facts import SpokenTurn
from workers.rules.scene import CLOCK_S, Scene, Seconds
from workers.rules.sign import (
    MAX_EVIDENCE,
    Piece,
    Share,
    Sign,
    Times,
    check_bounds,
    whole,
    within,
)

SILENCE_S = 3.0
"""Shorter silences are not written down (`speech.talk`)."""


class Silence(Sign):
    """A stretch of at least `at_least_s` seconds in which nobody speaks."""

    at_least_s: Annotated[Seconds, Field(ge=SILENCE_S)] = Field(
        examples=[20.0], description="3 s or more: shorter ones are not written down."
    )

    def holds(self, scene: Scene) -> bool | None:
        return None if scene.facts.silences is None else bool(self.evidence(scene))

    def reason(self, scene: Scene) -> str:
        said = [
            f"nobody speaks for {piece['end_s'] - piece['start_s']:.0f} s from "
            f"{piece['start_s']:.2f} s"
            for piece in self.evidence(scene)
        ]
        return ", ".join(said)

    def denial(self, scene: Scene) -> str:
        return f"no silence of {self.at_least_s:g} s{scene.where}"

    def evidence(self, scene: Scene) -> list[Piece]:
        long = [
            {"kind": "silence", "start_s": start_s, "end_s": end_s}
            for start_s, end_s in scene.silences
            if end_s - start_s > self.at_least_s - CLOCK_S
        ]
        return long[:MAX_EVIDENCE]


class Interruptions(Sign):
    """At least so many times they begin while somebody else speaks, who then falls silent."""

    of_somebody = True

    at_least: Times = Field(examples=[3])

    def holds(self, scene: Scene) -> bool | None:
        if any(turn.interrupts is None for turn in scene.turns):
            return None
        return len(_interrupting(scene)) >= self.at_least

    def reason(self, scene: Scene) -> str:
        turns = _interrupting(scene)
        who = " and ".join(sorted({turn.speaker for turn in turns}))
        return f"{who} interrupts {len(turns)} time{'s' * (len(turns) > 1)}{scene.where}"

    def denial(self, scene: Scene) -> str:
        who = "nobody" if scene.who == "anybody" else f"{scene.who} does not"
        return f"{who} interrupt{'s' * (who == 'nobody')} {self.at_least} times{scene.where}"

    def evidence(self, scene: Scene) -> list[Piece]:
        return [
            {
                "kind": "interruption",
                "speaker": turn.speaker,
                "start_s": turn.start_s,
                "end_s": turn.end_s,
            }
            for turn in _interrupting(scene)[:MAX_EVIDENCE]
        ]


class TalkRatio(Sign):
    """Their share of all talk, 0 to 1: at least, at most, or between the two."""

    of_somebody = True

    at_least: Share | None = Field(None, examples=[0.7])
    at_most: Share | None = Field(None, examples=[0.9])

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        check_bounds(("at_least", self.at_least), ("at_most", self.at_most))
        return self

    def holds(self, scene: Scene) -> bool | None:
        ratio = scene.talk_ratio
        return None if ratio is None else within(ratio, self.at_least, self.at_most)

    def reason(self, scene: Scene) -> str:
        return f"{scene.who} has {100 * (scene.talk_ratio or 0.0):.0f} % of the talk{scene.where}"

    def denial(self, scene: Scene) -> str:
        return self.reason(scene)

    def evidence(self, scene: Scene) -> list[Piece]:
        ratio = round(scene.talk_ratio or 0.0, 3)
        return [whole(scene, "talk_ratio", who=scene.who, ratio=ratio)]


def _interrupting(scene: Scene) -> list[SpokenTurn]:
    return [turn for turn in scene.turns if turn.interrupts and turn.start_s >= scene.start_s]
