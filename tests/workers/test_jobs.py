"""Hearing a call as a job: done, failed with a reason, tried again, never twice."""

from __future__ import annotations

import wave
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, select

import workers.jobs
from models import Alert, Call, Turn
from models.alert_rule import RuleText, save_rule, switch_rule
from models.call import CallPush, Status
from models.columns import now
from models.db import reading, writing
from models.deletion import Order, Why, delete_call
from models.pushes import add_call
from models.review import change_hold
from models.stores import Stores
from models.waiting import UnderHold, ask_again
from settings import Settings
from speech.listen import Ears
from tests.fakes import ToldMood, ToldTranscriber
from workers.jobs import NOBODY_SPEAKS, hear_call, ingest
from workers.pipeline import Analysis
from workers.published import Shelf, seed
from workers.queue import CallQueue
from workers.rules.book import RuleBook
from workers.station import Station
from workers.wake import Wake

MakeStation = Callable[..., Station]


@pytest.fixture
def station(settings: Settings, engine: Engine, queue: CallQueue) -> MakeStation:
    """Makes a station whose ears hear what they are told."""

    def make(text: str = "hello there", before: Callable[[], None] | None = None) -> Station:
        return Station(
            settings=settings,
            engine=engine,
            queue=queue,
            stores=Stores(settings.recordings, settings.stores),
            ears=Ears(ToldTranscriber(text, before), ToldMood()),  # type: ignore[arg-type]
            shelf=Shelf(engine),
            rules=RuleBook(engine),
        )

    return make


def write_noise(path: Path, seconds: float = 2.0) -> None:
    noise = np.random.default_rng(0).normal(0, 500, int(8000 * seconds)).astype("<i2")
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(noise.tobytes())


def pushed(here: Station, content: bytes | None = None, **push: Any) -> int:
    folder = Path(here.settings.stores[0])
    path = folder / "call.wav"
    if content is None:
        write_noise(path)
    else:
        path.write_bytes(content)
    with writing(here.engine) as session:
        call, _ = add_call(
            session,
            CallPush(external_id="a", **push),
            here.stores.locate(str(path)),
            external_id="a",
            agent_channel="left",
        )
    assert call.id is not None
    return call.id


def the_call(engine: Engine) -> Call:
    with Session(engine) as session:
        return session.exec(select(Call)).one()


def turns(engine: Engine) -> list[str]:
    with Session(engine) as session:
        return [turn.text for turn in session.exec(select(Turn))]


def test_a_call_is_heard_and_done(station: MakeStation, engine: Engine) -> None:
    here = station()
    hear_call(pushed(here), here)
    call = the_call(engine)
    assert (call.status, call.error, call.attempts) == ("done", None, 1)
    assert call.duration_s == pytest.approx(2.0, abs=0.1)
    assert turns(engine) == ["hello there"]


def test_a_call_that_was_heard_wakes_who_waits_for_alerts(
    station: MakeStation, valkey_url: str
) -> None:
    here = station("you useless idiots")
    number = pushed(here)
    wake = Wake(valkey_url)
    wake.wait(0.1)  # it is subscribed now
    hear_call(number, here)
    since = monotonic()
    wake.wait(30)
    assert monotonic() - since < 15
    wake.close()


def test_a_job_that_runs_twice_hears_once(station: MakeStation, engine: Engine) -> None:
    here = station()
    number = pushed(here)
    hear_call(number, here)
    hear_call(number, station(before=lambda: pytest.fail("heard again")))
    assert the_call(engine).attempts == 1
    assert turns(engine) == ["hello there"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"Dear Sir, this is no recording but a letter.\n" * 50, "not an audio file"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x00\x00\x00\x00", "the recording"),
    ],
)
def test_what_cannot_be_heard_fails_at_once_with_the_reason(
    station: MakeStation, engine: Engine, content: bytes, reason: str
) -> None:
    here = station()
    hear_call(pushed(here, content), here)
    call = the_call(engine)
    assert call.status == "failed"
    assert call.error is not None
    assert reason in call.error


def test_a_recording_in_which_nobody_speaks_fails_with_the_reason(
    station: MakeStation, engine: Engine
) -> None:
    here = station(text="")
    hear_call(pushed(here), here)
    call = the_call(engine)
    assert (call.status, call.error) == ("failed", NOBODY_SPEAKS)
    assert call.duration_s == pytest.approx(2.0, abs=0.1)


def test_a_recording_longer_than_the_limit_fails_with_the_limit(
    station: MakeStation, engine: Engine
) -> None:
    here = station()
    number = pushed(here)
    short = here.settings.model_copy(update={"max_audio_s": 1.0})
    hear_call(
        number,
        Station(short, engine, here.queue, here.stores, here.ears, here.shelf, here.rules),
    )
    call = the_call(engine)
    assert call.status == "failed"
    assert "OVERTONE_MAX_AUDIO_S" in str(call.error)


