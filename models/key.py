"""API keys: stored only as a hash, shown once, each with scopes. Making and revoking one leaves an
entry in the audit trail.

A key is 32 random bytes, so one round of SHA-256 is enough to keep it (a password would need more).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from sqlalchemy import Column, String, or_, update
from sqlmodel import Field, Session, SQLModel, col, select

from models.audit import Action, note
from models.columns import Json, Moment, now

SCOPES = ("push", "read", "review", "admin")
MARK = "ovt"
MAX_NAME = 100
USED_WITHIN = timedelta(minutes=1)
"""Uses of a key that lie so close together are one."""


class Key(SQLModel, table=True):
    """`name` tells people what the key is for, and who did what: it is never given again, also when
    the key was revoked. `hash` is the SHA-256 of the whole key in hex.
    """

    __tablename__ = "key"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(sa_column=Column(String(MAX_NAME), unique=True, nullable=False))
    hash: str = Field(sa_column=Column(String(64), nullable=False, unique=True))
    scopes: list[str] = Field(sa_column=Column(Json, nullable=False))
    created_at: datetime = Field(default_factory=now, sa_column=Column(Moment, nullable=False))
    revoked_at: datetime | None = Field(default=None, sa_column=Column(Moment))
    last_used_at: datetime | None = Field(default=None, sa_column=Column(Moment))

    @property
    def used_just_now(self) -> bool:
        """Whether its last use is known well enough."""
        return self.last_used_at is not None and self.last_used_at > now() - USED_WITHIN


class KeyNameTaken(Exception):
    """There is a key of that name already, or was."""


class NoSuchKey(Exception):
    """There is no key of that name."""


class KeyRevoked(Exception):
    """The key was revoked."""


def create_key(session: Session, name: str, scopes: tuple[str, ...] = SCOPES) -> str:
    """Make and store a key; the text returned is never seen again. Raises `KeyNameTaken`."""
    if there := session.exec(select(Key).where(Key.name == name)).first():
        if there.revoked_at is None:
            raise KeyNameTaken(f"there is already a key named {name}: take another name")
        raise KeyNameTaken(
            f"a key named {name} was revoked on {there.revoked_at:%Y-%m-%d}, and the name stays "
            "with what was done with it: take another name"
        )
    text = f"{MARK}_{secrets.token_urlsafe(32)}"
    session.add(Key(name=name, hash=_hash(text), scopes=list(scopes)))
    note(session, Action.KEY_CREATED, key_name=None, name=name, scopes=list(scopes))
    session.commit()
    return text


def find_key(session: Session, text: str) -> Key | None:
    """The live key that this text is, or None. Raises `KeyRevoked` for one that lives no more."""
    wanted = _hash(text)
    key = session.exec(select(Key).where(Key.hash == wanted)).first()
    if key is None or not hmac.compare_digest(key.hash, wanted):
        return None
    if key.revoked_at is not None:
        raise KeyRevoked("this API key was revoked")
    return key


def note_use(session: Session, key_id: int) -> None:
    """Write down that a key is used now, unless that is known already, and commit."""
    stale = or_(col(Key.last_used_at).is_(None), col(Key.last_used_at) < now() - USED_WITHIN)
    session.execute(update(Key).where(col(Key.id) == key_id, stale).values(last_used_at=now()))
    session.commit()


def is_live(session: Session, key_id: int) -> bool:
    """Whether a key found before still holds."""
    key = session.get(Key, key_id)
    return key is not None and key.revoked_at is None


def all_keys(session: Session) -> list[Key]:
    """Every key, oldest first, revoked ones too."""
    return list(session.exec(select(Key).order_by(col(Key.id))))


def revoke_key(session: Session, name: str) -> None:
    """The key works no more; its name stays its own. Raises `NoSuchKey`."""
    key = session.exec(select(Key).where(Key.name == name)).first()
    if key is None or key.revoked_at is not None:
        raise NoSuchKey(f"there is no live key named {name}")
    key.revoked_at = now()
    note(session, Action.KEY_REVOKED, key_name=None, name=name)
    session.add(key)
    session.commit()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
