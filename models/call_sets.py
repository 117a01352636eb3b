"""Sets of calls that some table knows: those with a facet, those in which words were said.

A set can drive a search, or be asked whether it holds a call; `models.selection` decides which.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, func, select
from sqlmodel import Session

from models.call import Speaker
from models.columns import columns_of
from models.facets import CallFacet


@dataclass(frozen=True, slots=True)
class CallSet:
    """The calls that rows of `table` name by `number`, where `condition` holds.

    `of_call` narrows the rows to those of one call. `without` turns the set into all other calls.
    `repeats` says that several rows may name one call; `dear` that asking for one call costs some
    20 times what the step to the next one costs.
    """

    table: FromClause
    number: ColumnElement[Any]
    condition: ColumnElement[bool]
    of_call: Callable[[ColumnElement[Any]], ColumnElement[bool]]
    without: bool = False
    repeats: bool = False
    dear: bool = False

    def rows(self) -> Select[Any]:
        """Every call of the set itself, `without` or not, as `call_id`."""
        calls: Select[Any] = (
            select(self.number.label("call_id")).select_from(self.table).where(self.condition)
        )
        return calls.distinct() if self.repeats else calls

    def size(self, session: Session, most: int) -> int:
        """How many rows the set has, counted up to `most`."""
        some = select(self.number).select_from(self.table).where(self.condition).limit(most)
        counted = select(func.count()).select_from(some.subquery())
        return int(session.execute(counted).scalar_one())

    def holds(self, call_id: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether it holds this call: asked call by call."""
        row = select(1).select_from(self.table).where(self.condition, self.of_call(call_id))
        return ~row.exists() if self.without else row.exists()

    def apart(self, call_id: ColumnElement[Any]) -> ColumnElement[bool]:
        """The same on PostgreSQL, whose planner is kept from asking row by row after all."""
        rows = self.rows().cte().prefix_with("MATERIALIZED", dialect="postgresql")
        row = select(1).select_from(rows).where(rows.c.call_id == call_id)
        return ~row.exists() if self.without else row.exists()

    def among(self, call_id: ColumnElement[Any]) -> ColumnElement[bool]:
        """The same, read as a whole first."""
        return call_id.not_in(self.rows()) if self.without else call_id.in_(self.rows())


def with_facets(numbers: Sequence[int], *, without: bool) -> CallSet:
    """Calls that have at least one of these facets."""
    facet = columns_of(CallFacet)
    return CallSet(
        facet.call_id.table,
        facet.call_id,
        facet.facet_id.in_(numbers),
        lambda call_id: facet.call_id == call_id,
        without=without,
        repeats=len(numbers) > 1,
    )


def with_speaker(name: str, condition: ColumnElement[bool]) -> CallSet:
    """Calls in which a speaker of this name meets a condition on `Speaker`."""
    speaker = columns_of(Speaker)
    return CallSet(
        speaker.call_id.table,
        speaker.call_id,
        (speaker.name == name) & condition,
        lambda call_id: speaker.call_id == call_id,
    )
