"""SimAI and ASTRA-sim ns-3 topology text, read and written.

First line ``nodes gpus_per_server nvswitches switches links gpu_type`` (SimAI) or ``nodes
switches links`` (ASTRA-sim), second the ids of all switches, then a link a line: ``src dst
200Gbps 0.0017ms error_rate``. GPUs come first, then NVSwitches, then switches.

GPUs become `h0/gpu0` .., an NVSwitch `h0/nvswitch0` of the host it serves, a switch `s40` by its
id; without servers every node is a host of one GPU. Leaves out: error rates (the report counts
them), adapters (in these files a GPU is plugged into the network itself).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rackwright.devices import Link
from rackwright.errors import TopologyError, UnitError
from rackwright.topologies.formats.draft import Draft
from rackwright.topologies.formats.identities import gpu_by_name, known_or_not
from rackwright.topologies.formats.report import Report
from rackwright.topologies.names import host_part, natural_key
from rackwright.topologies.parts import family_of, forwarding_time
from rackwright.units import parse_rate_bps, parse_time

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["is_ns3", "read_ns3", "to_ns3"]

_SIMAI = re.compile(r"\s*(\d{1,7})\s+(\d{1,7})\s+(\d{1,7})\s+(\d{1,7})\s+(\d{1,8})\s+(\S+)\s*")
_ASTRA = re.compile(r"\s*(\d{1,7})\s+(\d{1,7})\s+(\d{1,8})\s*")
_SHOWN = 20  # faults listed; a file of another kind has one a line


def is_ns3(text: str) -> bool:
    """Whether the first line is the head of such a file."""
    first = text.lstrip().partition("\n")[0]
    return bool(_SIMAI.fullmatch(first) or _ASTRA.fullmatch(first))


def read_ns3(text: str, place: object) -> nx.DiGraph[Any]:
    """The graph of the file. Raises TopologyError listing every fault with its line."""
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    head = lines[0][1]
    simai, astra = _SIMAI.fullmatch(head), _ASTRA.fullmatch(head)
    if simai:
        nodes, servers, nvswitches, switches, links = map(int, simai.groups()[:5])
        reader = _Reader(place, nodes, servers, nvswitches + switches, nvswitches, simai[6])
    else:
        assert astra is not None  # `is_ns3` has said so
        nodes, switches, links = map(int, astra.groups())
        reader = _Reader(place, nodes, 0, switches, 0, "")
    if len(lines) < 2 and switches:
        reader.fault("there is no second line with the ids of the switches")
    elif switches or (simai and nvswitches):
        reader.switches(*lines[1])
    rest = lines[2:] if len(lines) > 1 and reader.wanted else lines[1:]
    if len(rest) != links:
        reader.fault(f"line 1 announces {links} links; the file has {len(rest)}")
    return reader.graph(rest)


class _Reader:
    def __init__(self, place: object, nodes: int, servers: int, wanted: int, nvswitches: int,
                 gpu: str) -> None:
        self._draft = Draft("SimAI / ns-3 topology text", place, "imported from ns-3 text")
        self._nodes, self._servers, self.wanted = nodes, servers, wanted
        self._nvswitches, self._gpu = nvswitches, gpu
        self._ids: list[int] = []
        self._faults = 0

    def fault(self, text: str) -> None:
        self._faults += 1
        if self._faults <= _SHOWN:
            self._draft.faults.append(text)

    def switches(self, number: int, line: str) -> None:
        words = line.split()
        bad = next((word for word in words if not word.isdecimal() or len(word) > 7
                    or int(word) >= self._nodes), None)
        if bad is not None:
            self.fault(f"line {number}: {bad!r} is no id of a node; 0 to {self._nodes - 1}")
            return
        self._ids = [int(word) for word in words]
        if len(set(self._ids)) != self.wanted:
            self.fault(f"line {number}: {len(set(self._ids))} different switches; line 1 "
                       f"announces {self.wanted}")

    def graph(self, lines: list[tuple[int, str]]) -> nx.DiGraph[Any]:
        links = [found for number, line in lines if (found := self._link(number, line))]
        if self._faults == 0:
            names = self._names(links)
            for one, other, link in links:
                if not self._draft.join(names[one], names[other], link):
                    self._draft.report.dropped["a link between two nodes that have one"] += 1
                self._draft.report.read["a link"] += 1
        elif self._faults > _SHOWN:
            self._draft.faults.append(f"and {self._faults - _SHOWN} more")
        return self._draft.finish()

    def _link(self, number: int, line: str) -> tuple[int, int, Link] | None:
        words = line.split()
        if len(words) not in (4, 5):
            self.fault(f"line {number}: {len(words)} words; src dst rate latency error_rate are "
                       "needed")
            return None
        ends = [int(word) if word.isdecimal() and len(word) < 8 else -1 for word in words[:2]]
        if not all(0 <= end < self._nodes for end in ends) or ends[0] == ends[1]:
            self.fault(f"line {number}: {words[0]} to {words[1]}; two different ids from 0 to "
                       f"{self._nodes - 1} are needed")
            return None
        try:
            rate, latency = parse_rate_bps(words[2]), parse_time(words[3])
        except UnitError as problem:
            self.fault(f"line {number}: {problem}")
            return None
        if len(words) == 5 and not re.fullmatch(r"0(\.0*)?", words[4]):
            self._draft.report.dropped[f"the error rate {words[4][:20]} of a link"] += 1
        near = self._nvlinked(ends)
        kind = "nvlink" if near else "ethernet"
        return ends[0], ends[1], Link(f"{kind}-{words[2]}", kind, rate, 1.0, latency, "the file")

    def _nvlinked(self, ends: list[int]) -> bool:
        first = self._nodes - len(self._ids)
        return any(first <= end < first + self._nvswitches for end in ends)

    def _names(self, links: list[tuple[int, int, Link]]) -> dict[int, str]:
        switches, names = set(self._ids), {}
        nvswitches = set(self._ids[:self._nvswitches])
        part, said = gpu_by_name(self._gpu) if self._gpu else \
            (known_or_not("npu", "gpu"), "the file does not name the accelerators")
        self._draft.assume(said)
        rank = 0
        for node in range(self._nodes):
            if node not in switches:
                host = f"h{rank // self._servers}/gpu{rank % self._servers}" if self._servers \
                    else f"h{rank}/gpu0"
                names[node] = self._draft.add(host, part, ns3_id=node)
                rank += 1
                self._draft.report.read["a GPU"] += 1
        serves: dict[int, str] = {}
        for one, other, _ in links:
            for switch, end in ((one, other), (other, one)):
                if switch in nvswitches and end in names:
                    serves.setdefault(switch, host_part(names[end]))
        for node in self._ids:
            if node in nvswitches:
                host = serves.get(node, "h0")
                names[node] = self._draft.add(self._draft.fresh(f"{host}/nvswitch"),
                                              known_or_not("nvswitch-unnamed", "switch"),
                                              ns3_id=node)
            else:
                names[node] = self._draft.add(f"s{node}", known_or_not("switch-unnamed", "switch"),
                                              ns3_id=node)
            self._draft.report.read["a switch"] += 1
        return names


def to_ns3(graph: nx.DiGraph[Any]) -> tuple[str, Report]:
    """The text in SimAI's form, and what it leaves out. Raises TopologyError.

    Only GPUs, NVSwitches and network switches have a place in it. A GPU's way through PCIe and
    an adapter to a switch becomes one link with the least rate and the sum of latencies, one
    adapter for each GPU in turn; the rate written is the payload's.
    """
    found = _Written(graph)
    lines = [found.head(), " ".join(str(found.ids[node]) for node in found.switches),
             *found.links()]
    if found.islands() != 1:
        raise TopologyError("this topology cannot be written as ns-3 text",
                            ["its GPUs do not reach each other by links that the format has a "
                             "place for: to each other, to NVSwitches, to a network"])
    return "\n".join(lines) + "\n", found.report


class _Written:
    def __init__(self, graph: nx.DiGraph[Any]) -> None:
        self.report = Report("SimAI / ns-3 topology text")
        self._graph = graph
        family = {node: str(family_of(data["device"])) for node, data in graph.nodes(data=True)}
        nodes = sorted(graph.nodes, key=natural_key)
        self._ends = [node for node in nodes if family[node] == "gpu"]
        self._adapters = [node for node in nodes if family[node] in ("nic", "smart-nic")]
        if not self._ends:
            self._ends, self._adapters = self._adapters, []
        if not self._ends:
            raise TopologyError("this topology cannot be written as ns-3 text",
                                ["it has neither GPUs nor adapters"])
        inner = [node for node in nodes if family[node] == "switch" and host_part(node)]
        outer = [node for node in nodes if family[node] == "switch" and not host_part(node)]
        self.switches = [*inner, *outer]
        self._inner = len(inner)
        self.ids = {node: number for number, node in enumerate([*self._ends, *self.switches])}
        for node in nodes:
            if node not in self.ids and node not in self._adapters:
                self.report.dropped[f"a {family[node]}, which the format has no place for"] += 1

    def head(self) -> str:
        hosts = {host_part(node) or node for node in self._ends}
        name = self._graph.nodes[self._ends[0]]["device"].name
        words = re.sub(r"[^A-Za-z0-9]+", "", name.partition("-")[0]).upper()
        self._every = sorted({line for line in self._lines()}, key=natural_key)
        return (f"{len(self.ids)} {-(-len(self._ends) // len(hosts))} {self._inner} "
                f"{len(self.switches) - self._inner} {len(self._every)} {words}")

    def links(self) -> list[str]:
        return self._every

    def islands(self) -> int:
        """Parts into which what is written falls."""
        import networkx as nx

        written: nx.Graph[int] = nx.Graph()
        for line in self._every:
            one, other = line.split()[:2]
            written.add_edge(int(one), int(other))
        written.add_nodes_from(self.ids.values())
        return nx.number_connected_components(written)

    def _lines(self) -> Iterator[str]:
        for one, other, data in self._graph.edges(data=True):
            if one in self.ids and other in self.ids and self.ids[one] < self.ids[other]:
                link = data["link"]
                yield self._line(one, other, link.bandwidth, link.latency_time)
        if self._adapters:
            yield from self._through_adapters()

    def _through_adapters(self) -> Iterator[str]:
        import networkx as nx

        mine: dict[str, list[str]] = {}
        for adapter in self._adapters:
            mine.setdefault(host_part(adapter), []).append(adapter)
        taken: dict[str, int] = {}
        for gpu in self._ends:
            host = host_part(gpu)
            choice = mine.get(host, [])
            cables = [one for one in choice for other in self._graph.successors(one)
                      if other in self.ids and not host_part(other)]
            if not cables:
                continue
            adapter = cables[taken.setdefault(host, 0) % len(cables)]
            taken[host] += 1
            inside = self._graph.subgraph([node for node in self._graph if host_part(node) == host])
            path = nx.shortest_path(inside, gpu, adapter)
            yield from self._cable(path, adapter)

    def _cable(self, path: list[str], adapter: str) -> Iterator[str]:
        steps = [self._graph.edges[pair]["link"] for pair in zip(path, path[1:], strict=False)]
        waits = sum(forwarding_time(self._graph.nodes[node]["device"]) for node in path[1:])
        for switch in self._graph.successors(adapter):
            if switch in self.ids and not host_part(switch):
                cable = self._graph.edges[adapter, switch]["link"]
                every = [*steps, cable]
                self.report.assumed["a GPU's way to its adapter is part of one link"] += 1
                yield self._line(path[0], switch, min(link.bandwidth for link in every),
                                 waits + sum(link.latency_time for link in every))

    def _line(self, one: str, other: str, bandwidth: float, latency_time: float) -> str:
        low, high = sorted((self.ids[one], self.ids[other]))
        return f"{low} {high} {bandwidth * 8 / 1e9:.9g}Gbps {latency_time * 1e3:.9g}ms 0"


