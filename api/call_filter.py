"""What `GET /calls` and its export understand: the words asked for, every filter, the order.

Values are checked here, names too; what they mean is said in `models.filters`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeVar

from fastapi import HTTPException
from fastapi.exceptions import RequestValidationError
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    create_model,
    model_validator,
)
from pydantic import ValidationError as PydanticError
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError
from sqlmodel import Session

from models.call import Status
from models.columns import in_utc
from models.facets import META
from models.filters import FILTERS, RANGES, CallQuery, Sort
from models.saved_search import find_search
from models.search import FACETS, is_facet

Mood = Literal["angry", "happy", "neutral", "sad"]
Who = Literal["agent", "customer", "speaker_1", "speaker_2"]


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise PydanticCustomError("nul", "holds a NUL, which no database keeps")
    return text


Instant = Annotated[AwareDatetime, AfterValidator(in_utc)]
Text = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_without_nul)]
MAX_VALUES = 50
MAX_META = 20
_META = re.compile(r"(not_)?meta\.([^\0]{1,100})")
# What there is to say of each value filter: its type, what it is, an example.
_VALUES: dict[str, tuple[Any, str, Any]] = {
    "external_id": (Text, "The id that it was pushed with", "4711"),
    "mood": (Mood, "Mood of the customer, or of `speaker`", "angry"),
    "customer_mood": (Mood, "Mood of the customer", "angry"),
    "agent_mood": (Mood, "Mood of the agent", "neutral"),
    "lexicon": (Text, "A lexicon with hits", "praise"),
    "term": (Text, "A term with hits", "bearing 204"),
    "grade": (Text, "A grade of abuse with hits", "strong"),
    "said_by": (Who, "Who said what a lexicon holds", "customer"),
    "tag": (Text, "A tag", "abusive"),
    "agent": (Text, "Who answered", "Alice"),
    "line": (Text, "The number dialled", "+44 20 7946 0100"),
    "caller": (Text, "The caller's number, however it is written", "+44 20 7946 0999"),
    "direction": (Literal["inbound", "outbound"], "Which way the call went", "inbound"),
    "outcome": (
        Literal["answered", "missed", "voicemail", "failed"],
        "What came of the call",
        "answered",
    ),
    "status": (Status, "Where analysis stands", "failed"),
    "review": (Literal["new", "in_review", "resolved"], "Where its review stands", "new"),
    "assignee": (Text, "Who it is assigned to", "Bob"),
    "language": (Text, "The language spoken", "en"),
    "hour": (
        Annotated[int, Field(ge=0, le=23)],
        "The hour of the day in which it began, in the time zone it was pushed with",
        9,
    ),
    "utm_source": (Text, "Metadata: the advertising source", "google"),
    "site": (Text, "Metadata: the site", "shop.example"),
    "region": (Text, "Metadata: the region", "Leeds"),
}
# And of each range: what its limits may be, what it is, an example.
_RANGES: dict[str, tuple[Any, str, Any]] = {
    "anger": (
        Annotated[float, Field(ge=0, le=1)],
        "Anger of the customer, or of `speaker`, 0 to 1",
        0.6,
    ),
    "anger_trend": (
        Annotated[float, Field(ge=-1, le=1)],
        "How the customer's anger moved from the first third to the last, -1 to 1",
        0.2,
    ),
    "duration": (Annotated[float, Field(ge=0, le=1e6)], "Length in seconds", 60),
    "talk_ratio": (Annotated[float, Field(ge=0, le=1)], "The agent's share of all talk", 0.5),
    "silence": (Annotated[float, Field(ge=0, le=1e6)], "The longest silence in seconds", 10),
    "interruptions": (Annotated[int, Field(ge=0, le=10_000)], "How often somebody broke in", 2),
}
assert _VALUES.keys() == set(FILTERS)
assert {*_RANGES, "started"} == RANGES.keys()


_UNKNOWN = PydanticCustomError(
    "unknown", "there is no such parameter here; GET /docs lists those there are"
)
_META_VALUE = PydanticCustomError(
    "meta_value", "up to 50 values of 1 to 200 characters, without NUL"
)
_MANY_META = PydanticCustomError("many_meta", "up to 20 keys of metadata")


def _is_plain(value: object) -> bool:
    text = str(value)
    return 0 < len(text) <= 200 and "\0" not in text


def _known_facets(names: list[str]) -> list[str]:
    if names == ["all"]:
        return list(FACETS)
    for name in names:
        if not is_facet(name):
            raise PydanticCustomError(
                "facet",
                "there is {name}: take all, meta.KEY, or any of {known}",
                {"name": f"no facet {name[:50]}", "known": ", ".join(FACETS)},
            )
    return names


class _Base(BaseModel):
    """What is not a filter by value or range."""

    # Free metadata keys, `meta.KEY`, cannot be listed: what else is unknown is refused below.
    model_config = ConfigDict(extra="allow", populate_by_name=True, hide_input_in_errors=True)

    q: str | None = Field(
        None,
        examples=["bearing no 204"],
        description='Words that must all be in the call; `"in quotes"` next to each other; '
        "`-without`; `begin*`; `price NEAR/5 bearing`; `customer:` or `agent:` in front of any.",
    )
    fuzzy: bool = Field(
        True, description="Whether words of the calls count that are near to those of `q`."
    )
    speaker: Who | None = Field(
        None,
        examples=["customer"],
        description="Narrows `q`, `mood`, `min_anger`, `lexicon`, `term` and `grade` to one "
        "speaker.",
    )
    started_from: Instant | None = Field(
        None,
        alias="from",
        examples=["2026-11-02T00:00:00Z"],
        description="Began at or after this moment (with its time zone).",
    )
    started_to: Instant | None = Field(
        None, alias="to", examples=["2026-11-03T00:00:00Z"], description="Began before this moment."
    )
    outside: list[Literal[*RANGES]] = Field(  # type: ignore[valid-type]
        default_factory=list,
        max_length=len(RANGES),
        examples=[["duration"]],
        description="Ranges that are turned around: calls outside of their limits.",
    )
    sort: Sort | None = Field(
        None,
        examples=["-anger"],
        description="A minus in front: largest or latest first. Left out: `relevance` with `q`, "
        "else `-started_at`.",
    )

    saved: Text | None = Field(
        None,
        max_length=100,
        examples=["angry about refunds"],
        description="The name of a saved search; what is given beside it stands in its place.",
    )

    @model_validator(mode="before")
    @classmethod
    def _single_values(cls, given: Any) -> Any:
        """Where several values may be given, one alone is a list of one."""
        if not isinstance(given, dict):
            return given
        many = {name for name, field in cls.model_fields.items() if field.default_factory is list}
        return {
            name: [value] if name in many and not isinstance(value, list) else value
            for name, value in given.items()
        }

    @model_validator(mode="after")
    def _known_names(self) -> _Base:
        """Refuses what is neither a filter nor about metadata, each by its name."""
        extra = self.model_extra or {}
        problems = [
            InitErrorDetails(type=_UNKNOWN, loc=(name,), input=None)
            for name in extra
            if not _META.fullmatch(name)
        ]
        for name, values in extra.items():
            texts = values if isinstance(values, list) else [values]
            if len(texts) > MAX_VALUES or not all(map(_is_plain, texts)):
                problems.append(InitErrorDetails(type=_META_VALUE, loc=(name,), input=None))
        if len(extra) > MAX_META:
            problems.append(InitErrorDetails(type=_MANY_META, loc=("meta",), input=None))
        if problems:
            raise ValidationError.from_exception_data(type(self).__name__, problems)
        return self

    def as_query(self) -> CallQuery:
        """The same, as records understand it."""
        given = {name: getattr(self, name) for name in type(self).model_fields}
        limits = {name: (given[f"min_{name}"], given[f"max_{name}"]) for name in _RANGES}
        limits["started"] = self.started_from, self.started_to
        return CallQuery(
            q=self.q,
            fuzzy=self.fuzzy,
            speaker=self.speaker,
            values=dict(self._values(given, "")),
            without=dict(self._values(given, "not_")),
            ranges={name: pair for name, pair in limits.items() if pair != (None, None)},
            outside=frozenset(self.outside),
            sort=self.sort,
        )

    def _values(self, given: dict[str, Any], mark: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        for name in FILTERS:
            if values := given[f"{mark}{name}"]:
                yield name, tuple(str(value) for value in values)
        for name, values in (self.model_extra or {}).items():
            found = _META.fullmatch(name)
            if found and (found[1] or "") == mark:
                many = values if isinstance(values, list) else [values]
                yield f"{META}{found[2]}", tuple(str(value) for value in many)


def _fields() -> Iterator[tuple[str, Any]]:
    for name, (kind, what, example) in _VALUES.items():
        for mark, says in (("", ""), ("not_", " (none of these)")):
            yield (
                f"{mark}{name}",
                (
                    list[kind],  # type: ignore[valid-type]
                    Field(
                        default_factory=list,
                        max_length=MAX_VALUES,
                        examples=[[example]],
                        description=f"{what}{says}; given more than once, any of them.",
                    ),
                ),
            )
    for name, (kind, what, example) in _RANGES.items():
        for mark, says in (("min_", "at least this"), ("max_", "at most this")):
            field = Field(None, examples=[example], description=f"{what}: {says}.")
            yield f"{mark}{name}", (kind | None, field)


Filters: type[_Base] = create_model("Filters", __base__=_Base, **dict(_fields()))


class CallFilter(Filters):
    """What `GET /calls` understands; anything else is refused."""

    facets: Annotated[list[str], AfterValidator(_known_facets)] = Field(
        default_factory=list,
        max_length=40,
        examples=[["agent", "tag"]],
        description="Filters whose values are counted over the calls found, or `all`; also `day` "
        "and `meta.KEY`.",
    )
    facet_values: int = Field(20, ge=1, le=200, examples=[20], description="Values of each facet.")
    limit: int = Field(20, examples=[20], ge=1, le=100)
    cursor: str | None = Field(
        None, examples=["WyI1ZjQ..."], max_length=500, description="`next_cursor` of a page before."
    )


Some = TypeVar("Some", bound=_Base)


def with_saved(session: Session, wanted: Some) -> Some:
    """The filters, and those of the saved search that they name. 404 where there is none."""
    if wanted.saved is None:
        return wanted
    search = find_search(session, wanted.saved)
    if search is None:
        raise HTTPException(404, "there is no saved search of this name: GET /searches lists them")
    known = {field.alias or name for name, field in type(wanted).model_fields.items()}
    saved = {
        name: value
        for name, value in search.query.items()
        if name in known or _META.fullmatch(name)
    }
    given = wanted.model_dump(by_alias=True, exclude_unset=True, exclude={"saved"})
    try:
        return type(wanted).model_validate(saved | given)
    except PydanticError as error:
        places = [{**one, "loc": ("query", *one["loc"])} for one in error.errors()]
        raise RequestValidationError(places) from error
