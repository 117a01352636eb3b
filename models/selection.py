"""Which calls sets and conditions leave, in which order: one statement for each question.

PostgreSQL plans these by itself. SQLite knows no sizes of full-text matches, so here the smallest
set drives, and where more calls match than are counted, the order's own index is walked instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    UnaryExpression,
    and_,
    func,
    literal,
    or_,
)
from sqlalchemy import select as select_rows
from sqlalchemy.sql.operators import custom_op
from sqlmodel import Session

from models.call import Call
from models.call_sets import CallSet
from models.columns import columns_of
from models.cursors import Place

CALL = columns_of(Call)
COUNTED = 10_000
"""So many matching calls are counted; of more, it is said that they are more."""
FEW = 500
"""So many calls are looked up one by one in an index of words, rather than all its matches read."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What a column of `Call` must say."""

    column: ColumnElement[Any]
    said_of: Callable[[ColumnElement[Any]], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Order:
    """By rank, highest first, where there is one; then by a column of `Call`; then by id."""

    column: ColumnElement[Any]
    descending: bool = True
    rank: ColumnElement[Any] | None = None


class Selection:
    """Calls that are in every set and meet every condition on `Call`."""

    def __init__(
        self, session: Session, sets: Sequence[CallSet], conditions: Sequence[Condition]
    ) -> None:
        self._session = session
        self._sets = sets
        self._conditions = conditions
        self._sqlite = session.get_bind().dialect.name == "sqlite"

    @cached_property
    def count(self) -> int:
        """How many calls match: exact up to `COUNTED`, one more where they are more."""
        if len(self._sets) == 1 and not self._conditions and not self._sets[0].without:
            (only,) = self._sets
            if not only.repeats:
                return only.size(self._session, COUNTED + 1)
        some = self._driven([CALL.id]).limit(COUNTED + 1)
        counted = select_rows(func.count()).select_from(some.subquery())
        return int(self._session.execute(counted).scalar_one())

    @property
    def is_dense(self) -> bool:
        """Whether more calls match than are counted."""
        return self.count > COUNTED

    def page(self, order: Order, *, limit: int, after: Place | None) -> list[Place]:
        """The next calls in this order."""
        rank = literal(0) if order.rank is None else order.rank
        columns = [rank.label("rank"), order.column.label("value"), CALL.id]
        walks = self._sqlite and self.is_dense
        rows = self._walked(columns, order.column) if walks else self._driven(columns)
        if after is not None:
            rows = rows.where(_beyond(order, after))
        by = [order.column, CALL.id]
        if self._sqlite and not walks:
            by = [_plain(column) for column in by]
        ordered = [column.desc() if order.descending else column.asc() for column in by]
        if order.rank is not None:
            ordered.insert(0, columns[0].desc())
        found = self._session.execute(rows.order_by(*ordered).limit(limit))
        return [Place(*row) for row in found]

    def rows(self, columns: Sequence[ColumnElement[Any]]) -> Sequence[Row[Any]]:
        """These columns of the calls that are counted; of more, of those that were pushed last."""
        rows = self._driven(columns)
        if self.is_dense:
            newest = CALL.id
            rows = rows.order_by(newest.desc())
        return self._session.execute(rows.limit(COUNTED)).all()

    def _driven(self, columns: Sequence[ColumnElement[Any]]) -> Select[Any]:
        """Out of the smallest set, each call of it asked for the rest."""
        rows = select_rows(*columns).where(*(one.said_of(one.column) for one in self._conditions))
        if not self._sqlite:
            return rows.where(*(one.among(CALL.id) for one in self._sets))
        driver, size = self._driver
        if driver is None:
            return rows.where(*(one.among(CALL.id) for one in self._sets))
        calls = driver.rows().subquery("found")
        # The set comes first, and its calls are looked up, never the other way round.
        rows = rows.join_from(calls, CALL.id.table, CALL.id == _plain(calls.c.call_id))
        for one in self._sets:
            if one is not driver:
                reads_all = one.dear and size > FEW
                number = _plain(CALL.id)
                rows = rows.where(one.among(number) if reads_all else one.holds(CALL.id))
        return rows

    def _walked(
        self, columns: Sequence[ColumnElement[Any]], along: ColumnElement[Any]
    ) -> Select[Any]:
        """Along the index of an order, each call asked for everything."""
        held = [one.holds(CALL.id) for one in self._sets]
        rows = select_rows(*columns).where(*held)
        for one in self._conditions:
            # Only the order's own index may be taken.
            column = one.column if one.column is along else _plain(one.column)
            rows = rows.where(one.said_of(column))
        return rows

    @cached_property
    def _driver(self) -> tuple[CallSet | None, int]:
        """The smallest set, with its size up to what is counted. Sets of words are sized last: that
        may take as long as reading them.
        """
        best: CallSet | None = None
        least = COUNTED + 2
        for one in sorted(self._sets, key=lambda one: one.dear):
            if one.without or (one.dear and least <= FEW):
                continue
            size = one.size(self._session, COUNTED + 1)
            if size < least or (one.dear and size == least):
                best, least = one, size
        return best, least


def _beyond(order: Order, after: Place) -> ColumnElement[bool]:
    value = literal(after.value, order.column.type)
    column, number = order.column, CALL.id
    if order.descending:
        past, same = column < value, number < after.call_id
    else:
        past, same = column > value, number > after.call_id
    beyond = or_(past, and_(column == value, same))
    if order.rank is None:
        return beyond
    return or_(order.rank < after.rank, and_(order.rank == after.rank, beyond))


def _plain(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column for whose sake SQLite takes no index."""
    return UnaryExpression(column, operator=custom_op("+"), type_=column.type)
