"""Decides which neighbouring numbers are one number that was spelled out.

It sees digits and the gaps between them and knows nothing of words.

A run of neighbouring numbers is read as one where people spell a code: single digits ("two oh
four", "2 0 4", "2-0-4", "2, 0, 4"), pairs ("sixty-two oh four", "62 04"), doubles ("double
seven"). It stays several numbers where

- a hundred or a thousand is said, or more than two digits are written: "three hundred, two
  hundred", "two 204";
- one is spoken and the other written: "three 16 amp" (nobody spells a code half and half);
- exactly two neighbours of counting stand together: "two three days", "20-30";
- a comma parts them, unless it is three or more single digits that do not count up or down.

A group with a leading zero always goes on with the number before it. "2.04", "2,004" and "7:30",
written without a space, are one number: its digits. "two point oh four" is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from lexicons.pieces import Gap

Link = Literal["none", "weak", "strong"]

_ABOUT = {(value, value + 1) for value in range(1, 10)}
_ABOUT |= {(value, value + 10) for value in range(10, 90, 10)} | {(5, 10), (10, 15), (15, 20)}


@dataclass(frozen=True, slots=True)
class Number:
    """The digits that the pieces `first` to `stop` (exclusive) stand for; in `written` a decimal
    has its point.
    """

    digits: str
    first: int
    stop: int
    written: str = ""


@dataclass(frozen=True, slots=True)
class Atom:
    """One number as it was said or written; `whole` takes no part in spelling. What lies behind
    a decimal point has `fraction` digits at its end.
    """

    digits: str
    first: int
    stop: int
    spoken: bool
    whole: bool = False
    ordinal: bool = False
    fraction: int = 0

    @property
    def written(self) -> str:
        """The digits with the decimal point."""
        if not self.fraction:
            return self.digits
        return f"{self.digits[: -self.fraction]}.{self.digits[-self.fraction :]}"

    @property
    def only_zeros(self) -> bool:
        return not self.digits.strip("0")


def link_atoms(left: Atom, right: Atom, *, gap: Gap) -> Link:
    """How `right` goes on with the number of `left`, the gap's other side."""
    if gap == "other" or left.ordinal or left.whole or right.whole:
        return "none"
    if right.ordinal:
        return "strong" if left.only_zeros and len(right.digits) == 1 else "none"
    singles = len(left.digits) == len(right.digits) == 1
    goes_on = right.digits[0] == "0"
    if gap == "comma":
        return "strong" if goes_on else "weak" if singles else "none"
    if goes_on or left.only_zeros:
        return "strong"
    if left.spoken != right.spoken:
        return "none"
    if gap == "hyphen" and (singles or not left.spoken):
        return "weak"
    pairs = len(left.digits) == len(right.digits) == 2
    if not left.spoken and not singles and not pairs:
        return "none"
    short = max(len(left.digits), len(right.digits)) < 3
    return "weak" if short and (int(left.digits), int(right.digits)) in _ABOUT else "strong"


def join_atoms(atoms: Sequence[Atom], links: Sequence[tuple[Link, Gap]]) -> list[Number]:
    """Strong links hold; weak ones where three or more numbers are parted alike."""
    weak = {gap for link, gap in links if link == "weak"}
    holds = len(atoms) > 2 and len(weak) == 1
    if holds and weak == {"comma"}:
        values = [int(atom.digits[:2]) for atom in atoms]
        holds = {right - left for left, right in pairwise(values)} not in ({1}, {-1})
    numbers: list[Number] = []
    begin = 0
    for index in range(len(atoms)):
        if index < len(links) and (links[index][0] == "strong" or holds):
            continue
        group = atoms[begin : index + 1]
        digits = "".join(atom.digits for atom in group)
        written = "".join(atom.written for atom in group)
        numbers.append(Number(digits, group[0].first, group[-1].stop, written))
        begin = index + 1
    return numbers
