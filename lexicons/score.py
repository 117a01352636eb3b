"""How well a match fits, 0 to 1, and what that is made of."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from lexicons.misspelling import MISHEARD, MISSPELT
from lexicons.text import Token

Heard = Sequence[tuple[int, int, float]]
"""How certainly each word of a text was heard: first and last (exclusive) character, 0 to 1."""

_SOUND = 0.9
_MOST_DOUBT = 0.25  # taken off where another word was heard with full certainty
_APART = 0.03  # taken off for each word between the words of a term, and for another order


def certainty(tokens: Sequence[Token], heard: Heard | None) -> list[float] | None:
    """How certainly each token was heard: the least certain of the words it lies on."""
    if not heard:
        return None
    found: list[float] = []
    first = 0
    for token in tokens:
        while first < len(heard) and heard[first][1] <= token.start:
            first += 1
        least, at = 1.0, first
        while at < len(heard) and heard[at][0] < token.end:
            least = min(least, heard[at][2])
            at += 1
        found.append(least)
    return found


def score_parts(
    *, edits: int, letters: int, how: int, certain: float | None, apart: int = 0
) -> dict[str, float]:
    """What a score is made of; what is 1 is left out.

    `spelling` is the share of letters that are right. `sound` is below 1 where a word only sounds
    like the term's. `hearing` is lower the more certainly (`certain`) such a word, or a misspelt
    one, was heard as it is written. `order` falls with the words `apart` from where the term has
    them.
    """
    parts = {
        "spelling": 1.0 - edits / letters,
        "sound": _SOUND if how & MISHEARD else 1.0,
        "hearing": 1.0,
        "order": max(1.0 - _APART * apart, 0.5),
    }
    if certain is not None and how & (MISSPELT | MISHEARD):
        parts["hearing"] = 1.0 - _MOST_DOUBT * max(0.0, 2.0 * certain - 1.0)
    return {name: round(part, 4) for name, part in parts.items() if part < 1.0}


def score_of(parts: dict[str, float]) -> float:
    """The product of the parts."""
    return round(prod(parts.values()), 4)
