"""The tree of terms: from word id to word id, with the terms that are complete at each node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lexicons.terms import Mode


@dataclass(frozen=True, slots=True)
class End:
    """A term that is complete at a node of the tree."""

    lexicon: int
    term: int
    mode: Mode
    words: tuple[str, ...]
    letters: int
    most_edits: int


@dataclass(slots=True, eq=False)
class Node:
    children: dict[int, Node] = field(default_factory=dict)
    ends: list[End] = field(default_factory=list)
    most_edits: int = 0
    """The most that any term beyond this node takes."""


def descend(node: Node, ids: Sequence[int]) -> Node | None:
    """The node that these ids lead to."""
    for number in ids:
        child = node.children.get(number)
        if child is None:
            return None
        node = child
    return node
