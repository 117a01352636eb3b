"""Turns as they were and as they were heard: which belong together, and how far their borders are
off.

A turn goes on over a silence of up to a second, unless somebody else spoke in it. Knows no words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from tests.simulated import SIDES, SimulatedCall, Stretch

LONGEST_SILENCE_S = 1.0


@dataclass(frozen=True, slots=True)
class BorderErrors:
    """Seconds from the truth, one of each per pair; positive is heard too late."""

    starts_s: tuple[float, ...]
    ends_s: tuple[float, ...]
    true_turns: int
    heard_turns: int

    def __add__(self, other: BorderErrors) -> BorderErrors:
        return BorderErrors(
            self.starts_s + other.starts_s,
            self.ends_s + other.ends_s,
            self.true_turns + other.true_turns,
            self.heard_turns + other.heard_turns,
        )


def true_turns(call: SimulatedCall) -> dict[str, list[Stretch]]:
    """Each side's turns, in order."""
    spoken = {side: [s for said in call.of(side) for s in said.stretches] for side in SIDES}
    turns: dict[str, list[Stretch]] = {}
    for side, other in zip(SIDES, reversed(SIDES), strict=True):
        joined: list[Stretch] = []
        for start_s, end_s in sorted(spoken[side]):
            since_s = joined[-1][1] if joined else -np.inf
            answered = any(since_s <= first and last <= start_s for first, last in spoken[other])
            if start_s - since_s > LONGEST_SILENCE_S or answered:
                joined.append((start_s, end_s))
            else:
                joined[-1] = (joined[-1][0], max(end_s, joined[-1][1]))
        turns[side] = joined
    return turns


def border_errors(truth: Sequence[Stretch], heard: Sequence[Stretch]) -> BorderErrors:
    """Pair the turns of one speaker one to one, so that the pairs overlap most in all."""
    shared_s = np.array([[_shared_s(true, own) for own in heard] for true in truth])
    pairs: Iterable[tuple[int, int]] = ()
    if shared_s.size:
        rows, columns = linear_sum_assignment(shared_s, maximize=True)
        pairs = [(i, j) for i, j in zip(rows, columns, strict=True) if shared_s[i, j] > 0]
    return BorderErrors(
        tuple(heard[j][0] - truth[i][0] for i, j in pairs),
        tuple(heard[j][1] - truth[i][1] for i, j in pairs),
        len(truth),
        len(heard),
    )


def _shared_s(one: Stretch, other: Stretch) -> float:
    return max(0.0, min(one[1], other[1]) - max(one[0], other[0]))
