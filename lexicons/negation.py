"""Tells praise from its denial and from a wish: "not very helpful", "it would be very helpful".

It looks at the few words before a phrase and knows no grammar beyond that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lexicons.text import Token

REACH_TOKENS = 3
SAID_REACH_TOKENS = 8
"""How far before a phrase it may be said that it cannot be said."""


def _set(listing: str) -> frozenset[str]:
    return frozenset(listing.split())


_NEGATORS = _set(
    """
    not never nor neither without cannot cant dont doesnt didnt isnt arent aint wasnt werent wont
    wouldnt couldnt shouldnt havent hasnt hadnt hardly barely scarcely nobody nothing noone none
    не ни без никогда нисколько никто ничто едва отнюдь нельзя
    """
)
# "I can't say it was ...", «не сказал бы, что ...»: these carry a denial over more words.
_SAYING = _set(
    """
    say says said saying call called think thinks thought believe believed find found
    consider feel claim pretend
    сказать сказал сказала скажу скажешь назвать назвал назвала назову думаю думал думала считаю
    считал считала говорить утверждать
    """
)
# "not only helpful but ..." and "not cheap but very helpful" are praise after all.
_TAKES_BACK = _set("only just but только просто но зато")
# "that would be very helpful", «я буду очень благодарна, если ...»
_WISHES = _set("would should could might will thatd itd id")
_WISHED = _set("wish wished")
_WISHES_RIGHT_BEFORE = _set("буду будем бы")
_BREAK = re.compile(r"[.,;:!?\u2026\u2014]")
_SENTENCE = re.compile(r"[.;!?\u2026]")


def is_denied(text: str, tokens: Sequence[Token], *, start: int) -> bool:
    """Whether the phrase beginning at token `start` is denied or only wished for.

    The word that does so stands within REACH_TOKENS before, in the same clause, and is not taken
    back; or it denies a word of saying, within SAID_REACH_TOKENS in the same sentence.
    """
    return _denied_here(text, tokens, start) or _denied_saying(text, tokens, start)


def _denied_here(text: str, tokens: Sequence[Token], start: int) -> bool:
    for at in range(start - 1, max(start - 1 - REACH_TOKENS, -1), -1):
        word = tokens[at].word
        if word == "but" and at and tokens[at - 1].word == "anything":
            return True
        if word in _TAKES_BACK or _BREAK.search(text, tokens[at].end, tokens[at + 1].start):
            return False
        if word in _NEGATORS or (word in _WISHES and tokens[at + 1].word == "be"):
            return True
        if word in _WISHES_RIGHT_BEFORE and at == start - 1:
            return True
    return False


def _denied_saying(text: str, tokens: Sequence[Token], start: int) -> bool:
    saying = False
    for at in range(start - 1, max(start - 1 - SAID_REACH_TOKENS, -1), -1):
        word = tokens[at].word
        if _SENTENCE.search(text, tokens[at].end, tokens[at + 1].start):
            return False
        if word == "вряд" or (word in _WISHED and saying):
            return True
        if saying and word in _NEGATORS:
            return True
        saying = saying or word in _SAYING
    return False
