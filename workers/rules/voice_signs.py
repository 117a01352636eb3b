"""Signs in what was said and how: anger, and hits of lexicons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from workers.call_facts import SaidTerm, SpokenTurn
from workers.reasons import anger_parts
from workers.rules.scene import CLOCK_S, Scene, Seconds
from workers.rules.sign import MAX_EVIDENCE, Name, Piece, Share, Sign, Times

Lasting = list[tuple[SpokenTurn, float]]
"""Turns, each with how many of its seconds lie in the scene."""


class Anger(Sign):
    """A speaker's anger at or above `at_least` for at least `for_s` seconds of their speech."""

    of_somebody = True

    at_least: Share = Field(examples=[0.6])
    for_s: Seconds = Field(examples=[3.0])

    def holds(self, scene: Scene) -> bool | None:
        if scene.turns and all(turn.anger is None for turn in scene.turns):
            return None
        return any(self._angry(scene))

    def reason(self, scene: Scene) -> str:
        return "; ".join(_voice(scene, turns) for turns in self._angry(scene))

    def denial(self, scene: Scene) -> str:
        who = "nobody sounds" if scene.who == "anybody" else f"{scene.who} does not sound"
        return f"{who} angry ({self.at_least:g} or more) for {self.for_s:g} s{scene.where}"

    def evidence(self, scene: Scene) -> list[Piece]:
        return [_of_turn(turn, scene) for turns in self._angry(scene) for turn in _angriest(turns)]

    def _angry(self, scene: Scene) -> Iterator[Lasting]:
        """For each speaker who is angry for long enough: their angry turns, with the seconds."""
        angry: dict[str, Lasting] = {}
        for turn in scene.turns:
            if turn.anger is not None and turn.anger >= self.at_least:
                angry.setdefault(turn.speaker, []).append((turn, scene.spoken_s(turn)))
        for _speaker, turns in sorted(angry.items()):
            if _seconds(turns) > self.for_s - CLOCK_S:
                yield turns


class Hits(Sign):
    """At least `times` hits of a lexicon, a grade, a term, or of what all that are given name."""

    of_somebody = True

    lexicon: Name | None = Field(None, examples=["abusive"])
    grade: Name | None = Field(None, examples=["threat"])
    term: Name | None = Field(None, examples=["refund"], description="Case does not matter.")
    times: Times = Field(1, examples=[2])

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if self.lexicon is None and self.grade is None and self.term is None:
            raise PydanticCustomError("hits", "name a lexicon, a grade or a term")
        return self

    def holds(self, scene: Scene) -> bool | None:
        return len(self._found(scene)) >= self.times

    def reason(self, scene: Scene) -> str:
        found = self._found(scene)
        said = list(dict.fromkeys(f"“{hit.term}” ({hit.speaker})" for hit in found))
        more = f" and {len(said) - 3} more" if len(said) > 3 else ""
        return f"{self._counted(len(found))}{scene.where}: {', '.join(said[:3])}{more}"

    def denial(self, scene: Scene) -> str:
        by = "" if scene.who == "anybody" else f" of the {scene.who}"
        term = f" “{self.term}”" if self.term else ""
        count = f"fewer than {self._counted(self.times)}" if self.times > 1 else self._counted(0)
        return f"{count}{term}{by}{scene.where}"

    def evidence(self, scene: Scene) -> list[Piece]:
        return [_of_hit(hit) for hit in self._found(scene)[:MAX_EVIDENCE]]

    def _found(self, scene: Scene) -> list[SaidTerm]:
        term = self.term and self.term.casefold()
        return [
            hit
            for hit in scene.hits
            if (self.lexicon is None or hit.lexicon == self.lexicon)
            and (self.grade is None or hit.grade == self.grade)
            and (term is None or hit.term.casefold() == term)
        ]

    def _counted(self, count: int) -> str:
        named = "".join(f"{name} " for name in (self.lexicon, self.grade) if name)
        return f"{count or 'no'} {named}hit{'s' * (count > 1)}"


def _seconds(turns: Lasting) -> float:
    return sum(lasts_s for _turn, lasts_s in turns)


def _angriest(turns: Lasting) -> list[SpokenTurn]:
    """The angriest of these turns, the angriest first."""
    return sorted((turn for turn, _ in turns), key=lambda turn: -(turn.anger or 0.0))[:MAX_EVIDENCE]


def _voice(scene: Scene, turns: Lasting) -> str:
    worst = _angriest(turns)[0]
    places = f"in {len(turns)} turns" if len(turns) > 1 else "in one turn"
    return (
        f"{worst.speaker} sounds angry for {_seconds(turns):.0f} s of speech {places}"
        f"{scene.where}, anger up to {worst.anger:.2f}: {_of_turn(worst, scene)['reason']}"
    )


def _of_turn(turn: SpokenTurn, scene: Scene) -> Piece:
    parts = anger_parts(turn, scene.facts.said_in(turn.position))
    return {
        "kind": "mood",
        "speaker": turn.speaker,
        "start_s": turn.start_s,
        "end_s": turn.end_s,
        "anger": turn.anger,
        "parts": parts,
        "reason": parts["reason"],
    }


def _of_hit(hit: SaidTerm) -> Piece:
    return {
        "kind": "hit",
        "speaker": hit.speaker,
        "start_s": hit.start_s,
        "end_s": hit.end_s,
        "lexicon": hit.lexicon,
        "term": hit.term,
    }
