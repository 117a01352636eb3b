"""Signs in what is known of the call as a whole: its outcome, agent, line, metadata, length.

What the telephone side did not tell equals nothing.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, StrictBool, StrictFloat, StrictInt, model_validator

from workers.rules.scene import Scene
from workers.rules.sign import Name, Piece, Sign, check_bounds, whole, within

Length = Annotated[float, Field(strict=True, ge=0, le=1e6, allow_inf_nan=False)]
# As metadata may be that is pushed.
Key = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]
Text = Annotated[str, Field(strict=True, max_length=500, pattern=r"^[^\x00]*$")]
Number = Annotated[StrictInt | StrictFloat, Field(ge=-1e15, le=1e15)]
Value = Text | StrictBool | Number


class CallSign(Sign):
    """Something that is true of the whole call."""

    timed: ClassVar[bool] = False

    @abstractmethod
    def fact(self, scene: Scene) -> tuple[str, object]:
        """What it looks at: the name, and the value, None where there is none."""

    def reason(self, scene: Scene) -> str:
        name, value = self.fact(scene)
        return f"{name} is {'not known' if value is None else value}"

    def denial(self, scene: Scene) -> str:
        return self.reason(scene)

    def evidence(self, scene: Scene) -> list[Piece]:
        name, value = self.fact(scene)
        return [whole(scene, "call", name=name, value=value)]


class Outcome(CallSign):
    """How the call went, as the telephone system tells it: one of these."""

    one_of: tuple[Literal["answered", "missed", "voicemail", "failed"], ...] = Field(
        min_length=1, max_length=4, examples=[["voicemail"]]
    )

    def fact(self, scene: Scene) -> tuple[str, object]:
        return "outcome", scene.facts.about.outcome

    def holds(self, scene: Scene) -> bool | None:
        return scene.facts.about.outcome in self.one_of


class Direction(CallSign):
    """Who called whom."""

    equals: Literal["inbound", "outbound"] = Field(examples=["inbound"])

    def fact(self, scene: Scene) -> tuple[str, object]:
        return "direction", scene.facts.about.direction

    def holds(self, scene: Scene) -> bool | None:
        return scene.facts.about.direction == self.equals


class Agent(CallSign):
    """Who answered."""

    equals: Name = Field(examples=["Alice"])

    def fact(self, scene: Scene) -> tuple[str, object]:
        return "agent", scene.facts.about.agent

    def holds(self, scene: Scene) -> bool | None:
        return scene.facts.about.agent == self.equals


class Line(CallSign):
    """The number dialled."""

    equals: Name = Field(examples=["+44 20 7946 0100"])

    def fact(self, scene: Scene) -> tuple[str, object]:
        return "line", scene.facts.about.line

    def holds(self, scene: Scene) -> bool | None:
        return scene.facts.about.line == self.equals


class Metadata(CallSign):
    """A value of the metadata that the call was pushed with."""

    key: Key = Field(examples=["queue"])
    equals: Value = Field(examples=["orders"])

    def fact(self, scene: Scene) -> tuple[str, object]:
        return f"metadata {self.key}", scene.facts.about.metadata.get(self.key)

    def holds(self, scene: Scene) -> bool | None:
        value = scene.facts.about.metadata.get(self.key)
        # Python takes True for 1.
        return isinstance(value, bool) == isinstance(self.equals, bool) and value == self.equals


class Duration(CallSign):
    """How long the call lasts, in seconds: at least, at most, or between the two."""

    at_least_s: Length | None = Field(None, examples=[600])
    at_most_s: Length | None = Field(None, examples=[3600])

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        check_bounds(("at_least_s", self.at_least_s), ("at_most_s", self.at_most_s))
        return self

    def fact(self, scene: Scene) -> tuple[str, object]:
        return "duration", scene.facts.lasts_s

    def holds(self, scene: Scene) -> bool | None:
        if not scene.facts.is_heard:
            return None
        return within(scene.facts.lasts_s, self.at_least_s, self.at_most_s)

    def reason(self, scene: Scene) -> str:
        return f"the call lasts {scene.facts.lasts_s:.0f} s"
