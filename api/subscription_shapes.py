"""What is asked of a subscription and what is shown of one. Secrets are shown where they are made
and nowhere else.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, model_validator

from api.view import View, without
from models.delivery import Counts, Delivery, DeliveryAttempt, Outcome, Standing
from models.subscription import DIGEST_MINUTES, Kind, Subscription, Wanted, as_dict
from workers.sending.addresses import MAX_URL_CHARS
from workers.sending.mail import ADDRESS
from workers.sending.template import MAX_TEMPLATE_CHARS

ONLY_SHOWN = (
    *("disabled_reason", "previous_secret_until", "created_at", "updated_at"),
    *("waiting", "parked"),
)
MAX_VALUES = 100
MAX_ADDRESSES = 20
SMS = '{"to": "+442079460999", "text": "{heading}: {reason} ({agent}, {place})"}'
Severity = Literal["low", "medium", "high", "critical"]
EventKind = Literal[
    "raised", "changed", "reopened", "acknowledged", "resolved", "overdue", "no_longer"
]
Value = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
]
EmailAddress = Annotated[str, StringConstraints(max_length=254, pattern=ADDRESS)]


class Filters(BaseModel):
    """Which events are wanted: any value of each list that is not empty."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    severities: list[Severity] = Field(default_factory=list, examples=[["high", "critical"]])
    rules: list[Value] = Field(default_factory=list, max_length=MAX_VALUES, examples=[[]])
    kinds: list[EventKind] = Field(
        default_factory=list,
        examples=[["raised", "reopened"]],
        description="What happened to the alert.",
    )
    agents: list[Value] = Field(default_factory=list, max_length=MAX_VALUES, examples=[["Alice"]])
    lines: list[Value] = Field(
        default_factory=list,
        max_length=MAX_VALUES,
        examples=[[]],
        description="Numbers dialled.",
    )


