"""Backchannels: the "mm-hm" of somebody who listens. They take no turn and interrupt nobody.

The English ones are the commonest continuers and agreements of telephone talk (Jurafsky, Shriberg,
Fox and Curl 1998, "Lexical, Prosodic, and Syntactic Cues for Dialog Acts"), spelled as Whisper may
spell them; the Russian ones are their counterparts. Many also answer a question: as short as they
are, they take the floor from nobody then either.
"""

from __future__ import annotations

import re

ENGLISH = (
    "ah, aha, all right, alright, exactly, got it, hm, hmm, huh, i see, m, mhm, mm, oh, ok, okay, "
    "of course, really, right, sure, uh, uh huh, uhuh, um, um hum, yah, yeah, yep, yes, yup"
)
RUSSIAN = (
    "а, ага, ах, верно, да, именно, конечно, ладно, м, мгм, мм, ну, ну да, о, ой, ок, окей, "
    "понимаю, понял, поняла, понятно, правильно, так, точно, угу, хм, хорошо, э, ясно"
)
# "Yeah, yeah, okay" still only listens; whoever says more has something to say.
MOST = 3


def is_backchannel(text: str) -> bool:
    """Whether `text` is nothing but one to three backchannels, English or Russian.

    Case, punctuation, letters drawn out ("yeahhh") and words said again ("да-да-да-да") make no
    difference.
    """
    return _ONLY_BACKCHANNELS.fullmatch(_plain(text)) is not None


def _plain(text: str) -> str:
    """Words in small letters, one space between them; each letter, and each word, once where it is
    repeated.
    """
    words = " ".join(re.findall(r"\w+", re.sub(r"([^\W\d])\1+", r"\1", text.lower())))
    return re.sub(r"\b(\w+)(?: \1\b)+", r"\1", words)


def _pattern(listed: str) -> str:
    return "|".join(re.escape(_plain(term)) for term in listed.split(","))


_ONE = f"(?:{_pattern(ENGLISH)}|{_pattern(RUSSIAN)})"
_ONLY_BACKCHANNELS = re.compile(f"{_ONE}(?: {_ONE}){{0,{MOST - 1}}}")
