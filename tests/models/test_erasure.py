"""All calls of one number go, however it is written, and the trail keeps no number."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from models import Audit, Call
from models.call import CallPush, Status
from models.db import reading, writing
from models.deletion import Deleted, Order, Why
from models.erasure import erase_caller, plain_number
from models.pushes import add_call
from models.stores import Stores

ORDER = Order(Why.ERASURE, key_name="admin", by="Alice")


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    (tmp_path / "uploads").mkdir()
    return Stores(tmp_path / "uploads")


def called(engine: Engine, caller: str | None, **fields: object) -> int:
    with writing(engine) as session:
        call, _ = add_call(
            session,
            CallPush(caller=caller),
            "https://records.example.com/a.wav",
            external_id=f"{caller} {fields}",
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


def test_plain_numbers() -> None:
    assert plain_number("+44 (0) 20-7946 0100") == "4402079460100"
    assert plain_number("anonymous") == "anonymous"
    assert plain_number("+") == "+"
