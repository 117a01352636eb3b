"""Reading calls over HTTP: lists with snippets, one call in full, its audio in ranges."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from tests.fakes import ANGRY, turn
from tests.records import store_call


@pytest.fixture
def number(engine: Engine) -> int:
    """One analysed call with a bearing, anger and an alert."""
    return store_call(
        engine,
        "4711",
        turn("agent", 1.0, "Good morning."),
        turn("customer", 3.0, "Where is my bearing number two oh four?"),
        turn("customer", 9.0, "You are useless idiots, all of you, I am so tired of it.", ANGRY),
        agent="Alice",
        line="100",
        metadata={"utm_source": "google"},
    )


def test_a_list_shows_snippets_with_the_second_to_play(api: TestClient, number: int) -> None:
    answer = api.get("/calls", params={"q": "bearing no 204"})
    assert answer.status_code == 200, answer.text
    (call,) = answer.json()["items"]
    assert call["id"] == number
    assert call["metadata"] == {"utm_source": "google"}
    assert call["tags"] == ["abusive", "angry", "product"]
    (snippet,) = call["snippets"]
    assert snippet["start_s"] == pytest.approx(4.2)
    start, end = snippet["marks"][0]
    assert snippet["text"][start:end] == "bearing"
    assert answer.json()["next_cursor"] is None


def test_every_documented_filter_is_understood(api: TestClient, number: int) -> None:
    asked = {
        "q": "bearing",
        "mood": "angry",
        "min_anger": "0.5",
        "lexicon": "abusive",
        "speaker": "customer",
        "agent": "Alice",
        "line": "100",
        "status": "done",
        "from": "2026-11-01T00:00:00Z",
        "to": "2026-12-01T00:00:00+03:00",
        "sort": "-anger",
        "limit": "5",
    }
    answer = api.get("/calls", params=asked)
    assert [call["id"] for call in answer.json()["items"]] == [number]
    for name, other in {
        "mood": "sad",
        "min_anger": "1",
        "lexicon": "praise",
        "agent": "Bob",
        "line": "9",
        "status": "failed",
        "to": "2026-11-01T00:00:00Z",
    }.items():
        assert api.get("/calls", params=asked | {name: other}).json()["items"] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("colour", "red"),
        ("mood", "furious"),
        ("min_anger", "2"),
        ("min_anger", "nan"),
        ("from", "2026-11-02"),
        ("from", "2026-11-02T00:00:00"),
        ("sort", "random"),
        ("limit", "0"),
        ("limit", "1000"),
        ("speaker", "nobody"),
        ("cursor", "x"),
        ("q", "???"),
        ("q", "x" * 1001),
    ],
)
def test_unknown_and_malformed_filters_are_named(api: TestClient, name: str, value: str) -> None:
    answer = api.get("/calls", params={name: value})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["parameter"] for error in answer.json()["errors"]] == [name]


def test_pages_follow_each_other(api: TestClient, engine: Engine) -> None:
    numbers = [store_call(engine, str(i), turn("agent", 0.0, "Hello.")) for i in range(3)]
    first = api.get("/calls", params={"limit": 2}).json()
    second = api.get("/calls", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [call["id"] for call in first["items"] + second["items"]] == numbers[::-1]
    assert second["next_cursor"] is None


def test_one_call_comes_in_full(api: TestClient, number: int) -> None:
    call = api.get(f"/calls/{number}").json()
    assert [turn["speaker"] for turn in call["turns"]] == ["agent", "customer", "customer"]
    assert call["turns"][1]["words"][3][0] == "bearing"
    assert {hit["lexicon"] for hit in call["hits"]} == {"product", "abusive"}
    (alert,) = call["alerts"]
    assert alert["rule"] == "angry-or-abusive"
    assert alert["start_s"] == pytest.approx(9.0)
    assert call["anger"] == pytest.approx(ANGRY.anger)


def test_a_call_tells_how_it_went(api: TestClient, engine: Engine) -> None:
    unsure = turn("customer", 3.4, "Wait, I want a refund")
    unsure = replace(
        unsure, language="ru", words=tuple(replace(word, probability=0.4) for word in unsure.words)
    )
    number = store_call(
        engine, "1", turn("agent", 1.0, "one two three four five six seven"), unsure
    )
    call = api.get(f"/calls/{number}").json()
    assert (call["agent_talk_ratio"], call["overlap_s"], call["interruptions"]) == (0.583, 0.4, 1)
    assert call["silences"] == [{"start_s": pytest.approx(5.4), "end_s": 60.0}]
    assert (call["silence_s"], call["longest_silence_s"], call["dropped_words"]) == (54.6, 54.6, 0)
    agent, customer = call["speakers"]
    assert (agent["talk_s"], agent["talk_ratio"], agent["interruptions"]) == (2.8, 0.583, 0)
    assert (customer["words_per_minute"], customer["longest_monologue_s"]) == (150.0, 2.0)
    assert customer["interruptions"] == 1
    told = ("language", "confidence", "uncertain", "interrupts")
    assert [tuple(turn[name] for name in told) for turn in call["turns"]] == [
        (None, 0.9, False, False),
        ("ru", 0.4, True, True),
    ]
    (listed,) = api.get("/calls").json()["items"]
    assert listed == {name: call[name] for name in listed.keys() - {"snippets"}} | {"snippets": []}


def test_a_call_not_heard_yet_has_no_figures(api: TestClient) -> None:
    number = api.post("/calls", files={"recording": ("a.wav", b"sound")}).json()["id"]
    call = api.get(f"/calls/{number}").json()
    figures = ("agent_talk_ratio", "silence_s", "longest_silence_s", "silences", "overlap_s")
    assert [call[name] for name in (*figures, "interruptions", "dropped_words")] == [None] * 7


@pytest.mark.parametrize("path", ["/calls/99", "/calls/99/audio"])
def test_a_call_that_is_not_there_is_404(api: TestClient, path: str) -> None:
    assert api.get(path).status_code == 404


def test_a_call_number_that_is_none_is_422(api: TestClient) -> None:
    assert api.get("/calls/none").status_code == 422
    assert api.get(f"/calls/{10**30}").status_code == 422


def test_audio_comes_whole_and_in_ranges(api: TestClient) -> None:
    content = bytes(range(256))
    number = api.post(
        "/calls",
        files={"recording": ("a.wav", content)},
        data={"call": json.dumps({"external_id": "1"})},
    ).json()["id"]
    whole = api.get(f"/calls/{number}/audio")
    assert whole.content == content
    assert whole.headers["content-type"] == "audio/wav"
    assert whole.headers["accept-ranges"] == "bytes"
    part = api.get(f"/calls/{number}/audio", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, content[10:20])
    assert part.headers["content-range"] == "bytes 10-19/256"
    assert api.head(f"/calls/{number}/audio").headers["content-length"] == "256"
    for wanted, status in {"bytes=999-": 416, "bytes=abc": 400, "bytes=10-5": 400}.items():
        answer = api.get(f"/calls/{number}/audio", headers={"Range": wanted})
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
    last = api.get(f"/calls/{number}/audio", headers={"Range": "bytes=-6"})
    assert (last.status_code, last.content) == (206, content[-6:])


def test_audio_that_is_gone_says_so(api: TestClient, number: int) -> None:
    answer = api.get(f"/calls/{number}/audio")
    assert answer.status_code == 404
    assert "uploads" in answer.json()["detail"]
