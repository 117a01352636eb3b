"""Stored calls matched again: in slices, killed and resumed, while others publish and hear."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rq.serializers import JSONSerializer
from sqlalchemy import Engine, event
from sqlmodel import Session, col, select

import workers.preview
import workers.retag
from lexicons.lexicon import from_table
from models import Alert, Call, CallTag, Hit
from models.db import reading, writing
from models.deletion import Order, Why, delete_calls
from models.lexicon import publish, retire, revision, save_draft
from models.rematch import (
    Rematch,
    ask_rematch,
    cancel_rematch,
    get_rematch,
    resume_rematch,
)
from models.stores import Stores
from settings import Settings
from speech.conversation import Turn
from speech.listen import Ears
from tests.alerting import a_judge
from tests.fakes import ANGRY, ToldMood, ToldTranscriber, conversation, turn
from tests.records import RULE, store_call
from workers.judging import Judge
from workers.pipeline import analyse, record
from workers.published import Shelf
from workers.queue import CallQueue
from workers.reconciler import reconcile
from workers.rematch import (
    MAX_ATTEMPTS,
    RematchEnded,
    preview_in_process,
    retag_in_process,
    run_slice,
)
from workers.rules.book import RuleBook
from workers.station import Station
from workers.worker import HearingWorker

ROOT = Path(__file__).parents[2]
FOREVER_S = 1e9


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers.retag, "BATCH", 2)
    monkeypatch.setattr(workers.preview, "BATCH", 2)


@pytest.fixture
def shelf(engine: Engine) -> Shelf:
    return Shelf(engine)


def table(name: str, *terms: str | dict[str, Any], purpose: str = "custom") -> dict[str, Any]:
    tables = [{"text": term} if isinstance(term, str) else term for term in terms]
    return {"name": name, "purpose": purpose, "version": 1, "terms": tables}


def publish_now(engine: Engine, name: str, *terms: str | dict[str, Any]) -> None:
    with writing(engine) as session:
        save_draft(session, table(name, *terms), by=None)
        publish(session, name, by=None)


def hear(engine: Engine, external_id: str, *turns: Turn) -> int:
    """A call that was heard with what is published."""
    number = store_call(engine, external_id, *turns)
    published = Shelf(engine).current()
    heard = analyse(conversation(*turns), published.matcher, [RULE], revision=published.revision)
    with writing(engine) as session:
        record(session, number, heard)
    return number


def fruit_calls(engine: Engine, count: int = 5) -> list[int]:
    return [
        hear(engine, f"call {n}", turn("customer", 1.0, f"I want {n} apples and a pear please."))
        for n in range(count)
    ]


def ask(engine: Engine, lexicon: str | None = None) -> int:
    with writing(engine) as session:
        kind: Any = "preview" if lexicon else "retag"
        number = ask_rematch(session, kind=kind, lexicon=lexicon, by="ann").id
    assert number is not None
    return number


def the(engine: Engine, number: int) -> Rematch:
    with reading(engine) as session:
        row = get_rematch(session, number)
    assert row is not None
    return row


def hits(engine: Engine, number: int | None = None) -> list[tuple[str, int, str]]:
    wanted = select(Hit.lexicon, Hit.lexicon_version, Hit.term)
    if number is not None:
        wanted = wanted.where(Hit.call_id == number)
    with Session(engine) as session:
        return sorted(session.exec(wanted))


def tags(engine: Engine, number: int) -> list[str]:
    with Session(engine) as session:
        return sorted(session.exec(select(CallTag.tag).where(CallTag.call_id == number)))


def revisions(engine: Engine) -> set[int | None]:
    with Session(engine) as session:
        return set(session.exec(select(Call.lexicon_revision)))


def contents(engine: Engine) -> list[dict[str, Any]]:
    """All hits but for their ids, in order."""
    with Session(engine) as session:
        rows = session.exec(select(Hit).order_by(col(Hit.call_id), col(Hit.start_s))).all()
        return [row.model_dump(exclude={"id"}) for row in rows]


def once_read(engine: Engine, do: Callable[[], object]) -> None:
    """Have something done after turns were read for the first time from now on."""
    calls: list[int] = []

    def listen(*call: Any) -> None:
        if "FROM turn" in call[2] and not calls:
            calls.append(1)
            do()

    event.listen(engine, "after_cursor_execute", listen)


def test_a_retag_makes_the_rows_that_hearing_would_make(engine: Engine) -> None:
    said = (
        turn("customer", 1.0, "Two apples, a persimon and a pear tree please."),
        turn("agent", 9.0, "Apples are out."),
    )
    number = hear(engine, "a", *said)
    assert hits(engine) == []
    publish_now(engine, "fruit", "apple", "persimmon", {"text": "pear", "speaker": "customer"})
    assert retag_in_process(engine, a_judge(engine)) == {"changed": 1, "added": 4, "removed": 0}
    retagged, tagged = contents(engine), tags(engine, number)
    assert tagged == ["fruit"]
    assert [row["parts"].keys() for row in retagged if row["parts"]] == [{"sound", "hearing"}]
    with writing(engine) as session:
        published = Shelf(engine).current()
        record(session, number, analyse(conversation(*said), published.matcher, [RULE]))
    turn_ids = [row.pop("turn_id") for row in retagged]
    heard = contents(engine)
    assert len({row.pop("turn_id") for row in heard}) == len(set(turn_ids)) == 2
    assert (retagged, tagged) == (heard, tags(engine, number))


def test_hits_that_stay_keep_their_ids_and_name_the_new_version(engine: Engine) -> None:
    publish_now(engine, "fruit", "apple", "pear")
    numbers = fruit_calls(engine)
    with Session(engine) as session:
        before = set(session.exec(select(Hit.id).where(Hit.term == "apple")))
    publish_now(engine, "fruit", "apple", "please")
    assert retag_in_process(engine, a_judge(engine)) == {"changed": 5, "added": 5, "removed": 5}
    with Session(engine) as session:
        assert set(session.exec(select(Hit.id).where(Hit.term == "apple"))) == before
    for number in numbers:
        assert hits(engine, number) == [("fruit", 2, "apple"), ("fruit", 2, "please")]
    assert revisions(engine) == {2}


def test_a_retag_that_changes_nothing_writes_no_hits(engine: Engine) -> None:
    publish_now(engine, "fruit", "apple")
    fruit_calls(engine)
    publish_now(engine, "vegetables", "leek")
    written: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *call: written.append(call[2].lower()))
    assert retag_in_process(engine, a_judge(engine)) == {"changed": 0, "added": 0, "removed": 0}
    assert not [one for one in written if " hit " in one and not one.startswith("select")]
    assert revisions(engine) == {2}


def test_tags_of_words_follow_and_others_stay(engine: Engine) -> None:
    publish_now(engine, "fruit", "apple")
    number = hear(
        engine, "a", turn("customer", 1.0, "I want my apples now you lot, do you hear.", ANGRY)
    )
    assert tags(engine, number) == ["angry", "fruit"]
    with Session(engine) as session:
        alert = session.exec(select(Alert)).one().model_dump()
    publish_now(engine, "fruit", "pear")
    publish_now(engine, "hearing", "do you hear")
    retag_in_process(engine, a_judge(engine))
    assert tags(engine, number) == ["angry", "hearing"]
    with Session(engine) as session:
        assert session.exec(select(Alert)).one().model_dump() == alert


def test_a_retired_lexicon_loses_its_hits_and_tags(engine: Engine) -> None:
    publish_now(engine, "fruit", "apple")
    numbers = fruit_calls(engine)
    with writing(engine) as session:
        retire(session, "fruit", by=None)
    assert retag_in_process(engine, a_judge(engine)) == {"changed": 5, "added": 0, "removed": 5}
    assert hits(engine) == []
    assert [tags(engine, number) for number in numbers] == [[]] * 5


def test_an_empty_lexicon_and_none_at_all_find_nothing(engine: Engine) -> None:
    numbers = [store_call(engine, "a", turn("customer", 1.0, "You idiot, my bearing broke."))]
    assert "product" in tags(engine, numbers[0])
    assert retag_in_process(engine, a_judge(engine))["removed"] == 2
    publish_now(engine, "fruit")
    assert retag_in_process(engine, a_judge(engine)) == {"changed": 0, "added": 0, "removed": 0}
    assert (hits(engine), revisions(engine)) == ([], {1})


def test_two_lexicons_may_have_one_term(engine: Engine) -> None:
    publish_now(engine, "fruit", "apple")
    numbers = fruit_calls(engine)
    publish_now(engine, "computers", "apple", "pear")
    retag_in_process(engine, a_judge(engine))
    for number in numbers:
        assert hits(engine, number) == [
            ("computers", 1, "apple"),
            ("computers", 1, "pear"),
            ("fruit", 1, "apple"),
        ]
        assert tags(engine, number) == ["computers", "fruit"]


def test_who_said_it_and_where_counts_in_stored_calls_too(engine: Engine) -> None:
    number = hear(
        engine,
        "a",
        turn("agent", 1.0, "Hello there."),
        turn("customer", 2.0, "Hello there."),
        turn("agent", 50.0, "Hello there."),
    )
    greeting = {"text": "hello", "speaker": "agent", "place": "last 20 s"}
    publish_now(engine, "greeting", greeting)
    retag_in_process(engine, a_judge(engine))
    with Session(engine) as session:
        assert [hit.start_s for hit in session.exec(select(Hit))] == [50.0]
    assert tags(engine, number) == ["greeting"]


def test_progress_goes_from_nothing_to_all(engine: Engine) -> None:
    fruit_calls(engine)
    publish_now(engine, "fruit", "apple")
    told: list[tuple[int, int]] = []
    retag_in_process(engine, a_judge(engine), lambda done, total: told.append((done, total)))
    assert told == [(2, 5), (4, 5), (5, 5), (5, 5), (5, 5)]
    told.clear()
    draft = from_table(table("fruit", "pear"))
    preview_in_process(engine, draft, lambda done, total: told.append((done, total)))
    assert told == [(2, 5), (4, 5), (5, 5)]


def test_a_slice_ends_in_time_and_the_next_goes_on(engine: Engine, shelf: Shelf) -> None:
    fruit_calls(engine)
    publish_now(engine, "fruit", "apple")
    number = ask(engine)
    assert run_slice(engine, number, shelf, a_judge(engine), seconds=0) == number
    row = the(engine, number)
    assert (row.state, row.done, row.total, row.attempts) == ("running", 2, 5, 0)
    assert run_slice(engine, number, shelf, a_judge(engine), seconds=FOREVER_S) is None
    row = the(engine, number)
    assert (row.state, row.done, row.total) == ("done", 5, 5)
    assert row.finished_at is not None
    assert run_slice(engine, number, shelf, a_judge(engine)) is None


KILLED = """
import os, signal, sys
from sqlalchemy import event
from models.db import connect
from workers import retag
from tests.alerting import a_judge
from workers.published import Shelf
from workers.rematch import run_slice

