"""The listening page: what it shows, from where it plays, and that nothing that was said becomes
markup.
"""

from __future__ import annotations

from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from sqlalchemy import Engine
from sqlmodel import select

from api.web.listening import as_moment, as_place
from models.alert import Alert
from models.call import Call, Speaker, Status
from models.db import writing
from models.hit import Hit
from models.turn import Turn
from settings import Settings
from tests.api.test_audits import push
from tests.fakes import ANGRY, turn
from tests.records import store_call

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>&lt;"
SAID = (
    turn("agent", 1.0, "Good morning, how can I help you?"),
    turn("customer", 24.3, "You are useless idiots, where is bearing number 204?", ANGRY),
    turn("agent", 40.0, "I am sorry."),
)


class Markup(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def number(engine: Engine) -> int:
    return store_call(
        engine, "call-1", *SAID, agent="Alice", line="+44 20 7946 0100", outcome="answered"
    )


@pytest.fixture
def stored(settings: Settings, number: int) -> int:
    """The same call, with a recording that is there."""
    settings.recordings.mkdir(parents=True, exist_ok=True)
    (settings.recordings / "none.wav").write_bytes(b"RIFF")
    return number


def look(api: TestClient, number: int, **asked: Any) -> Markup:
    answer = api.get(f"/listen/{number}", params=asked)
    assert answer.status_code == 200, answer.text
    return Markup(answer.text)


def change(engine: Engine, row: type, call_id: int, **values: Any) -> None:
    key = row.id if row is Call else row.call_id
    with writing(engine) as session:
        for one in session.exec(select(row).where(key == call_id)):
            for name, value in values.items():
                setattr(one, name, value)
            session.add(one)
        session.commit()


def test_the_page_says_whose_call_it_is_and_how_it_went(api: TestClient, number: int) -> None:
    text = look(api, number).text
    for part in (
        "Call call-1",
        "Began 2 November 2026, 10:00 UTC",
        "Lasted 1:00",
        "Agent Alice",
        "Line +44 20 7946 0100",
        "Outcome answered",
        "agent neutral 0.05",
        "customer angry 0.92 0:24",
        "Good morning, how can I help you?",
        "angry 0.92",
        "abusive: you are useless (mild) · abusive: idiot (mild) · product: bearing 204",
    ):
        assert part in text, part


def test_an_alert_s_link_plays_from_its_second_and_says_why(api: TestClient, stored: int) -> None:
    [alert] = api.get("/alerts").json()["items"]
    answer = api.get(alert["play"])
    assert answer.status_code == 200
    page = Markup(answer.text)
    assert page.all("audio")[0]["src"] == f"../calls/{stored}/audio#t=24.3"
    assert "Play from 0:24" in page.text
    assert alert["reason"] in page.text
    assert f"Alert {alert['id']} · angry-or-abusive · high · new" in page.text
    api.post(f"/alerts/{alert['id']}/acknowledge", json={"by": "Alice"})
    api.post(f"/alerts/{alert['id']}/resolve", json={"outcome": "called_back", "by": "Bob"})
    done = "resolved · acknowledged by Alice · resolved by Bob: called back"
    assert done in api.get(alert["play"]).text


@pytest.mark.parametrize(
    ("asked", "second"),
    [
        ({}, "0.0"),
        ({"at": "7.256"}, "7.26"),
        ({"alert": "1"}, "24.3"),
        ({"alert": "1", "at": "30"}, "30.0"),
        ({"alert": "9"}, "0.0"),
    ],
)
def test_it_plays_from_the_second_asked_for(
    api: TestClient, stored: int, asked: dict[str, str], second: str
) -> None:
    [audio] = look(api, stored, **asked).all("audio")
    assert audio["src"] == f"../calls/{stored}/audio#t={second}"
    # Looking at the page is no playing: nothing is asked for before somebody plays it.
    assert audio["preload"] == "none"
    assert api.get("/audit", params={"action": "audio"}).json()["items"] == []


def test_a_link_without_an_alert_shows_all_of_the_call(api: TestClient, number: int) -> None:
    assert "angry-or-abusive" in look(api, number).text


def test_an_alert_of_another_call_is_not_shown(
    api: TestClient, engine: Engine, number: int
) -> None:
    other = store_call(engine, "other", turn("customer", 1.0, "You are useless idiots!", ANGRY))
    [theirs] = api.get("/alerts", params={"call": other}).json()["items"]
    text = look(api, number, alert=theirs["id"]).text
    assert f"Alert {theirs['id']} is not one of this call." in text
    assert f"Alert {theirs['id']} ·" not in text


@pytest.mark.parametrize("asked", [{"at": "-1"}, {"at": "x"}, {"at": "inf"}, {"alert": "0"}])
def test_seconds_and_alerts_that_cannot_be_are_refused(
    api: TestClient, number: int, asked: dict[str, str]
) -> None:
    assert api.get(f"/listen/{number}", params=asked).status_code == 422


def test_every_turn_can_be_played_from(api: TestClient, number: int) -> None:
    page = look(api, number, alert=1)
    played = [link for link in page.all("a") if "data-at" in link and "aria-label" in link]
    assert [link["data-at"] for link in played] == ["1.0", "24.3", "40.0"]
    # Without the script they load the page anew, at the turn and with the alert.
    assert played[1]["href"] == "?at=24.3&alert=1"
    assert played[1]["aria-label"] == "Play from 0:24"


def test_angry_turns_and_hits_are_marked(api: TestClient, number: int) -> None:
    page = look(api, number)
    assert [li["class"] for li in page.all("li")] == [
        "turn agent",
        "turn customer angry",
        "turn agent",
    ]
    assert [mark["title"] for mark in page.all("mark")] == [
        "abusive: you are useless (mild)",
        "abusive: idiot (mild)",
        "product: bearing 204",
    ]
    assert "You are useless idiots, where is bearing number 204?" in page.text


def test_the_strip_shows_each_turn_where_it_was_and_how_angry(api: TestClient, number: int) -> None:
    bars = [rect for rect in look(api, number).all("rect") if rect["class"] != "lane"]
    assert [(bar["class"], bar["x"]) for bar in bars] == [
        ("anger-0", "16.7"),
        ("anger-0", "666.7"),
        ("anger-4", "405.0"),
    ]


def test_a_hit_that_people_called_wrong_is_not_marked(api: TestClient, number: int) -> None:
    [hit] = [one for one in api.get(f"/calls/{number}").json()["hits"] if one["term"] == "idiot"]
    verdict = api.put(f"/calls/{number}/hits/{hit['id']}/verdict", json={"right": False})
    assert verdict.status_code < 300
    assert "abusive: idiot" not in look(api, number).text


def test_nothing_that_was_said_or_pushed_becomes_markup(
    api: TestClient, engine: Engine, stored: int
) -> None:
    plain = look(api, stored, alert=1)
    change(engine, Call, stored, external_id=EVIL, agent=EVIL, line=EVIL, details={EVIL: EVIL})
    change(engine, Call, stored, outcome="<b>", error=EVIL)
    words = [[word, 24.3 + i, 24.8 + i, 0.9] for i, word in enumerate(EVIL.split())]
    change(engine, Turn, stored, words=words, text=EVIL, speaker="a\" onx='")
    change(engine, Hit, stored, term=EVIL, grade="<i>", lexicon=EVIL, start_s=0.0, end_s=99.0)
    change(engine, Alert, stored, reason=EVIL, acknowledged_by=EVIL)
    change(engine, Speaker, stored, mood="<u>")
    page = look(api, stored, alert=1)
    names = {name for name, _ in plain.elements}
    assert {name for name, _ in page.elements} - names == set()
    known = {key for _, attributes in plain.elements for key in attributes}
    assert {key for _, attributes in page.elements for key in attributes} - known == set()
    assert [script["src"] for script in page.all("script")] == ["../web/listen.js"]
    assert f"Call {EVIL} " in page.text
    assert f"Agent {EVIL} Line {EVIL} Outcome <b>" in page.text
    assert page.text.count(EVIL) > 6


def test_nothing_that_went_wrong_becomes_markup(api: TestClient, engine: Engine) -> None:
    number = push(api)
    change(engine, Call, number, status=Status.FAILED, error=EVIL)
    page = look(api, number)
    assert f"could not be analysed: {EVIL}" in page.text
    assert len(page.all("script")) == 1
    assert page.all("img") == []


def test_a_page_loads_nothing_from_elsewhere_and_runs_no_script_of_its_own(
    api: TestClient, stored: int
) -> None:
    stranger = TestClient(api.app, headers={})
    for answer in (
        api.get(f"/listen/{stored}"),
        api.get("/listen/99"),
        stranger.get(f"/listen/{stored}"),
        stranger.post("/sign-in", data={"key": "x", "next": "listen/1"}),
    ):
        policy = dict(
            part.strip().split(" ", 1)
            for part in answer.headers["content-security-policy"].split(";")
        )
        assert policy == {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "media-src": "'self'",
            "form-action": "'self'",
            "base-uri": "'none'",
            "frame-ancestors": "'none'",
        }
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        page = Markup(answer.text)
        for name, attributes in page.elements:
            assert name not in ("style", "iframe", "object", "base")
            assert not any(key == "style" or key.startswith("on") for key in attributes)
            for key in ("href", "src", "action"):
                address = attributes.get(key) or ""
                assert ":" not in address
                assert not address.startswith("/")
        assert all("src" in script for script in page.all("script"))


def words_of(answer: Response) -> str:
    return Markup(answer.text).text


def test_why_there_is_nothing_to_play_is_said(api: TestClient, engine: Engine, number: int) -> None:
    def said(recording: str) -> str:
        change(engine, Call, number, recording=recording)
        page = look(api, number)
        assert page.all("audio") == []
        assert "Play from" not in page.text
        return page.text

    assert "The recording is no longer where it was kept." in said("upload:none.wav")
    assert "kept in a remote store" in said("https://records.example.com/calls/a.wav")
    assert "outside the stores" in said("file:/etc/passwd")
    assert "outside the stores" in said("https://evil.example/a.wav")
    assert "This call has no recording." in said("")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (Status.QUEUED, "has not been analysed yet"),
        (Status.HEARING, "is being analysed right now"),
        (Status.FAILED, "could not be analysed: not a recording."),
        (Status.DONE, "Nothing was heard to be said"),
    ],
)
def test_why_there_is_nothing_to_read_is_said(
    api: TestClient, engine: Engine, status: Status, words: str
) -> None:
    number = push(api)
    change(engine, Call, number, status=status, error="not a recording")
    page = look(api, number)
    assert words in page.text
    assert len(page.all("audio")) == 1  # it can be heard all the same
    assert "What was said" not in page.text


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (Status.QUEUED, "waits to be analysed again"),
        (Status.HEARING, "is being analysed again"),
        (Status.FAILED, "could not be analysed again: the store is away."),
    ],
)
def test_what_was_heard_stays_readable_while_it_is_heard_again(
    api: TestClient, engine: Engine, number: int, status: Status, words: str
) -> None:
    change(engine, Call, number, status=status, error="the store is away")
    page = look(api, number)
    assert words in page.text
    assert "What was said" in page.text
    assert "You are useless idiots" in page.text


