"""Bands that figures of calls are counted in, written `from..to`: from inclusive, to exclusive."""

from __future__ import annotations

from bisect import bisect_right

EDGES: dict[str, tuple[float, ...]] = {
    "anger": (0.2, 0.4, 0.6, 0.8),
    "anger_trend": (-0.3, -0.1, 0.1, 0.3),
    "duration": (15, 30, 60, 180, 600, 1800),
    "talk_ratio": (0.2, 0.4, 0.6, 0.8),
    "silence": (3, 10, 30, 60),
    "interruptions": (1, 2, 4, 8),
}


def band(name: str, figure: float | None) -> str | None:
    """The band of a figure, open at either end of the scale; None where the figure is not known."""
    if figure is None:
        return None
    edges = EDGES[name]
    place = bisect_right(edges, figure)
    low = f"{edges[place - 1]:g}" if place else ""
    high = f"{edges[place]:g}" if place < len(edges) else ""
    return f"{low}..{high}"


def all_bands(name: str) -> list[str]:
    """Every band of a figure, lowest first."""
    edges = [f"{edge:g}" for edge in EDGES[name]]
    return [f"{low}..{high}" for low, high in zip(["", *edges], [*edges, ""], strict=True)]
