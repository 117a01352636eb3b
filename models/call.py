"""The record of one conversation: who, when, which line, and what analysis adds.

`CallPush` is what a pipeline sends, `Call` the stored row. Knows nothing of how a recording is
heard.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from math import isfinite
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, field_validator
from pydantic import Field as PushField
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlmodel import Field, SQLModel

from models.columns import Json, Moment, in_utc, now

Channel = Literal["left", "right"]
Outcome = Literal["answered", "missed", "voicemail", "failed"]
# Ids stand in job names and cursors: on SQLite too, a deleted row's id is not given again.
NEVER_REUSE_IDS = {"sqlite_autoincrement": True}
# Said like this wherever uploads are looked for by name, so that their index is used.
UPLOADED = text("substr(recording, 1, 7) = 'upload:'")
MAX_EXTERNAL_ID = 200
MAX_METADATA_KEYS = 50
MAX_METADATA_TEXT = 500
# Calls in which nobody spoke with anybody may have no recording.
SILENT: tuple[Outcome, ...] = ("missed", "failed")


class Status(StrEnum):
    """Where a call stands on its way through analysis."""

    QUEUED = "queued"
    HEARING = "hearing"
    DONE = "done"
    FAILED = "failed"


class Review(StrEnum):
    """Where a call stands with the people who hear it."""

    NEW = "new"
    IN_REVIEW = "in_review"
    RESOLVED = "resolved"


class CallPush(BaseModel):
    """What the recording pipeline knows of a call when it pushes it."""

    # What was sent may hold a phone number, and errors are logged.
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    external_id: str | None = PushField(
        default=None,
        min_length=1,
        max_length=MAX_EXTERNAL_ID,
        description="The pipeline's own name of the call; pushed twice it stays one call. "
        "Left out: the SHA-256 of the recording.",
    )
    agent: str | None = PushField(default=None, max_length=200, description="Who answered.")
    line: str | None = PushField(default=None, max_length=100, description="The number dialled.")
    caller: str | None = PushField(default=None, max_length=100, description="The caller's number.")
    direction: Literal["inbound", "outbound"] | None = PushField(default=None)
    outcome: Outcome | None = PushField(default=None, description="What became of the call.")
    started_at: AwareDatetime | None = PushField(
        default=None, description="When the call began, with its time zone. Left out: now."
    )
    agent_channel: Channel | None = PushField(
        default=None, description="The agent's side of a stereo recording."
    )
    language: str | None = PushField(
        default=None, pattern=r"^[a-z]{2,3}$", description="Pinned language."
    )
    urgent: bool = PushField(default=False, description="Heard before those that wait.")
    metadata: dict[str, str | int | float | bool | None] = PushField(
        default_factory=dict, description="Anything else: advertising source, site, region ..."
    )

    @field_validator("external_id", "agent", "line", "caller", mode="after")
    @classmethod
    def _printable(cls, value: str | None) -> str | None:
        if value is not None and not value.isprintable():
            raise ValueError("control characters are not allowed")
        return value

    @field_validator("started_at")
    @classmethod
    def _in_the_calendar(cls, moment: datetime | None) -> datetime | None:
        if moment is not None:
            in_utc(moment)
        return moment

    @field_validator("metadata")
    @classmethod
    def _bounded(cls, metadata: dict[str, Any]) -> dict[str, Any]:
        if len(metadata) > MAX_METADATA_KEYS:
            raise ValueError(f"at most {MAX_METADATA_KEYS} keys")
        for key, value in metadata.items():
            texts = [key, value] if isinstance(value, str) else [key]
            if not all(_is_storable(text) for text in texts):
                raise ValueError(
                    f"{key[:40]!a}: at most {MAX_METADATA_TEXT} characters, no NUL and no half one"
                )
            if isinstance(value, float) and not isfinite(value):
                raise ValueError(f"{key[:40]!a}: not a number that JSON has")
        return metadata


def _is_storable(text: str) -> bool:
    """Whether databases keep a text: half of a character that UTF-16 writes in two is none."""
    if len(text) > MAX_METADATA_TEXT or "\0" in text:
        return False
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


class Call(SQLModel, table=True):
    """One call. `metadata` of the push is `details` here, since SQLAlchemy keeps that name to
    itself. `utc_offset_min` is the time zone that its beginning was given in, in minutes east of
    UTC: its hour of the day is that of there. `anger_trend` is that of whom `anger` is of.
    """

    __tablename__ = "call"
    __table_args__ = (
        Index("call_by_start", "started_at", "id"),
        Index("call_by_place", "place", unique=True),
        # The figures that calls are filtered by, so that their rows are not read for them.
        Index(
            "call_by_figures",
            *("place", "id", "anger", "anger_trend", "duration_s", "agent_talk_ratio"),
            *("longest_silence_s", "interruptions", "status"),
        ),
        Index("call_by_anger", text("coalesce(anger, -1.0)"), "id"),
        Index("call_by_duration", text("coalesce(duration_s, -1.0)"), "id"),
        Index(
            "call_unindexed_yet",
            "id",
            sqlite_where=text("facets IS NULL"),
            postgresql_where=text("facets IS NULL"),
        ),
        Index(
            "call_unjudged_yet",
            "id",
            sqlite_where=text("unjudged_since IS NOT NULL"),
            postgresql_where=text("unjudged_since IS NOT NULL"),
        ),
        Index("call_by_status", "status", "updated_at"),
        Index("call_by_upload", "recording", sqlite_where=UPLOADED, postgresql_where=UPLOADED),
        NEVER_REUSE_IDS,
    )

    id: int | None = Field(default=None, primary_key=True)
    external_id: str = Field(sa_column=Column(String(MAX_EXTERNAL_ID), unique=True, nullable=False))
    agent: str | None = Field(default=None, sa_column=Column(String(200), index=True))
    line: str | None = Field(default=None, sa_column=Column(String(100), index=True))
    caller: str | None = Field(default=None, sa_column=Column(String(100), index=True))
    direction: str | None = Field(default=None, sa_column=Column(String(10)))
    outcome: str | None = Field(default=None, sa_column=Column(String(10)))
    started_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    utc_offset_min: int = Field(
        default=0, sa_column=Column(Integer, nullable=False, server_default="0")
    )
    agent_channel: str = Field(sa_column=Column(String(5), nullable=False))
    language_wanted: str | None = Field(default=None, sa_column=Column(String(3)))
    urgent: bool = False
    details: dict[str, Any] = Field(default_factory=dict, sa_column=Column(Json, nullable=False))

    recording: str = Field(sa_column=Column(Text, nullable=False))

    status: str = Field(default=Status.QUEUED, sa_column=Column(String(10), nullable=False))
    error: str | None = Field(default=None, sa_column=Column(Text))
    attempts: int = 0
    failures: int = 0
    created_at: datetime = Field(default_factory=now, sa_column=Column(Moment, nullable=False))
    updated_at: datetime = Field(default_factory=now, sa_column=Column(Moment, nullable=False))

    heard_at: datetime | None = Field(default=None, sa_column=Column(Moment))
    duration_s: float | None = None
    channels: int | None = None
    language: str | None = Field(default=None, sa_column=Column(String(3)))
    language_probability: float | None = None
    whisper_model: str | None = Field(default=None, sa_column=Column(String(200)))
    mood_model: str | None = Field(default=None, sa_column=Column(String(200)))
    warnings: list[str] = Field(default_factory=list, sa_column=Column(Json, nullable=False))
    anger: float | None = None
    anger_trend: float | None = None

    # What people say of it (`models.review`). A held call is never deleted.
    review: str = Field(
        default=Review.NEW, sa_column=Column(String(10), nullable=False, server_default=Review.NEW)
    )
    assignee: str | None = Field(default=None, sa_column=Column(String(100)))
    legal_hold: bool = Field(default=False, sa_column_kwargs={"server_default": false()})

    # How the conversation went. None: heard before these were known, or they cannot be.
    agent_talk_ratio: float | None = None
    silence_s: float | None = None
    longest_silence_s: float | None = None
    silences: list[dict[str, float]] | None = Field(default=None, sa_column=Column(Json))
    overlap_s: float | None = None
    interruptions: int | None = None
    dropped_words: int | None = None

    # Which published lexicons its hits were made with (`models.lexicon`). None: before they were
    # stored.
    lexicon_revision: int | None = None

    # Since when a push has told something that rules have not been asked about (`models.unjudged`).
    unjudged_since: datetime | None = Field(default=None, sa_column=Column(Moment))

    # The number that the search index knows it by, and what it can be filtered and counted by
    # (`models.facets`). None: it is not indexed yet.
    place: int | None = Field(default=None, sa_column=Column(BigInteger))
    facets: bytes | None = Field(default=None, sa_column=Column(LargeBinary))


def of_call(*, primary_key: bool = False) -> Column[int]:
    """A column that names a call, and goes when the call goes."""
    return Column(
        Integer,
        ForeignKey("call.id", ondelete="CASCADE"),
        primary_key=primary_key,
        nullable=False,
        index=not primary_key,
    )


class Speaker(SQLModel, table=True):
    """One speaker of one call: how they took part, and their mood over all their turns.

    `anger` is the peak sustained over at least 2 s of speech, `anger_at_s` where the angriest turn
    begins: the second to play. `anger_mean` is over all their speech, weighted by seconds;
    `anger_share` the share of it (0 to 1) in turns at or above the alert threshold; `anger_trend`
    the mean of its last third less that of its first (-1 to 1).
    """

    __tablename__ = "speaker"
    __table_args__ = (Index("speaker_by_mood", "mood", "name"),)

    call_id: int = Field(sa_column=of_call(primary_key=True))
    name: str = Field(sa_column=Column(String(20), primary_key=True))
    talk_s: float
    talk_ratio: float | None = None
    words_per_minute: float | None = None
    longest_monologue_s: float | None = None
    interruptions: int | None = None
    mood: str | None = Field(default=None, sa_column=Column(String(10)))
    angry: float | None = None
    happy: float | None = None
    neutral: float | None = None
    sad: float | None = None
    anger: float | None = None
    anger_mean: float | None = None
    anger_share: float | None = None
    anger_trend: float | None = None
    anger_at_s: float | None = None


class CallTag(SQLModel, table=True):
    """A label that filters use, derived from hits and mood."""

    __tablename__ = "call_tag"
    __table_args__ = (
        UniqueConstraint("call_id", "tag"),
        Index("call_tag_by_tag", "tag", "call_id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    call_id: int = Field(sa_column=of_call())
    tag: str = Field(sa_column=Column(String(100), nullable=False))
