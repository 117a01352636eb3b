"""The shapes of answers: what a list shows of a call, and a call in full."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from api.alert_views import AlertView
from api.review_views import CommentView, LabelView
from api.turn_views import HitView, SilenceView, TurnView
from api.view import View
from models.alert import Alert, as_shown
from models.call import Call, Speaker
from models.comment import Comment
from models.hit import Hit
from models.hit_verdict import HitVerdict
from models.label import CallLabel
from models.search import Found, Page
from models.selection import COUNTED
from models.turn import Turn
from models.verdict import MoodVerdict


class SpeakerView(View):
    """One speaker of a call: how they took part, and their mood over all their turns.

    What is null was not known when the call was heard.
    """

    name: str = Field(examples=["customer"])
    talk_s: float = Field(
        description="Seconds that their turns take, short pauses included.", examples=[21.4]
    )
    talk_ratio: float | None = Field(
        description="Their share of all talk; the shares of a call sum to 1.", examples=[0.37]
    )
    words_per_minute: float | None = Field(
        description="Words per minute of `talk_s`.", examples=[172.0]
    )
    longest_monologue_s: float | None = Field(
        description="Their longest run of turns between which nobody else begins more than "
        "“mm-hm”, and without a pause of more than 3 s.",
        examples=[18.2],
    )
    interruptions: int | None = Field(
        description="How often they began while somebody else spoke, who then fell silent; null "
        "for recordings of one channel.",
        examples=[1],
    )
    mood: str | None = Field(examples=["angry"])
    angry: float | None
    happy: float | None
    neutral: float | None
    sad: float | None
    anger: float | None = Field(
        description="Calibrated, 0 to 1: the peak sustained over at least 2 s of speech.",
        examples=[0.91],
    )
    anger_mean: float | None = Field(
        description="The mean anger of all their speech, weighted by seconds.", examples=[0.34]
    )
    anger_share: float | None = Field(
        description="The share of their speech, 0 to 1, in turns at or above the alert threshold.",
        examples=[0.22],
    )
    anger_trend: float | None = Field(
        description="The mean anger of the last third of their speech less that of the first, -1 "
        "to 1: above 0 for who gets angrier. Null for fewer than 3 turns with a mood or under 6 s.",
        examples=[0.41],
    )
    anger_at_s: float | None = Field(
        description="Where their angriest turn begins: the second to play.", examples=[24.3]
    )


class SnippetView(View):
    """A turn worth hearing; `marks` are [start, end] characters of `text`."""

    turn_id: int
    speaker: str
    text: str = Field(examples=["Do you have bearing number 204?"])
    marks: list[tuple[int, int]] = Field(examples=[[[12, 30]]])
    start_s: float = Field(description="The second to play from.", examples=[7.3])
    end_s: float
    anger: float | None


class CallView(View):
    """What a list shows of a call."""

    id: int
    external_id: str
    status: str = Field(examples=["done"])
    error: str | None
    agent: str | None
    line: str | None
    caller: str | None
    direction: str | None
    outcome: str | None = Field(examples=["answered"])
    started_at: datetime
    metadata: dict[str, Any]
    created_at: datetime
    heard_at: datetime | None
    duration_s: float | None
    language: str | None
    anger: float | None = Field(description="The customer's anger, 0 to 1.")
    anger_trend: float | None = Field(
        description="How it moved from the first third of their speech to the last, -1 to 1."
    )
    agent_talk_ratio: float | None = Field(
        description="The agent's share of all talk, 0 to 1; null where nobody is known to be the "
        "agent.",
        examples=[0.63],
    )
    silence_s: float | None = Field(
        description="Seconds of all silences together: more than 3 s in which nobody speaks, from "
        "the first word to the end of the recording.",
        examples=[41.5],
    )
    longest_silence_s: float | None = Field(
        description="The longest of them; 0 where there is none.", examples=[32.1]
    )
    overlap_s: float | None = Field(
        description="Seconds for which turns of both speakers run at once; null for recordings of "
        "one channel.",
        examples=[1.3],
    )
    interruptions: int | None = Field(
        description="How often one speaker began while the other had been speaking for at least "
        "0.5 s and fell silent within 1.5 s; “mm-hm” does not count. Null for recordings of one "
        "channel.",
        examples=[2],
    )
    dropped_words: int | None = Field(
        description="Words that Whisper wrote where nobody spoke, or over and over: left out.",
        examples=[0],
    )
    warnings: list[str]
    review: str = Field(description="`new`, `in_review` or `resolved`.", examples=["new"])
    assignee: str | None = Field(description="Who looks after it.", examples=["Alice"])
    legal_hold: bool = Field(description="Whether it must not be deleted.")
    speakers: list[SpeakerView] = Field(default_factory=list)
    tags: list[str] = Field(default_factory=list, examples=[["angry", "abusive"]])
    snippets: list[SnippetView] = Field(default_factory=list)

    @classmethod
    def of(cls, found: Found) -> CallView:
        return cls(
            **_fields(found.call),
            speakers=[SpeakerView.model_validate(speaker) for speaker in found.speakers],
            tags=list(found.tags),
            snippets=[SnippetView.model_validate(snippet) for snippet in found.snippets],
        )


class FacetCount(BaseModel):
    """How many of the calls found have a value; bands of figures are written `from..to`."""

    value: str = Field(examples=["Alice"])
    count: int = Field(examples=[12])


class CallsView(BaseModel):
    """One page of calls."""

    items: list[CallView]
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page.")
    total: int = Field(description=f"How many calls match, up to {COUNTED:,}.", examples=[37])
    more: bool = Field(description="Whether more match than `total` says.")
    facets: dict[str, list[FacetCount]] = Field(
        description="What was asked to be counted, most frequent first, bands in order. Where more "
        "calls match than `total` says, so many of them are counted."
    )

    @classmethod
    def of(cls, page: Page) -> CallsView:
        return cls(
            items=[CallView.of(found) for found in page.items],
            next_cursor=page.next_cursor,
            total=page.total,
            more=page.more,
            facets={
                name: [FacetCount(value=value, count=count) for value, count in counts]
                for name, counts in page.facets.items()
            },
        )


class VerdictView(View):
    """What somebody said of a speaker's mood."""

    speaker: str = Field(examples=["customer"])
    angry: bool = Field(description="Whether they were angry.", examples=[True])
    given_by: str | None = Field(
        description="The name of the key that it came with.", examples=["managers"]
    )
    given_at: datetime


