"""A sign: something that a condition looks for in a scene, and what signs share."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Any, ClassVar

from pydantic import Field
from pydantic_core import PydanticCustomError

from workers.rules.scene import CLOCK_S, Plain, Scene

MAX_EVIDENCE = 5

Share = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Times = Annotated[int, Field(strict=True, ge=1, le=1000)]
# What a log or a database would take for something else is no name.
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Piece = dict[str, Any]
"""A piece of evidence: `kind`, `start_s`, `end_s`, and what belongs to its kind."""


class Sign(Plain):
    """It holds, does not hold, or is not known (None): then it speaks neither for a rule nor,
    negated, against one.
    """

    of_somebody: ClassVar[bool] = False
    """Whether it matters who."""
    timed: ClassVar[bool] = True
    """Whether it can be looked for in a window."""

    @abstractmethod
    def holds(self, scene: Scene) -> bool | None:
        """Whether it is there; None where that is not known."""

    @abstractmethod
    def reason(self, scene: Scene) -> str:
        """In words, where it holds."""

    @abstractmethod
    def denial(self, scene: Scene) -> str:
        """In words, where it does not hold."""

    @abstractmethod
    def evidence(self, scene: Scene) -> list[Piece]:
        """What there is to play or to see, where it holds; `MAX_EVIDENCE` pieces of a speaker at
        most.
        """


def whole(scene: Scene, kind: str, **more: object) -> Piece:
    """Evidence that is no moment: it is of all of the scene."""
    return {"kind": kind, "start_s": scene.start_s, "end_s": scene.until_s, **more}


def check_bounds(low: tuple[str, float | None], high: tuple[str, float | None]) -> None:
    """Raises pydantic's error where there is no bound, or none can be met."""
    (low_name, low_figure), (high_name, high_figure) = low, high
    if low_figure is None and high_figure is None:
        raise PydanticCustomError("bounds", f"name {low_name}, {high_name} or both")
    if low_figure is not None and high_figure is not None and low_figure > high_figure:
        raise PydanticCustomError("bounds", f"{low_name} is above {high_name}: no call has both")


def within(figure: float, low: float | None, high: float | None) -> bool:
    """Whether a figure lies between two bounds, where they are given."""
    return (low is None or figure >= low - CLOCK_S) and (high is None or figure <= high + CLOCK_S)
