"""How long a receiver that is overloaded asks to be left alone: the header `Retry-After`.

https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

OVERLOADED = (429, 503)
# More digits than any wait has that is waited for.
MAX_DIGITS = 9


def retry_after_s(value: str, moment: datetime) -> float | None:
    """Seconds from `moment` on, out of a number of seconds or a date; None for what is neither."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:MAX_DIGITS])
    try:
        until = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - moment).total_seconds())
