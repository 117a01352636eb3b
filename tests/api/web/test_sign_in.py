"""Signing in with a browser: what the cookie is, what it opens, and who cannot get one."""

from __future__ import annotations

import logging
from datetime import timedelta
from http.cookies import Morsel, SimpleCookie
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from sqlalchemy import Engine
from sqlmodel import select

from api.deps import PASS_COOKIE
from api.rates import GUESSES
from models.browser_pass import write_pass
from models.columns import now
from models.db import reading, writing
from models.key import Key, create_key, revoke_key
from tests.api.test_audits import push

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def key(engine: Engine) -> str:
    with writing(engine) as session:
        return create_key(session, "supervisor", ("read",))


@pytest.fixture
def number(api: TestClient) -> int:
    return push(api)


@pytest.fixture
def browser(api: TestClient) -> TestClient:
    """Somebody with a browser, who has no header to send."""
    return TestClient(api.app, follow_redirects=False)


def sign_in(
    browser: TestClient, key: str, to: str = "listen/1?alert=2&at=3.50", **headers: str
) -> Response:
    return browser.post("/sign-in", data={"key": key, "next": to}, headers=headers)


def cookie_of(answer: Response) -> Morsel[str]:
    [morsel] = SimpleCookie(answer.headers["set-cookie"]).values()
    return morsel


def test_a_stranger_is_asked_for_a_key_and_led_back(
    browser: TestClient, number: int, key: str
) -> None:
    asked = browser.get(f"/listen/{number}?at=3.5&alert=2")
    assert asked.status_code == 401
    assert asked.headers["www-authenticate"] == "Bearer"
    assert f'name="next" value="listen/{number}?alert=2&amp;at=3.50"' in asked.text
    assert 'role="alert"' not in asked.text
    answer = sign_in(browser, f" {key}\n", f"listen/{number}?alert=2&at=3.50")
    assert answer.status_code == 303
    back = browser.get(answer.headers["location"])
    assert back.status_code == 200
    assert "Key: supervisor" in back.text


def test_what_stands_behind_the_hash_comes_along(browser: TestClient, key: str) -> None:
    answer = sign_in(browser, key, "listen/1#t=24.3")
    assert answer.headers["location"] == "listen/1#t=24.3"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    browser: TestClient, key: str
) -> None:
    kept = cookie_of(sign_in(browser, key))
    assert kept.key == PASS_COOKIE
    assert (kept["httponly"], kept["samesite"], kept["path"]) == (True, "lax", "/")
    assert (kept["max-age"], kept["secure"], kept["domain"]) == ("43200", "", "")
    assert key not in kept.value


def test_the_cookie_goes_over_https_alone_where_people_come_by_it(
    api: TestClient, key: str
) -> None:
    by_https = TestClient(api.app, base_url="https://testserver", follow_redirects=False)
    assert cookie_of(sign_in(by_https, key))["secure"] is True
    settings = api.app.state.settings
    api.app.state.settings = settings.model_copy(update={"public_url": "https://calls.example"})
    behind_a_proxy = TestClient(api.app, follow_redirects=False)
    assert cookie_of(sign_in(behind_a_proxy, key))["secure"] is True


def test_a_browser_plays_what_it_signed_in_for(
    api: TestClient, browser: TestClient, number: int, key: str
) -> None:
    audio = f"/calls/{number}/audio"
    assert browser.get(audio).status_code == 401
    sign_in(browser, key)
    whole = browser.get(audio)
    assert (whole.status_code, len(whole.content)) == (200, 256)
    assert whole.headers["cache-control"] == "no-store"
    assert browser.get(audio, headers={"Range": "bytes=100-"}).status_code == 206
    assert browser.head(audio).status_code == 200
    [entry] = api.get("/audit", params={"action": "audio"}).json()["items"]
    assert (entry["call_id"], entry["key_name"]) == (number, "supervisor")


def test_the_cookie_opens_nothing_else(
    api: TestClient, browser: TestClient, number: int, engine: Engine
) -> None:
    with writing(engine) as session:
        sign_in(browser, create_key(session, "all"))
    paths = api.get("/openapi.json").json()["paths"]
    asked = [(method.upper(), path) for path, methods in paths.items() for method in methods]
    opened = []
    for method, path in asked:
        answer = browser.request(method, path.replace("{call_id}", str(number)))
        if answer.status_code != 401:
            opened.append(f"{method} {path}")
    assert sorted(opened) == ["GET /calls/{call_id}/audio", "GET /healthz", "GET /readyz"]
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert browser.request(method, f"/listen/{number}").status_code == 405
        assert browser.request(method, f"/calls/{number}/audio").status_code == 405
    assert api.get(f"/calls/{number}").status_code == 200


def test_a_pass_is_no_key(browser: TestClient, key: str) -> None:
    kept = cookie_of(sign_in(browser, key)).value
    stranger = {"Authorization": f"Bearer {kept}"}
    browser.cookies.clear()
    assert browser.get("/calls", headers=stranger).status_code == 401
    assert browser.get("/listen/1", headers=stranger).status_code == 401
    assert sign_in(browser, kept).status_code == 401


