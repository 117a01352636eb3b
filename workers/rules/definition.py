"""A rule as it is written: validated data, from JSON or TOML to what is stored.

There are no regular expressions in it: nothing that is written here can take long to look for.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, StrictBool, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from workers.rules.call_signs import Agent, Direction, Duration, Line, Metadata, Outcome
from workers.rules.scene import Plain, Who, Window
from workers.rules.sign import Sign
from workers.rules.talk_signs import Interruptions, Silence, TalkRatio
from workers.rules.voice_signs import Anger, Hits

Severity = Literal["low", "medium", "high", "critical"]
MOST_CONDITIONS = 10
LONGEST_WAIT_S = 30 * 86_400.0
Table = TypeVar("Table", bound="RuleTable")
_SIGNS = (
    *("anger", "hits", "silence", "interruptions", "talk_ratio", "outcome", "direction"),
    *("agent", "line", "metadata", "duration"),
)
NAME_PATTERN = r"^[^\s\x00-\x1f\x7f/]([^\x00-\x1f\x7f/]*[^\s\x00-\x1f\x7f/])?$"
"""Of a rule's name: printable, no slash, no spaces around it."""
MAX_NAME_CHARS = 100


class RuleError(ValueError):
    """A rule cannot be used; the text names each place and what is wrong there."""


class Condition(Plain):
    """One thing that is looked for. What is not known of a call (an anger without a mood model,
    interruptions in a recording of one channel) holds neither as it is nor negated.
    """

    negated: StrictBool = Field(
        False, alias="not", description="Holds where the thing is not there.", examples=[False]
    )
    who: Who | None = Field(
        None, description="Whose anger, words, interruptions or talk; the rule's when left out."
    )
    window: Window | None = Field(None, description="Where in the call; all of it when left out.")

    anger: Anger | None = None
    hits: Hits | None = None
    silence: Silence | None = None
    interruptions: Interruptions | None = None
    talk_ratio: TalkRatio | None = None
    outcome: Outcome | None = None
    direction: Direction | None = None
    agent: Agent | None = None
    line: Line | None = None
    metadata: Metadata | None = None
    duration: Duration | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        named = [name for name in _SIGNS if getattr(self, name) is not None]
        if len(named) != 1:
            raise PydanticCustomError("condition", f"name one of {', '.join(_SIGNS)}")
        if self.who is not None and not self.sign.of_somebody:
            raise PydanticCustomError("condition", f"{named[0]} is nobody's: leave out who")
        if self.window is not None and not self.sign.timed:
            raise PydanticCustomError("condition", f"{named[0]} has no window: leave it out")
        return self

    @property
    def sign(self) -> Sign:
        """What it looks for."""
        signs: list[Sign | None] = [getattr(self, name) for name in _SIGNS]
        return next(sign for sign in signs if sign is not None)


Conditions = Annotated[tuple[Condition, ...], Field(max_length=MOST_CONDITIONS)]


class RuleTable(Plain):
    """A rule: it fires where all of `all_of` hold and, where there is an `any_of`, at least one of
    that.
    """

    severity: Severity = Field("high", examples=["high"])
    enabled: StrictBool | None = Field(
        None,
        description="Left out: as it is. A new rule waits to be enabled.",
        examples=[True],
    )
    acknowledge_within_s: (
        Annotated[float, Field(strict=True, gt=0, le=LONGEST_WAIT_S, allow_inf_nan=False)] | None
    ) = Field(
        None,
        description="Seconds after which an alert that nobody acknowledged is overdue.",
        examples=[600.0],
    )
    who: Who = Field(
        "customer",
        description="Where no one is known to be the customer, anybody but the agent is meant.",
        examples=["customer"],
    )
    all_of: Conditions = Field(
        (), examples=[[{"anger": {"at_least": 0.6, "for_s": 3}, "window": {"last_percent": 20}}]]
    )
    any_of: Conditions = Field((), examples=[[]])

    @model_validator(mode="after")
    def _has_conditions(self) -> Self:
        if not self.all_of and not self.any_of:
            raise PydanticCustomError("rule", "give it conditions in all_of or any_of")
        return self

    @property
    def definition(self) -> dict[str, Any]:
        """`who`, `all_of` and `any_of` as plain JSON; what is as usual is left out."""
        of_it: dict[str, Any] = self.model_dump(
            mode="json", by_alias=True, exclude_defaults=True, include={"all_of", "any_of"}
        )
        return {"who": self.who, **of_it}


class NamedRule(RuleTable):
    """A rule with its name, as a file has it."""

    name: str = Field(min_length=1, max_length=MAX_NAME_CHARS, pattern=NAME_PATTERN)


def read_as(kind: type[Table], table: object, *, where: str) -> Table:
    """A rule out of a plain table. Raises `RuleError` with a line for each thing that is wrong."""
    try:
        return kind.model_validate(table)
    except ValidationError as error:
        lines = [
            ": ".join(filter(None, (where, ".".join(map(str, one["loc"])), one["msg"])))
            for one in error.errors(include_input=False, include_url=False)
        ]
        raise RuleError("\n".join(lines)) from error
