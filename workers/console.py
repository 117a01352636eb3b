"""What commands show while they work."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def with_progress(what: str, work: Callable[..., Result], *given: object) -> Result:
    """Call `work` with what is given and, on a terminal, with a function that it tells how many are
    done of how many.
    """
    if not sys.stderr.isatty():
        return work(*given)

    def show_it(done: int, total: int) -> None:
        sys.stderr.write(f"\r\033[K{what}: {done} of {total}")
        sys.stderr.flush()

    try:
        return work(*given, show_it)
    finally:
        sys.stderr.write("\r\033[K")
