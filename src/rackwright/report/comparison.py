"""`compare`: what differs between two results, first in what went in, then in what came out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rackwright.canonical import canonical_json
from rackwright.report import figures
from rackwright.report.table import WIDTH, paragraph, shorten, table
from rackwright.result import Result

__all__ = ["Comparison", "Difference", "Moved", "compare"]


@dataclass(frozen=True)
class Difference:
    """An input that is not the same; "-" where a side has none."""

    name: str
    ours: str
    theirs: str


@dataclass(frozen=True)
class Moved:
    """A metric whose value is not the same; None where a side has none.

    `ratio` is theirs divided by ours, None where that has no value.
    """

    name: str
    ours: float | None
    theirs: float | None
    ratio: float | None


@dataclass(frozen=True)
class Comparison:
    """`inputs` that differ, metrics that `moved`, how many did not, and both bottlenecks."""

    inputs: tuple[Difference, ...]
    moved: tuple[Moved, ...]
    unmoved: int
    bottlenecks: tuple[str, str]

    @property
    def same(self) -> bool:
        """True when neither inputs nor metrics differ."""
        return not self.inputs and not self.moved

    def record(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"inputs": [asdict(entry) for entry in self.inputs],
                "moved": [asdict(entry) for entry in self.moved],
                "unmoved": self.unmoved, "bottlenecks": list(self.bottlenecks)}

    def text(self, ours: str = "first", theirs: str = "second", width: int = WIDTH) -> str:
        """Tables of what differs; `ours` and `theirs` name the two sides."""
        if self.same:
            return f"no difference: same inputs, same {self.unmoved} metrics\n"
        return "\n".join([self._inputs(ours, theirs, width), self._metrics(ours, theirs, width),
                          self._limits(ours, theirs, width)])

    def _inputs(self, ours: str, theirs: str, width: int) -> str:
        if not self.inputs:
            return "same inputs, options, seed and code\n"
        names = [shorten(entry.name, int(0.4 * width)) for entry in self.inputs]
        room = (width - max(map(len, names)) - 4) // 2  # both sides stay in one line
        rows = [[name, shorten(entry.ours, room), shorten(entry.theirs, room)]
                for name, entry in zip(names, self.inputs, strict=True)]
        return table(["going in", shorten(ours, room), shorten(theirs, room)], rows, width)

    def _metrics(self, ours: str, theirs: str, width: int) -> str:
        if not self.moved:
            return f"all {self.unmoved} metrics are the same\n"
        rows = [[figures.title(entry.name), _shown(entry.name, entry.ours),
                 _shown(entry.name, entry.theirs), figures.ratio(entry.theirs, entry.ours)]
                for entry in self.moved]
        note = f"{self.unmoved} metrics are the same\n" if self.unmoved else ""
        return table(["coming out", ours, theirs, "ratio"], rows, width) + note

    def _limits(self, ours: str, theirs: str, width: int) -> str:
        first, second = self.bottlenecks
        if first == second:
            return "limited by the same: " + paragraph("", first, 1, width).lstrip()
        indent = min(max(len(ours), len(theirs)) + 4, width // 3)
        return "what limits it\n" + paragraph(f"  {ours}", first, indent, width) + \
            paragraph(f"  {theirs}", second, indent, width)


def compare(ours: Result, theirs: Result) -> Comparison:
    """What differs between two results; they may be of different systems."""
    moved = tuple(_moved(ours.metrics, theirs.metrics))
    names = set(ours.metrics) | set(theirs.metrics)
    return Comparison(tuple(_inputs(ours, theirs)), moved, len(names) - len(moved),
                      (ours.bottleneck.text, theirs.bottleneck.text))


def _inputs(ours: Result, theirs: Result) -> Iterator[Difference]:
    first, second = dict(_listed(ours)), dict(_listed(theirs))
    for name in dict.fromkeys((*first, *second)):
        left, right = first.get(name, "-"), second.get(name, "-")
        if left != right:
            yield Difference(name, left, right)


def _listed(result: Result) -> Iterator[tuple[str, str]]:
    """Everything that decides a result, as (name, short text)."""
    inputs = result.inputs
    yield "system", result.system
    yield "baseline", result.baseline or "-"
    yield "topology", _named(inputs.topology, inputs.topology_hash)
    yield "trace", _named(inputs.trace, inputs.trace_hash)
    yield "seed", str(result.seed)
    for name, value in result.options.items():
        yield f"option {name}", value if isinstance(value, str) else canonical_json(value)
    for kind, hashes in (("part", inputs.parts), ("table", inputs.tables),
                         ("kernel", result.kernels)):
        for name, digest in sorted(hashes.items()):
            yield f"{kind} {name.removeprefix('rackwright.models.')}", digest[:12]
    yield "rackwright", result.code
    yield "complete", "yes" if result.complete else "no, interrupted"


def _named(name: str, digest: str) -> str:
    return f"{shorten(name, 16)} {digest[:8]}".strip()


def _moved(ours: Mapping[str, float], theirs: Mapping[str, float]) -> Iterator[Moved]:
    for name in sorted(set(ours) | set(theirs)):
        left, right = ours.get(name), theirs.get(name)
        if left != right:
            factor = right / left if left and right is not None else None
            yield Moved(name, left, right, factor)


def _shown(name: str, number: float | None) -> str:
    return "-" if number is None else figures.value(name, number)