def test_a_wrong_key_is_told_so_and_written_down_nowhere(
    browser: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answer = sign_in(browser, "ovt_guessed<b>")
    assert answer.status_code == 401
    assert "this API key is not known" in answer.text
    assert 'value="listen/1?alert=2&amp;at=3.50"' in answer.text
    assert "set-cookie" not in answer.headers
    assert "guessed" not in answer.text + caplog.text


def test_a_key_that_may_not_read_is_told_so(browser: TestClient, engine: Engine) -> None:
    with writing(engine) as session:
        pusher = create_key(session, "pusher", ("push",))
    answer = sign_in(browser, pusher)
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
    assert "lacks the scope `read`" in answer.text


def test_guessing_is_slowed_down(browser: TestClient, key: str) -> None:
    for _ in range(GUESSES.amount):
        sign_in(browser, "ovt_wrong")
    answer = sign_in(browser, key)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert "set-cookie" not in answer.headers


@pytest.mark.usefixtures("key")
def test_a_forged_pass_counts_as_a_guess(browser: TestClient, number: int) -> None:
    browser.cookies.set(PASS_COOKIE, f"1.{int(now().timestamp()) + 3600}.{'0' * 64}")
    for _ in range(GUESSES.amount):
        assert browser.get(f"/calls/{number}/audio").status_code == 401
    assert browser.get(f"/calls/{number}/audio").status_code == 429
    assert browser.get(f"/listen/{number}").status_code == 429


def test_a_revoked_key_is_signed_out_at_once(
    browser: TestClient, engine: Engine, number: int, key: str
) -> None:
    sign_in(browser, key)
    assert browser.get(f"/listen/{number}").status_code == 200
    with writing(engine) as session:
        revoke_key(session, "supervisor")
    answer = browser.get(f"/listen/{number}")
    assert answer.status_code == 401
    assert "this API key was revoked" in answer.text
    assert browser.get(f"/calls/{number}/audio").status_code == 401
    assert sign_in(browser, key).status_code == 401


@pytest.mark.usefixtures("key")
def test_after_some_hours_a_browser_is_asked_again(
    browser: TestClient, engine: Engine, number: int
) -> None:
    with reading(engine) as session:
        mine = session.exec(select(Key).where(Key.name == "supervisor")).one()
    browser.cookies.set(PASS_COOKIE, write_pass(mine, now() - timedelta(seconds=1)))
    answer = browser.get(f"/listen/{number}")
    assert answer.status_code == 401
    assert "sign in again" in answer.text


@pytest.mark.parametrize(
    "to",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/listen/1",
        "javascript:alert(1)",
        "listen/1/../../evil",
        "listen/1//evil.example",
        "listen/1@evil.example",
        "listen/1?at=https://evil.example",
        "listen/1\r\nSet-Cookie: a=b",
        "listen/1?at=1\nx",
        "https://evil.example/listen/1",
        "listen/١",
        "listen/0",
        "listen/",
        "calls/1",
        "",
    ],
)
def test_nobody_is_led_elsewhere(browser: TestClient, key: str, to: str) -> None:
    for path in ("/sign-in", "/sign-out"):
        answer = browser.post(path, data={"key": key, "next": to})
        assert answer.status_code == 422
        assert {"location", "set-cookie"} & answer.headers.keys() == set()
        assert key not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://testserver"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://testserver.evil.example"},
        {"Origin": "http://testserver:8081"},
        {"Origin": "null"},
        {"Origin": ""},
    ],
)
def test_another_site_signs_nobody_in_or_out(
    browser: TestClient, key: str, headers: dict[str, str]
) -> None:
    for path in ("/sign-in", "/sign-out"):
        answer = browser.post(path, data={"key": key, "next": "listen/1"}, headers=headers)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


def test_our_own_form_is_known(api: TestClient, browser: TestClient, key: str) -> None:
    assert sign_in(browser, key, **{"Sec-Fetch-Site": "same-origin"}).status_code == 303
    assert sign_in(browser, key, Origin="http://testserver").status_code == 303
    assert sign_in(browser, key, Origin="https://calls.example").status_code == 403
    settings = api.app.state.settings
    api.app.state.settings = settings.model_copy(
        update={"public_url": "https://calls.example/overtone"}
    )
    assert sign_in(browser, key, Origin="https://calls.example").status_code == 303


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"key=" + b"x" * 1_000_001, 413),
        (b"key=" + b"x" * 1000 + b"&next=listen/1", 422),
        (b"\xff=1", 422),
        (b"&".join([b"a=b"] * 11), 422),
        (b"", 422),
    ],
)
def test_what_is_no_form_of_ours_is_refused(browser: TestClient, body: bytes, status: int) -> None:
    for path in ("/sign-in", "/sign-out"):
        if path == "/sign-out" and b"next" in body:
            continue
        assert browser.post(path, content=body).status_code == status


def test_signing_out_makes_the_browser_forget(browser: TestClient, number: int, key: str) -> None:
    sign_in(browser, key)
    answer = browser.post("/sign-out", data={"next": f"listen/{number}"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"listen/{number}")
    gone = cookie_of(answer)
    assert (gone.value, gone["max-age"], gone["httponly"]) == ("", "0", True)
    assert browser.get(f"/listen/{number}").status_code == 401


def test_an_answer_with_a_pass_is_kept_by_nobody(browser: TestClient, key: str) -> None:
    assert sign_in(browser, key).headers["cache-control"] == "no-store"


def test_the_routes_for_browsers_stand_in_the_readme() -> None:
    for route in ("GET /listen/4711", "POST /sign-in", "POST /sign-out"):
        assert route in README, route
