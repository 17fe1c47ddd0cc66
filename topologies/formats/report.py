"""What an import read, assumed and dropped; it travels as `graph.graph["import"]`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["Report", "report_of"]

_MOST_LINES = 100  # of a sort; the rest is counted


@dataclass
class Report:
    """`format`: what the file is. The same sentence said again is counted, not repeated."""

    format: str
    read: Counter[str] = field(default_factory=Counter)
    assumed: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)

    def record(self) -> dict[str, Any]:
        """A dict that JSON can hold: each list in the order of first mention."""
        return {"format": self.format, "read": _lines(self.read),
                "assumed": _lines(self.assumed), "dropped": _lines(self.dropped)}


def report_of(graph: nx.Graph[Any]) -> dict[str, Any] | None:
    """What the import that made `graph` says; None when it was not imported."""
    found: dict[str, Any] | None = graph.graph.get("import")
    return found


def _lines(said: Counter[str]) -> list[str]:
    lines = [text if count == 1 else f"{text} ({count} times)" for text, count in said.items()]
    more = len(lines) - _MOST_LINES
    return lines if more <= 0 else [*lines[:_MOST_LINES], f"and {more} more"]
