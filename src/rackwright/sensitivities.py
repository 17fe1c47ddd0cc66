"""Does a link matter? A replay beside the same one with a group of links slower or faster.

`sensitivity` replays the base case, then one case for each group of links (by kind: every NVLink,
every PCIe link ...) at `factor` of its rate, and says for each which metrics moved or, when none
did, why: from what the base case measured, not from a rule. Latencies stay. A route may change,
where width decides between equally short ones; that is part of the answer.

What it leaves out: groups changed together, and rates between the two (see `rackwright.study`).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import permutations
from typing import TYPE_CHECKING, Any

from rackwright import run
from rackwright.errors import Interrupted, TopologyError, UnknownName, UsageError
from rackwright.report import figures
from rackwright.report.comparison import Moved, compare
from rackwright.report.table import WIDTH, paragraph, table
from rackwright.result import Result

if TYPE_CHECKING:
    import networkx as nx

    from rackwright.topologies import Fabric

__all__ = ["TOLERANCE", "Reaction", "Sensitivity", "groups", "reactions", "sensitivity"]

TOLERANCE = 0.01    # our own choice: a change of a metric by less counts as none
_MOST_DEVICES = 64  # whose routes are looked through, all pairs
_SHOWN = 3          # metrics outside of the headline that a sentence names


@dataclass(frozen=True)
class Reaction:
    """What one group of links at another rate did.

    `group`: a kind of link or a pattern of edges; `links`: how many directed links it has.
    `moved`: metrics that moved by more than the tolerance (ours: base, theirs: `result`).
    `changed`: one of the headline is among them. `reason`: why not, empty when it is.
    """

    group: str
    links: int
    changed: bool
    moved: tuple[Moved, ...]
    reason: str
    result: Result

    def record(self) -> dict[str, Any]:
        """Plain values, for JSON; the result by its hash."""
        return {"group": self.group, "links": self.links, "changed": self.changed,
                "moved": [asdict(entry) for entry in self.moved], "reason": self.reason,
                "bottleneck": self.result.bottleneck.text,
                "result_hash": self.result.content_hash}


@dataclass(frozen=True)
class Sensitivity:
    """The base case and one reaction a group, in the order of the groups."""

    base: Result
    factor: float
    tolerance: float
    rows: tuple[Reaction, ...]

    def record(self) -> dict[str, Any]:
        """Plain values, for JSON; the base case by its hash."""
        return {"base_hash": self.base.content_hash, "bottleneck": self.base.bottleneck.text,
                "factor": self.factor, "tolerance": self.tolerance,
                "rows": [row.record() for row in self.rows]}

    def text(self, width: int = WIDTH) -> str:
        """A table of the headline's ratios, and a sentence for each group."""
        names = [name for name in self.base.headline if name in self.base.metrics]
        rows = [[row.group, str(row.links), *(figures.ratio(
            row.result.metrics.get(name), self.base.metrics[name]) for name in names)]
            for row in self.rows]
        head = (f"links at {self.factor:g} of their rate, divided by the base case; a change of "
                f"up to {figures.percent(self.tolerance)} counts as none")
        lines = (paragraph("  -", f"{row.group}: {self._sentence(row)}", 4, width)
                 for row in self.rows)
        return (paragraph("", head, 2, width).lstrip()
                + paragraph("base case:", self.base.bottleneck.text, 11, width)
                + table(["", "links", *map(figures.title, names)], rows, width) + "".join(lines))

    def _sentence(self, row: Reaction) -> str:
        headline: list[str] = []
        others: list[str] = []
        for entry in row.moved:
            (headline if entry.name in self.base.headline else others).append(_moved_text(entry))
        more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
        beside = f"; beyond the headline: {', '.join(others[:_SHOWN])}{more}" if others else ""
        if row.changed:
            return f"changes {', '.join(headline)}{beside}"
        return f"no change: {row.reason}{beside}"

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(self.text())}</pre>"


def sensitivity(system: str, fabric: Any = None, trace: Any = None,
                links: Iterable[str] | None = None, factor: float = 0.5, seed: int = 0,
                tolerance: float = TOLERANCE, progress: run.Progress | None = None,
                **options: Any) -> Sensitivity:
    """Replay `system` as `rackwright.replay` does, then once for each group of links.

    `links`: groups, each a kind ("nvlink", "pcie", "ethernet" ...) or a pattern of edges
    ("h0/gpu0->h0/nvswitch", both directions; "=>" for one); None: every kind that the topology
    has. `factor`: of their rate. `tolerance`: relative change of a metric that counts as none.

    Raises as `replay` does, UnknownName for a kind that is not there, UsageError for a pattern
    that names nothing or a factor that is not above 0. Interrupted carries what is done.
    """
    whole, loaded = _loaded(system, fabric, trace)
    wanted = list(groups(whole, links)) if _checked(factor) else []
    base = run.replay(system, whole, loaded, seed, progress, **options)
    return reactions(base, whole, loaded, wanted, factor, tolerance, progress, **options)


def reactions(base: Result, fabric: Any, trace: Any, links: Iterable[str] | None = None,
              factor: float = 0.5, tolerance: float = TOLERANCE,
              progress: run.Progress | None = None, **options: Any) -> Sensitivity:
    """As `sensitivity`, for a base case that has been replayed with these very inputs."""
    whole, loaded = _loaded(base.system, fabric, trace)
    wanted = groups(whole, links) if _checked(factor) else {}
    done: list[Reaction] = []
    for group, edges in wanted.items():
        try:
            found = run.replay(base.system, _scaled(whole.graph, edges, factor), loaded,
                               base.seed, _titled(progress, group), **options)
        except Interrupted as stop:
            partial = Sensitivity(base, factor, tolerance, tuple(done))
            raise Interrupted(str(stop), partial=partial) from None
        done.append(_reaction(base, found, whole, group, edges, tolerance))
    return Sensitivity(base, factor, tolerance, tuple(done))