def test_a_recording_that_is_gone_fails_with_the_reason(
    station: MakeStation, engine: Engine
) -> None:
    here = station()
    number = pushed(here)
    (Path(here.settings.stores[0]) / "call.wav").unlink()
    hear_call(number, here)
    assert the_call(engine).status == "failed"
    assert "no such file" in str(the_call(engine).error)


def test_a_surprise_is_tried_again_until_the_count_is_full(
    station: MakeStation, engine: Engine
) -> None:
    def surprise() -> None:
        raise RuntimeError("out of luck")

    here = station(before=surprise)
    number = pushed(here)
    seen = []
    for _ in range(here.settings.job_failures):
        with pytest.raises(RuntimeError):
            hear_call(number, here)
        seen.append(the_call(engine).status)
    assert seen == ["queued", "queued", "failed"]
    assert "RuntimeError: out of luck" in str(the_call(engine).error)


def test_a_call_that_succeeds_after_a_surprise_shows_no_error(
    station: MakeStation, engine: Engine
) -> None:
    def surprise() -> None:
        raise RuntimeError("once")

    number = pushed(station())
    with pytest.raises(RuntimeError):
        hear_call(number, station(before=surprise))
    hear_call(number, station())
    assert (the_call(engine).status, the_call(engine).error) == ("done", None)


def test_a_call_that_is_not_there_is_no_trouble(station: MakeStation) -> None:
    hear_call(99, station())


@pytest.mark.parametrize("text", ["hello there", "", "broken"])
def test_a_call_that_is_deleted_while_it_is_heard_does_not_come_back(
    station: MakeStation, engine: Engine, text: str
) -> None:
    here = station()
    number = pushed(here)

    def delete() -> None:
        with writing(engine) as session:
            ask_again(session, number)  # what is being heard is not deleted: this makes it wait
            done = delete_call(session, here.stores, number, Order(Why.ASKED))
            assert done is not None
            assert done.calls == (number,)
        if text == "broken":
            raise RuntimeError("a surprise")

    with nullcontext() if text != "broken" else pytest.raises(RuntimeError, match="surprise"):
        hear_call(number, station(text, delete))
    hear_call(number, here)
    with Session(engine) as session:
        assert session.exec(select(Call)).all() == []
        assert session.exec(select(Turn)).all() == []


@pytest.mark.parametrize("when", ["before", "meanwhile", "broken", "nobody speaks"])
def test_a_call_that_is_put_under_hold_stays_as_it_was_heard(
    station: MakeStation, engine: Engine, when: str
) -> None:
    here = station("hello there")
    number = pushed(here)
    hear_call(number, here)
    with writing(engine) as session:
        ask_again(session, number)

    def hold() -> None:
        with writing(engine) as session:
            change_hold(session, number, held=True, reason="Case 1", by="Al", key_name="Al")
        if when == "broken":
            raise RuntimeError("a surprise")

    if when == "before":
        hold()
    again = station("" if when == "nobody speaks" else "something else", hold)
    with nullcontext() if when != "broken" else pytest.raises(RuntimeError, match="surprise"):
        hear_call(number, again)
    assert turns(engine) == ["hello there"]
    call = the_call(engine)
    assert (call.status, call.error, call.legal_hold) == ("done", None, True)
    with writing(engine) as session, pytest.raises(UnderHold, match=f"call {number} is under"):
        ask_again(session, number)


def test_a_held_call_that_was_never_heard_may_be(station: MakeStation, engine: Engine) -> None:
    here = station("hello there")
    number = pushed(here)
    with writing(engine) as session:
        change_hold(session, number, held=True, reason="Case 1", by="Al", key_name="Al")
        ask_again(session, number)
    hear_call(number, here)
    assert (the_call(engine).status, turns(engine)) == ("done", ["hello there"])


