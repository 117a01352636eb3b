"""Which calls sets and conditions leave, and in which order.

Up to `COUNTED` matching calls are read at once, with all that their order and facets need. Where
more match, the index of the order is walked for a page. PostgreSQL plans both by itself. SQLite
cannot tell how many calls a full-text match has, so it is told what to begin with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from heapq import nlargest, nsmallest
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    func,
    literal,
    or_,
    type_coerce,
)
from sqlalchemy import select as select_rows
from sqlalchemy.types import NullType
from sqlmodel import Session

from models.call_sets import CALL, CallSet, Written, unindexed
from models.cursors import Place
from models.db import is_sqlite

COUNTED = 10_000
"""So many matching calls are counted; of more, it is said that they are more."""
FEW = 500
"""So many calls are looked up one by one in an index of words, rather than all its matches read."""
# What an upgrade left is not found until it is indexed (`models.indexing`).
_INDEXED = CALL.place.is_not(None)
_COUNTED_BY = (type_coerce(CALL.facets, NullType), CALL.status)
LAST_PLACE = (1 << 63) - 1
"""No call has a place as high as this."""
SIZED = 10 * COUNTED
"""Sets are compared up to this size."""


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
    rank: ColumnElement[int] | None = None


class Selection:
    """Calls that are in every set and meet every condition on `Call`, in an order."""

    def __init__(
        self,
        session: Session,
        sets: Sequence[CallSet],
        conditions: Sequence[Condition],
        order: Order,
        *,
        counts_facets: bool = False,
    ) -> None:
        self._session = session
        self._sets = sets
        self._conditions = conditions
        self._order = order
        self._counts_facets = counts_facets
        self._sqlite = is_sqlite(session)

    @property
    def order(self) -> Order:
        """The order in force."""
        return self._order

    @cached_property
    def count(self) -> int:
        """How many calls match: exact up to `COUNTED`, one more where they are more."""
        if self._reads_all:
            return len(self._matches)
        if self._sets:
            return self._sets[0].size(self._session, COUNTED + 1)
        every = select_rows(CALL.id).where(_INDEXED).limit(COUNTED + 1).subquery()
        return int(
            self._session.connection()
            .execute(select_rows(func.count()).select_from(every))
            .scalar_one()
        )

    @property
    def is_dense(self) -> bool:
        """Whether more calls match than are counted."""
        return self.count > COUNTED

    @property
    def _reads_all(self) -> bool:
        """Whether matches are read to be counted: one set alone counts itself."""
        if self._conditions or len(self._sets) > 1:
            return True
        return any(one.without or one.repeats for one in self._sets)

    def ranked(self, rank: ColumnElement[int] | None) -> Selection:
        """The same calls in the same order, but by rank first. What is known of them, such as
        their count, is not asked again.
        """
        same = copy(self)
        same._order = replace(self._order, rank=rank)
        same.__dict__.pop("_matches", None)  # these have no rank
        return same

    def page(self, *, limit: int, after: Place | None) -> list[Place]:
        """The next calls in this order."""
        if self._written is not None:
            found = self._latest(self._written, limit, after)
        elif self.is_dense:
            # What was read to be counted ends at `COUNTED`.
            rows = self._driven if self._driver_leads else self._walked
            found = self._ordered(rows(self._placed), limit, after)
        elif self._reads_all or self._counts_facets:
            found = self._smallest(limit, after)
        else:
            found = self._ordered(self._driven(self._placed), limit, after)
        return [Place(row[0], row[1], row[2]) for row in found]

    def facets(self) -> tuple[list[bytes | None], list[str]]:
        """`facets` and `status` of the calls that are counted; of more, of so many of them."""
        if "_matches" in self.__dict__:
            rows = [row[-2:] for row in self._matches[:COUNTED]]
        else:
            rows = self._read(_COUNTED_BY, COUNTED)
        return [row[0] for row in rows], [row[1] for row in rows]

    @cached_property
    def _matches(self) -> list[tuple[Any, ...]]:
        """Rank, value and id of matching calls, one more than are counted; and, where they are to
        be counted, facets and status.
        """
        columns = [*self._placed, *(_COUNTED_BY if self._counts_facets else ())]
        return self._read(columns, COUNTED + 1)

    def _read(self, columns: Sequence[ColumnElement[Any]], limit: int) -> list[tuple[Any, ...]]:
        """Columns of matching calls. Past SQLAlchemy's rows: there are many, and nothing in them
        is to be converted.
        """
        rows = self._session.connection().execute(self._driven(columns).limit(limit))
        found = list(rows.cursor.fetchall())
        rows.close()
        return found

    @property
    def _placed(self) -> list[ColumnElement[Any]]:
        """What calls are ordered by."""
        rank = literal(0) if self._order.rank is None else self._order.rank
        return [rank.label("rank"), self._order.column.label("value"), CALL.id]

    def _smallest(self, limit: int, after: Place | None) -> list[tuple[Any, ...]]:
        """The next of the calls that were read. Rank, value and id are what rows are compared by;
        there are ranks only where the largest come first.
        """
        rows, turned = self._matches, self._order.descending
        if after is not None:
            last = after.rank, after.value, after.call_id
            rows = [row for row in rows if (row[:3] < last if turned else row[:3] > last)]
        return nlargest(limit, rows) if turned else nsmallest(limit, rows)

    @property
    def _written(self) -> Written | None:
        """The only set's own statements, where the latest of its calls are all that is asked."""
        plain = self._driver_leads and self._order.descending
        if not plain or self._reads_all or self._counts_facets:
            return None
        return self._sets[0].written

    def _latest(
        self, written: Written, limit: int, after: Place | None
    ) -> list[tuple[int, int, int]]:
        start = (LAST_PLACE, 0) if after is None else (int(after.value), after.call_id)
        found = written.page(self._session, limit, start)
        if after is None and len(found) < limit:
            self.__dict__["count"] = len(found)  # so nobody needs to count them
        return [(0, place, number) for place, number in found]

    def _ordered(self, rows: Select[Any], limit: int, after: Place | None) -> list[tuple[Any, ...]]:
        """The next calls, as the database orders them."""
        column, number = self._order.column, CALL.id
        if after is not None:
            rows = rows.where(_beyond(self._order, after))
        if not self._driver_leads:
            by = [column.desc(), number.desc()] if self._order.descending else [column, number]
            if self._order.rank is not None:
                by.insert(0, self._order.rank.desc())
            rows = rows.order_by(None).order_by(*by)
        found = self._session.connection().execute(rows.limit(limit))
        return [(row[0], row[1], row[2]) for row in found]

    @property
    def _driver_leads(self) -> bool:
        """Whether the driving set gives its calls in the order wanted, by itself."""
        by_place = self._order.column is CALL.place and self._order.rank is None
        return self._sqlite and by_place and self._leader is not None

    @property
    def _leader(self) -> CallSet | None:
        """The driving set, where it knows calls by their places, and each once."""
        driver, _size = self._driver
        return driver if driver and driver.key is CALL.place and not driver.repeats else None

    def _driven(self, columns: Sequence[ColumnElement[Any]]) -> Select[Any]:
        """Out of the smallest set, each call of it asked for the rest; the latest come first, or
        the earliest where that is the order.
        """
        rows = select_rows(*columns).where(*(one.said_of(one.column) for one in self._conditions))
        if not self._sqlite:
            rows = rows.where(_INDEXED)
            return rows.where(*(one.apart() if one.dear else one.holds() for one in self._sets))
        driver, size = self._driver
        if driver is None:
            rows = rows.where(_INDEXED)
            rows = rows.where(*(one.among() if one.dear else one.holds() for one in self._sets))
            return rows if self._conditions else rows.order_by(CALL.place.desc())
        latest_first = self._order.descending or self._order.column is not CALL.place
        calls = driver.rows().subquery("found")
        # The set comes first, and its calls are looked up, never the other way round.
        rows = rows.join_from(calls, CALL.id.table, driver.key == unindexed(calls.c.key))
        rows = rows.order_by(calls.c.key.desc() if latest_first else calls.c.key)
        for one in self._sets:
            if one is not driver:
                rows = rows.where(one.among() if one.dear and size > FEW else one.holds())
        return rows

    def _walked(self, columns: Sequence[ColumnElement[Any]]) -> Select[Any]:
        """Along the index of the order, each call asked for everything."""
        rows = select_rows(*columns).where(_INDEXED, *(one.holds() for one in self._sets))
        for one in self._conditions:
            # Only the order's own index may be taken.
            along = one.column is self._order.column or not self._sqlite
            rows = rows.where(one.said_of(one.column if along else unindexed(one.column)))
        return rows

    @cached_property
    def _driver(self) -> tuple[CallSet | None, int]:
        """The smallest set, with its size. Sets of words are sized last: it takes longer."""
        wanted = [one for one in self._sets if not one.without]
        if len(wanted) == 1:
            return wanted[0], SIZED
        best: CallSet | None = None
        least = SIZED + 1
        for one in sorted(wanted, key=lambda one: one.dear):
            if one.dear and least <= FEW:
                break
            size = one.size(self._session, least)
            if size < least or best is None:
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
