"""Finding calls: by words, mood, hits, metadata and time, page by page, on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from models.db import reading
from models.query import BadQuery, parse
from models.search import Finder, Found, Page
from tests.fakes import ANGRY, CALM, turn
from tests.records import FIRST, asked, store_call


@pytest.fixture
def calls(engine: Engine) -> Engine:
    """Four calls: an enquiry, an angry one, a praising one, a Russian enquiry."""
    store_call(
        engine,
        "enquiry",
        turn("agent", 1.0, "Good morning, how can I help?"),
        turn("customer", 5.0, "Do you have bearing number two oh four in stock?"),
        agent="Alice",
        line="100",
    )
    store_call(
        engine,
        "angry",
        turn("agent", 1.0, "Good morning."),
        turn("customer", 3.0, "My order is late again, this is bullshit.", ANGRY),
        turn("customer", 9.0, "You are useless idiots, all of you, I am so tired of it.", ANGRY),
        agent="Bob",
        line="100",
    )
    store_call(
        engine,
        "praise",
        turn("customer", 2.0, "Thank you so much, you have been very helpful."),
        turn("agent", 6.0, "It was a bearing of another kind."),
        agent="Alice",
        line="200",
    )
    store_call(
        engine,
        "russian",
        turn("customer", 2.0, "Здравствуйте, мне нужен подшипник двести четыре."),
        agent="Алиса",
        line="300",
    )
    return engine


def find(engine: Engine, limit: int = 20, cursor: str | None = None, **query: Any) -> Page:
    with reading(engine) as session:
        return Finder().find(session, asked(**query), limit=limit, cursor=cursor)


def names(page: Page) -> list[str]:
    return [found.call.external_id for found in page.items]


def only(page: Page) -> Found:
    (found,) = page.items
    return found


@pytest.mark.parametrize(
    "q",
    [
        "bearing no 204",
        "bearing number two oh four",
        "204 bearing",
        "bearings № 204",
        "BEARING 204",
    ],
)
def test_every_way_to_ask_for_the_bearing_finds_the_same_call(calls: Engine, q: str) -> None:
    found = only(find(calls, q=q))
    assert found.call.external_id == "enquiry"
    (snippet,) = found.snippets
    assert snippet.speaker == "customer"
    assert [snippet.text[start:end] for start, end in snippet.marks] == [
        "bearing",
        "number two oh four",
    ]
    assert snippet.start_s == pytest.approx(5.0 + 3 * 0.4)


def test_russian_words_are_found_in_any_inflection(calls: Engine) -> None:
    assert names(find(calls, q="подшипника 204")) == ["russian"]


def test_all_words_must_be_in_the_call_but_not_in_one_turn(calls: Engine) -> None:
    assert names(find(calls, q="morning bearing")) == ["enquiry"]
    assert names(find(calls, q="bearing bullshit")) == []


def test_quoted_words_must_follow_each_other(calls: Engine) -> None:
    assert names(find(calls, q='"bearing of another kind"')) == ["praise"]
    assert names(find(calls, q='"another bearing"')) == []
    assert set(names(find(calls, q='"bearing'))) == {"enquiry", "praise"}


def test_a_speaker_narrows_what_was_said(calls: Engine) -> None:
    assert names(find(calls, q="bearing", speaker="agent")) == ["praise"]
    assert names(find(calls, q="bearing", speaker="customer")) == ["enquiry"]


def test_mood_and_anger_select_and_sort(calls: Engine) -> None:
    assert names(find(calls, mood="angry")) == ["angry"]
    assert names(find(calls, mood="angry", speaker="agent")) == []
    assert names(find(calls, min_anger=0.5)) == ["angry"]
    assert names(find(calls, min_anger=0.5, speaker="agent")) == []
    angriest = find(calls, sort="-anger")
    assert names(angriest)[0] == "angry"
    assert [snippet.speaker for snippet in angriest.items[0].snippets] == ["customer"]
    assert angriest.items[0].snippets[0].anger == ANGRY.anger


def test_a_lexicon_selects_and_its_hits_are_marked(calls: Engine) -> None:
    found = only(find(calls, lexicon="praise"))
    assert found.call.external_id == "praise"
    assert found.snippets[0].marks
    assert names(find(calls, lexicon="abusive", speaker="agent")) == []
    assert names(find(calls, lexicon="abusive", speaker="customer")) == ["angry"]


def test_metadata_and_time_select(calls: Engine) -> None:
    assert set(names(find(calls, agent="Alice"))) == {"enquiry", "praise"}
    assert names(find(calls, line="200")) == ["praise"]
    assert names(find(calls, started_to=FIRST + timedelta(hours=2))) == ["enquiry"]
    assert names(find(calls, started_from=FIRST + timedelta(hours=4))) == ["russian"]
    assert names(find(calls, status="failed")) == []


def test_filters_combine(calls: Engine) -> None:
    assert names(find(calls, q="morning", agent="Bob", min_anger=0.5, lexicon="abusive")) == [
        "angry"
    ]
    assert names(find(calls, q="morning", agent="Alice", min_anger=0.5)) == []


@pytest.mark.parametrize(
    "sort", ["-started_at", "started_at", "-anger", "anger", "-duration", "duration"]
)
def test_pages_hold_every_call_once_in_the_same_order(calls: Engine, sort: str) -> None:
    whole = names(find(calls, sort=sort))
    paged: list[str] = []
    cursor = None
    while True:
        page = find(calls, limit=1, cursor=cursor, sort=sort)
        paged += names(page)
        cursor = page.next_cursor
        if cursor is None:
            break
    assert paged == whole
    assert len(set(paged)) == 4


def test_a_cursor_of_another_query_is_refused(calls: Engine) -> None:
    cursor = find(calls, limit=1).next_cursor
    assert cursor
    with pytest.raises(BadQuery, match="another query"):
        find(calls, limit=1, cursor=cursor, q="bearing")


@pytest.mark.parametrize("cursor", ["", "x", "WzFd", "!!!", "bnVsbA", "é"])
def test_a_text_that_is_no_cursor_is_refused(calls: Engine, cursor: str) -> None:
    with pytest.raises(BadQuery, match="cursor"):
        find(calls, cursor=cursor)


def test_a_query_without_words_is_refused_rather_than_matching_all(calls: Engine) -> None:
    with pytest.raises(BadQuery, match="no word"):
        find(calls, q="?!")


def test_a_query_of_many_words_is_refused(calls: Engine) -> None:
    with pytest.raises(BadQuery, match="at most"):
        find(calls, q=" ".join(f"word{i}x" for i in range(100)))


@pytest.mark.parametrize(
    "q",
    ["bearing OR bullshit", "bear*", "NEAR(a b)", "-bearing", "keys:x", "a AND", "'; DROP", "^a"],
)
def test_operators_of_the_databases_are_only_text(calls: Engine, q: str) -> None:
    find(calls, q=q)


@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(q=st.text(max_size=40))
def test_no_text_breaks_a_search(calls: Engine, q: str) -> None:
    try:
        parse(q)
    except BadQuery:
        return
    find(calls, q=q)


def test_tags_and_speakers_come_with_each_call(calls: Engine) -> None:
    found = only(find(calls, mood="angry"))
    assert found.tags == ("abusive", "angry")
    assert [(speaker.name, speaker.mood) for speaker in found.speakers] == [
        ("agent", CALM.label),
        ("customer", "angry"),
    ]
