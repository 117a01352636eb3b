"""Rules over an analysed call: which alerts it raises, why, and which seconds to play.

Knows no database and no delivery.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from speech.conversation import Conversation, Turn
from workers.alert_draft import AlertDraft
from workers.hits import TimedHit, by_turn
from workers.reasons import ABUSIVE, anger_parts

MAX_EVIDENCE = 5


@dataclass(frozen=True, slots=True)
class AngryOrAbusive:
    """A customer's anger at or above `anger` for at least `seconds` of speech, or a hit of
    `lexicon`.
    """

    anger: float
    seconds: float
    lexicon: str = ABUSIVE
    name: str = "angry-or-abusive"

    def judge(self, conversation: Conversation, hits: Sequence[TimedHit]) -> AlertDraft | None:
        """The alert this call raises, or None."""
        reasons: list[str] = []
        evidence: list[dict[str, Any]] = []
        in_turn = by_turn(hits)
        for speaker in conversation.speakers:
            if speaker != "agent":
                angry = self._angry_turns(conversation, speaker)
                if angry:
                    pieces = [
                        _of_turn(angry[position], in_turn.get(position, ()), lexicon=self.lexicon)
                        for position in _angriest(angry)
                    ]
                    voice = _voice_reason(speaker, list(angry.values()))
                    reasons.append(f"{voice}: {pieces[0]['reason']}")
                    evidence += pieces
        abusive = [hit for hit in hits if hit.match.lexicon == self.lexicon]
        if abusive:
            reasons.append(_words_reason(abusive, self.lexicon))
            evidence += [_of_hit(hit) for hit in abusive[:MAX_EVIDENCE]]
        if not reasons:
            return None
        ordered = tuple(sorted(evidence, key=lambda piece: float(piece["start_s"])))
        return AlertDraft(self.name, "; ".join(reasons), ordered, float(ordered[0]["start_s"]))

    def _angry_turns(self, conversation: Conversation, speaker: str) -> dict[int, Turn]:
        """The speaker's turns at or above the threshold, by position, where together they last
        long enough.
        """
        angry = {
            position: turn
            for position, turn in enumerate(conversation.turns)
            if turn.speaker == speaker and turn.mood and turn.mood.anger >= self.anger
        }
        lasts_s = sum(turn.duration_s for turn in angry.values())
        return angry if lasts_s >= self.seconds else {}


def _angriest(turns: Mapping[int, Turn]) -> list[int]:
    """The positions of the angriest of these turns, the angriest first."""

    def calmness(position: int) -> float:
        mood = turns[position].mood
        return -mood.anger if mood else 0.0

    return sorted(turns, key=calmness)[:MAX_EVIDENCE]


def _voice_reason(speaker: str, turns: Sequence[Turn]) -> str:
    seconds = sum(turn.duration_s for turn in turns)
    most = max(turn.mood.anger for turn in turns if turn.mood)
    where = f"in {len(turns)} turns" if len(turns) > 1 else "in one turn"
    return f"{speaker} sounds angry for {seconds:.0f} s of speech {where}, anger up to {most:.2f}"


def _words_reason(hits: Sequence[TimedHit], lexicon: str) -> str:
    said = list(dict.fromkeys(f"“{hit.match.term}” ({hit.speaker})" for hit in hits))
    more = f" and {len(said) - 3} more" if len(said) > 3 else ""
    return f"{len(hits)} {lexicon} hit{'s' * (len(hits) > 1)}: {', '.join(said[:3])}{more}"


def _of_turn(turn: Turn, hits: Sequence[TimedHit], *, lexicon: str) -> dict[str, Any]:
    parts = anger_parts(turn, hits, lexicon=lexicon)
    return {
        "kind": "mood",
        "speaker": turn.speaker,
        "start_s": turn.start_s,
        "end_s": turn.end_s,
        "anger": turn.mood.anger if turn.mood else None,
        "parts": parts,
        "reason": parts["reason"],
    }


def _of_hit(hit: TimedHit) -> dict[str, Any]:
    return {
        "kind": "hit",
        "speaker": hit.speaker,
        "start_s": hit.start_s,
        "end_s": hit.end_s,
        "lexicon": hit.match.lexicon,
        "term": hit.match.term,
    }
