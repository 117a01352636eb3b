"""The shapes of what was said in a call: turns, silences, hits of lexicons."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from api.lexicon_views import HitVerdictView
from api.view import View
from models.hit import Hit
from models.hit_verdict import HitVerdict
from models.turn import UNCERTAIN_BELOW


class HitView(View):
    """One term found in one turn."""

    id: int = Field(examples=[815])
    turn_id: int
    speaker: str
    lexicon: str = Field(examples=["product"])
    lexicon_version: int
    term: str = Field(examples=["bearing 204"])
    grade: str | None
    matched: str = Field(examples=["bearing number 204"])
    start_s: float
    end_s: float
    score: float = Field(description="How well it fits, 0 to 1.", examples=[0.86])
    parts: dict[str, float] | None = Field(
        description="What the score is the product of, less what is 1; null where not known.",
        examples=[{"spelling": 0.9091, "hearing": 0.95}],
    )
    verdict: HitVerdictView | None = Field(
        None, description="What people said of it; kept when the call is heard or matched again."
    )

    @classmethod
    def of(cls, hit: Hit, verdict: HitVerdict | None) -> HitView:
        view = cls.model_validate(hit)
        if verdict is not None:
            view.verdict = HitVerdictView.model_validate(verdict)
        return view


class SilenceView(View):
    """More than 3 s in which nobody speaks."""

    start_s: float = Field(examples=[61.2])
    end_s: float = Field(examples=[93.3])


class TurnView(View):
    """One turn; `words` are [text, start_s, end_s, probability]."""

    id: int
    position: int
    speaker: str
    start_s: float
    end_s: float
    text: str
    words: list[tuple[str, float, float, float]]
    mood: str | None
    anger: float | None
    moods: dict[str, float] | None
    acoustics: dict[str, float | None] | None
    language: str | None = Field(description="The language spoken.", examples=["en"])
    confidence: float | None = Field(
        description="How sure Whisper was: the mean probability of the words, 0 to 1.",
        examples=[0.91],
    )
    uncertain: bool | None = Field(
        description=f"Whether most words are likely wrong: a confidence below {UNCERTAIN_BELOW}.",
        examples=[False],
    )
    interrupts: bool | None = Field(
        description="Whether it begins with an interruption.", examples=[False]
    )
    anger_parts: dict[str, Any] | None = Field(
        description="What the anger is made of; null below the alert threshold. `voice` is how the "
        "turn differs from the speaker's others (dB, semitones, 0.2 is 20 % faster), `evidence` "
        "what the mood model read for anger (above 0) and against it, in log odds by part, null "
        "where it cannot tell; `reason` says it in words.",
        examples=[
            {
                "voice": {"louder_db": 6.1, "higher_st": 3.2, "faster": 0.2},
                "evidence": {
                    "encoder": 1.94,
                    "loudness": 0.71,
                    "tempo": 0.05,
                    "pitch": 0.4,
                    "colour": -0.12,
                },
                "words": [
                    {
                        "term": "idiot",
                        "lexicon": "abusive",
                        "grade": "strong",
                        "start_s": 34.29,
                        "end_s": 34.82,
                    }
                ],
                "start_s": 30.9,
                "end_s": 36.4,
                "reason": "louder than their other turns by 6 dB, pitch up by 3 semitones, 20 % "
                "faster, the voice itself (Whisper's encoder) speaks for anger; says “idiot”",
            }
        ],
    )
