"""Terms whose words stand near each other in any order: "204 bearing" for "bearing 204"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

_MOST_PLACES = 6
"""Of a word said more often than this in one text, the first ones count."""


@dataclass(frozen=True, slots=True)
class NearTerm:
    """The ids of a term's words and how many other words may stand between them."""

    lexicon: int
    term: int
    ids: tuple[int, ...]
    letters: int
    most_edits: int
    within: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where an id stands in a text: tokens `start` to `stop`, and how it is written there."""

    start: int
    stop: int
    edits: int
    how: int


@dataclass(frozen=True, slots=True)
class Together:
    """The words of a near term, found: from the first to the last token, and `apart` how many
    words lie between them, one more where the order is another.
    """

    term: NearTerm
    start: int
    stop: int
    edits: int
    how: int
    apart: int


def find_near(
    terms: Sequence[NearTerm], places: Mapping[int, Sequence[Place]]
) -> Iterator[Together]:
    """Every way in which the words of these terms stand together."""
    for term in terms:
        each = [places.get(number, ())[:_MOST_PLACES] for number in term.ids]
        for chosen in product(*each):
            starts = [place.start for place in chosen]
            start, stop = min(starts), max(place.stop for place in chosen)
            taken = sum(place.stop - place.start for place in chosen)
            between = stop - start - taken
            edits = sum(place.edits for place in chosen)
            if not 0 <= between <= term.within or edits > term.most_edits:
                continue
            if len({at for place in chosen for at in range(place.start, place.stop)}) < taken:
                continue  # one word cannot be two of the term's
            how = 0
            for place in chosen:
                how |= place.how
            apart = between + (starts != sorted(starts))
            yield Together(term, start, stop, edits, how, apart)
