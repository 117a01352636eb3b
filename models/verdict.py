"""What people say of a speaker's mood: whether they were angry. One verdict for each speaker of a
call, kept when the call is heard again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, String
from sqlmodel import Field, Session, SQLModel, and_, col, select

from models.call import Call, Speaker, Status, of_call
from models.columns import Moment, now
from models.db import insert_into


class MoodVerdict(SQLModel, table=True):
    """`given_by` is the name of the key that it came with. It names the speaker, not their row:
    those rows are written anew whenever the call is heard.
    """

    __tablename__ = "mood_verdict"

    call_id: int = Field(sa_column=of_call(primary_key=True))
    speaker: str = Field(sa_column=Column(String(20), primary_key=True))
    angry: bool
    given_by: str | None = Field(default=None, sa_column=Column(String(100)))
    given_at: datetime = Field(default_factory=now, sa_column=Column(Moment, nullable=False))


class CannotJudge(Exception):
    """The call has no such speaker, or none yet; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict beside what Overtone says now: None where it says nothing."""

    anger: float | None
    mood_model: str | None
    angry: bool


def give_verdict(
    session: Session, call_id: int, *, speaker: str, angry: bool, given_by: str | None
) -> MoodVerdict | None:
    """Store a verdict, in the place of the one before, and commit; None where there is no such
    call.

    Raises `CannotJudge`.
    """
    # Held until we commit: neither does the call go, nor are its speakers written meanwhile.
    known = select(Call).where(Call.id == call_id).with_for_update(read=True, key_share=True)
    call = session.exec(known).first()
    if call is None:
        return None
    _check_speaker(session, call, speaker)
    row = {"angry": angry, "given_by": given_by, "given_at": now()}
    statement = (
        insert_into(session, MoodVerdict)
        .values(call_id=call_id, speaker=speaker, **row)
        .on_conflict_do_update(index_elements=["call_id", "speaker"], set_=row)
        .returning(MoodVerdict)
    )
    options = {"populate_existing": True}
    verdict: MoodVerdict = session.scalars(statement, execution_options=options).one()
    session.commit()
    return verdict


def take_back(session: Session, call_id: int, *, speaker: str) -> bool:
    """Remove a verdict and commit; False where there is none."""
    verdict = session.get(MoodVerdict, (call_id, speaker), with_for_update=True)
    if verdict is None:
        return False
    session.delete(verdict)
    session.commit()
    return True


def verdicts_of(session: Session, call_id: int) -> list[MoodVerdict]:
    """The verdicts on a call, by speaker."""
    return list(
        session.exec(
            select(MoodVerdict)
            .where(MoodVerdict.call_id == call_id)
            .order_by(col(MoodVerdict.speaker))
        )
    )


def judged(session: Session) -> list[Judged]:
    """Every verdict beside the anger and the mood model of the last hearing of its call."""
    rows = session.exec(
        select(Speaker.anger, Call.mood_model, MoodVerdict.angry)
        .select_from(MoodVerdict)
        .join(Call, col(Call.id) == MoodVerdict.call_id)
        .outerjoin(
            Speaker,
            and_(
                col(Speaker.call_id) == MoodVerdict.call_id,
                col(Speaker.name) == MoodVerdict.speaker,
            ),
        )
        .order_by(col(MoodVerdict.call_id), col(MoodVerdict.speaker))
    )
    return [Judged(anger, mood_model, angry) for anger, mood_model, angry in rows]


def current_mood_model(session: Session) -> str | None:
    """The mood model of the call that was heard last; None where none was heard with one."""
    return session.exec(
        select(Call.mood_model)
        .where(col(Call.mood_model).is_not(None), col(Call.heard_at).is_not(None))
        .order_by(col(Call.heard_at).desc(), col(Call.id).desc())
        .limit(1)
    ).first()


def _check_speaker(session: Session, call: Call, speaker: str) -> None:
    """Raises `CannotJudge`."""
    if call.heard_at is None:
        todo = (
            "could not be heard: have it heard again first"
            if call.status == Status.FAILED
            else "was not heard yet: judge it once its status is `done`"
        )
        raise CannotJudge(f"call {call.id} {todo}")
    wanted = select(Speaker.name).where(Speaker.call_id == call.id).order_by(col(Speaker.name))
    names = list(session.exec(wanted))
    if speaker not in names:
        there = f"name one of {', '.join(names)}" if names else "nobody speaks in it"
        raise CannotJudge(f"call {call.id} has no speaker `{speaker}`: {there}")
