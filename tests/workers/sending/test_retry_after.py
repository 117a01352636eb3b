"""What `Retry-After` asks for, in all the forms it comes in, and in some it should not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from workers.sending.retry_after import retry_after_s

MOMENT = datetime(2026, 11, 2, 9, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        (" 120 ", 120.0),
        ("9" * 5000, 999_999_999.0),
        ("Mon, 02 Nov 2026 09:01:30 GMT", 90.0),
        ("Mon, 02 Nov 2026 09:01:30 -0000", 90.0),
        ("Monday, 02-Nov-26 09:01:30 GMT", 90.0),
        ("Mon, 02 Nov 2026 08:00:00 GMT", 0.0),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("\u0665", None),
        ("soon", None),
        ("Mon, 99 Nov 2026 09:01:30 GMT", None),
        ("Mon, 02 Nov 99999999999 09:01:30 GMT", None),
    ],
)
def test_seconds_and_dates_and_nothing_else(value: str, seconds: float | None) -> None:
    assert retry_after_s(value, MOMENT) == seconds
