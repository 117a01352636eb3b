"""Column types that SQLite and PostgreSQL both keep faithfully: moments in UTC, and JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import SQLModel

Json = JSON().with_variant(JSONB(), "postgresql")


class Moment(TypeDecorator[datetime]):
    """An aware datetime, stored in UTC and given back in UTC. A naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(DateTime(timezone=dialect.name != "sqlite"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def columns_of(model: type[SQLModel]) -> Any:
    """The columns of a table by their names, for statements that read rows and no objects."""
    return model.__table__.c  # type: ignore[attr-defined]


def in_utc(moment: datetime) -> datetime:
    """The moment in UTC. Raises ValueError where no calendar holds it there."""
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("lies beyond the calendar in UTC") from error


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)
