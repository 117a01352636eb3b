"""The bodies that are posted: the plain webhook, and chat in the form that Slack, Mattermost and
others understand.
"""

from __future__ import annotations

import json
import re
from typing import Any

from models.alert import with_address
from models.alert_event import AlertEvent
from workers.sending.told import Told

# Slack cuts a section's text at 3,000 characters.
MAX_REASON_CHARS = 2500
MAX_WORD_CHARS = 200
HALF_AN_ENTITY = re.compile(r"&[a-z]*$")


def webhook_body(event: AlertEvent, public_url: str | None) -> bytes:
    """An event as the Standard Webhooks specification recommends: type, timestamp, data. The same
    event gives the same bytes.
    """
    return as_json(
        {
            "type": f"alert.{event.kind}",
            "timestamp": event.at.isoformat().replace("+00:00", "Z"),
            "data": with_address(event.body, public_url),
        }
    )


def chat_body(told: Told) -> bytes:
    """An event for people: `blocks`, and `text` for notifications and for what shows no blocks."""
    reason = _escaped(told.reason, MAX_REASON_CHARS)
    heading, severity, rule = _word(told.heading), _word(told.severity), _word(told.rule)
    play = f"<{_escaped(told.link, MAX_REASON_CHARS)}|{told.place}>" if told.link else told.place
    facts = [f"agent {_word(told.agent)}", f"call {_word(told.call)}", f"play from {play}"]
    return as_json(
        {
            "text": f"{heading} ({severity}): {reason}\n{' | '.join(facts)}",
            "blocks": [
                _section(f"*{heading}* ({severity}, {rule})"),
                _section(reason),
                {
                    "type": "context",
                    "elements": [{"type": "mrkdwn", "text": " | ".join(facts)}],
                },
            ],
        }
    )


def as_json(value: Any) -> bytes:
    """JSON as it is sent and signed."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _word(text: str) -> str:
    return _escaped(" ".join(text.split()), MAX_WORD_CHARS)


def _escaped(text: str, most: int) -> str:
    """Text that is no markup: https://docs.slack.dev/messaging/formatting-message-text"""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if len(escaped) <= most:
        return escaped
    return HALF_AN_ENTITY.sub("", escaped[: most - 3]) + "..."
