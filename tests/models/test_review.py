"""Work on calls: what changes, what the search is told of it, and who waits for whom."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from models import CallEvent
from models.call import Review
from models.db import reading, writing
from models.label import tags_of
from models.review import MAX_LABELS, Changes, TooManyTags, change_calls
from tests.fakes import ANGRY, turn
from tests.records import store_call


@pytest.fixture
def numbers(engine: Engine) -> list[int]:
    said = turn("customer", 1.0, "You never called me back, not once.", ANGRY)
    return [store_call(engine, name, said) for name in "abc"]


def test_the_search_is_told_of_calls_that_changed_and_of_no_others(
    engine: Engine, numbers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[list[int]] = []

    def note(session: Session, call_ids: Collection[int]) -> None:
        assert session.exec(select(CallEvent)).all()  # it sees what was changed
        told.append(list(call_ids))

    monkeypatch.setattr("models.review.refresh", note)
    first, second, third = numbers
    with writing(engine) as session:
        change_calls(session, [second], Changes(Review.RESOLVED), by="Al")
        done = change_calls(session, [*numbers, 99], Changes(Review.RESOLVED), by="Al")
    assert (done.changed, done.missing) == ((first, third), (99,))
    assert told == [[second], [first, third]]


def test_a_call_has_the_tags_of_both_kinds_once_each(engine: Engine, numbers: list[int]) -> None:
    with writing(engine) as session:
        change_calls(session, numbers[:1], Changes(tags_added=("refund", "angry")), by="Al")
    with reading(engine) as session:
        assert tags_of(session, numbers[:2]) == {
            numbers[0]: ["angry", "refund"],
            numbers[1]: ["angry"],
        }


def test_many_who_tag_at_once_give_no_more_than_a_call_may_have(
    engine: Engine, numbers: list[int]
) -> None:
    def give(i: int) -> bool:
        with writing(engine) as session:
            try:
                change_calls(session, numbers, Changes(tags_added=(f"tag{i}",)), by=str(i))
            except TooManyTags:
                return False
            return True

    with ThreadPoolExecutor(4) as pool:
        given = list(pool.map(give, range(MAX_LABELS + 8)))
    assert sum(given) == MAX_LABELS
    with reading(engine) as session:
        found = tags_of(session, numbers)
        assert {len(tags) for tags in found.values()} == {MAX_LABELS + 1}
        assert len(session.exec(select(CallEvent)).all()) == MAX_LABELS * len(numbers)
