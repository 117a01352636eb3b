"""`make bench NAME=alerts`: how soon the feed and webhooks tell of an alert, whether any is lost or
told twice while processes are killed, and how long rules take.
"""

from __future__ import annotations

import json
import sys

import numpy as np

from tests.bench.alert_feed import measure_feed
from tests.bench.alert_kills import measure_kills
from tests.bench.alert_rules import measure_rules
from tests.bench.alert_webhooks import measure_webhooks


def main() -> None:
    """Measure one after the other, print a line for each, and JSON at the end."""
    rules_ms = measure_rules()
    _say(f"rules: {rules_ms:.2f} ms")
    feed = _told("feed", measure_feed())
    hooks = _told("webhook", measure_webhooks())
    killed = measure_kills()
    _say(f"{killed.kills} kills: {killed.lost} lost, {killed.doubled} twice")
    figures = {
        "sse_p95_ms": round(feed, 1),
        "webhook_p95_ms": round(hooks, 1),
        "lost": killed.lost,
        "duplicated_ids": killed.doubled,
        "rules_ms": round(rules_ms, 2),
    }
    _say(json.dumps(figures))


def _told(what: str, times: list[float]) -> float:
    half, most, worst = np.percentile(times, [50, 95, 100])
    _say(f"{what}: median {half:.1f} ms, p95 {most:.1f} ms, most {worst:.1f} ms")
    return float(most)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
