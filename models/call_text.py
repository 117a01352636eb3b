"""Words said in calls: the index of whole calls, and what `models.said` must know of it.

SQLite keeps calls and turns as FTS5 tables with a column for each speaker. PostgreSQL keeps a
vector of lexemes for each call: its words, its words by speaker, and its pairs of neighbouring
words, so that a phrase of two words is found without looking at any call; turns have an index of
their own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import String, bindparam, select
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Session

from models.call_sets import CALL
from models.columns import columns_of
from models.db import is_sqlite, slices
from models.turn import Turn
from models.vocabulary import learn

SPEAKERS = ("agent", "customer", "speaker_1", "speaker_2")
"""Who has a column of their own; all others share one."""
# Between two turns in an index of a call, so that no phrase reaches over: a character that no key
# has and that the tokenizer takes for a word.
BETWEEN_TURNS = "\ue000"
MAX_LEXEME_BYTES = 900_000
"""PostgreSQL takes vectors of up to 1 MiB. Ten hours of speech have less."""

TURN = columns_of(Turn)
_lexemes = bindparam("lexemes", type_=ARRAY(String))


def write_text(session: Session, call_ids: Sequence[int]) -> None:
    """Index the turns of these calls anew, and learn their words; they have their places already.
    Nothing is committed.
    """
    said: dict[int, list[tuple[str, str]]] = {call_id: [] for call_id in call_ids}
    places: dict[int, int] = {}
    words: set[str] = set()
    for some in slices(call_ids, 500):
        rows = select(TURN.call_id, TURN.speaker, TURN["keys"]).where(TURN.call_id.in_(some))
        places |= dict(session.execute(select(CALL.id, CALL.place).where(CALL.id.in_(some))).all())
        for call_id, speaker, keys in session.execute(rows.order_by(TURN.call_id, TURN.position)):
            said[call_id].append((speaker, keys))
            words.update(keys.split())
    sqlite = is_sqlite(session)
    for call_id, turns in said.items():
        if sqlite:
            _write_sqlite(session, places[call_id], turns)
        else:
            _write_postgresql(session, call_id, turns)
    learn(session, words)


def forget_text(session: Session, places: Collection[int]) -> None:
    """Take away what was indexed at places that calls have left. What goes with a deleted call goes
    by itself.
    """
    if places and is_sqlite(session):  # PostgreSQL's rows name the call
        rows = [{"place": place} for place in places]
        session.execute(sql("DELETE FROM call_text WHERE rowid = :place"), rows)


def _write_sqlite(session: Session, place: int, turns: Iterable[tuple[str, str]]) -> None:
    columns: dict[str, list[str]] = defaultdict(list)
    for speaker, keys in turns:
        columns[speaker if speaker in SPEAKERS else "others"].append(keys)
    texts = {name: f" {BETWEEN_TURNS} ".join(columns[name]) for name in (*SPEAKERS, "others")}
    row = {"place": place, **texts}
    names = ", ".join(texts)
    values = ", ".join(f":{name}" for name in texts)
    session.execute(sql("DELETE FROM call_text WHERE rowid = :place"), row)
    session.execute(sql(f"INSERT INTO call_text(rowid, {names}) VALUES (:place, {values})"), row)


def _write_postgresql(session: Session, call_id: int, turns: Iterable[tuple[str, str]]) -> None:
    lexemes: dict[str, None] = {}
    for speaker, keys in turns:
        words = keys.split()
        lexemes |= dict.fromkeys(words)
        if speaker in SPEAKERS:
            lexemes |= dict.fromkeys(f"{speaker}:{word}" for word in words)
        lexemes |= dict.fromkeys(map(pair_lexeme, words, words[1:]))
    held, size = [], 0
    for lexeme in lexemes:
        size += len(lexeme.encode()) + 8
        if size > MAX_LEXEME_BYTES:
            break
        held.append(lexeme)
    statement = sql(
        "INSERT INTO call_text(call_id, words) VALUES (:call_id, array_to_tsvector(:lexemes)) "
        "ON CONFLICT (call_id) DO UPDATE SET words = excluded.words"
    ).bindparams(_lexemes)
    session.execute(statement, {"call_id": call_id, "lexemes": held})


def pair_lexeme(word: str, following: str) -> str:
    """What the vector of a call has for two words one after the other."""
    return f">{word} {following}"
