"""`make bench NAME=retag`: how long it takes to match all stored calls again.

CALLS calls of TURNS turns lie in a SQLite database as if heard before lexicons were stored: every
hit of the shipped lexicons is new, and has to be written. `make bench NAME=words` uses this too.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from itertools import count, islice
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from sqlalchemy import Engine, insert

from lexicons.lexicon import shipped
from models import Call, Turn
from models.columns import now
from models.db import connect, migrate
from settings import Settings
from tests.bench.words import Speech
from workers.judging import Judge
from workers.published import seed
from workers.rematch import retag_in_process

CALLS, TURNS = 10_000, 20
AT_ONCE = 500
LONGEST_TERM_WORDS = 3
WORD_S, PAUSE_S = 0.35, 0.5


def measure_retag(folder: Path) -> float:
    """Seconds to retag the calls, in this process, with a new database in `folder`."""
    return retag(folder)[0]


def retag(folder: Path, calls: int = CALLS) -> tuple[float, dict[str, Any]]:
    """The seconds, and the retag's own result."""
    engine = connect(f"sqlite:///{folder / 'retag.db'}")
    migrate(engine)
    seed(engine)
    store_calls(engine, calls)
    since = perf_counter()
    result = retag_in_process(engine, Judge.of(engine, Settings()))
    taken_s = perf_counter() - since
    engine.dispose()
    return taken_s, result


def store_calls(engine: Engine, calls: int) -> None:
    """Calls whose turns are an hour's after another; some name shipped terms."""
    chance = Random(5)
    texts = _texts()
    for first in range(1, calls + 1, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, calls + 1))
        turns = [row for number in numbers for row in _turns(number, texts, chance)]
        ends_s = {row["call_id"]: row["end_s"] for row in turns}
        rows = [_call(number, ends_s[number]) for number in numbers]
        with engine.begin() as connection:
            connection.execute(insert(Call), rows)
            connection.execute(insert(Turn), turns)


def _texts() -> Iterator[str]:
    speech = Speech(5)
    terms = [phrase for lexicon in shipped() for term in lexicon.terms for phrase in term.phrases]
    terms = [phrase for phrase in terms if len(phrase.split()) <= LONGEST_TERM_WORDS]
    for hour in count():
        yield from speech.turns(terms, hour)


def _call(number: int, duration_s: float) -> dict[str, Any]:
    moment = now() - timedelta(hours=number)
    return {
        "external_id": f"call {number}",
        "started_at": moment,
        "agent_channel": "left",
        "urgent": False,
        "details": {},
        "recording": "upload:none.wav",
        "status": "done",
        "attempts": 1,
        "failures": 0,
        **dict.fromkeys(("created_at", "updated_at", "heard_at"), moment),
        "duration_s": duration_s,
        "warnings": [],
    }


def _turns(call_id: int, texts: Iterator[str], chance: Random) -> Iterator[dict[str, Any]]:
    at_s = 1.0
    for position, text in enumerate(islice(texts, TURNS)):
        words = []
        start_s = at_s
        for word in text.split():
            words.append([word, round(at_s, 3), round(at_s + WORD_S, 3), chance.uniform(0.2, 1.0)])
            at_s += WORD_S
        yield {
            "call_id": call_id,
            "position": position,
            "speaker": ("agent", "customer")[position % 2],
            "start_s": start_s,
            "end_s": at_s,
            "text": text,
            "keys": text.lower(),
            "words": words,
        }
        at_s += PAUSE_S


def main() -> None:
    """Print one JSON object."""
    with TemporaryDirectory() as folder:
        taken_s, result = retag(Path(folder))
    sys.stdout.write(json.dumps({"retag_s": round(taken_s, 1), **result}) + "\n")


if __name__ == "__main__":
    main()
