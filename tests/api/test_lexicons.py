"""Lexicons over HTTP: read, drafted, compared, published, retired, judged; bad ones refused in
words.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlmodel import select

from models.db import reading, writing
from models.hit import Hit
from models.hit_verdict import give_hit_verdict
from models.key import create_key
from models.lexicon import publish, save_draft, table_of
from models.rematch import cancel_rematch
from tests.fakes import turn
from tests.records import store_call
from workers.queue import CallQueue

TABLE: dict[str, Any] = {
    "purpose": "custom",
    "terms": [
        {"text": "refund", "mode": "stem", "unless": ["no refund"]},
        {"text": "money back"},
    ],
}


@pytest.fixture
def returns(api: TestClient) -> str:
    """A published lexicon."""
    assert api.put("/lexicons/returns/draft", json=TABLE).status_code == 200
    assert api.post("/lexicons/returns/publish").status_code == 200
    return "returns"


def key_with(engine: Engine, name: str, *scopes: str) -> dict[str, str]:
    with writing(engine) as session:
        return {"Authorization": f"Bearer {create_key(session, name, scopes)}"}


def problems_of(api: TestClient, table: object, name: str = "returns") -> list[dict[str, str]]:
    answer = api.put(f"/lexicons/{name}/draft", content=json.dumps(table))
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert api.get(f"/lexicons/{name}", params={"draft": True}).status_code == 404
    errors: list[dict[str, str]] = answer.json()["errors"]
    return errors


def test_the_lexicons_that_come_with_overtone_are_there(api: TestClient) -> None:
    items = api.get("/lexicons").json()["items"]
    assert [item["name"] for item in items] == ["product", "abusive", "praise"]
    assert all(item["current"]["shipped"] and item["draft"] is None for item in items)
    shown = api.get("/lexicons/praise").json()
    assert (shown["purpose"], shown["name"]) == ("praise", "praise")
    assert len(shown["terms"]) == items[2]["current"]["terms"]


def test_a_lexicon_is_drafted_published_and_read(api: TestClient) -> None:
    drafted = api.put("/lexicons/returns/draft", json=TABLE)
    assert drafted.json() == {"name": "returns", "version": 1, "terms": 2}
    assert api.get("/lexicons/returns").status_code == 404
    draft = api.get("/lexicons/returns", params={"draft": True}).json()
    assert draft == {"name": "returns", "version": 1, **TABLE}
    published = api.post("/lexicons/returns/publish").json()
    assert published["version"] == 1
    assert (published["retag"]["kind"], published["retag"]["state"]) == ("retag", "waiting")
    assert api.get("/lexicons/returns").json() == draft
    assert api.get("/lexicons/returns", params={"version": 1}).json() == draft
    listed = api.get("/lexicons").json()["items"][-1]
    assert (listed["name"], listed["draft"]) == ("returns", None)
    assert listed["current"]["published_by"] == "test"


def test_what_was_read_can_be_sent_back(api: TestClient) -> None:
    for name in ("product", "abusive", "praise"):
        table = api.get(f"/lexicons/{name}").json()
        answer = api.put(f"/lexicons/{name}/draft", json=table)
        assert answer.status_code == 200, answer.text
        changes = api.get(f"/lexicons/{name}/diff").json()
        assert (changes["added"], changes["removed"], changes["changed"]) == ([], [], [])


def test_publishing_puts_a_retag_into_the_queue(
    api: TestClient, queue: CallQueue, returns: str
) -> None:
    (retag,) = api.get("/rematches").json()["items"]
    assert queue.live_rematches() == {retag["id"]}
    api.put(f"/lexicons/{returns}/draft", json=TABLE)
    newer = api.post(f"/lexicons/{returns}/publish").json()["retag"]
    assert api.get(f"/rematches/{retag['id']}").json()["state"] == "cancelled"
    assert newer["id"] != retag["id"]


def test_publishing_needs_a_draft(api: TestClient, returns: str) -> None:
    answer = api.post(f"/lexicons/{returns}/publish")
    assert answer.status_code == 404
    assert answer.json()["detail"] == (
        "returns has no draft: PUT /lexicons/returns/draft makes one"
    )


def test_a_draft_that_cannot_work_is_not_published(api: TestClient, engine: Engine) -> None:
    with writing(engine) as session:  # as an older Overtone, or another program, may have left it
        save_draft(
            session, {"name": "old", "purpose": "custom", "terms": [{"text": "?!"}]}, by=None
        )
    answer = api.post("/lexicons/old/publish")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "terms.?!"


def test_a_draft_is_thrown_away(api: TestClient, returns: str) -> None:
    api.put(f"/lexicons/{returns}/draft", json=TABLE)
    assert api.delete(f"/lexicons/{returns}/draft").status_code == 204
    assert api.delete(f"/lexicons/{returns}/draft").status_code == 404
    assert api.get(f"/lexicons/{returns}").status_code == 200


def test_a_retired_lexicon_finds_nothing_and_stays_readable(api: TestClient, returns: str) -> None:
    retired = api.delete(f"/lexicons/{returns}")
    assert retired.json()["retag"]["kind"] == "retag"
    assert api.delete(f"/lexicons/{returns}").status_code == 404
    assert api.get("/lexicons").json()["items"][-1]["retired"] is True
    assert len(api.get(f"/lexicons/{returns}/versions").json()["items"]) == 1


def test_versions_tell_who_made_them(api: TestClient, engine: Engine, returns: str) -> None:
    editor = key_with(engine, "editor", "admin")
    api.put(f"/lexicons/{returns}/draft", json=TABLE, headers=editor)
    draft, first = api.get(f"/lexicons/{returns}/versions").json()["items"]
    assert (draft["version"], draft["state"], draft["created_by"]) == (2, "draft", "editor")
    assert (first["version"], first["state"], first["published_by"]) == (1, "published", "test")


def test_a_difference_is_told_field_by_field(api: TestClient, returns: str) -> None:
    table = {
        "purpose": "custom",
        "terms": [{"text": "refund", "unless": ["no refund"]}, "store credit"],
    }
    api.put(f"/lexicons/{returns}/draft", json=table)
    changes = api.get(f"/lexicons/{returns}/diff").json()
    assert changes == {
        "name": "returns",
        "from_version": 1,
        "to_version": 2,
        "purpose": None,
        "added": [{"text": "store credit"}],
        "removed": [{"text": "money back"}],
        "changed": [{"text": "refund", "fields": {"mode": {"before": "stem", "after": None}}}],
    }
    back = api.get(f"/lexicons/{returns}/diff", params={"from": "draft", "to": "1"}).json()
    assert [term["text"] for term in back["added"]] == ["money back"]
    assert api.get(f"/lexicons/{returns}/diff", params={"to": "7"}).status_code == 404
    assert api.get(f"/lexicons/{returns}/diff", params={"to": "new"}).status_code == 422


@pytest.mark.parametrize(
    ("term", "says"),
    [
        ("x" * 10_000, "has 10000 characters: shorten it to 200"),
        ("bell\aring", "has the control character U+0007: remove it"),
        ("a\u0000b", "has the control character U+0000: remove it"),
        ("\ud800", "has the control character U+D800: remove it"),
        ("", "is empty"),
        ("?!", "has no word or number in it"),
        ({"text": "refund", "mode": "fuzzzy"}, "mode must be one of"),
        ({"text": "refund", "moed": "stem"}, "does not know 'moed'"),
        ({"text": "refund", "within": 99}, "has within = 99: make it 0 to 20"),
        ({"text": "refund", "place": "at noon"}, 'must read like "first 30 s"'),
        ({"text": "refund", "grade": "x" * 31}, "has a grade of over 30 characters"),
        ({"text": "refund", "grade": 7}, "grade must be a text"),
        ({"text": "refund", "note": "x" * 501}, "has a note of over 500 characters"),
        ({"mode": "stem"}, "give it a text"),
        (7, "a term is a text or a table"),
    ],
)
def test_a_term_that_cannot_work_is_named(api: TestClient, term: object, says: str) -> None:
    (error,) = problems_of(api, {"purpose": "custom", "terms": ["money back", term]})
    assert says in error["problem"]
    assert len(error["problem"]) < 400


def test_every_term_that_cannot_work_is_named_up_to_a_hundred(api: TestClient) -> None:
    few = problems_of(api, {"purpose": "abusive", "terms": ["idiot", "fool", "?"]})
    assert [error["parameter"] for error in few] == [
        "terms.idiot",
        "terms.fool",
        "terms.?",
        "terms.?",
    ]
    many = {"purpose": "custom", "terms": [{"text": f"word {i}", "mode": "?"} for i in range(300)]}
    answer = api.put("/lexicons/returns/draft", json=many)
    assert len(answer.json()["errors"]) == 100
    assert "more than 100 problems" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ([], "must be a table"),
        ({"terms": ["refund"]}, "purpose must be one of"),
        ({"purpose": "custom"}, "has no terms"),
        ({"purpose": "custom", "terms": []}, "has no terms"),
        ({"purpose": "custom", "terms": "refund"}, "give it a list of terms"),
        ({"purpose": "custom", "terms": ["a refund"], "nmae": "x"}, "does not know 'nmae'"),
        ({"purpose": "custom", "terms": ["a refund"], "name": "x"}, "another name"),
    ],
)
def test_a_table_that_is_no_lexicon_is_refused(api: TestClient, table: object, says: str) -> None:
    (error,) = problems_of(api, table)
    assert says in error["problem"]


def test_a_body_that_is_no_json_is_refused(api: TestClient) -> None:
    for body in (b"{", b"\xff\xfe", b"[" * 100_000):
        answer = api.put("/lexicons/returns/draft", content=body)
        assert answer.status_code == 422
        assert "not JSON" in answer.json()["detail"]


def test_a_body_that_is_too_large_is_refused_while_it_comes_in(
    api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.bodies.MAX_LEXICON_MB", 0.001)
    body = json.dumps(TABLE | {"terms": ["refund"] * 1000})
    for method, path in (("PUT", "draft"), ("POST", "draft/csv")):
        answer = api.request(method, f"/lexicons/returns/{path}", content=body)
        assert answer.status_code == 413
        assert "make several of it" in answer.json()["detail"]


@pytest.mark.parametrize("name", ["a%00b", "a%0Ab", "x" * 101])
def test_a_name_that_cannot_be_one_is_refused(api: TestClient, name: str) -> None:
    assert api.put(f"/lexicons/{name}/draft", json=TABLE).status_code == 422
    assert api.get(f"/lexicons/{name}").status_code == 422


def test_the_tag_of_a_mood_is_no_name(api: TestClient) -> None:
    answer = api.put("/lexicons/angry/draft", json=TABLE)
    assert answer.status_code == 422
    assert "take another name" in answer.json()["detail"]


def test_names_and_terms_may_be_of_any_script(api: TestClient) -> None:
    table = {"purpose": "custom", "terms": ["החזר כספי", "возврат денег", "退款"]}
    assert api.put("/lexicons/возвраты/draft", json=table).status_code == 200
    shown = api.get("/lexicons/возвраты", params={"draft": True}).json()
    assert [term["text"] for term in shown["terms"]] == table["terms"]


def test_half_a_character_in_a_note_is_refused(api: TestClient) -> None:
    table = {"purpose": "custom", "terms": [{"text": "refund", "note": "\ud800"}]}
    answer = api.put("/lexicons/returns/draft", content=json.dumps(table))
    assert answer.status_code == 422
    assert "half a character" in answer.json()["detail"]


def test_two_lexicons_may_have_one_term(api: TestClient, returns: str) -> None:
    assert returns
    assert api.put("/lexicons/other/draft", json=TABLE).status_code == 200
    assert api.post("/lexicons/other/publish").status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "/versions"),
        ("GET", "/diff"),
        ("GET", "/report"),
        ("DELETE", ""),
        ("DELETE", "/draft"),
        ("POST", "/publish"),
        ("POST", "/preview"),
    ],
)
def test_an_unknown_lexicon_is_404(api: TestClient, method: str, path: str) -> None:
    answer = api.request(method, f"/lexicons/nothing{path}")
    assert answer.status_code == 404
    assert "nothing" in answer.json()["detail"]


def test_a_product_list_becomes_a_draft_and_its_bad_lines_are_named(api: TestClient) -> None:
    rows = "артикул;название;синонимы\n6204-2RS;подшипник шариковый;подшипник 204\n;в;\n"
    answer = api.post("/lexicons/catalogue/draft/csv", content=rows.encode("cp1251"))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["terms"], told["problem_count"]) == (1, 1)
    assert told["problems"][0]["line"] == 3
    draft = api.get("/lexicons/catalogue", params={"draft": True}).json()
    assert draft["terms"][0]["text"] == "подшипник шариковый"
    assert api.post("/lexicons/catalogue/publish").status_code == 200


@pytest.mark.parametrize("content", [b"", b"name\n", b"name\nin\n", b"price,stock\n1,2\n", b"\0"])
def test_a_product_list_without_products_is_refused(api: TestClient, content: bytes) -> None:
    answer = api.post("/lexicons/catalogue/draft/csv", content=content)
    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"]
    assert api.get("/lexicons/catalogue", params={"draft": True}).status_code == 404


def test_a_rejected_context_is_excluded_with_one_call(api: TestClient, returns: str) -> None:
    wrong = {"term": "money back", "phrase": " guarantee "}
    answer = api.post(f"/lexicons/{returns}/exclusions", json=wrong)
    assert answer.json() == {"name": "returns", "version": 2, "terms": 2}
    api.post(f"/lexicons/{returns}/exclusions", json=wrong | {"phrase": "get rich"})
    changes = api.get(f"/lexicons/{returns}/diff").json()["changed"]
    assert changes == [
        {
            "text": "money back",
            "fields": {"unless": {"before": None, "after": ["guarantee", "get rich"]}},
        }
    ]


@pytest.mark.parametrize(
    ("exclusion", "status", "says"),
    [
        ({"term": "nothing", "phrase": "x y"}, 404, "is not in it"),
        ({"term": "refund", "phrase": "?!"}, 422, "has no word or number"),
        ({"term": "refund", "phrase": "Refund"}, 422, "would never be found"),
        ({"term": "refund", "phrase": "a\u0000b"}, 422, "control character"),
        ({"term": "refund", "phrase": "x" * 201}, 422, "200"),
        ({"term": "refund"}, 422, "phrase"),
    ],
)
def test_an_exclusion_that_cannot_work_is_refused(
    api: TestClient, returns: str, exclusion: dict[str, str], status: int, says: str
) -> None:
    answer = api.post(f"/lexicons/{returns}/exclusions", json=exclusion)
    assert answer.status_code == status
    assert says in answer.json()["detail"]
    assert api.get(f"/lexicons/{returns}", params={"draft": True}).status_code == 404


def test_the_report_proposes_what_to_do(api: TestClient, engine: Engine) -> None:
    for i in range(8):
        said = "never mind bearing 204 please" if i % 2 else "bearing number 204 please"
        number = store_call(engine, str(i), turn("customer", 1.0, said))
        with writing(engine) as session:
            hit = session.exec(select(Hit).where(Hit.call_id == number)).one()
            give_hit_verdict(session, number, hit.id or 0, right=not i % 2, given_by=None)
    told = api.get("/lexicons/product/report").json()
    (term,) = told["terms"]
    assert (told["confirmed"], told["rejected"], told["precision"]) == (4, 4, 0.5)
    assert 0.2 < told["at_least"] < 0.25
    assert (term["action"], term["way"]["unless"]) == ("tighten", "mind")
    assert told["unjudged"] > 0
    assert (term["wrong"][0]["matched"], term["wrong"][0]["speaker"]) == ("bearing 204", "customer")
    content = api.get("/lexicons/product/report", params={"precision": 0.5}).json()
    assert content["terms"][0]["action"] == "keep"
    assert api.get("/lexicons/product/report", params={"precision": 2}).status_code == 422


def test_a_preview_is_asked_for_cancelled_and_resumed(
    api: TestClient, engine: Engine, queue: CallQueue, returns: str
) -> None:
    assert api.post(f"/lexicons/{returns}/preview").status_code == 409
    api.put(f"/lexicons/{returns}/draft", json=TABLE)
    asked = api.post(f"/lexicons/{returns}/preview")
    assert asked.status_code == 202
    number = asked.json()["id"]
    assert asked.headers["location"] == f"/rematches/{number}"
    assert (asked.json()["kind"], asked.json()["lexicon"]) == ("preview", returns)
    assert number in queue.live_rematches()
    with writing(engine) as session:
        cancel_rematch(session, number)
    assert api.post(f"/rematches/{number}/cancel").json()["state"] == "cancelled"
    resumed = api.post(f"/rematches/{number}/resume")
    assert (resumed.status_code, resumed.json()["state"]) == (202, "waiting")


def test_a_retag_is_asked_for_once(api: TestClient) -> None:
    first, second = api.post("/retag"), api.post("/retag")
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["id"] == second.json()["id"]
    assert [one["id"] for one in api.get("/rematches").json()["items"]] == [first.json()["id"]]


def test_a_re_matching_that_is_not_there_is_404(api: TestClient) -> None:
    for method, path in (("GET", ""), ("POST", "/cancel"), ("POST", "/resume")):
        answer = api.request(method, f"/rematches/99{path}")
        assert answer.status_code == 404
        assert answer.json()["detail"] == "there is no re-matching 99"


def test_editing_asks_for_the_scope_admin(api: TestClient, engine: Engine, returns: str) -> None:
    reader = key_with(engine, "reader", "read", "review", "push")
    for method, path in (
        ("PUT", f"/lexicons/{returns}/draft"),
        ("POST", f"/lexicons/{returns}/draft/csv"),
        ("DELETE", f"/lexicons/{returns}/draft"),
        ("POST", f"/lexicons/{returns}/publish"),
        ("POST", f"/lexicons/{returns}/preview"),
        ("POST", f"/lexicons/{returns}/exclusions"),
        ("DELETE", f"/lexicons/{returns}"),
        ("POST", "/retag"),
        ("POST", "/rematches/1/cancel"),
        ("POST", "/rematches/1/resume"),
    ):
        body = {"term": "refund", "phrase": "x y"}
        answer = api.request(method, path, json=body, headers=reader)
        assert answer.status_code == 403, path
        assert "--scope admin" in answer.json()["detail"]
    for path in ("", f"/{returns}", f"/{returns}/versions", f"/{returns}/report"):
        assert api.get(f"/lexicons{path}", headers=reader).status_code == 200
    assert api.get("/rematches", headers=reader).status_code == 200


def test_a_draft_published_by_somebody_else_is_a_conflict(
    api: TestClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.put("/lexicons/returns/draft", json=TABLE)

    def late(*_: object, **__: object) -> None:
        with writing(engine) as session:
            publish(session, "returns", by="other")

    monkeypatch.setattr("api.drafts.check", late)
    answer = api.post("/lexicons/returns/publish")
    assert answer.status_code == 409
    with reading(engine) as session:
        assert table_of(session, "returns") is not None


def test_the_schema_knows_what_a_draft_is_made_of(api: TestClient) -> None:
    schema = api.get("/openapi.json").json()
    put = schema["paths"]["/lexicons/{name}/draft"]["put"]
    body = put["requestBody"]["content"]["application/json"]
    assert body["example"]["terms"]
    assert "TermView" in schema["components"]["schemas"]
    assert {"413", "422"} <= put["responses"].keys()
    assert (
        "text/csv"
        in (schema["paths"]["/lexicons/{name}/draft/csv"]["post"]["requestBody"]["content"])
    )
