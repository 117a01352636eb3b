"""The shapes of questions and answers about alert rules."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.call_filter import Instant
from api.view import View, without
from models.alert_rule import AlertRule
from workers.rules import RuleTable
from workers.rules.trial import MOST_CALLS, MOST_SHOWN, Trial

DEFINITION: dict[str, Any] = {
    "severity": "high",
    "who": "customer",
    "all_of": [
        {"anger": {"at_least": 0.6, "for_s": 3}, "window": {"last_percent": 20}},
        {"outcome": {"one_of": ["voicemail"]}, "not": True},
    ],
}

ONLY_SHOWN = ("version", "seeded", "created_at", "updated_at", "changed_by")


class RuleToSave(RuleTable):
    """A rule as it shall be. What `GET` answers can be sent back: what it only shows is not looked
    at.
    """

    name: str | None = Field(None, description="As the address says it.", examples=[None])

    @model_validator(mode="before")
    @classmethod
    def _as_shown(cls, body: Any) -> Any:
        return without(ONLY_SHOWN, body)


class RuleView(View):
    """A rule as it is stored."""

    name: str = Field(examples=["angry-at-the-end"])
    severity: str = Field(description="low, medium, high or critical.", examples=["high"])
    enabled: bool = Field(description="Whether calls are judged by it.", examples=[True])
    version: int = Field(
        description="Rises with each change of what it says; evidence of alerts names it.",
        examples=[3],
    )
    acknowledge_within_s: float | None = Field(examples=[600.0])
    who: str = Field(examples=["customer"])
    all_of: list[dict[str, Any]] = Field(examples=[DEFINITION["all_of"]])
    any_of: list[dict[str, Any]] = Field(examples=[[]])
    seeded: bool = Field(
        description="It came with Overtone and was not changed: its anger follows the settings.",
        examples=[False],
    )
    created_at: datetime
    updated_at: datetime
    changed_by: str | None = Field(description="The name of a key.", examples=["managers"])

    @classmethod
    def of(cls, rule: AlertRule) -> RuleView:
        plain = rule.model_dump(exclude={"id", "definition"})
        return cls.model_validate({"all_of": [], "any_of": [], **rule.definition, **plain})


class RulesView(BaseModel):
    """All rules, by name; there are 200 at most."""

    items: list[RuleView]


class CallsToTry(BaseModel):
    """The calls to try a rule on; all when left out."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    since: Instant | None = Field(
        None,
        alias="from",
        description="Calls that began then or later.",
        examples=["2026-11-01T00:00:00Z"],
    )
    until: Instant | None = Field(
        None, alias="to", description="Calls that began before.", examples=["2026-12-01T00:00:00Z"]
    )
    most: int = Field(
        MOST_CALLS, ge=1, le=MOST_CALLS, description="So many calls, the newest.", examples=[1000]
    )


class RuleToTest(CallsToTry):
    """A rule, stored or not, and the calls to try it on."""

    definition: RuleToSave = Field(
        description="As `PUT /rules/{rule}` takes it.", examples=[DEFINITION]
    )


class FiredView(View):
    """A call that would have raised an alert."""

    call_id: int = Field(examples=[4711])
    external_id: str = Field(examples=["pbx-4711"])
    started_at: datetime
    start_s: float = Field(description="The second to play from.", examples=[12.4])
    reason: str = Field(examples=["2 abusive hits: “idiot” (customer), “liar” (customer)"])


class TrialView(View):
    """What a rule would have done."""

    looked_at: int = Field(description="Calls that were judged, the newest.", examples=[10_000])
    complete: bool = Field(
        description="False where 20 s were not enough for all the calls asked for.", examples=[True]
    )
    fired: int = Field(description="Calls that would have raised an alert.", examples=[37])
    per_day: float | None = Field(
        description="Alerts a day, over the time from the oldest to the newest call looked at.",
        examples=[5.3],
    )
    since: datetime | None = Field(description="When the oldest call looked at began.")
    until: datetime | None = Field(description="When the newest call looked at began.")
    warning: str | None = Field(examples=["fires on every call: it tells none from the others"])
    calls: list[FiredView] = Field(description=f"The newest {MOST_SHOWN} on which it fires.")

    @classmethod
    def of(cls, trial: Trial) -> TrialView:
        names = cls.model_fields.keys() - {"calls"}
        return cls.model_validate(
            {**{name: getattr(trial, name) for name in names}, "calls": trial.shown}
        )
