"""Bodies by a subscription's own template, for gateways that want their own form of JSON, such as
those for SMS.

A template is JSON; {placeholders} stand within its texts, so no value can become anything but text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from workers.sending.payload import as_json
from workers.sending.told import Told

MAX_TEMPLATE_CHARS = 4000
MAX_PLACEHOLDERS = 50
MAX_VALUE_CHARS = 500
PLACEHOLDER = re.compile(r"\{([A-Za-z_]+)\}")
VALUES: Mapping[str, Callable[[Told], str]] = {
    "kind": lambda told: told.kind,
    "heading": lambda told: told.heading,
    "severity": lambda told: told.severity,
    "rule": lambda told: told.rule,
    "reason": lambda told: told.reason,
    "agent": lambda told: told.agent,
    "line": lambda told: told.line,
    "alert_id": lambda told: str(told.alert_id),
    "call_id": lambda told: str(told.call_id),
    "call": lambda told: told.call,
    "place": lambda told: told.place,
    "start_s": lambda told: f"{told.start_s:g}",
    "link": lambda told: told.link or "",
    "at": lambda told: told.at.isoformat(timespec="seconds"),
}


class TemplateUnusable(Exception):
    """A template that no body can be made of; the text says why."""


def check_template(template: str) -> None:
    """Raises `TemplateUnusable`."""
    if len(template) > MAX_TEMPLATE_CHARS:
        raise TemplateUnusable(f"at most {MAX_TEMPLATE_CHARS:,} characters")
    names = PLACEHOLDER.findall(template)
    if len(names) > MAX_PLACEHOLDERS:
        raise TemplateUnusable(f"at most {MAX_PLACEHOLDERS} placeholders")
    for name in names:
        if name not in VALUES:
            raise TemplateUnusable(f"there is no {{{name}}}, only {', '.join(VALUES)}")
    if not isinstance(_parsed(template), dict):
        raise TemplateUnusable("a template is a JSON object")


def templated_body(template: str, told: Told) -> bytes:
    """The template with its placeholders filled in. Raises `TemplateUnusable`."""
    return as_json(_filled(_parsed(template), told))


def _parsed(template: str) -> Any:
    try:
        return json.loads(template, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise TemplateUnusable("a template is JSON, its placeholders within texts") from error


def _filled(value: Any, told: Told) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner, told) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, told) for inner in value]
    if isinstance(value, str):
        return PLACEHOLDER.sub(lambda found: VALUES[found[1]](told)[:MAX_VALUE_CHARS], value)
    return value


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
