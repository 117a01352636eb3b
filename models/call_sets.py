"""Sets of calls that some table knows: those with a facet, those in which words were said.

A set can drive a search, or be asked whether it holds a call; `models.selection` decides which.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    TextClause,
    UnaryExpression,
    func,
    select,
)
from sqlalchemy.sql.operators import custom_op
from sqlmodel import Session

from models.call import Call, Speaker
from models.columns import columns_of
from models.facets import CallFacet

CALL = columns_of(Call)


@dataclass(frozen=True, slots=True)
class Written:
    """Statements about one set alone, written out: SQLAlchemy takes longer to put the like together
    than SQLite to answer it. Both are given `given`.

    `latest` reads place and id of up to `:limit` calls, the latest first, that come after the place
    `:until` and there after the id `:below`; `counted` counts rows up to `:most`.
    """

    latest: TextClause
    counted: TextClause
    given: dict[str, str]

    def page(self, session: Session, limit: int, after: tuple[int, int]) -> list[tuple[int, int]]:
        """Place and id of the next calls, the latest first, after one of this place and id."""
        until, below = after
        given = self.given | {"until": until, "below": below, "limit": limit}
        rows = session.connection().execute(self.latest, given)
        return [(place, number) for place, number in rows]

    def size(self, session: Session, most: int) -> int:
        """How many rows the set has, counted up to `most`."""
        counted = session.connection().execute(self.counted, self.given | {"most": most})
        return int(counted.scalar_one())


@dataclass(frozen=True, slots=True)
class CallSet:
    """The calls that rows of `table` name by `number`, where `condition` holds.

    `key` is the column of `Call` that the numbers are of: its place, or its id. `of_call` narrows
    the rows to those of one call, by its key. `without` turns the set into all other calls.
    `repeats` says that several rows may name one call; `dear` that asking for one call costs some
    20 times what the step to the next one costs. `written` is what the commonest searches ask.
    """

    key: ColumnElement[Any]
    table: FromClause
    number: ColumnElement[Any]
    condition: ColumnElement[bool]
    of_call: Callable[[ColumnElement[Any]], ColumnElement[bool]]
    without: bool = False
    repeats: bool = False
    dear: bool = False
    written: Written | None = None

    def rows(self) -> Select[Any]:
        """Every call of the set itself, `without` or not, as `key`."""
        calls: Select[Any] = (
            select(self.number.label("key")).select_from(self.table).where(self.condition)
        )
        return calls.distinct() if self.repeats else calls

    def size(self, session: Session, most: int) -> int:
        """How many rows the set has, counted up to `most`."""
        if self.written is not None:
            return self.written.size(session, most)
        some = select(self.number).select_from(self.table).where(self.condition).limit(most)
        counted = select(func.count()).select_from(some.subquery())
        return int(session.connection().execute(counted).scalar_one())

    def holds(self) -> ColumnElement[bool]:
        """Whether it holds a call: asked call by call."""
        row = select(1).select_from(self.table).where(self.condition, self.of_call(self.key))
        return ~row.exists() if self.without else row.exists()

    def apart(self) -> ColumnElement[bool]:
        """The same on PostgreSQL, whose planner is kept from asking row by row after all."""
        rows = self.rows().cte().prefix_with("MATERIALIZED", dialect="postgresql")
        row = select(1).select_from(rows).where(rows.c.key == self.key)
        return ~row.exists() if self.without else row.exists()

    def among(self) -> ColumnElement[bool]:
        """The same, read as a whole first."""
        number = unindexed(self.key)
        return number.not_in(self.rows()) if self.without else number.in_(self.rows())


def unindexed(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column for whose sake SQLite takes no index."""
    return UnaryExpression(column, operator=custom_op("+"), type_=column.type)


def with_facets(numbers: Sequence[int], *, without: bool) -> CallSet:
    """Calls that have at least one of these facets."""
    facet = columns_of(CallFacet)
    return CallSet(
        CALL.place,
        facet.place.table,
        facet.place,
        facet.facet_id.in_(numbers),
        lambda place: facet.place == place,
        without=without,
        repeats=len(numbers) > 1,
    )


def with_speaker(name: str, condition: ColumnElement[bool]) -> CallSet:
    """Calls in which a speaker of this name meets a condition on `Speaker`."""
    speaker = columns_of(Speaker)
    return CallSet(
        CALL.id,
        speaker.call_id.table,
        speaker.call_id,
        (speaker.name == name) & condition,
        lambda call_id: speaker.call_id == call_id,
    )
