"""Verdicts on hits: laid onto whatever hit is there now, kept when hits are written anew."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, event
from sqlmodel import Session, select

from models import Call, Hit, HitVerdict
from models.db import reading, writing
from models.hit_verdict import (
    _nearest,
    give_hit_verdict,
    judged_hits,
    take_back_hit_verdict,
    verdicts_by_hit,
)
from speech.conversation import Turn
from tests.fakes import conversation, turn
from tests.records import MATCHER, RULE, store_call
from workers.pipeline import analyse, record

HELLO = turn("agent", 0.0, "Good morning.")
ORDER = turn("customer", 3.0, "Well, do you have bearing number 204 in stock today?")


def hits_of(session: Session, number: int) -> list[Hit]:
    wanted = select(Hit).where(Hit.call_id == number).order_by(Hit.start_s)  # type: ignore[arg-type]
    return list(session.exec(wanted))


def judge(engine: Engine, number: int, at: int = 0, *, right: bool = True) -> HitVerdict:
    """A verdict on one of a call's hits, counted by time."""
    with writing(engine) as session:
        hit = hits_of(session, number)[at]
        given = give_hit_verdict(session, number, hit.id or 0, right=right, given_by="boss")
        assert given is not None
        return given


def heard_again(engine: Engine, number: int, *turns: Turn) -> None:
    with writing(engine) as session:
        record(session, number, analyse(conversation(*turns), MATCHER, [RULE]))


def shown(engine: Engine, number: int) -> list[bool | None]:
    """What is said of each hit that is there now."""
    with reading(engine) as session:
        hits = hits_of(session, number)
        found = verdicts_by_hit(session, number, hits)
    return [found[hit.id or 0].right if hit.id in found else None for hit in hits]


def test_a_verdict_keeps_the_words_and_those_around_them(engine: Engine) -> None:
    number = store_call(engine, "1", HELLO, ORDER)
    given = judge(engine, number)
    assert (given.lexicon, given.term, given.speaker) == ("product", "bearing 204", "customer")
    assert (given.right, given.given_by) == (True, "boss")
    assert given.excerpt == "Well, do you have [bearing number 204] in stock today?"
    assert given.start_s == 4.6


def test_the_last_verdict_on_a_hit_stands(engine: Engine) -> None:
    number = store_call(engine, "1", HELLO, ORDER)
    for right in (True, False, False):
        judge(engine, number, right=right)
    with reading(engine) as session:
        assert [one.right for one in session.exec(select(HitVerdict))] == [False]
    assert shown(engine, number) == [False]


def test_verdicts_given_at_the_same_instant_are_one(engine: Engine) -> None:
    number = store_call(engine, "1", HELLO, ORDER)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: judge(engine, number, right=i % 2 == 0), range(16)))
    with reading(engine) as session:
        assert len(session.exec(select(HitVerdict)).all()) == 1


def test_a_verdict_outlives_hearing_the_call_again(engine: Engine) -> None:
    number = store_call(engine, "1", HELLO, ORDER)
    judge(engine, number, right=False)
    later = turn("customer", 3.4, "Well, do you have bearing number 204 in stock today?")
    heard_again(engine, number, HELLO, later)
    with reading(engine) as session:
        assert [hit.start_s for hit in hits_of(session, number)] == [pytest.approx(5.0)]
    assert shown(engine, number) == [False]
    judge(engine, number, right=True)  # takes the place of the one given at the other second
    assert shown(engine, number) == [True]
    with reading(engine) as session:
        assert [one.start_s for one in session.exec(select(HitVerdict))] == [pytest.approx(5.0)]


def test_what_begins_more_than_half_a_second_away_is_another_hit(engine: Engine) -> None:
    number = store_call(engine, "1", HELLO, ORDER)
    judge(engine, number)
    far = turn("customer", 3.6, "Well, do you have bearing number 204 in stock today?")
    heard_again(engine, number, HELLO, far)
    assert shown(engine, number) == [None]


def test_another_speaker_or_term_is_another_hit(engine: Engine) -> None:
    number = store_call(engine, "1", HELLO, ORDER)
    judge(engine, number)
    heard_again(engine, number, turn("agent", 3.0, "Well, do you have bearing number 204?"))
    assert shown(engine, number) == [None]


