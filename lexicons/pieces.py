"""Cuts a folded text into pieces: words, numbers written without a space, and the sign "#".

It knows characters alone: what a piece means is for `lexicons.numbers` and `lexicons.text`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

Gap = Literal["space", "hyphen", "comma", "other"]

_PIECE = re.compile(r"(?:[0-9]++[.,:/'])+[0-9]+[^\W_]*|[^\W_]+(?:'[^\W_]+)*|#")


class Pieces:
    """The pieces of one folded text, by position; positions outside of it are empty pieces."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._found = [(m[0], m.start(), m.end()) for m in _PIECE.finditer(text)]

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[tuple[str, int, int]]:
        """Every piece with its span in the folded text."""
        return iter(self._found)

    def __getitem__(self, at: int) -> tuple[str, int, int]:
        return self._found[at]

    def word(self, at: int) -> str:
        """Piece `at`, or an empty string outside of the text."""
        return self._found[at][0] if 0 <= at < len(self._found) else ""

    def between(self, at: int) -> str:
        """What stands between piece `at`, which is not the first one, and the one before it."""
        return self._text[self._found[at - 1][2] : self._found[at][1]]

    def gap(self, at: int) -> Gap:
        """What parts piece `at` from the one before it; "other" where there are not both."""
        if not 0 < at < len(self._found):
            return "other"
        between = self.between(at)
        if between == "-":
            return "hyphen"
        if between.isspace():
            return "space"
        return "comma" if between.strip() == "," else "other"

    def close(self, at: int) -> bool:
        """Whether only a space or a hyphen parts piece `at` from the one before it."""
        return self.gap(at) in ("space", "hyphen")
