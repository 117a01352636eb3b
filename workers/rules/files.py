"""Rules in TOML files: read, and written so that they read back the same. Knows no database."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path

from workers.rules.definition import NamedRule, RuleError, RuleTable, read_as
from workers.toml_text import toml_value

MAX_FILE_BYTES = 1_000_000


def read_rule_file(path: Path) -> list[NamedRule]:
    """The rules of a file, each begun by [[rules]].

    Raises `RuleError` with a line for each thing that is wrong, also where two have one name.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise RuleError(f"{path.name}: has over 1 MB: these are no rules")
        document = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise RuleError(f"{path.name}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise RuleError(f"{path.name}: is not TOML in UTF-8: {error}") from error
    tables = document.get("rules")
    if not isinstance(tables, list) or not tables or document.keys() != {"rules"}:
        raise RuleError(f"{path.name}: must hold rules and nothing else, each begun by [[rules]]")
    rules: list[NamedRule] = []
    problems: list[str] = []
    for number, table in enumerate(tables, 1):
        try:
            rules.append(read_as(NamedRule, table, where=f"{path.name}: rule {number}"))
        except RuleError as error:
            problems.append(str(error))
    names = [rule.name for rule in rules]
    problems += [
        f"{path.name}: two rules are called {name}"
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    if problems:
        raise RuleError("\n".join(problems))
    return rules


def to_toml(rules: Iterable[tuple[str, RuleTable]]) -> str:
    """Rules by their names as a file."""
    return "\n".join(_rule(name, table) for name, table in rules)


def _rule(name: str, table: RuleTable) -> str:
    plain: dict[str, object] = {"name": name, "severity": table.severity}
    if table.enabled is not None:
        plain["enabled"] = table.enabled
    if table.acknowledge_within_s is not None:
        plain["acknowledge_within_s"] = table.acknowledge_within_s
    definition = table.definition
    lines = [f"{key} = {toml_value(value)}" for key, value in plain.items()]
    lines.append(f"who = {toml_value(definition['who'])}")
    for key in ("all_of", "any_of"):
        conditions = definition.get(key)
        if conditions:
            lines += [f"{key} = [", *(f"  {toml_value(one)}," for one in conditions), "]"]
    return "\n".join(["[[rules]]", *lines, ""])
