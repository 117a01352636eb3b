"""What a rule found in a call: an alert to be written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class AlertDraft:
    """The rule and its severity, the reason in words, evidence, and the second to play from.

    Each piece of evidence has `kind`, `start_s` and `end_s`; the rest belongs to its kind.
    """

    rule: str
    reason: str
    evidence: tuple[dict[str, Any], ...]
    start_s: float
    severity: str = "high"
    acknowledge_within_s: float | None = None
