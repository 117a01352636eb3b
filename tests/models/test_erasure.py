"""All calls of one number go, however it is written, and the trail keeps no number."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlmodel import col, select

from models import Audit, Call, CallEvent
from models.call import CallPush, Status
from models.call_number import CallNumber
from models.db import reading, writing
from models.deletion import Deleted, Order, Why
from models.erasure import erase_caller, find_caller
from models.pushes import add_call
from models.stores import Stores

ORDER = Order(Why.ERASURE, key_name="admin", by="Alice")


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    (tmp_path / "uploads").mkdir()
    return Stores(tmp_path / "uploads")


def called(
    engine: Engine, caller: str | None, push: dict[str, object] | None = None, **fields: object
) -> int:
    with writing(engine) as session:
        call, _ = add_call(
            session,
            CallPush.model_validate({"caller": caller} | (push or {})),
            "https://records.example.com/a.wav",
            external_id=f"{caller} {push} {fields}",
            agent_channel="left",
        )
        for field, value in fields.items():
            setattr(call, field, value)
        session.add(call)
        session.commit()
        assert call.id is not None
        return call.id


def erase(engine: Engine, stores: Stores, caller: str) -> Deleted:
    with writing(engine) as session:
        return erase_caller(session, stores, caller, ORDER)


@pytest.mark.parametrize("asked", ["+44 20 7946 0100", "442079460100", "(44) [20]\u00a07946–0100"])
def test_a_number_is_the_same_however_it_is_punctuated(
    engine: Engine, stores: Stores, asked: str
) -> None:
    same = [
        called(engine, caller)
        for caller in (
            "+44 20 7946 0100",
            "442079460100",
            "+44 (20) 7946-0100",
            "44 20‑79460100",
        )
    ]
    others = [
        called(engine, caller)
        for caller in ("+44 20 7946 01001", "02079460100", "+", "()", "anonymous", None)
    ]
    done = erase(engine, stores, asked)
    assert done.calls == tuple(same)
    assert done.left == 4
    with reading(engine) as session:
        assert sorted(session.exec(select(Call.id))) == others  # type: ignore[type-var]


def test_more_calls_than_a_batch_go(
    engine: Engine, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.erasure.BATCH", 2)
    numbers = [called(engine, "123", details={"n": n}) for n in range(5)]
    held = called(engine, "1-2-3", legal_hold=True)
    heard = called(engine, "12-3", status=Status.HEARING)
    told: list[int] = []
    with writing(engine) as session:
        done = erase_caller(session, stores, "123", ORDER, on_progress=told.append)
    assert (done.calls, done.held, done.being_heard) == (tuple(numbers), (held,), (heard,))
    assert told == [2, 4, 5, 5]


@pytest.mark.parametrize("asked", ["+", "()", "- -"])
def test_a_number_of_nothing_but_punctuation_is_taken_as_it_is(
    engine: Engine, stores: Stores, asked: str
) -> None:
    number = called(engine, asked)
    others = [called(engine, caller) for caller in (" ", "-", None)]
    assert erase(engine, stores, asked).calls == (number,)
    assert len(others) == 3


def test_the_trail_keeps_the_hash_of_a_number_and_not_the_number(
    engine: Engine, stores: Stores
) -> None:
    number = called(engine, "+44 20 7946 0100")
    held = called(engine, "442079460100", legal_hold=True)
    erase(engine, stores, "+44 (20) 79460100")
    erase(engine, stores, "nobody")
    with reading(engine) as session:
        deletion, erasure, nobody = session.exec(select(Audit).order_by(Audit.id)).all()  # type: ignore[arg-type]
    assert held
    assert (deletion.call_id, deletion.detail["why"]) == (number, "erasure")
    assert (erasure.action, erasure.call_id, erasure.key_name) == ("erasure", None, "admin")
    assert erasure.detail["caller_sha256"] == hashlib.sha256(b"442079460100").hexdigest()
    assert (erasure.detail["erased"], erasure.detail["held"]) == (1, 1)
    assert nobody.detail["erased"] == 0
    for entry in (deletion, erasure):
        assert "7946" not in str({**entry.detail, "caller_sha256": ""})


def test_calls_to_the_number_and_calls_that_name_it_go_too(engine: Engine, stores: Stores) -> None:
    number = "+7 495 123-45-67"
    push = {"external_id": "a", "caller": "84951234567"}
    theirs = [
        called(engine, None, push=push),
        called(engine, "204", push={"line": number, "direction": "outbound"}),
        called(engine, None, push={"metadata": {"ani": "8 (495) 1234567"}}),
        called(engine, number, push={"line": number, "metadata": {"ani": number}}),
    ]
    other = called(engine, "205", push={"line": number, "direction": "inbound"})
    assert erase(engine, stores, "7-495-1234567").calls == tuple(theirs)
    with reading(engine) as session:
        assert session.exec(select(Call.id)).all() == [other]
        assert session.exec(select(CallNumber.number)).all() == ["205"]


def test_histories_of_other_calls_forget_the_number(
    engine: Engine, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.erasure.EVENTS_AT_ONCE", 1)
    wrong = {"caller": "8 495 123-45-67", "metadata": {"ani": 74951234567, "n": 1}}
    for name in ("free", "held"):
        for push in (wrong, {"caller": "204", "metadata": {"n": 1}}, {"caller": "205"}):
            called(engine, None, push=push | {"external_id": name})
    with writing(engine) as session:
        session.exec(select(Call).where(Call.external_id == "held")).one().legal_hold = True
        session.commit()
    assert erase(engine, stores, "+7 495 123-45-67").calls == ()
    with reading(engine) as session:
        events = session.exec(select(CallEvent).order_by(col(CallEvent.id))).all()
    first, second, held, _ = [json.loads(event.before or "") for event in events]
    assert first == {"caller": "erased", "metadata": {"ani": "erased", "n": 1}}
    assert second == {"caller": "204"}
    assert held == wrong


def test_looking_first_changes_nothing(engine: Engine) -> None:
    for n in range(3):
        called(engine, "84951234567", details={"n": n})
    held = called(engine, "+74951234567", legal_hold=True)
    heard = called(engine, "7 495 1234567", status=Status.HEARING)
    with reading(engine) as session:
        found = find_caller(session, "+7 495 123-45-67")
        assert (found.free, found.held, found.being_heard) == (3, (held,), (heard,))
        assert find_caller(session, "nobody").free == 0
        assert len(session.exec(select(Call)).all()) == 5
        assert session.exec(select(Audit)).all() == []


def test_calls_of_a_number_are_found_in_an_index(engine: Engine) -> None:
    wanted = (
        select(CallNumber.call_id)
        .where(CallNumber.number == "123", CallNumber.call_id > 5)
        .order_by(col(CallNumber.call_id))
    )
    plain = str(wanted.compile(engine, compile_kwargs={"literal_binds": True}))
    with reading(engine) as session:
        if engine.dialect.name == "sqlite":
            plan = str(session.execute(text(f"EXPLAIN QUERY PLAN {plain}")).all())
            assert "USING PRIMARY KEY (number=? AND call_id>?)" in plan
        else:
            session.execute(text("SET LOCAL enable_seqscan = off"))
            plan = str(session.execute(text(f"EXPLAIN {plain}")).all())
            assert "call_number_pkey" in plan
        assert "SORT" not in plan.upper()