def test_it_says_who_dealt_with_an_alert_and_what_came_of_it(
    api: TestClient, engine: Engine, number: int
) -> None:
    done = {"status": "resolved", "acknowledged_by": "Bob", "resolved_by": "Carol"}
    change(engine, Alert, number, **done, outcome="called_back")
    assert "acknowledged by Bob · resolved by Carol: called back" in look(api, number).text
    late = {"status": "new", "acknowledged_by": None, "resolved_by": None}
    change(engine, Alert, number, **late, overdue_at=datetime(2026, 11, 2, tzinfo=UTC))
    assert "new · overdue" in look(api, number).text


def test_a_call_that_is_deleted_or_never_was_is_said_to_be(api: TestClient) -> None:
    number = push(api)
    assert api.delete(f"/calls/{number}").status_code < 300
    answer = api.get(f"/listen/{number}?alert=1&at=3")
    assert answer.status_code == 404
    assert f"There is no call {number}" in words_of(answer)
    assert "It was deleted with its recording" in words_of(answer)


def test_a_program_may_look_with_its_key(api: TestClient, number: int) -> None:
    stranger = TestClient(api.app)
    assert stranger.get(f"/listen/{number}").status_code == 401
    wrong = stranger.get(f"/listen/{number}", headers={"X-API-Key": "ovt_wrong"})
    assert wrong.status_code == 401
    assert api.get(f"/listen/{number}").status_code == 200


@pytest.mark.parametrize("name", ["page.css", "listen.js"])
def test_style_and_script_need_no_key(api: TestClient, name: str) -> None:
    answer = TestClient(api.app).get(f"/web/{name}")
    assert answer.status_code == 200
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"].startswith(("text/css", "text/javascript"))


@pytest.mark.parametrize("name", ["..%2Fpages.py", "%2e%2e/pages.py", "sign_in.html", "x" * 500])
def test_nothing_else_of_the_folder_is_served(api: TestClient, name: str) -> None:
    assert api.get(f"/web/{name}").status_code == 404


@pytest.mark.parametrize(
    ("second", "place"), [(0.0, "0:00"), (67.9, "1:07"), (3600.0, "1:00:00"), (7509.0, "2:05:09")]
)
def test_seconds_are_said_as_people_say_them(second: float, place: str) -> None:
    assert as_place(second) == place


def test_a_moment_is_said_in_the_time_zone_that_it_was_given_in() -> None:
    moment = datetime(2026, 11, 2, 22, 30, tzinfo=UTC)
    assert as_moment(moment, 0) == "2 November 2026, 22:30 UTC"
    assert as_moment(moment, 180) == "3 November 2026, 01:30 UTC+03:00"
