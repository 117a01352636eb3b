"""Facets of calls: what they are numbered by, and many writers at once."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, cast

from sqlalchemy import Engine
from sqlmodel import Session, col, func, select

from models.call import CallPush
from models.db import reading, writing
from models.facet_counts import FacetCounts
from models.facets import AT_ONCE, Facet, numbers_of, packed
from models.push_again import NamedPush
from models.pushes import add_calls


def pushes(callers: range, name: str) -> list[NamedPush]:
    """Calls in the order of these callers, which is that of their ids."""
    names = [f"{name} {at:05}" for at in range(len(callers))]
    return [
        NamedPush(CallPush(external_id=name, caller=f"+{caller}"), "", name)
        for name, caller in zip(names, callers, strict=True)
    ]


def test_writers_of_the_same_new_facets_never_wait_in_a_circle(engine: Engine) -> None:
    many = range(1, 3 * AT_ONCE + 1)

    def push(turn: int) -> int:
        callers = many if turn % 2 else range(many.stop - 1, 0, -1)
        with writing(engine) as session:
            return len(add_calls(session, pushes(callers, f"of {turn}"), agent_channel="left"))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(push, range(4))) == [len(many)] * 4
    with reading(engine) as session:
        callers = select(func.count()).where(col(Facet.name) == "caller")
        assert session.exec(callers).one() == len(many)


def test_facets_are_found_by_what_they_say_whatever_it_is(engine: Engine) -> None:
    odd = ['"', "\\", "'", "ё 😀", "{}", "null", "1", "true", "%", "a  b"]
    with writing(engine) as session:
        told = [
            NamedPush(CallPush(external_id=str(at), agent=name), "", str(at))
            for at, name in enumerate(odd)
        ]
        add_calls(session, told, agent_channel="left")
    with reading(engine) as session:
        pairs = {("agent", name) for name in odd}
        assert numbers_of(session, pairs | {("agent", "nobody")}).keys() == pairs
        assert numbers_of(session, []) == {}


class Rows:
    """Stands for a session of a database with these facets of agents; it answers at once, so that
    threads meet.
    """

    def __init__(self, numbers: list[int]) -> None:
        self._rows = [(number, "agent", str(number)) for number in numbers]

    def execute(self, _statement: Any) -> list[tuple[int, str, str]]:
        return self._rows


def test_many_threads_may_learn_facets_at_once() -> None:
    numbers = [3000 * thread for thread in range(8, 0, -1)]

    def count(number: int) -> list[tuple[str, int]]:
        barrier.wait(60)
        session = cast(Session, Rows([number]))
        return counts.count(session, [packed([number])], ["agent"], most=5)["agent"]

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            for _ in range(200):
                counts, barrier = FacetCounts(), Barrier(8)
                assert list(pool.map(count, numbers)) == [[(str(one), 1)] for one in numbers]
    finally:
        sys.setswitchinterval(before)