def test_a_pipeline_may_enqueue_an_ingest_itself(
    station: MakeStation, engine: Engine, queue: CallQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = station()
    path = Path(here.settings.stores[0]) / "call.wav"
    write_noise(path)
    monkeypatch.setattr("workers.jobs.station", lambda: here)
    first = ingest(str(path), external_id="4711", agent="Alice")
    assert ingest(str(path), external_id="4711") == first
    assert (the_call(engine).agent, queue.live()) == ("Alice", {first})


def test_an_ingest_replaces_a_recording_that_could_not_be_heard(
    station: MakeStation, engine: Engine, queue: CallQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = station()
    store = Path(here.settings.stores[0])
    (store / "rubbish.wav").write_bytes(b"rubbish")
    write_noise(store / "call.wav")
    monkeypatch.setattr("workers.jobs.station", lambda: here)
    number = ingest(str(store / "rubbish.wav"), external_id="4711")
    hear_call(number, here)
    queue.rq.empty()
    assert ingest(str(store / "rubbish.wav"), external_id="4711") == number
    assert (the_call(engine).status, queue.depth()) == ("failed", 0)
    assert ingest(str(store / "call.wav"), external_id="4711") == number
    assert (the_call(engine).status, queue.live()) == ("queued", {number})


def test_what_a_pipeline_sent_wrong_is_named_without_its_value(
    station: MakeStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = station()
    path = Path(here.settings.stores[0]) / "call.wav"
    write_noise(path)
    monkeypatch.setattr("workers.jobs.station", lambda: here)
    with pytest.raises(ValueError, match="caller") as error:
        ingest(str(path), caller="+44 20 7946 0958\n", nonsense="opensesame")
    assert "0958" not in str(error.value)
    assert "opensesame" not in str(error.value)


def test_a_call_is_judged_by_the_rules_of_the_moment_and_by_its_metadata(
    station: MakeStation, engine: Engine
) -> None:
    here = station("you liar")
    abusive = {"hits": {"lexicon": "abusive"}, "who": "anybody"}
    orders = {"metadata": {"key": "queue", "equals": "orders"}}
    seed(engine)
    with writing(engine) as session:
        for name, condition in (("rude", abusive), ("orders", orders)):
            rule = RuleText({"all_of": [condition]}, "low", None, True)
            save_rule(session, name, rule, by=None)
    hear_call(pushed(here), here)
    with writing(engine) as session:
        assert [alert.rule for alert in session.exec(select(Alert))] == ["rude"]
        switch_rule(session, "rude", enabled=False, by=None)
        session.delete(session.exec(select(Alert)).one())
        call = session.exec(select(Call)).one()
        call.details = {"queue": "orders"}
        session.commit()
        assert ask_again(session, call.id or 0)
    hear_call(call.id or 0, here)
    with reading(engine) as session:
        assert [alert.rule for alert in session.exec(select(Alert))] == ["orders"]


MISSED = RuleText({"all_of": [{"outcome": {"one_of": ["missed"]}}]}, "high", enabled=True)


def test_a_call_without_a_recording_is_judged_and_done(station: MakeStation) -> None:
    here = station()
    with writing(here.engine) as session:
        save_rule(session, "missed", MISSED, by="Ann")
        push = CallPush(external_id="a", outcome="missed")
        call, _created = add_call(session, push, "", external_id="a", agent_channel="left")
    hear_call(call.id or 0, here)
    heard = the_call(here.engine)
    assert (heard.status, heard.error) == ("done", None)
    with reading(here.engine) as session:
        assert [alert.rule for alert in session.exec(select(Alert))] == ["missed"]


@pytest.mark.parametrize("content", [b"", b"Dear Sir, this is no recording.\n" * 50])
def test_a_call_that_cannot_be_heard_is_judged_by_how_it_went(
    station: MakeStation, content: bytes
) -> None:
    here = station()
    quiet = RuleText({"all_of": [{"hits": {"lexicon": "praise"}, "not": True}]}, "low", None, True)
    with writing(here.engine) as session:
        save_rule(session, "missed", MISSED, by="Ann")
        save_rule(session, "no praise", quiet, by="Ann")
    hear_call(pushed(here, content, outcome="missed"), here)
    assert the_call(here.engine).status == "failed"
    with reading(here.engine) as session:
        assert [alert.rule for alert in session.exec(select(Alert))] == ["missed"]


def test_a_recording_that_comes_while_its_call_is_judged_is_heard_afterwards(
    station: MakeStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = station()
    with writing(here.engine) as session:
        push = CallPush(external_id="a", outcome="missed")
        call, _created = add_call(session, push, "", external_id="a", agent_channel="left")
    judge = workers.jobs._analyse
    waiting = [lambda: pushed(here)]

    def judge_slowly(*args: Any) -> Analysis:
        if waiting:
            waiting.pop()()
        return judge(*args)

    monkeypatch.setattr(workers.jobs, "_analyse", judge_slowly)
    hear_call(call.id or 0, here)
    assert the_call(here.engine).status == "queued"
    hear_call(call.id or 0, here)
    assert the_call(here.engine).status == "done"
    assert turns(here.engine) == ["hello there"]


def test_a_call_in_which_nobody_speaks_is_judged_and_failed(station: MakeStation) -> None:
    here = station("")
    rule = RuleText({"all_of": [{"duration": {"at_least_s": 1}}]}, "high", enabled=True)
    with writing(here.engine) as session:
        save_rule(session, "silent", rule, by="Ann")
    hear_call(pushed(here), here)
    assert the_call(here.engine).error == NOBODY_SPEAKS
    with reading(here.engine) as session:
        assert [alert.rule for alert in session.exec(select(Alert))] == ["silent"]


def test_a_rule_that_cannot_be_read_stops_no_hearing(station: MakeStation) -> None:
    here = station()
    with writing(here.engine) as session:
        rule = RuleText({"all_of": [{"weather": {"at_least": 3}}]}, "high", enabled=True)
        save_rule(session, "of a later version", rule, by="Ann")
    hear_call(pushed(here), here)
    assert the_call(here.engine).status == "done"


@pytest.mark.parametrize(("days", "is_awaited"), [(6, True), (8, False)])
def test_an_alert_on_a_call_of_long_ago_is_never_overdue(
    station: MakeStation, engine: Engine, days: int, is_awaited: bool
) -> None:
    rule = {"all_of": [{"duration": {"at_least_s": 1}}]}
    with writing(engine) as session:
        save_rule(session, "long", RuleText(rule, "high", 600.0, enabled=True), by=None)
    here = station()
    number = pushed(here)
    with writing(engine) as session:
        session.get_one(Call, number).started_at = now() - timedelta(days=days)
        session.commit()
    hear_call(number, here)
    with reading(engine) as session:
        [due_at] = session.exec(select(Alert.due_at).where(Alert.rule == "long"))
    assert (due_at is not None) == is_awaited


def test_what_a_push_tells_while_its_call_is_heard_is_judged_too(
    station: MakeStation, engine: Engine
) -> None:
    with writing(engine) as session:
        save_rule(session, "missed", MISSED, by="Ann")
    here = station(before=lambda: push_outcome(engine))
    number = pushed(here)
    hear_call(number, here)
    assert the_call(engine).status == "done"
    assert alerted(engine) == ["missed"]


def test_what_a_pipeline_tells_of_a_call_that_was_heard_is_judged(
    station: MakeStation, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = station()
    monkeypatch.setattr("workers.jobs.station", lambda: here)
    with writing(engine) as session:
        save_rule(session, "missed", MISSED, by="Ann")
    hear_call(pushed(here), here)
    assert alerted(engine) == []
    ingest(str(Path(here.settings.stores[0]) / "call.wav"), external_id="a", outcome="missed")
    assert alerted(engine) == ["missed"]


def test_a_job_judges_all_calls_of_which_something_was_told(
    station: MakeStation, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = station()
    monkeypatch.setattr("workers.jobs.station", lambda: here)
    monkeypatch.setattr("models.unjudged.AT_ONCE", 2)
    with writing(engine) as session:
        save_rule(session, "missed", MISSED, by="Ann")
        for name in ("a", "b", "c", "d", "e"):
            silent = CallPush(external_id=name, outcome="failed")
            call, _ = add_call(session, silent, "", external_id=name, agent_channel="left")
            call.status = Status.DONE
            session.add(call)
            session.commit()
    for name in ("a", "c", "d", "e"):
        push_outcome(engine, name)
    workers.jobs.judge()
    assert alerted(engine) == ["missed"] * 4
    workers.jobs.judge()
    assert alerted(engine) == ["missed"] * 4


@pytest.mark.parametrize("content", [b"", None])
def test_a_call_that_could_not_be_heard_is_judged_anew_by_what_is_told_of_it(
    station: MakeStation, engine: Engine, content: bytes | None
) -> None:
    here = station("")  # nobody speaks
    quiet = {"silence": {"at_least_s": 3}, "who": "anybody", "not": True}
    with writing(engine) as session:
        save_rule(session, "missed", MISSED, by="Ann")
        save_rule(session, "quiet", RuleText({"all_of": [quiet]}, "low", None, True), by="Ann")
    hear_call(pushed(here, content), here)
    before = alerted(engine)
    push_outcome(engine)
    assert here.judge.judge_news() == 1
    assert the_call(engine).status == "failed"
    assert alerted(engine) == [*before, "missed"]
    with reading(engine) as session:
        assert set(session.exec(select(Alert.no_longer_at))) == {None}
        assert {alert.updated_at - alert.created_at for alert in session.exec(select(Alert))} == {
            timedelta()
        }


def push_outcome(engine: Engine, name: str = "a") -> None:
    with writing(engine) as session:
        push = CallPush(external_id=name, outcome="missed")
        _, created = add_call(session, push, "", external_id=name, agent_channel="left")
    assert not created


def alerted(engine: Engine) -> list[str]:
    with reading(engine) as session:
        return [alert.rule for alert in session.exec(select(Alert).order_by(col(Alert.id)))]
