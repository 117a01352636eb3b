"""Passes: sealed with their key, over with it, and opened by nobody else's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from models.browser_pass import PassOver, read_pass, write_pass
from models.columns import now
from models.db import reading, writing
from models.key import Key, KeyRevoked, create_key, revoke_key

LATER = timedelta(hours=1)


@pytest.fixture
def key(engine: Engine) -> Key:
    with writing(engine) as session:
        create_key(session, "supervisor", ("read",))
        create_key(session, "other", ("read",))
    with reading(engine) as session:
        return session.exec(select(Key).where(Key.name == "supervisor")).one()


def opened(engine: Engine, text: str) -> str | None:
    with reading(engine) as session:
        key = read_pass(session, text)
        return None if key is None else key.name


def test_a_pass_is_of_its_key(engine: Engine, key: Key) -> None:
    assert opened(engine, write_pass(key, now() + LATER)) == "supervisor"


def test_a_pass_holds_nothing_of_the_key(key: Key) -> None:
    assert key.hash not in write_pass(key, now() + LATER)


def test_what_nobody_sealed_opens_nothing(engine: Engine, key: Key) -> None:
    good = write_pass(key, now() + LATER)
    number, until, seal = good.split(".")
    other = int(number) + 1
    for forged in (
        f"{other}.{until}.{seal}",
        f"{number}.{int(until) + 3600}.{seal}",
        f"{number}.{until}.{'0' * 64}",
        f"{number}.{until}.{seal[:-1]}",
        f"{number}.{until}.{seal.upper()}",
        f"0{good}",
        f" {good}",
        f"{good}\n",
        f"{2**31}.{until}.{seal}",
        f"9999.{until}.{seal}",
        f"١.{until}.{seal}",
        "..",
        "",
        key.hash,
    ):
        assert opened(engine, forged) is None, forged


def test_a_pass_ends(engine: Engine, key: Key) -> None:
    with pytest.raises(PassOver, match="sign in again"):
        opened(engine, write_pass(key, now() - timedelta(seconds=1)))


def test_the_passes_of_a_revoked_key_end_at_once(engine: Engine, key: Key) -> None:
    text = write_pass(key, now() + LATER)
    with writing(engine) as session:
        revoke_key(session, "supervisor")
    with pytest.raises(KeyRevoked):
        opened(engine, text)


def test_only_the_holder_of_a_pass_learns_that_it_is_over(engine: Engine, key: Key) -> None:
    number, until, _seal = write_pass(key, now() - LATER).split(".")
    assert opened(engine, f"{number}.{until}.{'0' * 64}") is None
