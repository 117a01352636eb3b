"""Filters of `GET /calls` over HTTP: what is allowed, and how what is not is named."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api.call_filter import CallFilter
from models.filters import CallQuery
from tests.fakes import turn
from tests.records import store_call


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("mood", "furious", "'angry'"),
        ("not_mood", "furious", "'angry'"),
        ("customer_mood", "x", "'angry'"),
        ("direction", "up", "'inbound'"),
        ("outcome", "lost", "'voicemail'"),
        ("status", "x", "'queued'"),
        ("review", "x", "'in_review'"),
        ("hour", "24", "23"),
        ("hour", "x", "integer"),
        ("min_anger", "1.1", "1"),
        ("max_anger_trend", "-2", "-1"),
        ("min_duration", "-1", "0"),
        ("min_interruptions", "1.5", "integer"),
        ("outside", "nothing", "'anger'"),
        ("facets", "nothing", "meta.KEY"),
        ("facet_values", "0", "1"),
        ("fuzzy", "perhaps", "boolean"),
        ("agent", "", "1 character"),
        ("agent", "x" * 201, "200"),
        ("agent", "a\0b", "NUL"),
        ("meta.site", "a\0b", "NUL"),
        ("meta.site", "", "1 to 200"),
        ("meta.a\0b", "x", "no such parameter"),
        ("saved", "a\0b", "NUL"),
        ("from", "9999-12-31T23:59:59-12:00", "beyond the calendar"),
        ("meta.", "x", "no such parameter"),
        ("metasite", "x", "no such parameter"),
        ("from", "2026-11-02", "time zone"),
        ("to", "yesterday", "time zone"),
        ("min_started", "2026-11-02T00:00:00Z", "no such parameter"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_allowed(
    api: TestClient, name: str, value: str, says: str
) -> None:
    answer = api.get("/calls", params={name: value})
    assert answer.status_code == 422, answer.text
    [wrong] = answer.json()["errors"]
    assert wrong["parameter"] == name
    assert says in wrong["problem"]


def test_every_wrong_parameter_is_named_at_once(api: TestClient) -> None:
    answer = api.get("/calls?mood=x&min_anger=9&agent=")
    assert {wrong["parameter"] for wrong in answer.json()["errors"]} == {
        *("mood", "min_anger", "agent")
    }


@pytest.mark.parametrize("end", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
def test_the_ends_of_the_calendar_are_moments_too(api: TestClient, end: str) -> None:
    assert api.get("/calls", params={"from": end}).status_code == 200
    assert api.get("/calls", params={"to": end}).status_code == 200


def test_moments_that_no_calendar_holds_in_utc_are_refused(api: TestClient) -> None:
    for moment in ("9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00"):
        answer = api.get("/calls", params={"from": moment})
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["parameter"] == "from"


def test_values_given_more_than_once_are_any_of_them(api: TestClient, engine: Engine) -> None:
    for name, agent in (("a", "Alice"), ("b", "Bob"), ("c", "Carol")):
        store_call(engine, name, turn("customer", 1.0, "Hello?"), agent=agent)

    def names(query: str) -> set[str]:
        return {call["external_id"] for call in api.get(f"/calls?{query}").json()["items"]}

    assert names("agent=Alice&agent=Bob") == {"a", "b"}
    assert names("not_agent=Alice&not_agent=Bob") == {"c"}
    assert names("agent=Alice&agent=Bob&not_agent=Bob") == {"a"}


def test_facets_are_counted_where_they_are_asked_for(api: TestClient, engine: Engine) -> None:
    store_call(engine, "a", turn("customer", 1.0, "Hello?"), metadata={"site": "a.example"})
    plain = api.get("/calls").json()
    assert (plain["facets"], plain["total"], plain["more"]) == ({}, 1, False)
    some = api.get("/calls?facets=site&facets=meta.site&facets=agent").json()["facets"]
    found = [{"value": "a.example", "count": 1}]
    assert some == {"site": found, "meta.site": found, "agent": []}
    assert "interruptions" in api.get("/calls?facets=all").json()["facets"]


def test_the_query_of_no_parameters_asks_for_everything() -> None:
    assert CallFilter().as_query() == CallQuery()


def test_what_is_given_reaches_the_query() -> None:
    given: dict[str, Any] = {
        "agent": ["Alice", "Bob"],
        "not_tag": "angry",
        "hour": [9],
        "meta.plan": "gold",
        "not_meta.plan": ["old", "none"],
        "min_anger": 0.5,
        "max_duration": 60,
        "outside": ["duration"],
    }
    assert CallFilter.model_validate(given).as_query() == CallQuery(
        values={"agent": ("Alice", "Bob"), "hour": ("9",), "meta.plan": ("gold",)},
        without={"tag": ("angry",), "meta.plan": ("old", "none")},
        ranges={"anger": (0.5, None), "duration": (None, 60.0)},
        outside=frozenset({"duration"}),
    )