def _loaded(system: str, fabric: Any, trace: Any) -> tuple[Any, Any]:
    """The fabric and the trace; None: the system's samples."""
    from rackwright.models import registry

    model = registry.get(system)
    return (run.load_fabric(model.sample_topology if fabric is None else fabric),
            run.load_trace(model, trace))


def _titled(progress: run.Progress | None, group: str) -> run.Progress | None:
    if progress is None:
        return None
    return lambda done, total, text: progress(done, total, f"{group}, {text}")


def groups(fabric: Fabric, links: Iterable[str] | None = None
           ) -> dict[str, list[tuple[Any, ...]]]:
    """Group -> its edges, as networkx names them; None: one group a kind of link.

    Raises UnknownName for a kind that is not there, UsageError for a pattern of no edge.
    """
    from rackwright.topologies.builders.compose import edges_like

    kinds, every, found = sorted(set(fabric.link_kinds)), list(_edges(fabric.graph)), {}
    for group in kinds if links is None else dict.fromkeys(links):
        if "->" in group or "=>" in group:
            named = {id(data) for data in edges_like(fabric.graph, group)}
        elif group in kinds:
            named = {id(data) for *_, data in every if data["link"].kind == group}
        else:
            raise UnknownName("kind of link", group, kinds)
        found[group] = [tuple(ends) for *ends, data in every if id(data) in named]
    return found


def _checked(factor: float) -> float:
    if not (math.isfinite(factor) and 0 < factor <= 1e9) or factor == 1:
        raise UsageError(f"factor is {factor!r}; it must be above 0, finite, and not 1")
    return factor


def _edges(graph: nx.DiGraph[Any]) -> Iterator[tuple[Any, ...]]:
    """(tail, head, key where edges have one, attributes)."""
    return iter(graph.edges(keys=True, data=True) if graph.is_multigraph()  # type: ignore[call-overload]
                else graph.edges(data=True))


def _scaled(graph: nx.DiGraph[Any], edges: Sequence[tuple[Any, ...]], factor: float
            ) -> nx.DiGraph[Any]:
    """A copy with these edges at `factor` of their rate."""
    changed: nx.DiGraph[Any] = graph.copy()
    for ends in edges:
        link = changed.edges[ends]["link"]
        changed.edges[ends]["link"] = dataclasses.replace(
            link, name=f"{link.name}*rate{factor:g}", rate_bps=link.rate_bps * factor,
            content_hash="")
    return changed


def _reaction(base: Result, found: Result, fabric: Fabric, group: str,
              edges: Sequence[tuple[Any, ...]], tolerance: float) -> Reaction:
    every = compare(base, found).moved
    moved = tuple(sorted((entry for entry in every if _size(entry) > tolerance),
                         key=lambda entry: (entry.name not in base.headline, -_size(entry),
                                            entry.name)))
    changed = any(entry.name in base.headline for entry in moved)
    reason = "" if changed else _reason(base, fabric, _numbers(fabric, edges), same=not every)
    return Reaction(group, len(edges), changed, moved, reason, found)


def _size(entry: Moved) -> float:
    """Relative change; infinite where there is none to divide by."""
    return math.inf if entry.ratio is None else abs(entry.ratio - 1.0)


def _numbers(fabric: Fabric, edges: Sequence[tuple[Any, ...]]) -> list[int]:
    """Links of the fabric between the ends of these edges."""
    ends = {(tail, head) for tail, head, *_ in edges}
    pairs = zip(fabric.link_tails.tolist(), fabric.link_heads.tolist(), strict=True)
    return [link for link, (tail, head) in enumerate(pairs)
            if (fabric.nodes[tail], fabric.nodes[head]) in ends]


def _reason(base: Result, fabric: Fabric, links: Sequence[int], same: bool) -> str:
    """Why these links do not matter, from what the base case measured."""
    names = [fabric.link_names[link] for link in links]
    busiest = max(names, key=lambda name: (base.link_utilisation.get(name, 0.0), name))
    share = base.link_utilisation.get(busiest, 0.0)
    if share > 0:
        text = figures.percent(share) if share >= 0.001 else "less than 0.1 %"
        return f"the busiest of them, {busiest}, was busy {text} of the time"
    working = [name for name in base.device_utilisation if name in fabric.nodes]
    if 2 <= len(working) <= _MOST_DEVICES and not _crossed(fabric, working) & set(links):
        return f"on no route between the {len(working)} devices that worked, and none was busy"
    return "they carried too little for the result to list one of them as busy" + (
        "; every metric is the same to the last digit" if same else "")


def _crossed(fabric: Fabric, nodes: Sequence[str]) -> set[int]:
    """Links on the routes between these nodes; a pair without a route has none."""
    found: set[int] = set()
    for pair in permutations(nodes, 2):
        with suppress(TopologyError):
            found.update(fabric.route(*pair))
    return found


def _moved_text(entry: Moved) -> str:
    return f"{figures.title(entry.name)} {figures.ratio(entry.theirs, entry.ours)}"
