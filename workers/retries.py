"""When a failed delivery is tried again: exponential back-off with full jitter, for a day.

https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
"""

from __future__ import annotations

from random import Random

from models.dispatch import GIVE_UP_S

FIRST_S = 5.0
# A receiver that was away for hours is told within minutes of its return.
LONGEST_S = 300.0
# Beyond this many doublings the wait is the longest anyhow.
DOUBLINGS = 16


def retry_in_s(
    attempts: int, tried_s: float, chance: Random, *, asked_s: float | None = None
) -> float | None:
    """Seconds to wait after a failure that `attempts` failures and `tried_s` seconds of trying came
    before; the last attempt is made after a day, and after that it is None: to be parked. It is not
    less than the receiver asked for, unless that is longer than any wait.

    The day is counted out of the attempts and the waits themselves, so no clock that is moved, and
    no time for which no dispatcher ran, can cut it short.
    """
    left_s = GIVE_UP_S - tried_s
    if left_s <= 0:
        return None
    longest_s = min(LONGEST_S, FIRST_S * 2 ** min(attempts, DOUBLINGS))
    least_s = min(asked_s or 0.0, LONGEST_S)
    return min(max(least_s, chance.uniform(0.0, longest_s)), left_s)
