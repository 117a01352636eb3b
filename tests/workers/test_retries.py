"""How long a failed delivery waits."""

from __future__ import annotations

from random import Random

from models.dispatch import GIVE_UP_S
from workers.retries import LONGEST_S, retry_in_s


def waits(seed: int) -> list[float]:
    """The waits of a delivery that always fails."""
    chance, tried_s, found = Random(seed), 0.0, list[float]()
    while (wait_s := retry_in_s(len(found), tried_s, chance)) is not None:
        found.append(wait_s)
        tried_s += wait_s
        assert len(found) < 1000
    return found


def test_waits_grow_to_five_minutes_and_fill_a_day() -> None:
    for seed in range(200):
        found = waits(seed)
        assert 500 < len(found) < 700
        assert abs(sum(found) - GIVE_UP_S) < 1
        for number, wait_s in enumerate(found):
            assert 0 <= wait_s <= min(5 * 2**number, LONGEST_S)


def test_jitter_is_full() -> None:
    """Those who failed together do not come back together."""
    late = sorted(waits(seed)[15] for seed in range(500))
    assert late[25] < 0.1 * LONGEST_S
    assert late[-25] > 0.9 * LONGEST_S
    assert abs(late[250] - LONGEST_S / 2) < 0.15 * LONGEST_S


def test_any_number_of_attempts_can_be_counted() -> None:
    assert retry_in_s(10**6, 0.0, Random(1)) is not None


def test_a_receiver_is_left_alone_for_as_long_as_it_asks_within_reason() -> None:
    chance = Random(1)
    assert retry_in_s(0, 0.0, chance, asked_s=120) == 120
    assert retry_in_s(0, 0.0, chance, asked_s=10 * LONGEST_S) == LONGEST_S
    assert retry_in_s(0, GIVE_UP_S - 7.0, chance, asked_s=120) == 7
    waits_s = {retry_in_s(10, 0.0, chance, asked_s=60) for _ in range(50)}
    assert min(wait_s or 0 for wait_s in waits_s) >= 60
    assert len(waits_s) > 20, "those who were asked together do not all come back together"
