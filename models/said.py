"""The calls in which something was said: the clauses of a query in the indexes of each database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    String,
    cast,
    column,
    func,
    literal,
    literal_column,
    table,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlmodel import Session

from models.call_sets import CALL, CallSet, Written
from models.call_text import SPEAKERS, TURN, pair_lexeme
from models.db import is_sqlite
from models.marks import Alike
from models.query import Clause, Near, Phrase, Query, Word

TURN_BITS = 16
"""SQLite numbers a turn in its index by call and position: a call has up to 65,536 turns."""

_call_text = table("call_text", column("rowid", Integer), column("call_id", Integer))
_turn_index = table("turn_index", column("rowid", Integer))
# Value and id of the next calls, as `models.selection` reads them.
_LATEST = sql("""
    SELECT said.place, call.id
    FROM (
        SELECT rowid AS place FROM call_text
        WHERE call_text MATCH :said AND rowid <= :until ORDER BY rowid DESC
    ) AS said
    CROSS JOIN call ON call.place = said.place
    WHERE said.place < :until OR call.id < :below
    ORDER BY said.place DESC
    LIMIT :limit
""")
_COUNTED = sql("""
    SELECT count(*) FROM (SELECT 1 FROM call_text WHERE call_text MATCH :said LIMIT :most)
""")


def sets_of(session: Session, query: Query, *, alike: Alike, speaker: str | None) -> list[CallSet]:
    """The sets whose intersection are the calls that a query finds. `speaker` is who said what no
    clause gives to somebody; `alike` has for a word of the query others that will do.
    """
    matching = _Sqlite if is_sqlite(session) else _Postgresql
    return matching(alike, speaker).sets(query)


def in_one_turn(session: Session, query: Query, *, speaker: str | None) -> CallSet | None:
    """Calls in which one turn has every word of a query as it is written; None where no turn can,
    or where that says nothing new.
    """
    wanted = query.positive
    voices = {clause.speaker or speaker for clause in wanted} - {None}
    if len(wanted) < 2 or len(voices) > 1:
        return None
    matching = _Sqlite if is_sqlite(session) else _Postgresql
    return matching({}, next(iter(voices), None)).turn(wanted)


class _Sqlite:
    """Clauses as FTS5 expressions."""

    def __init__(self, alike: Alike, speaker: str | None) -> None:
        self.alike = alike
        self.speaker = speaker

    def sets(self, query: Query) -> list[CallSet]:
        """One set for all clauses that whole calls answer, one for each that turns do."""
        of_calls = [clause for clause in query.clauses if not isinstance(clause.term, Near)]
        wanted = [self.expression(clause) for clause in of_calls if not clause.without]
        unwanted = [self.expression(clause) for clause in of_calls if clause.without]
        found: list[CallSet] = []
        if wanted:
            match = " AND ".join(wanted)
            found.append(self._calls("".join([f"({match})", *(f" NOT {u}" for u in unwanted)])))
        elif unwanted:
            found.append(self._calls(" OR ".join(unwanted), without=True))
        for clause in query.clauses:
            if isinstance(clause.term, Near):
                found.append(self._turns(self.expression(clause), without=clause.without))
        return found

    def turn(self, clauses: Sequence[Clause]) -> CallSet:
        return self._turns(" AND ".join(map(self.expression, clauses)))

    def expression(self, clause: Clause) -> str:
        """The clause in parentheses, in the speaker's column where there is one."""
        speaker = clause.speaker or self.speaker
        column_filter = f"{{{speaker}}} : " if speaker in SPEAKERS else ""
        return f"({column_filter}({self._term(clause.term)}))"

    def _term(self, term: Word | Phrase | Near) -> str:
        if isinstance(term, Near):
            return f"NEAR({_quoted(term.left)} {_quoted(term.right)}, {term.within})"
        if isinstance(term, Phrase):
            return _quoted(term.keys)
        words = [_quoted([key]) for key in (*term.keys, *self.alike.get(term, ()))]
        if term.prefix:
            words.append(f"{_quoted([term.written])} *")
        return " OR ".join(words)

    def _calls(self, match: str, *, without: bool = False) -> CallSet:
        return CallSet(
            CALL.place,
            _call_text,
            _call_text.c.rowid,
            literal_column("call_text").op("MATCH", is_comparison=True)(literal(match)),
            lambda place: _call_text.c.rowid == place,
            without=without,
            dear=True,
            written=None if without else Written(_LATEST, _COUNTED, {"said": match}),
        )

    def _turns(self, match: str, *, without: bool = False) -> CallSet:
        first = 1 << TURN_BITS
        return CallSet(
            CALL.id,
            _turn_index,
            _turn_index.c.rowid.bitwise_rshift(TURN_BITS),
            literal_column("turn_index").op("MATCH", is_comparison=True)(literal(match)),
            lambda call_id: _turn_index.c.rowid.between(
                call_id * first, call_id * first + (first - 1)
            ),
            without=without,
            repeats=True,
            dear=True,
        )