def kill(*call):
    if sys.argv[3] in call[2]:
        os.kill(os.getpid(), signal.SIGKILL)

retag.BATCH = 2
engine = connect(sys.argv[1])
event.listen(engine, "after_cursor_execute", kill)
run_slice(engine, int(sys.argv[2]), Shelf(engine), a_judge(engine))
"""


@pytest.mark.parametrize("statement", ["INSERT INTO hit", "INSERT INTO call_tag", "SET done="])
def test_a_worker_killed_in_mid_retag_does_no_harm(
    engine: Engine, database_url: str, shelf: Shelf, statement: str
) -> None:
    numbers = fruit_calls(engine)
    publish_now(engine, "fruit", "apple")
    number = ask(engine)
    run_slice(engine, number, shelf, a_judge(engine), seconds=0)
    killed = [sys.executable, "-c", KILLED, database_url, str(number), statement]
    assert subprocess.run(killed, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    assert (the(engine, number).state, the(engine, number).done) == ("running", 2)
    assert len(hits(engine)) == 2

    assert run_slice(engine, number, shelf, a_judge(engine), seconds=FOREVER_S) is None
    row = the(engine, number)
    assert (row.state, row.done) == ("done", 5)
    assert row.result == {"changed": 5, "added": 5, "removed": 0}
    for call in numbers:
        assert hits(engine, call) == [("fruit", 1, "apple")]
        assert tags(engine, call) == ["fruit"]


class Broken(Exception):
    """Something went wrong."""


def test_one_that_breaks_every_time_is_given_up(engine: Engine, shelf: Shelf) -> None:
    fruit_calls(engine)
    publish_now(engine, "fruit", "apple")
    number = ask(engine)

    def break_off(*call: Any) -> None:
        if call[2].startswith("INSERT INTO hit"):
            raise Broken

    event.listen(engine, "before_cursor_execute", break_off)
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(Broken):
            run_slice(engine, number, shelf, a_judge(engine))
    assert run_slice(engine, number, shelf, a_judge(engine)) is None
    row = the(engine, number)
    assert row.state == "failed"
    assert "got nothing done" in str(row.error)


def test_two_workers_at_one_retag_do_each_call_once(engine: Engine, shelf: Shelf) -> None:
    fruit_calls(engine)
    publish_now(engine, "fruit", "apple")
    number = ask(engine)
    others: list[int | None] = []
    once_read(
        engine, lambda: others.append(run_slice(engine, number, shelf, a_judge(engine), seconds=0))
    )
    assert (
        run_slice(engine, number, shelf, a_judge(engine), seconds=FOREVER_S) is None
    )  # the other one was faster
    assert others == [number]
    assert the(engine, number).done == 2
    run_slice(engine, number, shelf, a_judge(engine), seconds=FOREVER_S)
    assert the(engine, number).result == {"changed": 5, "added": 5, "removed": 0}


def test_a_cancelled_retag_stops_and_a_resumed_one_goes_on(engine: Engine, shelf: Shelf) -> None:
    fruit_calls(engine)
    publish_now(engine, "fruit", "apple")
    number = ask(engine)
    run_slice(engine, number, shelf, a_judge(engine), seconds=0)

    def cancel() -> None:
        with writing(engine) as session:
            cancel_rematch(session, number)

    once_read(engine, cancel)
    assert run_slice(engine, number, shelf, a_judge(engine), seconds=FOREVER_S) is None
    assert (the(engine, number).state, len(hits(engine))) == ("cancelled", 2)
    assert run_slice(engine, number, shelf, a_judge(engine)) is None
    assert len(hits(engine)) == 2
    with writing(engine) as session:
        resume_rematch(session, number)
    run_slice(engine, number, shelf, a_judge(engine), seconds=FOREVER_S)
    row = the(engine, number)
    assert (row.state, row.done, len(hits(engine))) == ("done", 5, 5)


def test_a_retag_cancelled_elsewhere_ends_in_process_with_the_reason(engine: Engine) -> None:
    fruit_calls(engine)
    publish_now(engine, "fruit", "apple")

    def cancel(_done: int, _total: int) -> None:
        with writing(engine) as session:
            cancel_rematch(session, ask(engine))

    with pytest.raises(RematchEnded, match="cancelled"):
        retag_in_process(engine, a_judge(engine), cancel)
    assert len(hits(engine)) == 2


def test_publishing_while_a_retag_runs_starts_another(engine: Engine, shelf: Shelf) -> None:
    numbers = fruit_calls(engine)
    publish_now(engine, "fruit", "apple")
    older = ask(engine)
    run_slice(engine, older, shelf, a_judge(engine), seconds=0)
    publish_now(engine, "fruit", "pear")
    newer = run_slice(engine, older, shelf, a_judge(engine), seconds=FOREVER_S)
    assert newer is not None
    assert newer != older
    assert the(engine, older).state == "cancelled"
    assert f"see re-matching {newer}" in str(the(engine, older).error)
    assert the(engine, newer).created_by == "ann"
    run_slice(engine, newer, shelf, a_judge(engine), seconds=FOREVER_S)
    assert (the(engine, newer).state, the(engine, newer).total) == ("done", 5)
    for number in numbers:
        assert hits(engine, number) == [("fruit", 2, "pear")]
    assert revisions(engine) == {2}


def test_publishing_while_one_retags_in_process_is_followed(engine: Engine) -> None:
    fruit_calls(engine)
    publish_now(engine, "fruit", "apple")
    told: list[int] = []

    def publish_once(done: int, _total: int) -> None:
        told.append(done)
        if len(told) == 1:
            publish_now(engine, "fruit", "pear")

    assert retag_in_process(engine, a_judge(engine), publish_once) == {
        "changed": 5,
        "added": 5,
        "removed": 2,
    }
    assert {term for _, _, term in hits(engine)} == {"pear"}


def test_a_call_heard_meanwhile_with_older_lexicons_is_caught(engine: Engine, shelf: Shelf) -> None:
    first, *_ = fruit_calls(engine)
    older = shelf.current()
    publish_now(engine, "fruit", "apple")
    number = ask(engine)
    run_slice(engine, number, shelf, a_judge(engine), seconds=0)
    said = conversation(turn("customer", 1.0, "One apple."))
    with writing(engine) as session:
        record(session, first, analyse(said, older.matcher, [RULE], revision=older.revision))
    assert hits(engine, first) == []
    run_slice(engine, number, shelf, a_judge(engine), seconds=FOREVER_S)
    assert hits(engine, first) == [("fruit", 1, "apple")]
    assert revisions(engine) == {1}
    assert (the(engine, number).done, the(engine, number).total) == (6, 6)


@pytest.mark.parametrize("what", ["deleted", "heard again"])
def test_a_call_that_changes_under_a_retag_is_left_alone(
    engine: Engine, shelf: Shelf, what: str
) -> None:
    first, *others = fruit_calls(engine)
    publish_now(engine, "fruit", "apple")
    number = ask(engine)
    published = shelf.current()

    def change() -> None:
        with writing(engine) as session:
            if what == "deleted":
                session.delete(session.get_one(Call, first))
                session.commit()
                return
            said = conversation(turn("customer", 1.0, "A pear."))
            record(session, first, analyse(said, published.matcher, [RULE], revision=1))

    once_read(engine, change)
    run_slice(engine, number, shelf, a_judge(engine), seconds=FOREVER_S)
    row = the(engine, number)
    assert (row.state, row.done, row.total) == ("done", 4, 4)
    assert hits(engine, first) == []
    assert [len(hits(engine, other)) for other in others] == [1] * 4


def test_a_preview_says_what_would_change_and_changes_nothing(engine: Engine, shelf: Shelf) -> None:
    publish_now(engine, "fruit", "apple", "quince")
    publish_now(engine, "please", "please")
    apples = fruit_calls(engine)
    pears = hear(engine, "pears", turn("agent", 2.0, "Only pears here."))
    rotten = hear(engine, "rotten", turn("customer", 4.0, "A quince it is."))
    before = contents(engine)
    with writing(engine) as session:
        save_draft(session, table("fruit", "apple", "pear"), by=None)
    number = ask(engine, "fruit")
    run_slice(engine, number, shelf, a_judge(engine), seconds=0)
    assert the(engine, number).result["calls"] == 2
    run_slice(engine, number, shelf, a_judge(engine), seconds=FOREVER_S)
    row = the(engine, number)
    assert (row.state, row.done, row.total) == ("done", 7, 7)
    assert (row.result["calls"], row.result["gained"], row.result["lost"]) == (7, 1, 1)
    assert (row.result["added"], row.result["removed"]) == (6, 1)
    pear, quince = row.result["terms"]
    assert (pear["term"], pear["gained"], pear["lost"]) == ("pear", 6, 0)
    assert [one["call_id"] for one in pear["gained_in"]] == apples
    assert quince == {
        "term": "quince",
        "gained": 0,
        "lost": 1,
        "gained_in": [],
        "lost_in": [
            {
                "call_id": rotten,
                "external_id": "rotten",
                "start_s": 4.0,
                "speaker": "customer",
                "text": "A quince it is.",
            }
        ],
    }
    assert contents(engine) == before
    assert tags(engine, pears) == []
    draft = from_table(table("fruit", "apple", "pear"))
    assert preview_in_process(engine, draft) == row.result


def test_a_preview_shows_nothing_of_calls_that_are_deleted_while_it_runs(
    engine: Engine, shelf: Shelf, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One goes after its batch was compared, another before its batch is written."""
    publish_now(engine, "fruit", "plum")
    apples = fruit_calls(engine)
    with writing(engine) as session:
        save_draft(session, table("fruit", "apple", "pear"), by=None)
    number = ask(engine, "fruit")
    run_slice(engine, number, shelf, a_judge(engine), seconds=0)
    compare = workers.preview.compare_next

    def delete_some(*given: Any, after: int) -> Any:
        calls = compare(*given, after=after)
        going = [apples[0], *(call.id for call in calls[:1])]
        with writing(engine) as session:
            delete_calls(session, Stores(settings.recordings), going, Order(Why.ASKED))
        return calls

    monkeypatch.setattr(workers.preview, "compare_next", delete_some)
    run_slice(engine, number, shelf, a_judge(engine), seconds=0)
    monkeypatch.undo()

    with reading(engine) as session:
        there = set(session.exec(select(Call.id)))
    row = the(engine, number)
    shown = {one["call_id"] for term in row.result["terms"] for one in term["gained_in"]}
    assert row.result["calls"] == 4
    assert len(shown) == 2
    assert shown <= there