class SubscriptionToSave(BaseModel):
    """A subscription as it shall be; what is left out is as its default says. What `GET` answers
    can be sent back: what it only shows is not looked at.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: str | None = Field(None, description="As the address says it.", examples=[None])

    kind: Kind = Field(
        examples=["webhook"],
        description="`webhook` posts signed JSON, `chat` what Slack and others understand, "
        "`email` sends digests.",
    )
    url: str | None = Field(
        None,
        max_length=MAX_URL_CHARS,
        examples=["https://crm.example.com/hooks/overtone"],
        description="Where `webhook` and `chat` post to.",
    )
    addresses: list[EmailAddress] = Field(
        default_factory=list,
        max_length=MAX_ADDRESSES,
        examples=[[]],
        description="Who is mailed.",
    )
    filters: Filters = Field(default_factory=Filters)
    template: str | None = Field(
        None,
        max_length=MAX_TEMPLATE_CHARS,
        examples=[None],
        description=f"A body of one's own for a webhook, such as an SMS gateway's: `{SMS}`.",
    )
    authorization: SecretStr | None = Field(
        None,
        examples=[None],
        description="Sent as the header `Authorization`. Never shown again.",
    )
    has_authorization: bool = Field(
        False,
        description="True without `authorization` keeps the one that is stored, for the same `url` "
        "alone.",
    )
    digest_minutes: int = Field(
        DIGEST_MINUTES, ge=1, le=24 * 60, description="How long a mail collects what comes."
    )
    enabled: bool = Field(True, description="A disabled one keeps its place, and goes on from it.")
    escalates_to: str | None = Field(
        None,
        max_length=100,
        examples=["managers"],
        description="Another subscription, told when an alert that this one wants is overdue.",
    )

    @model_validator(mode="before")
    @classmethod
    def _as_shown(cls, body: Any) -> Any:
        return without(ONLY_SHOWN, body)

    @model_validator(mode="after")
    def _parts_fit(self) -> SubscriptionToSave:
        if self.kind == "email":
            if not self.addresses or self.url is not None:
                raise ValueError("e-mail needs `addresses` and has no `url`")
        elif self.url is None or self.addresses:
            raise ValueError(f"a {self.kind} needs a `url` and has no `addresses`")
        if self.kind != "webhook" and self.template is not None:
            raise ValueError("only a webhook has a `template`")
        if self.kind == "email" and self.authorization is not None:
            raise ValueError("e-mail has no `authorization`: OVERTONE_SMTP_URL holds the password")
        said = self.authorization.get_secret_value() if self.authorization else "-"
        if not (0 < len(said) <= 1000 and said.isascii() and said.isprintable()):
            raise ValueError("`authorization` has 1 to 1,000 printable ASCII characters")
        if said != said.strip():
            raise ValueError("`authorization` has a space at an end, which no header may have")
        return self

    def wanted(self) -> Wanted:
        """The same for the records."""
        filters = self.filters.model_dump(exclude_defaults=True)
        return Wanted(
            kind=self.kind,
            url=self.url,
            addresses=tuple(self.addresses),
            filters={name: list(dict.fromkeys(values)) for name, values in filters.items()},
            template=self.template,
            authorization=self.authorization.get_secret_value() if self.authorization else None,
            keeps_authorization=self.has_authorization and self.authorization is None,
            digest_minutes=self.digest_minutes,
            enabled=self.enabled,
            escalates_to=self.escalates_to,
        )


class SubscriptionView(View):
    """A subscription, and how its deliveries stand."""

    name: str = Field(examples=["wallboard"])
    kind: str = Field(examples=["webhook"])
    url: str | None
    addresses: list[str]
    filters: Filters
    template: str | None
    has_authorization: bool = Field(description="Whether an `Authorization` header is sent.")
    digest_minutes: int
    enabled: bool
    disabled_reason: str | None = Field(
        description="Why Overtone disabled it.", examples=["the address answered 410 Gone"]
    )
    escalates_to: str | None
    previous_secret_until: datetime | None = Field(
        description="Until then the secret before the last rotation signs as well."
    )
    created_at: datetime
    updated_at: datetime
    waiting: int = Field(description="Deliveries that are still to be made.", examples=[0])
    parked: int = Field(description="Deliveries that were given up, to be replayed.", examples=[0])

    @classmethod
    def of(cls, row: Subscription, counts: Counts | None = None) -> SubscriptionView:
        return cls(**_shown(row, counts))


class SavedSubscription(SubscriptionView):
    """The answer to saving one."""

    secret: str | None = Field(
        description="What a new webhook's messages are signed with: shown this once, else null.",
        examples=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"],
    )

    @classmethod
    def with_secret(
        cls, row: Subscription, counts: Counts | None, secret: str | None
    ) -> SavedSubscription:
        return cls(**_shown(row, counts), secret=secret)


class SubscriptionsView(View):
    """All subscriptions, by name; there are 200 at most."""

    items: list[SubscriptionView]


class Rotation(BaseModel):
    """How a secret is changed."""

    model_config = ConfigDict(extra="forbid")

    hold_hours: float = Field(
        24,
        ge=0,
        le=7 * 24,
        allow_inf_nan=False,
        description="How long the secret of before signs as well; 0 for one that others know.",
    )


class NewSecret(View):
    """A secret, shown this once."""

    secret: str = Field(examples=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"])
    previous_secret_until: datetime | None


class TestView(View):
    """What came of a test."""

    __test__ = False

    delivered: bool
    status: int | None = Field(examples=[204])
    error: str | None = Field(examples=["no answer within 10 s"])
    ms: int = Field(examples=[87])
    answer: str = Field(description="How the answer begins.", examples=["ok"])

    @classmethod
    def of(cls, outcome: Outcome) -> TestView:
        return cls(
            delivered=outcome.delivered,
            status=outcome.status,
            error=outcome.error,
            ms=outcome.ms,
            answer=outcome.excerpt,
        )


class AttemptView(View):
    """One attempt of a delivery."""

    at: datetime
    status: int | None = Field(examples=[503])
    error: str | None = Field(examples=["answered 503 Service Unavailable"])
    ms: int


class DeliveryView(View):
    """One event on its way to one subscription."""

    id: int
    event_id: int = Field(description="The message's `webhook-id` is `evt_` and this.")
    status: Standing
    attempts: int
    next_at: datetime | None = Field(description="When it is tried next; null unless it waits.")
    last_status: int | None
    last_error: str | None
    created_at: datetime
    delivered_at: datetime | None
    log: list[AttemptView] = Field(
        default_factory=list, description="Its last 50 attempts of the last 30 days, oldest first."
    )

    @classmethod
    def of(cls, row: Delivery, log: list[DeliveryAttempt]) -> DeliveryView:
        view = cls.model_validate(row)
        view.log = [AttemptView.model_validate(attempt) for attempt in log]
        if row.status != Standing.WAITING:
            view.next_at = None
        return view


class DeliveriesView(View):
    """One page of deliveries, newest first."""

    items: list[DeliveryView]
    next_cursor: int | None = Field(description="Give it as `cursor` for the next page.")


class Replayed(View):
    """How many deliveries are tried anew."""

    replayed: int = Field(examples=[3])


def _shown(row: Subscription, counts: Counts | None) -> dict[str, Any]:
    counts = counts or Counts()
    return {
        **as_dict(row),
        "has_authorization": row.authorization is not None,
        "waiting": counts.waiting,
        "parked": counts.parked,
    }
