"""Keys are shown once, stored as a hash, and die when revoked."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from models.db import writing
from models.key import Key, KeyNameTaken, KeyRevoked, NoSuchKey, create_key, find_key, revoke_key


def test_a_key_is_found_by_its_text_and_stored_only_as_a_hash(engine: Engine) -> None:
    with writing(engine) as session:
        text = create_key(session, "wallboard", ("read",))
        key = find_key(session, text)
    assert key is not None
    assert (key.name, key.scopes) == ("wallboard", ["read"])
    with Session(engine) as session:
        assert text not in str(session.exec(select(Key)).one().model_dump())


def test_a_key_of_before_keeps_the_scopes_it_had(engine: Engine) -> None:
    with writing(engine) as session:
        old = find_key(session, create_key(session, "old", ("push", "read")))
        new = find_key(session, create_key(session, "new"))
    assert old is not None
    assert new is not None
    assert (old.scopes, new.scopes) == (["push", "read"], ["push", "read", "review", "admin"])


def test_a_wrong_key_is_nobody(engine: Engine) -> None:
    with writing(engine) as session:
        text = create_key(session, "wallboard")
        for wrong in ("", "ovt_", text[:-1], text + "x", text.lower()):
            assert find_key(session, wrong) is None


def test_a_revoked_key_is_nobody_and_its_name_is_not_given_again(engine: Engine) -> None:
    with writing(engine) as session:
        text = create_key(session, "wallboard")
        with pytest.raises(KeyNameTaken, match="already a key named wallboard"):
            create_key(session, "wallboard")
        revoke_key(session, "wallboard")
        with pytest.raises(KeyRevoked):
            find_key(session, text)
        with pytest.raises(NoSuchKey):
            revoke_key(session, "wallboard")
        with pytest.raises(KeyNameTaken, match=r"wallboard was revoked on .*: take another name"):
            create_key(session, "wallboard")
        [key] = session.exec(select(Key)).all()
    assert key.name == "wallboard"