def test_a_preview_of_what_is_published_changes_nothing(engine: Engine) -> None:
    publish_now(engine, "fruit", "apple", "pear")
    fruit_calls(engine)
    result = preview_in_process(engine, from_table(table("fruit", "apple", "pear")))
    assert (result["gained"], result["lost"], result["terms"]) == (0, 0, [])


def test_an_excerpt_is_cut_around_what_was_said() -> None:
    text = " ".join(f"word{n}" for n in range(100))
    at = text.index("word50")
    cut = workers.preview.excerpt(text, at)
    assert len(cut) <= workers.preview.EXCERPT_CHARS + 4
    assert cut.startswith("… word")
    assert cut.endswith(" …")
    assert "word50 " in cut
    assert workers.preview.excerpt("short", 3) == "short"
    assert workers.preview.excerpt(text, 0).startswith("word0 ")
    assert workers.preview.excerpt(text, len(text) - 3).endswith("word99")


def test_a_draft_that_cannot_be_read_fails_with_the_reason(engine: Engine, shelf: Shelf) -> None:
    with writing(engine) as session:
        save_draft(session, table("fruit") | {"colour": "red"}, by=None)
    number = ask(engine, "fruit")
    assert run_slice(engine, number, shelf, a_judge(engine)) is None
    row = the(engine, number)
    assert row.state == "failed"
    assert "draft of fruit: does not know 'colour'" in str(row.error)


