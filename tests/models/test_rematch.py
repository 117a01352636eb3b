"""Re-matching as it is asked for, cancelled, resumed and superseded."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from models import Call
from models.columns import now
from models.db import reading, writing
from models.lexicon import publish, save_draft
from models.rematch import (
    CannotRematch,
    Rematch,
    ask_rematch,
    begin_slice,
    cancel_rematch,
    claim,
    fail_rematch,
    finish,
    get_rematch,
    list_rematches,
    move_on,
    resume_rematch,
    waiting_rematches,
)
from tests.fakes import turn
from tests.records import store_call


def publish_fruit(engine: Engine, term: str = "apple") -> None:
    table = {"name": "fruit", "purpose": "custom", "version": 1, "terms": [{"text": term}]}
    with writing(engine) as session:
        save_draft(session, table, by=None)
        publish(session, "fruit", by=None)


def ask_retag(engine: Engine) -> int:
    with writing(engine) as session:
        number = ask_rematch(session, kind="retag", by="ann").id
    assert number is not None
    return number


def the(engine: Engine, number: int) -> Rematch:
    with reading(engine) as session:
        row = get_rematch(session, number)
    assert row is not None
    return row


def go(engine: Engine, number: int, *, last_call_id: int, done: int) -> None:
    """As a worker that did a batch."""
    with writing(engine) as session:
        seen = begin_slice(session, number)
        assert seen is not None
        row = claim(session, seen)
        assert row is not None
        move_on(row, last_call_id=last_call_id, done=done)
        session.add(row)
        session.commit()


def test_a_retag_counts_the_calls_that_have_other_hits(engine: Engine) -> None:
    numbers = [store_call(engine, name, turn("agent", 1.0, "Hello.")) for name in "abc"]
    publish_fruit(engine)
    with writing(engine) as session:
        session.get_one(Call, numbers[0]).lexicon_revision = 1
        session.get_one(Call, numbers[1]).heard_at = None
        session.commit()
    row = the(engine, ask_retag(engine))
    assert (row.kind, row.state, row.revision) == ("retag", "waiting", 1)
    assert (row.total, row.done, row.created_by, row.result) == (1, 0, "ann", {})


def test_a_preview_is_of_the_draft_as_it_was(engine: Engine) -> None:
    store_call(engine, "a", turn("agent", 1.0, "Hello."))
    table = {"name": "fruit", "purpose": "custom", "version": 1, "terms": [{"text": "apple"}]}
    with writing(engine) as session:
        with pytest.raises(CannotRematch, match="fruit has no draft"):
            ask_rematch(session, kind="preview", lexicon="fruit")
        with pytest.raises(CannotRematch, match="name the lexicon"):
            ask_rematch(session, kind="preview")
        with pytest.raises(CannotRematch, match="all lexicons"):
            ask_rematch(session, kind="retag", lexicon="fruit")
        save_draft(session, table, by=None)
        asked = ask_rematch(session, kind="preview", lexicon="fruit")
        save_draft(session, table | {"terms": []}, by=None)
    assert asked.id is not None
    assert (the(engine, asked.id).draft, the(engine, asked.id).total) == (table, 1)


def test_a_retag_to_the_same_lexicons_is_asked_for_once(engine: Engine) -> None:
    publish_fruit(engine)
    assert ask_retag(engine) == ask_retag(engine)


def test_a_retag_to_newer_lexicons_cancels_the_older_one_and_says_so(engine: Engine) -> None:
    publish_fruit(engine)
    older = ask_retag(engine)
    with writing(engine) as session:
        begin_slice(session, older)
    publish_fruit(engine, "pear")
    newer = ask_retag(engine)
    assert newer > older
    assert the(engine, newer).state == "waiting"
    ended = the(engine, older)
    assert ended.state == "cancelled"
    assert ended.error == f"other lexicons were published: see re-matching {newer}"
    assert ended.finished_at is not None


def test_a_cancelled_one_cannot_be_claimed(engine: Engine) -> None:
    number = ask_retag(engine)
    seen = the(engine, number)
    with writing(engine) as session:
        cancelled = cancel_rematch(session, number)
        assert cancelled is not None
        assert cancelled.state == "cancelled"
        assert begin_slice(session, number) is None
        assert claim(session, seen) is None
        assert cancel_rematch(session, 99) is None


def test_what_another_worker_has_done_cannot_be_claimed_again(engine: Engine) -> None:
    number = ask_retag(engine)
    seen = the(engine, number)
    go(engine, number, last_call_id=3, done=3)
    with writing(engine) as session:
        assert claim(session, seen) is None
        assert claim(session, the(engine, number)) is not None


def test_a_resumed_one_goes_on_where_it_stopped(engine: Engine) -> None:
    number = ask_retag(engine)
    go(engine, number, last_call_id=3, done=3)
    with writing(engine) as session:
        cancel_rematch(session, number)
        resume_rematch(session, number)
        assert resume_rematch(session, 99) is None
    row = the(engine, number)
    assert (row.state, row.last_call_id, row.done, row.error) == ("waiting", 3, 3, None)
    assert row.finished_at is None


def test_a_failed_one_can_be_resumed_with_its_attempts_at_zero(engine: Engine) -> None:
    number = ask_retag(engine)
    with writing(engine) as session:
        begin_slice(session, number)
        fail_rematch(session, number, "out of luck")
    assert (the(engine, number).error, the(engine, number).attempts) == ("out of luck", 1)
    with writing(engine) as session:
        resume_rematch(session, number)
    assert (the(engine, number).state, the(engine, number).attempts) == ("waiting", 0)


def test_a_retag_resumed_after_a_publication_begins_anew(engine: Engine) -> None:
    store_call(engine, "a", turn("agent", 1.0, "Hello."))
    number = ask_retag(engine)
    go(engine, number, last_call_id=1, done=1)
    with writing(engine) as session:
        cancel_rematch(session, number)
    publish_fruit(engine)
    with writing(engine) as session:
        resume_rematch(session, number)
    row = the(engine, number)
    assert (row.revision, row.last_call_id, row.done, row.total) == (1, 0, 0, 1)


def test_a_retag_whose_place_is_taken_and_one_that_is_done_are_not_resumed(engine: Engine) -> None:
    publish_fruit(engine)
    older = ask_retag(engine)
    publish_fruit(engine, "pear")
    newer = ask_retag(engine)
    with writing(engine) as session:
        with pytest.raises(CannotRematch, match=f"{newer} has taken its place"):
            resume_rematch(session, older)
        session.rollback()
        row = claim(session, the(engine, newer))
        assert row is not None
        finish(row)
        session.add(row)
        session.commit()
        with pytest.raises(CannotRematch, match="is done"):
            resume_rematch(session, newer)


def test_those_that_nothing_has_touched_are_waiting(engine: Engine) -> None:
    publish_fruit(engine)
    number = ask_retag(engine)
    with writing(engine) as session:
        assert waiting_rematches(session, now() - timedelta(minutes=1)) == []
        begin_slice(session, number)
        waiting = waiting_rematches(session, now() + timedelta(minutes=1))
        assert [row.id for row in waiting] == [number]
        cancel_rematch(session, number)
        assert waiting_rematches(session, now() + timedelta(minutes=1)) == []
        assert [row.id for row in list_rematches(session, 5)] == [number]
        assert list_rematches(session, 0) == []
        assert get_rematch(session, 99) is None
