"""Plain values as TOML: what `tomllib` reads back as the same."""

from __future__ import annotations

import re

_ESCAPED = re.compile(r"[\x00-\x1f\x7f\"\\]")


def toml_value(value: object) -> str:
    """A text, number, bool, list or table as one line. Keys must be bare ones."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, dict):
        inner = ", ".join(f"{key} = {toml_value(one)}" for key, one in value.items())
        return f"{{ {inner} }}"
    return '"' + _ESCAPED.sub(lambda found: _escape(found[0]), str(value)) + '"'


def _escape(character: str) -> str:
    return f"\\{character}" if character in '"\\' else f"\\u{ord(character):04X}"