def test_a_shelf_follows_what_is_published(engine: Engine) -> None:
    shelf = Shelf(engine, hotwords=1)
    assert (shelf.current().revision, shelf.current().lexicons) == (0, ())
    with writing(engine) as session:
        save_draft(session, table("parts", "bearing", "pump", purpose="product"), by=None)
        publish(session, "parts", by=None)
    now_there = shelf.current()
    assert (now_there.revision, now_there.hotwords) == (1, ("bearing",))
    assert shelf.current() is now_there
    with reading(engine) as session:
        assert revision(session) == 1


@pytest.fixture
def station(
    settings: Settings,
    engine: Engine,
    queue: CallQueue,
    shelf: Shelf,
    monkeypatch: pytest.MonkeyPatch,
) -> Station:
    here = Station(
        settings=settings,
        engine=engine,
        queue=queue,
        stores=Stores(settings.recordings, settings.stores),
        ears=Ears(ToldTranscriber("hello"), ToldMood()),  # type: ignore[arg-type]
        shelf=shelf,
        rules=RuleBook(engine),
    )
    monkeypatch.setattr("workers.station.station", lambda: here)
    return here


def work_off(queue: CallQueue) -> None:
    worker = HearingWorker(
        [queue.rq, queue.rematches],
        connection=queue.connection,
        serializer=JSONSerializer,
        heartbeat_s=60,
    )
    worker.work(burst=True)