def test_a_term_keeps_its_verdicts_when_only_its_capitals_change(engine: Engine) -> None:
    number = store_call(engine, "1", HELLO, ORDER)
    judge(engine, number, right=False)
    with writing(engine) as session:
        hit = hits_of(session, number)[0]
        hit.term = hit.term.title()
        session.add(hit)
        session.commit()
    assert shown(engine, number) == [False]
    with reading(engine) as session:
        (judged,) = judged_hits(session, "product")
    assert (judged.term, judged.found) == ("Bearing 204", True)


def test_each_of_two_hits_close_together_has_a_verdict_of_its_own(engine: Engine) -> None:
    twice = turn("customer", 1.0, "Idiot! Idiot!")
    number = store_call(engine, "1", twice)
    judge(engine, number, 1, right=False)
    assert shown(engine, number) == [None, False]
    judge(engine, number, 0, right=True)
    assert shown(engine, number) == [True, False]
    heard_again(engine, number, turn("customer", 1.1, "Idiot! Idiot!"))
    assert shown(engine, number) == [True, False]


def test_a_verdict_goes_with_its_call(engine: Engine) -> None:
    number = store_call(engine, "1", HELLO, ORDER)
    judge(engine, number)
    with writing(engine) as session:
        session.delete(session.get_one(Call, number))
        session.commit()
        assert session.exec(select(HitVerdict)).all() == []


def test_a_verdict_is_taken_back_once(engine: Engine) -> None:
    number = store_call(engine, "1", HELLO, ORDER)
    judge(engine, number)
    with writing(engine) as session:
        hit = hits_of(session, number)[0].id or 0
        assert not take_back_hit_verdict(session, number, hit + 1)
        assert take_back_hit_verdict(session, number, hit)
        assert not take_back_hit_verdict(session, number, hit)
    assert shown(engine, number) == [None]


def test_a_hit_is_judged_only_under_its_own_call(engine: Engine) -> None:
    number, other = (store_call(engine, name, HELLO, ORDER) for name in "12")
    with writing(engine) as session:
        hit = hits_of(session, number)[0].id or 0
        assert give_hit_verdict(session, other, hit, right=True, given_by=None) is None
        assert give_hit_verdict(session, 99, hit, right=True, given_by=None) is None
        assert give_hit_verdict(session, number, 99, right=True, given_by=None) is None


def test_verdicts_stand_beside_the_hits_of_now(engine: Engine) -> None:
    number = store_call(engine, "1", HELLO, ORDER)
    gone = store_call(engine, "2", ORDER)
    abused = store_call(engine, "3", turn("customer", 1.0, "Idiot!"))
    judge(engine, number)
    judge(engine, gone, right=False)
    judge(engine, abused)
    heard_again(engine, gone, HELLO)

    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    with reading(engine) as session:
        rows = judged_hits(session, "product")

    assert [(row.call_id, row.right, row.found) for row in rows] == [
        (number, True, True),
        (gone, False, False),
    ]
    assert (rows[0].score, rows[1].score, rows[1].parts) == (1.0, None, None)
    assert (rows[0].before, rows[0].after) == ("Well, do you have", "in stock today?")
    assert len([one for one in asked if "SELECT" in one]) == 1


SECONDS = st.lists(st.integers(0, 30).map(lambda tenths: tenths / 10), unique=True, max_size=6)


@given(SECONDS, SECONDS)
def test_no_verdict_is_laid_onto_two_hits(hits_s: list[float], verdicts_s: list[float]) -> None:
    laid = _nearest(hits_s, verdicts_s)
    assert len(set(laid.values())) == len(laid)
    assert all(abs(hit_s - verdict_s) <= 0.5001 for hit_s, verdict_s in laid.items())
    assert all(laid[second] == second for second in set(hits_s) & set(verdicts_s))
    free = set(verdicts_s) - set(laid.values())
    for hit_s in set(hits_s) - laid.keys():
        assert all(abs(hit_s - verdict_s) > 0.5 for verdict_s in free)
