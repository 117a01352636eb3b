"""Tells praise from its denial and from a wish: "not very helpful", "it would be very helpful".

It looks at the few words before a phrase and knows no grammar beyond that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lexicons.text import Token

REACH_TOKENS = 3

_NEGATORS = frozenset(
    """
    not never nor neither without cannot cant dont doesnt didnt isnt arent aint wasnt werent wont
    wouldnt couldnt shouldnt havent hasnt hadnt не ни без никогда нисколько
    """.split()  # noqa: SIM905 - a list would take a page
)
# "not only helpful but ..." and "not cheap but very helpful" are praise after all.
_TAKES_BACK = frozenset({"only", "just", "but", "только", "просто", "но", "зато"})
# "that would be very helpful", «я буду очень благодарна, если ...»
_WISHES = frozenset({"would", "should", "could", "might", "will", "thatd", "itd", "id"})
_WISHES_RIGHT_BEFORE = frozenset({"буду", "будем", "бы"})
_BREAK = re.compile(r"[.,;:!?\u2026\u2014]")


def is_denied(text: str, tokens: Sequence[Token], *, start: int) -> bool:
    """Whether the phrase beginning at token `start` is denied or only wished for.

    The word that does so stands within REACH_TOKENS before, in the same clause, and is not taken
    back.
    """
    for at in range(start - 1, max(start - 1 - REACH_TOKENS, -1), -1):
        word = tokens[at].word
        if word in _TAKES_BACK or _BREAK.search(text, tokens[at].end, tokens[at + 1].start):
            return False
        if word in _NEGATORS or (word in _WISHES and tokens[at + 1].word == "be"):
            return True
        if word in _WISHES_RIGHT_BEFORE and at == start - 1:
            return True
    return False