def test_a_job_does_slice_after_slice(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.rematch.run_slice", hasty_slice)
    fruit_calls(station.engine)
    publish_now(station.engine, "fruit", "apple")
    number = ask(station.engine)
    assert station.queue.enqueue_rematch(number)
    assert not station.queue.enqueue_rematch(number)
    assert station.queue.live_rematches() == {number}
    work_off(station.queue)
    assert (the(station.engine, number).state, len(hits(station.engine))) == ("done", 5)
    assert station.queue.live_rematches() == set()


def hasty_slice(engine: Engine, number: int, shelf: Shelf, judge: Judge) -> int | None:
    return run_slice(engine, number, shelf, judge, seconds=0)


def test_calls_and_slices_take_turns(station: Station) -> None:
    queue = station.queue
    for number in (1, 2, 3):
        queue.enqueue(number, timeout_s=60)
    queue.enqueue_rematch(7)
    queue.hand_over(7, 0)
    ran: list[str] = []

    class Noting(HearingWorker):
        def perform_job(self, job: Any, queue: Any, execution: Any) -> bool:
            ran.append(job.id)
            return super().perform_job(job, queue, execution)

    Noting(
        [queue.rq, queue.rematches],
        connection=queue.connection,
        serializer=JSONSerializer,
        heartbeat_s=60,
    ).work(burst=True, dequeue_strategy="round_robin")
    assert ran == ["call-1", "rematch-7", "call-2", "rematch-7-next", "call-3"]


def test_one_without_a_job_is_asked_for_again(station: Station, settings: Settings) -> None:
    fruit_calls(station.engine)
    publish_now(station.engine, "fruit", "apple")
    number = ask(station.engine)
    at_once = settings.model_copy(update={"reconcile_s": 1e-6})
    stores = station.stores
    assert reconcile(station.engine, station.queue, stores, settings) == 0  # it is fresh
    assert reconcile(station.engine, station.queue, stores, at_once) == 1
    assert reconcile(station.engine, station.queue, stores, at_once) == 0
    work_off(station.queue)
    assert the(station.engine, number).state == "done"
    assert reconcile(station.engine, station.queue, stores, at_once) == 0


def test_a_retag_touches_no_moment_of_the_call(engine: Engine) -> None:
    [number] = fruit_calls(engine, 1)
    with Session(engine) as session:
        before = session.get_one(Call, number).model_dump()
    publish_now(engine, "fruit", "apple")
    retag_in_process(engine, a_judge(engine))
    with Session(engine) as session:
        after = session.get_one(Call, number).model_dump()
    assert before.pop("facets") != after.pop("facets")  # it is found by its new hit
    assert after == before | {"lexicon_revision": 1}
