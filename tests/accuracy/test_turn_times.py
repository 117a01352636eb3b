"""Truth and hearing of turns: what a turn is, and which two belong together."""

from __future__ import annotations

import numpy as np
import pytest

from tests.accuracy.turn_times import border_errors, true_turns
from tests.simulated import SimulatedCall, Stretch, Utterance


def call(*said: tuple[str, list[Stretch]]) -> SimulatedCall:
    spoken = tuple(Utterance(speaker, None, tuple(stretches)) for speaker, stretches in said)
    return SimulatedCall(np.zeros((2, 8000), np.float32), spoken)


def test_a_turn_goes_on_over_a_second_of_silence_and_no_longer() -> None:
    turns = true_turns(call(("agent", [(0.0, 1.0), (2.0, 3.0)]), ("agent", [(4.1, 5.0)])))
    assert turns == {"agent": [(0.0, 3.0), (4.1, 5.0)], "customer": []}


def test_an_answer_in_a_pause_ends_the_turn_and_speech_across_it_does_not() -> None:
    answered = true_turns(call(("agent", [(0.0, 1.0), (1.9, 3.0)]), ("customer", [(1.1, 1.8)])))
    assert answered["agent"] == [(0.0, 1.0), (1.9, 3.0)]
    across = true_turns(call(("agent", [(0.0, 1.0), (1.9, 3.0)]), ("customer", [(0.5, 2.5)])))
    assert across["agent"] == [(0.0, 3.0)]


def test_turns_are_paired_where_they_overlap_most() -> None:
    truth = [(0.0, 2.0), (3.0, 8.0), (20.0, 21.0)]
    errors = border_errors(truth, [(0.1, 2.2), (2.3, 2.9), (3.5, 7.9)])
    assert errors.starts_s == pytest.approx((0.1, 0.5))
    assert errors.ends_s == pytest.approx((0.2, -0.1))
    assert (errors.true_turns, errors.heard_turns) == (3, 3)


def test_each_turn_has_one_partner_at_most() -> None:
    errors = border_errors([(0.0, 10.0)], [(0.0, 4.0), (4.5, 10.0)])
    assert errors.starts_s == pytest.approx((4.5,))


def test_nothing_heard_gives_no_pairs() -> None:
    errors = border_errors([(0.0, 1.0)], []) + border_errors([], [(0.0, 1.0)])
    assert (errors.starts_s, errors.true_turns, errors.heard_turns) == ((), 1, 1)
