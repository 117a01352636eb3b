"""What is said in every call, whatever it is about: words and numbers that name nothing alone.

It knows English and Russian, and neither terms nor texts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lexicons.text import Token

SHORTEST_NUMBER = 4
"""Shorter ones are prices, dates and counts."""

_EVERYDAY_NUMBER = re.compile(r"[0-9]+00|(?:19|20)[0-9]{2}")

# As the analyzer folds them.
_STOP_WORDS = frozenset(
    """
    a about after again all also am an and any are as at be because been before being both but by
    can could did do does doing down during each few for from further had has have having he hello
    her here hers him his how i if in into is it its just me more most my no nor not now of off ok
    okay on once only or other our out over own please same she should so some such than thank
    thanks that the their them then there these they this those through to too under until up very
    was we were what when where which while who whom why will with would yes you your yours
    а алло без более бы был была были было быть в вам вас весь во вот все всего всех вы где да даже
    для до его ее если есть еще же за здесь и из или им их к как ко когда кто ладно ли либо меня
    мне мои мой мы на над надо наш не него нее нет ни них но ну о об однако он она они оно от очень
    по под пожалуйста при с свой себя со спасибо так также такой там те тем то того тоже той только
    том ты у уже хорошо хотя чего чей чем что чтобы чье чья эта эти это этого этой этот я
    """.split()  # noqa: SIM905 - a list would take pages
)


def why_everyday(tokens: Sequence[Token]) -> str | None:
    """Why these words alone would be found everywhere, None if they would not."""
    if all(token.word in _STOP_WORDS for token in tokens):
        return "is said in every call"
    word = tokens[0].word
    if len(tokens) > 1:
        return None
    if len(word) == 1 and word.isalpha():
        return "is a single letter, too common in speech"
    if word.isdigit() and len(word) < SHORTEST_NUMBER:
        return "is a number of fewer than 4 digits, too common in speech"
    if word.isdigit() and _EVERYDAY_NUMBER.fullmatch(word):
        return "is a round number or a year, too common in speech"
    return None
