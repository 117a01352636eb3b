"""Terms whose words stand near each other in any order: "204 bearing" for "bearing 204"."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


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
    """For each place of a term's first word the closest in which the others stand beside it.

    `places` are in order.
    """
    for term in terms:
        each = [places.get(number, ()) for number in term.ids]
        if not all(each):
            continue
        longest = [max(place.stop - place.start for place in own) for own in each]
        room = [sum(longest[at:]) for at in range(len(each) + 1)]
        for first in each[0]:
            found = _closest(each, room, (first,), within=term.within, edits=term.most_edits)
            if found is not None:
                yield _together(term, found)


def _closest(
    each: Sequence[Sequence[Place]],
    room: Sequence[int],
    chosen: tuple[Place, ...],
    *,
    within: int,
    edits: int,
) -> tuple[Place, ...] | None:
    """`chosen` and a place for each further word, none on another, with as few words between them
    all as there can be, and at most `within`; of equals the one in the term's order. At most
    `edits` letters are wrong.

    `room` is how many tokens the words from each one on can fill at most.
    """
    number = len(chosen)
    if number == len(each):
        return chosen
    best: tuple[Place, ...] | None = None
    own = each[number]
    reach = within + room[0]
    low = bisect_left(own, max(one.stop for one in chosen) - reach, key=_start)
    high = bisect_right(own, min(one.start for one in chosen) + reach, key=_start)
    for place in own[low:high]:
        if any(place.start < other.stop and other.start < place.stop for other in chosen):
            continue  # one word cannot be two of the term's
        tried = (*chosen, place)
        if _between(tried) > within + room[number + 1] or _edits(tried) > edits:
            continue
        found = _closest(each, room, tried, within=within, edits=edits)
        if found is not None and _between(found) <= within:
            better = best is None or _rank(found) < _rank(best)
            best = found if better else best
            within = min(within, _between(found))
    return best


def _rank(chosen: Sequence[Place]) -> tuple[int, bool, int]:
    starts = [place.start for place in chosen]
    return _between(chosen), starts != sorted(starts), _edits(chosen)


def _start(place: Place) -> int:
    return place.start


def _between(chosen: Sequence[Place]) -> int:
    span = max(place.stop for place in chosen) - min(place.start for place in chosen)
    return span - sum(place.stop - place.start for place in chosen)


def _edits(chosen: Sequence[Place]) -> int:
    return sum(place.edits for place in chosen)


def _together(term: NearTerm, chosen: Sequence[Place]) -> Together:
    starts = [place.start for place in chosen]
    how = 0
    for place in chosen:
        how |= place.how
    apart = _between(chosen) + (starts != sorted(starts))
    stop = max(place.stop for place in chosen)
    return Together(term, min(starts), stop, _edits(chosen), how, apart)