class _Postgresql:
    """Clauses as tsqueries."""

    def __init__(self, alike: Alike, speaker: str | None) -> None:
        self.alike = alike
        self.speaker = speaker

    def sets(self, query: Query) -> list[CallSet]:
        found: list[CallSet] = []
        whole = [
            f"{'!' * clause.without}({self._lexemes(clause)})"
            for clause in query.clauses
            if not self._needs_turns(clause)
        ]
        loose = [
            f"({self._lexemes(clause)})"
            for clause in query.clauses
            if self._needs_turns(clause) and not clause.without
        ]
        if query.positive:
            found.append(self._calls(" & ".join([*whole, *loose])))
        elif whole:
            unwanted = " | ".join(part.removeprefix("!") for part in whole)
            found.append(self._calls(unwanted, without=True))
        for clause in query.clauses:
            if self._needs_turns(clause):
                found.append(self._turns([clause], without=clause.without))
        return found

    def turn(self, clauses: Sequence[Clause]) -> CallSet:
        return self._turns(clauses)

    def _needs_turns(self, clause: Clause) -> bool:
        """Whether the lexemes of a call tell less than the clause asks."""
        if isinstance(clause.term, Phrase):
            whose = clause.speaker or self.speaker
            return len(clause.term.keys) > (1 if whose else 2)
        return isinstance(clause.term, Near)

    def _lexemes(self, clause: Clause) -> str:
        """What a call has where it has the clause, and perhaps elsewhere."""
        speaker = clause.speaker or self.speaker
        who = f"{speaker}:" if speaker in SPEAKERS else ""
        term = clause.term
        if isinstance(term, Near):
            return " & ".join(_lexeme(who + key) for key in (*term.left, *term.right))
        if isinstance(term, Phrase):
            pairs = [
                _lexeme(pair_lexeme(*two)) for two in zip(term.keys, term.keys[1:], strict=False)
            ]
            words = [_lexeme(who + key) for key in term.keys] if who or not pairs else []
            return " & ".join([*pairs, *words])
        words = [_lexeme(who + key) for key in (*term.keys, *self.alike.get(term, ()))]
        if term.prefix:
            words.append(f"{_lexeme(who + term.written)}:*")
        return " | ".join(words)

    def _in_turn(self, clause: Clause) -> str:
        """The clause for the vector of one turn."""
        term = clause.term
        if isinstance(term, Near):
            left, right = (" <-> ".join(map(_lexeme, keys)) for keys in (term.left, term.right))
            steps = range(1, term.within + 2)
            return " | ".join(
                f"(({one}) <{step}> ({other}))"
                for step in steps
                for one, other in ((left, right), (right, left))
            )
        if isinstance(term, Phrase):
            return " <-> ".join(map(_lexeme, term.keys))
        words = [_lexeme(key) for key in term.keys]
        if term.prefix:
            words.append(f"{_lexeme(term.written)}:*")
        return " | ".join(words)

    def _calls(self, query: str, *, without: bool = False) -> CallSet:
        return CallSet(
            CALL.id,
            _call_text,
            _call_text.c.call_id,
            column("words").op("@@", is_comparison=True)(_tsquery(query)),
            lambda call_id: _call_text.c.call_id == call_id,
            without=without,
            dear=True,
        )

    def _turns(self, clauses: Sequence[Clause], *, without: bool = False) -> CallSet:
        simple: ColumnElement[str] = literal_column("'simple'::regconfig")
        query = " & ".join(f"({self._in_turn(clause)})" for clause in clauses)
        said: ColumnElement[bool] = func.to_tsvector(simple, TURN["keys"]).op(
            "@@", is_comparison=True
        )(_tsquery(query))
        speaker = clauses[0].speaker or self.speaker
        if speaker:
            said = said & (TURN.speaker == speaker)
        return CallSet(
            CALL.id,
            TURN.call_id.table,
            TURN.call_id,
            said,
            lambda call_id: TURN.call_id == call_id,
            without=without,
            repeats=True,
            dear=True,
        )


def _quoted(keys: Collection[str]) -> str:
    """A string of FTS5: keys hold letters and digits only, so nothing has to be escaped."""
    return f'"{" ".join(keys)}"'


def _lexeme(text: str) -> str:
    return f"'{text}'"


def _tsquery(text: str) -> ColumnElement[Any]:
    return cast(literal(text, String), TSQUERY)
