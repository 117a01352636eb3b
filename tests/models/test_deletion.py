"""What goes with a call, what stays, and that no crash loses a recording from sight."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect, text
from sqlmodel import Session, col, select

import models.deletion
from models import Audit, Call, DoomedRecording
from models.call import CallPush, Status
from models.db import reading, writing
from models.deletion import (
    CannotDelete,
    Order,
    Why,
    count_older,
    delete_call,
    delete_calls,
    delete_older,
)
from models.doomed import count_doomed, remove_doomed
from models.filters import CallQuery
from models.pushes import add_call
from models.rematch import Rematch
from models.search import Finder
from models.stores import Stores
from tests.fakes import ANGRY, turn
from tests.records import store_call

ORDER = Order(Why.ASKED, key_name="admin", by="Alice")
FIRST = datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    (tmp_path / "uploads").mkdir()
    (tmp_path / "store").mkdir()
    return Stores(tmp_path / "uploads", (str(tmp_path / "store"),))


def pushed(engine: Engine, recording: str, name: str = "a", **fields: object) -> int:
    with writing(engine) as session:
        call, _ = add_call(
            session, CallPush(started_at=FIRST), recording, external_id=name, agent_channel="left"
        )
        for field, value in fields.items():
            setattr(call, field, value)
        session.add(call)
        session.commit()
        assert call.id is not None
        return call.id


def uploaded(stores: Stores) -> str:
    return stores.save([b"sound"], name="a.wav", max_bytes=100).recording


def files(stores: Stores) -> list[Path]:
    return [path for path in stores.uploads.rglob("*") if path.is_file()]


def rows(engine: Engine) -> dict[str, int]:
    """How many rows each table has, of those that have any."""
    with engine.connect() as connection:
        counts = {
            name: connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one()
            for name in inspect(engine).get_table_names()
            if not name.startswith(("turn_index", "call_text_", "alembic"))
        }
    return {name: count for name, count in counts.items() if count}


def test_a_call_goes_with_all_that_hangs_on_it(engine: Engine, stores: Stores) -> None:
    from models.comment import add_comment
    from models.hit import Hit
    from models.hit_verdict import give_hit_verdict
    from models.review import Changes, change_calls
    from models.verdict import give_verdict

    said = turn("customer", 3.0, "You are useless idiots, where is my bearing?", ANGRY)
    number, other = (store_call(engine, name, said) for name in "ab")
    with writing(engine) as session:
        change_calls(session, [number], Changes(assignee="Al", tags_added=("refund",)), by="Al")
        add_comment(session, number, text="Hm.", by="Al", key_name="Al")
        give_verdict(session, number, speaker="customer", angry=True, given_by="Al")
        hit = session.exec(select(Hit).where(Hit.call_id == number)).first()
        assert hit is not None
        assert hit.id is not None
        give_hit_verdict(session, number, hit.id, right=True, given_by="Al")
    before = rows(engine)

    with writing(engine) as session:
        done = delete_call(session, stores, number, ORDER)

    assert done is not None
    assert done.calls == (number,)
    after = rows(engine)
    assert (after.pop("audit"), after.pop("doomed_recording", 0)) == (2, 0)
    own = ("call_label", "comment", "call_event", "mood_verdict", "hit_verdict")
    assert not after.keys() & set(own)
    assert all(before[name] for name in own)
    for name in ("call", "turn", "speaker", "call_tag", "hit", "alert"):
        assert before[name] == 2 * after[name], name
    with reading(engine) as session:
        [found] = Finder().find(session, CallQuery(q="bearing"), limit=5).items
        entry, removal = session.exec(select(Audit).order_by(col(Audit.id))).all()
    assert found.call.id == other
    assert (entry.action, entry.call_id, entry.key_name) == ("deletion", number, "admin")
    assert entry.detail == {"why": "asked", "by": "Alice", "audio": "pending"}
    assert (removal.action, removal.call_id, removal.detail) == ("removal", number, {})


def test_an_uploaded_recording_goes_with_its_call(engine: Engine, stores: Stores) -> None:
    number = pushed(engine, uploaded(stores))
    assert len(files(stores)) == 1
    with writing(engine) as session:
        done = delete_call(session, stores, number, ORDER)
        assert done is not None
        assert (done.left, done.pending) == (0, 0)
        assert delete_call(session, stores, number, ORDER) is None
    assert files(stores) == []
    assert rows(engine).keys() == {"audit"}


def test_a_recording_in_a_store_of_others_is_left(
    engine: Engine, stores: Stores, tmp_path: Path
) -> None:
    path = tmp_path / "store" / "a.wav"
    path.write_bytes(b"sound")
    number = pushed(engine, stores.locate(str(path)))
    away = pushed(engine, "https://records.example.com/calls/a.wav", "b")
    with writing(engine) as session:
        done = delete_calls(session, stores, [number, away], ORDER)
    assert (done.calls, done.left, done.pending) == ((number, away), 2, 0)
    assert path.read_bytes() == b"sound"
    with reading(engine) as session:
        assert [one.detail["audio"] for one in session.exec(select(Audit))] == ["left", "left"]
        assert session.exec(select(DoomedRecording)).all() == []


def test_the_row_goes_first_and_what_cannot_be_removed_stays_known(
    engine: Engine,
    stores: Stores,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    recording = uploaded(stores)
    number = pushed(engine, recording)

    def refuse(_stores: Stores, _recording: str) -> None:
        with reading(engine) as session:
            assert session.get(Call, number) is None
            [doomed] = session.exec(select(DoomedRecording)).all()
            assert doomed.recording == recording
        raise PermissionError(f"/somewhere/{recording}")

    monkeypatch.setattr(Stores, "remove", refuse)
    with caplog.at_level(logging.DEBUG), writing(engine) as session:
        done = delete_call(session, stores, number, ORDER)
    assert done is not None
    assert done.pending == 1
    assert rows(engine).keys() == {"audit", "doomed_recording"}
    assert "PermissionError" in caplog.text
    assert "somewhere" not in caplog.text


def test_the_trail_says_that_a_recording_is_gone_only_once_it_is(
    engine: Engine, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [pushed(engine, uploaded(stores), name) for name in "ab"]
    remove = Stores.remove

    def look(_stores: Stores, recording: str) -> None:
        assert [action for action, _ in trail(engine)] == ["deletion", "deletion"]
        remove(_stores, recording)

    with monkeypatch.context() as patch, writing(engine) as session:
        patch.setattr(Stores, "remove", look)
        delete_calls(session, stores, numbers, ORDER)
    assert trail(engine)[2:] == [("removal", number) for number in numbers]
    assert files(stores) == []


def test_two_who_remove_the_same_recording_leave_one_entry(
    engine: Engine, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = pushed(engine, uploaded(stores))
    with monkeypatch.context() as patch, writing(engine) as session:
        patch.setattr(models.deletion, "remove_doomed", lambda *_: 0)
        assert delete_calls(session, stores, [number], ORDER).pending == 1
    with reading(engine) as session:
        doomed = session.exec(select(DoomedRecording)).all()
        assert count_doomed(session) == 1
    for _ in range(2):
        with writing(engine) as session:
            assert remove_doomed(session, stores, doomed) == 1
    assert trail(engine) == [("deletion", number), ("removal", number)]
    with reading(engine) as session:
        assert count_doomed(session) == 0


def test_the_number_of_a_doomed_recording_is_never_given_again(engine: Engine) -> None:
    numbers = []
    for _ in range(2):
        with writing(engine) as session:
            doomed = DoomedRecording(recording="upload:aa/a.wav")
            session.add(doomed)
            session.commit()
            numbers.append(doomed.id or 0)
            session.delete(doomed)
            session.commit()
    assert numbers[0] < numbers[1]


def trail(engine: Engine) -> list[tuple[str, int | None]]:
    with reading(engine) as session:
        entries = session.exec(select(Audit).order_by(col(Audit.id))).all()
    return [(entry.action, entry.call_id) for entry in entries]


def test_what_must_stay_says_why(engine: Engine, stores: Stores) -> None:
    held = pushed(engine, uploaded(stores), "a", legal_hold=True)
    heard = pushed(engine, uploaded(stores), "b", status=Status.HEARING)
    free = pushed(engine, uploaded(stores), "c")
    with writing(engine) as session:
        with pytest.raises(CannotDelete, match="legal hold"):
            delete_call(session, stores, held, ORDER)
        with pytest.raises(CannotDelete, match="being heard"):
            delete_call(session, stores, heard, ORDER)
        done = delete_calls(session, stores, [held, heard, free, 99], ORDER)
    assert (done.calls, done.held, done.being_heard) == ((free,), (held,), (heard,))
    assert len(files(stores)) == 2


def test_the_oldest_go_batch_by_batch(engine: Engine, stores: Stores) -> None:
    days = [FIRST - timedelta(days=n) for n in range(6)]
    numbers = [pushed(engine, uploaded(stores), str(i), started_at=at) for i, at in enumerate(days)]
    with writing(engine) as session:
        session.get_one(Call, numbers[5]).legal_hold = True
        session.get_one(Call, numbers[4]).status = Status.HEARING
        session.commit()
    before = FIRST - timedelta(days=1)
    order = Order(Why.RETENTION)
    with writing(engine) as session:
        assert count_older(session, before) == (2, 1)
        assert delete_older(session, stores, before, order, limit=1).calls == (numbers[3],)
        assert delete_older(session, stores, before, order, limit=5).calls == (numbers[2],)
        assert delete_older(session, stores, before, order, limit=5).calls == ()
        left = session.exec(select(Call.id).order_by(Call.id)).all()  # type: ignore[arg-type]
        assert left == [numbers[0], numbers[1], numbers[4], numbers[5]]
        went = session.exec(select(Audit).where(Audit.action == "deletion"))
        assert {one.detail["why"] for one in went} == {"retention"}


def test_previews_forget_what_a_deleted_call_said(engine: Engine, stores: Stores) -> None:
    going, staying = pushed(engine, "upload:a", "a"), pushed(engine, "upload:b", "b")

    def excerpt(number: int) -> dict[str, object]:
        return {"call_id": number, "external_id": "a", "text": f"said in {number}"}

    terms = [
        {"term": "bearing", "gained": 2, "lost": 1}
        | {"gained_in": [excerpt(going), excerpt(staying)], "lost_in": [excerpt(going)]}
    ]
    with writing(engine) as session:
        for kind, result in (
            ("preview", {"lexicon": "product", "calls": 2, "terms": terms}),
            ("preview", {}),
            ("retag", {"changed": going}),
        ):
            session.add(Rematch(kind=kind, revision=1, total=2, result=result))
        session.commit()
        delete_call(session, stores, going, ORDER)

    with reading(engine) as session:
        preview, empty, retag = session.exec(select(Rematch).order_by(Rematch.id)).all()  # type: ignore[arg-type]
    [term] = preview.result["terms"]
    assert term == {"term": "bearing", "gained": 2, "lost": 1, "lost_in": []} | {
        "gained_in": [excerpt(staying)]
    }
    assert (empty.result, retag.result) == ({}, {"changed": going})


def test_a_call_that_is_written_meanwhile_is_waited_for(engine: Engine, stores: Stores) -> None:
    """Whoever puts a call under hold first wins, whatever deletion saw before."""
    number = pushed(engine, uploaded(stores))
    with writing(engine) as first:
        first.get_one(Call, number, with_for_update=True).legal_hold = True
        first.flush()
        from threading import Thread

        raised: list[type[Exception]] = []

        def delete() -> None:
            with Session(engine.execution_options(sqlite_begin="IMMEDIATE")) as session:
                try:
                    delete_call(session, stores, number, ORDER)
                except CannotDelete as error:
                    raised.append(type(error))

        other = Thread(target=delete)
        other.start()
        other.join(0.2)
        assert other.is_alive()
        first.commit()
        other.join(10)
    assert raised == [CannotDelete]
    assert len(files(stores)) == 1
