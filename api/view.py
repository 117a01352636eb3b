"""What the shapes of answers share, and what of an answer can be sent back."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pydantic import BaseModel, ConfigDict

from models.query import BadQuery


class View(BaseModel):
    model_config = ConfigDict(from_attributes=True)


def without(shown: Collection[str], body: Any) -> Any:
    """A body without what an answer only shows, so that an answer can be sent back as it is."""
    if not isinstance(body, dict):
        return body
    return {name: value for name, value in body.items() if name not in shown}


def check_name(asked: str | None, address: str) -> None:
    """Raises `BadQuery` where a body names another thing than its address does."""
    if asked not in (None, address):
        raise BadQuery("name", f"the address says {address}: leave the name out, or say the same")