class CallDetail(CallView):
    """A call in full."""

    channels: int | None
    language_probability: float | None
    whisper_model: str | None
    mood_model: str | None
    silences: list[SilenceView] | None = Field(description="In order; null where not known.")
    turns: list[TurnView]
    hits: list[HitView]
    alerts: list[AlertView]
    verdicts: list[VerdictView] = Field(
        description="What people said of the speakers' moods, whatever `anger` says; kept when the "
        "call is heard again."
    )
    labels: list[LabelView] = Field(description="Those of `tags` that people gave it.")
    comments: list[CommentView] = Field(description="The first one first.")

    @classmethod
    def assemble(
        cls,
        call: Call,
        *,
        speakers: list[Speaker],
        tags: list[str],
        labels: list[CallLabel],
        comments: list[Comment],
        turns: list[Turn],
        hits: list[Hit],
        alerts: list[Alert],
        verdicts: list[MoodVerdict],
        hit_verdicts: dict[int, HitVerdict],
        public_url: str | None,
    ) -> CallDetail:
        return cls(
            **_fields(call),
            channels=call.channels,
            language_probability=call.language_probability,
            whisper_model=call.whisper_model,
            mood_model=call.mood_model,
            silences=None
            if call.silences is None
            else [SilenceView.model_validate(silence) for silence in call.silences],
            speakers=[SpeakerView.model_validate(speaker) for speaker in speakers],
            tags=tags,
            labels=[LabelView.model_validate(label) for label in labels],
            comments=[CommentView.model_validate(comment) for comment in comments],
            turns=[TurnView.model_validate(turn) for turn in turns],
            hits=[HitView.of(hit, hit_verdicts.get(hit.id or 0)) for hit in hits],
            alerts=[AlertView.of(as_shown(alert, call), public_url) for alert in alerts],
            verdicts=[VerdictView.model_validate(verdict) for verdict in verdicts],
        )


class Pushed(BaseModel):
    """The call that a push made, or the one it named before."""

    id: int
    external_id: str
    status: str = Field(examples=["queued"])
    created: bool = Field(description="False where this `external_id` was pushed before.")

    @classmethod
    def of(cls, call: Call, *, created: bool) -> Pushed:
        assert call.id is not None  # it is stored
        return cls(id=call.id, external_id=call.external_id, status=call.status, created=created)


def _fields(call: Call) -> dict[str, Any]:
    names = CallView.model_fields.keys() - {"metadata", "speakers", "tags", "snippets"}
    return {name: getattr(call, name) for name in names} | {"metadata": call.details}
