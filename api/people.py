"""What routes are told of people and by people: who asks, names, and tags."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from models.key import Key


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("control characters are not allowed")
    return text


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(_printable),
]
"""What people call somebody."""

Tag = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=50, pattern=r"^\w([\w '&.+:-]*[\w.+])?$"
    ),
    AfterValidator(_printable),
]
"""A word or a phrase: letters, digits, spaces, and what stands inside or after words."""

Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
    AfterValidator(_printable),
]


class Asked(BaseModel):
    """Who asks."""

    model_config = ConfigDict(extra="forbid")

    by: Name | None = Field(
        None,
        description="The person who asks, where several share a key; left out, the key's name.",
        examples=["Alice"],
    )

    def author(self, key: Key) -> str:
        """Who is written down for what is asked with this key."""
        return self.by or key.name
