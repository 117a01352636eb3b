"""Many stored calls for measuring search: seeded, their words as frequent as people use them.

Words and their frequencies are those of pyspellchecker's English and Russian lists. Of every 300
words one is written with a wrong letter, as mishearing does. Some words keep to others, so that
there are phrases. Rows are written in bulk; the index is made by our own code, as for a call that
was just heard.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from spellchecker import SpellChecker
from sqlalchemy import Engine, insert, text

from lexicons.text import analyze, index_text
from models import Call, CallTag, Hit, Speaker, Turn
from models.db import writing
from models.indexing import index_calls

TURNS, WORDS = 20, 12
AT_ONCE = 500
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
MISHEARD = 1 / 300
PHRASES = 2000
WORD_S = 0.35
AGENTS, LINES, SITES = 60, 25, 40
MOODS = ("neutral", "happy", "sad", "angry")
LEXICONS = (("product", None, 600), ("praise", None, 40), ("abusive", "mild", 30))


class Talk:
    """Turns of words, as many as are asked for."""

    def __init__(self, seed: int) -> None:
        self._chance = np.random.default_rng(seed)
        self._tongues = [_Tongue(language, self._chance) for language in ("en", "ru")]
        self.keys: dict[str, str] = {}
        for tongue in self._tongues:
            self.keys |= tongue.keys

    def turns(self, calls: int) -> list[list[list[str]]]:
        """For each call its turns, for each turn its words; every fourth call is Russian."""
        which = self._chance.random(calls) < 0.25
        return [self._tongues[int(russian)].turns() for russian in which]

    def by_rank(self, first: int, last: int) -> list[str]:
        """The English words of these ranks, the commonest first."""
        return self._tongues[0].words[first:last]

    @property
    def phrases(self) -> list[tuple[str, str]]:
        """English words that often stand together."""
        tongue = self._tongues[0]
        return [(tongue.words[one], tongue.words[other]) for one, other in tongue.follows.items()]


class _Tongue:
    def __init__(self, language: str, chance: np.random.Generator) -> None:
        counts = SpellChecker(language=language).word_frequency.dictionary
        known = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        known = [(word, count) for word, count in known if len(analyze(word)) == 1]
        self._chance = chance
        self.words = [word for word, _count in known]
        self.keys = {word: analyze(word)[0].key for word in self.words}
        self._bounds = np.cumsum([count for _word, count in known], dtype=float)
        self._bounds /= self._bounds[-1]
        pairs = np.searchsorted(self._bounds, chance.random((PHRASES, 2)))
        self.follows = {int(one): int(other) for one, other in pairs if one > 20}
        self._letters = "abcdefghijklmnoprstuvy" if language == "en" else "абвгдежзиклмнопрстуфхя"

    def turns(self) -> list[list[str]]:
        ranks = np.searchsorted(self._bounds, self._chance.random((TURNS, WORDS)))
        changed = self._chance.random((TURNS, WORDS))
        return [
            [self._word(row, at, odds[at]) for at in range(WORDS)]
            for row, odds in zip(ranks.tolist(), changed, strict=True)
        ]

    def _word(self, row: list[int], at: int, odds: float) -> str:
        if at and odds > 0.5 and (following := self.follows.get(row[at - 1])) is not None:
            row[at] = following
        word = self.words[row[at]]
        if odds < MISHEARD and len(word) > 4:
            place = int(odds / MISHEARD * len(word))
            letter = self._letters[hash((place, len(word))) % len(self._letters)]
            word = word[:place] + letter + word[place + 1 :]
        return word


def store_calls(engine: Engine, talk: Talk, *, first: int, last: int, seed: int) -> None:
    """Calls `first` to `last`, not including it, each of 20 turns, with everything that search
    looks at, and indexed.
    """
    chance = np.random.default_rng([seed, first])
    for start in range(first, last, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, last))
        rows = _rows(numbers, talk, chance)
        with writing(engine) as session:
            connection = session.connection()
            for table in (Call, Turn, Speaker, CallTag, Hit):
                connection.execute(insert(table), rows[table])
            index_calls(session, numbers)
            session.commit()
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for table in ("call", "turn", "call_text", "call_facet", "speaker", "hit", "facet"):
                connection.execute(text(f"VACUUM ANALYZE {table}"))
            connection.execute(
                text(
                    "SELECT setval(pg_get_serial_sequence(name, 'id'), greatest(most, 1)) FROM "
                    "(SELECT 'call' AS name, max(id) AS most FROM call UNION ALL "
                    "SELECT 'turn', max(id) FROM turn) AS numbered"
                )
            )
    else:
        with engine.begin() as connection:
            connection.execute(text("PRAGMA optimize"))


def _rows(
    numbers: Sequence[int], talk: Talk, chance: np.random.Generator
) -> dict[type[Any], list[dict[str, Any]]]:
    rows: dict[type[Any], list[dict[str, Any]]] = {
        table: [] for table in (Call, Turn, Speaker, CallTag, Hit)
    }
    for number, turns in zip(numbers, talk.turns(len(numbers)), strict=True):
        drawn = chance.random(16).tolist()
        anger = round(drawn[0] ** 3, 3)
        said = list(_turns(number, turns, talk, anger))
        rows[Turn] += said
        rows[Call].append(_call(number, said[-1]["end_s"], anger, drawn))
        rows[Speaker] += _speakers(number, anger, drawn)
        found = list(_hits(number, said, chance))
        rows[Hit] += found
        tags = {hit["lexicon"] for hit in found} | ({"angry"} if anger >= 0.6 else set())
        rows[CallTag] += [{"call_id": number, "tag": tag} for tag in sorted(tags)]
    return rows


def _call(number: int, duration_s: float, anger: float, drawn: list[float]) -> dict[str, Any]:
    # Recordings are pushed in about the order of their calls, a few of them a day late.
    minutes = number * 4 - (1440 if drawn[1] < 0.02 else 0) + drawn[2] * 4
    began = FIRST + timedelta(minutes=minutes)
    return {
        "id": number,
        "external_id": f"call-{number}",
        "agent": f"Agent {int(drawn[3] ** 2 * AGENTS)}",
        "line": f"+44 20 7946 {int(drawn[4] * LINES):04}",
        "caller": f"+44 7700 {int(drawn[5] * 900_000):06}",
        "direction": "inbound" if drawn[6] < 0.8 else "outbound",
        "outcome": "answered" if drawn[7] < 0.9 else "voicemail",
        "started_at": began,
        "utc_offset_min": 0,
        "agent_channel": "left",
        "urgent": False,
        "details": {
            "utm_source": ("google", "bing", "direct", "mail")[int(drawn[8] * 4)],
            "site": f"site-{int(drawn[9] ** 2 * SITES)}.example",
            "region": f"region {int(drawn[10] * 12)}",
        },
        "recording": f"upload:{number}.wav",
        "status": "done",
        "attempts": 1,
        "failures": 0,
        "created_at": began,
        "updated_at": began,
        "heard_at": began,
        "duration_s": duration_s,
        "channels": 2,
        "language": "en",
        "warnings": [],
        "anger": anger,
        "anger_trend": round(drawn[11] - 0.5, 2),
        "agent_talk_ratio": round(drawn[12], 2),
        "silence_s": round(drawn[13] ** 4 * 90, 1),
        "longest_silence_s": round(drawn[13] ** 4 * 60, 1),
        "silences": [],
        "interruptions": int(drawn[14] ** 3 * 9),
    }


def _turns(
    number: int, turns: list[list[str]], talk: Talk, anger: float
) -> Iterator[dict[str, Any]]:
    at_s = 1.0
    for position, words in enumerate(turns):
        times = [round(at_s + i * WORD_S, 2) for i in range(len(words) + 1)]
        yield {
            "id": number * TURNS + position,
            "call_id": number,
            "position": position,
            "speaker": ("agent", "customer")[position % 2],
            "start_s": times[0],
            "end_s": times[-1],
            "text": " ".join(words),
            "keys": " ".join(talk.keys.get(word) or index_text(word) for word in words),
            "words": [[word, times[i], times[i + 1], 0.91] for i, word in enumerate(words)],
            "mood": "angry" if anger > 0.6 and position % 4 == 1 else "neutral",
            "anger": anger if position % 2 else 0.05,
            "language": "en",
            "confidence": 0.91,
        }
        at_s = times[-1] + 0.4


def _speakers(number: int, anger: float, drawn: list[float]) -> Iterator[dict[str, Any]]:
    mood = "angry" if anger > 0.6 else MOODS[int(drawn[15] * 3)]
    for name, felt, figure in (("agent", "neutral", 0.05), ("customer", mood, anger)):
        yield {
            "call_id": number,
            "name": name,
            "talk_s": 42.0,
            "mood": felt,
            "anger": figure,
            "anger_trend": round(drawn[11] - 0.5, 2),
        }


def _hits(
    number: int, turns: list[dict[str, Any]], chance: np.random.Generator
) -> Iterator[dict[str, Any]]:
    for lexicon, grade, terms in LEXICONS:
        for _ in range(int(chance.integers(0, 3))):
            turn = turns[int(chance.integers(0, len(turns)))]
            yield {
                "call_id": number,
                "turn_id": turn["id"],
                "speaker": turn["speaker"],
                "lexicon": lexicon,
                "lexicon_version": 1,
                "term": f"{lexicon} term {int(chance.random() ** 2 * terms)}",
                "grade": grade,
                "matched": turn["text"].split()[0],
                "start_s": turn["start_s"],
                "end_s": turn["start_s"] + WORD_S,
                "score": 0.95,
            }
