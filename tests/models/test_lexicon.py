"""The life of a lexicon: drafted, published, retired, seeded; by many at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Engine, inspect
from sqlmodel import Session, select

from models import Call, Hit, Lexicon, LexiconVersion, Rematch
from models.db import migrate, reading, writing
from models.filters import CallQuery
from models.indexing import index_missing
from models.lexicon import (
    LexiconRefused,
    drop_draft,
    list_lexicons,
    publish,
    published_tables,
    retire,
    revision,
    save_draft,
    seed_lexicons,
    table_of,
    versions_of,
)
from models.search import Finder
from tests.fakes import turn
from tests.records import store_call


def table(name: str = "fruit", *terms: str, version: int = 1) -> dict[str, Any]:
    return {
        "name": name,
        "purpose": "custom",
        "version": version,
        "terms": [{"text": term} for term in terms],
    }


def published(engine: Engine) -> dict[str, tuple[int, list[str]]]:
    """The version and terms of all that is published, by name."""
    with reading(engine) as session:
        return {
            one["name"]: (one["version"], [term["text"] for term in one["terms"]])
            for one in published_tables(session)
        }


def at_once(engine: Engine, *work: Callable[[Session], object]) -> list[object]:
    """What becomes of work that begins at one moment, each in a thread and session of its own."""
    start = Barrier(len(work))

    def run(one: Callable[[Session], object]) -> object:
        with writing(engine) as session:
            start.wait()
            return one(session)

    with ThreadPoolExecutor(len(work)) as threads:
        return list(threads.map(run, work))


def test_a_draft_finds_nothing_before_it_is_published(engine: Engine) -> None:
    with writing(engine) as session:
        assert save_draft(session, table("fruit", "apple"), by="ann") == 1
        assert (published_tables(session), revision(session)) == ([], 0)
        assert publish(session, "fruit", by="bob") == 1
        assert revision(session) == 1
    assert published(engine) == {"fruit": (1, ["apple"])}
    with reading(engine) as session:
        [version] = versions_of(session, "fruit")
    assert (version.state, version.created_by, version.published_by) == ("published", "ann", "bob")
    assert (version.terms, version.shipped) == (1, False)
    assert version.published_at is not None


def test_a_saved_draft_takes_the_place_of_the_one_before(engine: Engine) -> None:
    with writing(engine) as session:
        save_draft(session, table("fruit", "apple"), by="ann")
        assert save_draft(session, table("fruit", "pear", "plum"), by="bob") == 1
        assert table_of(session, "fruit", draft=True) == table("fruit", "pear", "plum")
        assert table_of(session, "fruit") is None
        [listed] = list_lexicons(session)
    assert listed.current is None
    assert listed.draft is not None
    assert (listed.draft.version, listed.draft.created_by, listed.draft.terms) == (1, "bob", 2)


def test_published_versions_stay_and_the_highest_counts(engine: Engine) -> None:
    with writing(engine) as session:
        for term in ("apple", "pear"):
            save_draft(session, table("fruit", term), by=None)
            publish(session, "fruit", by=None)
        save_draft(session, table("fruit", "plum"), by=None)
        assert [one.version for one in versions_of(session, "fruit")] == [3, 2, 1]
        assert table_of(session, "fruit", version=1) == table("fruit", "apple", version=1)
        assert table_of(session, "fruit") == table("fruit", "pear", version=2)
        assert table_of(session, "fruit", draft=True) == table("fruit", "plum", version=3)
        assert table_of(session, "fruit", version=9) is None
        assert table_of(session, "vegetables") is None
        assert versions_of(session, "vegetables") == []
        assert revision(session) == 2


def test_publishing_without_a_draft_does_nothing(engine: Engine) -> None:
    with writing(engine) as session:
        assert publish(session, "fruit", by=None) is None
        save_draft(session, table("fruit"), by=None)
        assert publish(session, "fruit", by=None) == 1
        assert publish(session, "fruit", by=None) is None
        assert revision(session) == 1


def test_a_dropped_draft_leaves_what_is_published(engine: Engine) -> None:
    with writing(engine) as session:
        save_draft(session, table("fruit", "apple"), by=None)
        assert drop_draft(session, "fruit")
        assert list_lexicons(session) == []
        assert not drop_draft(session, "fruit")
        save_draft(session, table("fruit", "apple"), by=None)
        publish(session, "fruit", by=None)
        save_draft(session, table("fruit", "pear"), by=None)
        assert drop_draft(session, "fruit")
        assert not drop_draft(session, "fruit")
    assert published(engine) == {"fruit": (1, ["apple"])}


def test_a_retired_lexicon_counts_no_more_until_it_is_published_again(engine: Engine) -> None:
    with writing(engine) as session:
        save_draft(session, table("fruit", "apple"), by=None)
        publish(session, "fruit", by=None)
        assert retire(session, "fruit", by="ann")
        assert not retire(session, "fruit", by="ann")
        assert not retire(session, "vegetables", by="ann")
        assert (published_tables(session), revision(session)) == ([], 2)
        [listed] = list_lexicons(session)
        assert listed.retired
        save_draft(session, table("fruit", "pear"), by=None)
        assert publish(session, "fruit", by=None) == 2
        assert revision(session) == 3
    assert published(engine) == {"fruit": (2, ["pear"])}


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"name": "angry"}, "comes of the voice"),
        ({"name": ""}, "must not be empty"),
        ({"name": " fruit"}, "spaces"),
        ({"name": "fruit\n"}, "control"),
        ({"name": "fruit/vegetables"}, "slash"),
        ({"name": "f" * 101}, "at most 100"),
        ({"name": None}, "needs a name"),
        ({"purpose": None}, "a purpose"),
        ({"terms": [{"text": "a\0"}]}, "NUL"),
        ({"terms": [{"text": "a", "forms": ["\ud83d"]}]}, "half a character"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_what_to_do(
    engine: Engine, wrong: dict[str, Any], why: str
) -> None:
    with writing(engine) as session:
        with pytest.raises(LexiconRefused, match=why):
            save_draft(session, table() | wrong, by=None)
        assert list_lexicons(session) == []


def test_what_was_saved_comes_back_as_it_was(engine: Engine) -> None:
    odd = table("fruit", "яблоко", "שלום", "ё", "\u202eevil")
    odd["terms"].append({"text": "x" * 10_000, "within": 3, "unless": ["a b"], "negatable": False})
    with writing(engine) as session:
        save_draft(session, odd, by=None)
        assert table_of(session, "fruit", draft=True) == odd


def test_an_empty_lexicon_is_a_lexicon(engine: Engine) -> None:
    with writing(engine) as session:
        save_draft(session, table("fruit"), by=None)
        publish(session, "fruit", by=None)
    assert published(engine) == {"fruit": (1, [])}


def test_two_who_publish_at_once_make_one_version(engine: Engine) -> None:
    with writing(engine) as session:
        save_draft(session, table("fruit", "apple"), by=None)
    publishing = [lambda session: publish(session, "fruit", by=None)] * 4
    assert sorted(at_once(engine, *publishing), key=str) == [1, None, None, None]
    with reading(engine) as session:
        assert revision(session) == 1


def test_many_who_save_and_publish_at_once_never_share_a_number(engine: Engine) -> None:
    def edit(session: Session) -> object:
        for term in ("apple", "pear"):
            save_draft(session, table("fruit", term), by=None)
            publish(session, "fruit", by=None)
        return None

    at_once(engine, *[edit] * 4)
    with reading(engine) as session:
        versions = [one.version for one in versions_of(session, "fruit")]
        assert sorted(versions, reverse=True) == versions
        assert len(set(versions)) == len(versions) == revision(session)
        assert len(session.exec(select(Lexicon)).all()) == 1


SHIPPED = [table("product", "bearing"), table("praise", "thank you", version=4)]


def test_shipped_lexicons_are_published_once(engine: Engine) -> None:
    with writing(engine) as session:
        assert seed_lexicons(session, SHIPPED) == 2
        assert seed_lexicons(session, SHIPPED) == 0
        assert revision(session) == 1
        assert all(one.current and one.current.shipped for one in list_lexicons(session))
    assert published(engine) == {"product": (1, ["bearing"]), "praise": (4, ["thank you"])}


def test_many_processes_may_seed_at_once(engine: Engine) -> None:
    done = at_once(engine, *[lambda session: seed_lexicons(session, SHIPPED)] * 4)
    assert sorted(done, key=str) == [0, 0, 0, 2]
    with reading(engine) as session:
        assert len(session.exec(select(LexiconVersion)).all()) == 2


def test_a_newer_shipped_version_takes_the_place_of_a_shipped_one_only(engine: Engine) -> None:
    newer = [table("product", "pump", version=7), table("praise", "thanks", version=5)]
    with writing(engine) as session:
        seed_lexicons(session, SHIPPED)
        save_draft(session, table("praise", "cheers"), by="ann")
        publish(session, "praise", by="ann")
        assert seed_lexicons(session, newer) == 1
        assert seed_lexicons(session, newer) == 0
        assert seed_lexicons(session, SHIPPED) == 0
    assert published(engine) == {"product": (7, ["pump"]), "praise": (5, ["cheers"])}


def test_a_draft_outlives_a_newer_shipped_version_and_comes_after_it(engine: Engine) -> None:
    with writing(engine) as session:
        seed_lexicons(session, SHIPPED)
        assert save_draft(session, table("product", "valve"), by="ann") == 2
        seed_lexicons(session, [table("product", "pump", version=2)])
        assert published(engine)["product"] == (3, ["pump"])
        assert publish(session, "product", by="ann") == 4
        assert seed_lexicons(session, [table("product", "gasket", version=9)]) == 0
    assert published(engine)["product"] == (4, ["valve"])


def test_a_retired_shipped_lexicon_is_not_brought_back(engine: Engine) -> None:
    with writing(engine) as session:
        seed_lexicons(session, SHIPPED)
        retire(session, "product", by="ann")
        assert seed_lexicons(session, [table("product", "pump", version=2)]) == 0
    assert set(published(engine)) == {"praise"}


def test_going_back_before_lexicons_takes_only_them_and_keeps_the_calls(engine: Engine) -> None:
    number = store_call(engine, "a", turn("customer", 3.0, "Where is my bearing?"))
    with writing(engine) as session:
        save_draft(session, table("fruit", "apple"), by="ann")
        publish(session, "fruit", by="ann")
        session.get_one(Call, number).lexicon_revision = 1
        session.add(Rematch(kind="retag", revision=1, total=1))
        session.commit()

    migrate(engine, "0003")

    tables = inspect(engine).get_table_names()
    assert not {"lexicon", "lexicon_version", "lexicon_revision", "rematch"} & set(tables)
    columns = {
        name: {one["name"] for one in inspect(engine).get_columns(name)} for name in ("call", "hit")
    }
    assert "lexicon_revision" not in columns["call"]
    assert "parts" not in columns["hit"]

    migrate(engine)
    index_missing(engine)

    with reading(engine) as session:
        assert (list_lexicons(session), revision(session)) == ([], 0)
        assert session.get_one(Call, number).lexicon_revision is None
        hits = session.exec(select(Hit).where(Hit.call_id == number)).all()
        [found] = Finder().find(session, CallQuery(q="bearing"), limit=5).items
    assert {(hit.term, hit.parts) for hit in hits} == {("bearing", None)}
    assert found.call.id == number
