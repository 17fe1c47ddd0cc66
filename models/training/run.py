"""The replay of an execution trace: nodes become ready, run on their streams, wake others.

Each rank has a compute stream (the ready node that comes first in the file runs next), another for
what its host does (`is_cpu_op`), and, for each process group, a stream of collectives in the order
of the file, as communicators have; a collective starts when all its ranks have come to it. Sends
and receives of one pair and tag are matched in order; a transfer starts when both sides are ready.
Without overlap a rank does not compute while it communicates, and communication waits until all its
ranks compute nothing.

Leaves out: host launches, priorities among streams, SMs that communication takes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from heapq import heappop, heappush
from typing import Any, NamedTuple

from rackwright.engine import Simulation
from rackwright.errors import Stalled
from rackwright.models.training.costs import Costs, Exchange
from rackwright.models.training.meetings import Meeting, channel, check_alike, ends, some, state_of
from rackwright.traces.chakra import ExecutionNode, ExecutionTrace

__all__ = ["Run", "Span"]

COMPUTE, COMMUNICATE, HOST = 0, 1, 2
MOST_SHOWN = 12  # lines of what waits for what


class Span(NamedTuple):
    """Something that ran on a rank: COMPUTE, COMMUNICATE or HOST, its node, ps, bytes."""

    rank: int
    kind: int
    node: ExecutionNode
    start_ps: int
    end_ps: int
    nbytes: int


class Run:
    """Replays `trace` with `costs`; `run` gives the spans. `link_bytes`: bytes over each link."""

    def __init__(self, trace: ExecutionTrace, costs: Costs, overlap: bool) -> None:
        self.trace, self.costs, self.overlap = trace, costs, overlap
        self.sim = Simulation()
        self.flows = self.sim.flows(costs.fabric.links.bandwidth)
        self.link_bytes: dict[int, float] = {}
        self.spans: list[Span] = []
        self._ranks = [state_of(rank, nodes) for rank, nodes in enumerate(trace.ranks)]
        self._meetings: dict[tuple[Any, ...], Meeting] = {}
        self._pending: list[Meeting] = []
        self._work: deque[tuple[int, int]] = deque()
        self._stirred: set[int] = set()  # ranks that may have something to compute

    def run(self) -> list[Span]:
        """All spans in the order in which they ended. Raises Stalled: what waits for what."""
        for rank, state in enumerate(self._ranks):
            for number in state.nodes:
                if not state.left[number]:
                    self._ready(rank, number)
        self._settle()
        self.sim.run()
        if any(len(state.done) < len(state.nodes) for state in self._ranks):
            raise Stalled(self._words())
        return self.spans

    def _ready(self, rank: int, number: int) -> None:
        """All that node `number` waits for is done."""
        state, node = self._ranks[rank], self._ranks[rank].nodes[number]
        if node.type == "METADATA":
            self._work.append((rank, number))
        elif node.type == "COMM_COLL":
            self._come(rank, node.group)
        elif node.type in ("COMM_SEND", "COMM_RECV"):
            self._come(rank, channel(rank, node))
        else:
            heappush(state.ready[_lane(node)], state.place[number])
            self._stirred.add(rank)

    def _come(self, rank: int, stream: str) -> None:
        """The head of a stream of communication, if ready, goes to its meeting."""
        state = self._ranks[rank]
        queue = state.streams[stream]
        if not queue or state.left[queue[0]] or stream in state.at_meeting:
            return
        state.at_meeting.add(stream)
        node = state.nodes[queue[0]]
        turn = state.counts.get(stream, 0)
        if node.type == "COMM_COLL":
            members = self.trace.members(node.group)
            key: tuple[Any, ...] = (members, node.group, turn)
            title = f"{node.collective} number {turn} of group {node.group or 'all'!r}"
        else:
            source, target, tag = ends(rank, node)
            members, key = (source, target), (source, target, tag, turn)
            title = f"transfer number {turn} from rank {source} to rank {target} (tag {tag})"
        meeting = self._meetings.setdefault(key, Meeting(title, members))
        meeting.came[rank] = node
        if len(meeting.came) == len(members):
            check_alike(meeting)
            del self._meetings[key]
            self._pending.append(meeting)

    def _settle(self) -> None:
        """Do all that can start now: communication first, then computation."""
        while self._work:
            rank, number = self._work.popleft()
            self._finish(rank, number)
        for meeting in list(self._pending):
            if self.overlap or not any(self._ranks[rank].computes[COMPUTE]
                                       for rank in meeting.members):
                self._pending.remove(meeting)
                for rank in meeting.members:
                    self._ranks[rank].communicates += 1
                self.sim.process(self._communicate(meeting))
        for rank in sorted(self._stirred):
            state = self._ranks[rank]
            for lane in (0, 1):
                free = lane or self.overlap or not state.communicates
                if state.ready[lane] and not state.computes[lane] and free:
                    state.computes[lane] = True
                    order = heappop(state.ready[lane])
                    self.sim.process(self._compute(rank, self.trace.ranks[rank][order], lane))
        self._stirred.clear()

    def _compute(self, rank: int, node: ExecutionNode, lane: int) -> Generator[Any, Any, None]:
        start = self.sim.now_ps
        yield self.sim.timeout(self.costs.compute_time(rank, node))
        self._ranks[rank].computes[lane] = False
        self._stirred.add(rank)
        kind = HOST if lane else COMPUTE
        self.spans.append(Span(rank, kind, node, start, self.sim.now_ps, 0))
        self._finish(rank, node.id)
        self._settle()

    def _communicate(self, meeting: Meeting) -> Generator[Any, Any, None]:
        start = self.sim.now_ps
        exchange, nbytes = self._exchange(meeting)
        yield self.sim.timeout(exchange.fixed_time)
        if exchange.flows:
            yield self.sim.all_of([self.flows.transfer(path, each)
                                   for path, each in exchange.flows])
        for path, each in exchange.flows:
            for link in path:
                self.link_bytes[link] = self.link_bytes.get(link, 0.0) + each
        for rank in meeting.members:
            node = meeting.came[rank]
            self._ranks[rank].communicates -= 1
            self._stirred.add(rank)
            self.spans.append(Span(rank, COMMUNICATE, node, start, self.sim.now_ps, nbytes))
            self._finish(rank, node.id)
            stream = node.group if node.type == "COMM_COLL" else channel(rank, node)
            state = self._ranks[rank]
            state.streams[stream].popleft()
            state.at_meeting.discard(stream)
            state.counts[stream] = state.counts.get(stream, 0) + 1
            self._come(rank, stream)
        self._settle()

    def _exchange(self, meeting: Meeting) -> tuple[Exchange, int]:
        node = meeting.came[meeting.members[0]]
        nbytes = node.whole("comm_size")
        if node.type == "COMM_COLL":
            return self.costs.collective(node, meeting.members), nbytes
        return self.costs.transfer(meeting.members[0], meeting.members[1], nbytes), nbytes

    def _finish(self, rank: int, number: int) -> None:
        state = self._ranks[rank]
        state.done.add(number)
        for later in state.before.get(number, ()):
            state.left[later] -= 1
            if not state.left[later]:
                self._ready(rank, later)

    def _words(self) -> str:
        """What waits for what, when nothing moves any more."""
        lines = []
        for meeting in self._meetings.values():
            missing = [rank for rank in meeting.members if rank not in meeting.came]
            here = ", ".join(f"rank {rank} (node {node.id}, {node.name})"
                             for rank, node in sorted(meeting.came.items())[:4])
            lines.append(f"{meeting.title}: {here} waits for rank"
                         f"{'s' if len(missing) > 1 else ''} {some(missing)}, which "
                         f"{'; '.join(self._why(rank) for rank in missing[:2])}")
        left = sum(len(state.nodes) - len(state.done) for state in self._ranks)
        more = f"\n  - and {len(lines) - MOST_SHOWN} more" if len(lines) > MOST_SHOWN else ""
        return (f"the trace cannot go on: {left} of {len(self.trace)} nodes never run\n  - "
                + "\n  - ".join(lines[:MOST_SHOWN]) + more)

    def _why(self, rank: int) -> str:
        """What a rank that did not come is doing instead."""
        state = self._ranks[rank]
        for meeting in self._meetings.values():
            if rank in meeting.came:
                return f"waits in {meeting.title}"
        stuck = [node for node in self.trace.ranks[rank] if node.id not in state.done]
        if not stuck:
            return "has nothing left to do: it never takes part"
        return f"waits before node {stuck[0].id} ({stuck[0].name})"


def _lane(node: ExecutionNode) -> int:
    """0: the GPU; 1: the host."""
    return 1 if node.attributes.get("is_cpu_op") is True else 0
