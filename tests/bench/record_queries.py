"""The 200 queries that measure search, drawn from the words of the calls it is measured on."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.bench.many_calls import AGENTS, LEXICONS, Talk

COMMONEST, MIDDLING, RARE = (0, 30), (300, 3000), (8000, 40_000)
FACETS = ("mood", "tag", "agent", "lexicon", "grade", "anger", "duration", "outcome")
# How many of each kind; every second one of a kind has facets on.
MIX = {
    "rare": 25,
    "middling": 25,
    "commonest": 20,
    "mixed": 20,
    "phrases": 20,
    "fuzzy": 15,
    "filters": 30,
    "filters with words": 30,
    "by anger": 15,
}


def queries(talk: Talk, seed: int) -> list[tuple[str, dict[str, Any]]]:
    """Kind and parameters of each query, in an order that mixes the kinds."""
    draw = _Draw(talk, Random(seed))
    made: list[tuple[str, dict[str, Any]]] = []
    for kind, count in MIX.items():
        for number in range(count):
            query = draw.query(kind)
            if number % 2:
                query["facets"] = list(FACETS)
            made.append((kind, query))
    Random(seed).shuffle(made)
    return made


class _Draw:
    def __init__(self, talk: Talk, chance: Random) -> None:
        self._talk = talk
        self._chance = chance

    def query(self, kind: str) -> dict[str, Any]:
        chance = self._chance
        match kind:
            case "rare":
                return {"q": self._words(RARE, chance.choice((1, 1, 2)))}
            case "middling":
                return {"q": self._words(MIDDLING, chance.choice((1, 1, 2)))}
            case "commonest":
                return {"q": self._words(COMMONEST, chance.choice((1, 2, 3)))}
            case "mixed":
                ranks = chance.sample((COMMONEST, MIDDLING, RARE), 2)
                side = chance.choice(("", "", "customer:"))
                return {"q": " ".join(side + self._words(rank, 1) for rank in ranks)}
            case "phrases":
                return {"q": f'"{self._phrase()}"'}
            case "fuzzy":
                return {"q": self._misspelt()}
            case "filters":
                return self._filters(chance.choice((1, 1, 2, 3)))
            case "filters with words":
                rank = chance.choice((COMMONEST, MIDDLING, MIDDLING, RARE))
                return self._filters(chance.choice((1, 2))) | {"q": self._words(rank, 1)}
            case _:
                some = chance.choice(({}, self._filters(1), {"q": self._words(MIDDLING, 1)}))
                return some | {"sort": "-anger"}

    def _words(self, rank: tuple[int, int], count: int) -> str:
        return " ".join(self._chance.sample(self._talk.by_rank(*rank), count))

    def _phrase(self) -> str:
        chance = self._chance
        if chance.random() < 0.3:
            return " ".join(chance.sample(self._talk.by_rank(*COMMONEST), 2))
        return " ".join(chance.choice(self._talk.phrases))

    def _misspelt(self) -> str:
        word = next(w for w in iter(lambda: self._words(MIDDLING, 1), None) if len(w) > 5)
        place = self._chance.randrange(1, len(word) - 1)
        return word[:place] + word[place + 1 :]

    def _filters(self, count: int) -> dict[str, Any]:
        chance = self._chance
        hour = chance.randrange(24)
        lexicon, grade, terms = chance.choice(LEXICONS)
        anger = round(chance.random() * 0.8, 2)
        every: list[dict[str, Any]] = [
            {"agent": f"Agent {chance.randrange(AGENTS)}"},
            {"not_agent": [f"Agent {chance.randrange(4)}", f"Agent {chance.randrange(4)}"]},
            {"mood": chance.choice(("angry", "happy"))},
            {"min_anger": anger, "max_anger": round(anger + 0.1, 2)},
            {"lexicon": lexicon} if grade is None else {"grade": grade},
            {"term": f"{lexicon} term {chance.randrange(terms // 3)}"},
            {"utm_source": "google", "direction": "outbound"},
            {"from": f"2026-{chance.randrange(1, 9):02}-01T00:00:00Z", "min_duration": 60},
            {"hour": [hour, (hour + 1) % 24]},
            {"tag": "angry", "not_tag": "praise"},
            {"min_silence": 30, "min_interruptions": 3},
            {"min_talk_ratio": 0.8, "outcome": "answered"},
        ]
        found: dict[str, Any] = {}
        for some in chance.sample(every, count):
            found |= some
        return found
