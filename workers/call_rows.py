"""The rows of a heard call: its turns and speakers as `models.turn` and `models.call` hold them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from lexicons.text import index_text
from speech.conversation import Conversation, Mood, Turn
from speech.speaker_mood import SpeakerMood
from speech.talk import SpeakerTalk, TalkMetrics


def turn_rows(call_id: int, heard: Conversation, talk: TalkMetrics) -> list[dict[str, Any]]:
    """A row for every turn, in order; `anger_parts` is left to others."""
    rows = [_turn_row(call_id, position, turn) for position, turn in enumerate(heard.turns)]
    if talk.interruptions is not None:
        interrupting = {one.position for one in talk.interruptions}
        for position, row in enumerate(rows):
            row["interrupts"] = position in interrupting
    return rows


def speaker_rows(
    call_id: int, talk: TalkMetrics, moods: Mapping[str, SpeakerMood]
) -> list[dict[str, Any]]:
    """A row for every speaker; `moods` by their names."""
    return [_talk_row(call_id, one) | _mood_row(moods.get(one.name)) for one in talk.speakers]


def rounded(figure: float | None) -> float | None:
    """A figure to the thousandth: what the clock of words tells, and no more."""
    return None if figure is None else round(figure, 3)


def _turn_row(call_id: int, position: int, turn: Turn) -> dict[str, Any]:
    return {
        "call_id": call_id,
        "position": position,
        "speaker": turn.speaker,
        "start_s": turn.start_s,
        "end_s": turn.end_s,
        "text": turn.text,
        "keys": index_text(turn.text),
        "words": [[word.text, word.start_s, word.end_s, word.probability] for word in turn.words],
        "mood": turn.mood.label if turn.mood else None,
        "anger": turn.mood.anger if turn.mood else None,
        "moods": _moods(turn.mood) if turn.mood else None,
        "acoustics": asdict(turn.acoustics) if turn.acoustics else None,
        "language": turn.language,
        "confidence": rounded(turn.confidence),
        "interrupts": None,
        "anger_parts": None,
    }


def _moods(mood: Mood) -> dict[str, float]:
    """The four moods and anger, without the evidence."""
    return {
        "angry": mood.angry,
        "happy": mood.happy,
        "neutral": mood.neutral,
        "sad": mood.sad,
        "anger": mood.anger,
    }


def _talk_row(call_id: int, speaker: SpeakerTalk) -> dict[str, Any]:
    return {
        "call_id": call_id,
        "name": speaker.name,
        "talk_s": round(speaker.talk_s, 3),
        "talk_ratio": rounded(speaker.talk_ratio),
        "words_per_minute": rounded(speaker.words_per_minute),
        "longest_monologue_s": rounded(speaker.longest_monologue_s),
        "interruptions": speaker.interruptions,
    }


def _mood_row(mood: SpeakerMood | None) -> dict[str, Any]:
    """What `Speaker` says of mood: nothing at all where none is known."""
    return {
        "mood": mood.label if mood else None,
        "angry": mood.angry if mood else None,
        "happy": mood.happy if mood else None,
        "neutral": mood.neutral if mood else None,
        "sad": mood.sad if mood else None,
        "anger": mood.peak if mood else None,
        "anger_mean": rounded(mood.mean) if mood else None,
        "anger_share": rounded(mood.share) if mood else None,
        "anger_trend": rounded(mood.trend) if mood else None,
        "anger_at_s": mood.at_s if mood else None,
    }
