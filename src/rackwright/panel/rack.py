"""The live rack: virtual time, work, flows, faults and power, advanced in slices.

Time moves only in `advance`: from one event (a stream or a computation ends, a timer) to the
next, counting bytes and joules in between. What commands change between two slices, a fault or a
power limit, holds from that moment on. Equal commands give equal bytes: nothing here reads a
clock except `follow`, which ties virtual time to a clock that it is given.

Left out: what `traffic`, `boards` and `workload` say.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

from rackwright.engine import FOREVER_PS
from rackwright.errors import Stalled, UnknownName, UsageError
from rackwright.panel.boards import Boards
from rackwright.panel.computing import Computing
from rackwright.panel.faults import Faults
from rackwright.panel.timeline import Log
from rackwright.panel.traffic import Stream, Traffic
from rackwright.panel.workload import Run, Workload
from rackwright.units import MAX_TIME, format_bandwidth, seconds_to_ps

if TYPE_CHECKING:
    from rackwright.panel.rackfile import RackFile

__all__ = ["SLICE_EVENTS", "Rack"]

SLICE_EVENTS = 100   # events between two looks at other sessions; some 10 ms
REAL_PAUSE = 0.005   # s between two looks at the clock while something waits in real time
_PS = 1e-12
MEASURING, POWER, HOT = 1 << 4, 1 << 3, 1 << 4  # bits of OPERation, of QUEStionable (SCPI-99)
LINK_DOWN, LINK_SLOW, LINK_ERRORS = 1 << 9, 1 << 10, 1 << 11  # QUEStionable, ours to define


class Rack:
    """See the module's text. `clock`: seconds that only go forward, for real time."""

    def __init__(self, file: RackFile, clock: Callable[[], float] = time.monotonic) -> None:
        self.file, self.fabric = file, file.fabric
        self.traffic = Traffic(self.fabric, file.replay_nbytes, file.most_streams)
        self.boards = Boards(self.fabric)
        self.log = Log()
        self.faults = Faults(self)
        self.now_ps = 0
        self.mode = "STEP"
        self.run: Run | None = None
        self.energy_since_ps = 0
        self.listeners: list[Callable[[], None]] = []
        self._computing: list[Computing] = []
        self._timers: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self._step_to_ps = 0
        self._clock, self._real_from = clock, (0.0, 0)
        self._segments: dict[Stream, tuple[int, float, float]] = {}  # since, rate, bytes then
        self.conditions = (0, 0)  # OPERation and QUEStionable, as of the last `tell`

    # ---- time

    def advance(self, until_ps: int, most_events: int = SLICE_EVENTS) -> bool:
        """Go on to `until_ps`, or `most_events` events far; whether that time is reached."""
        for _ in range(most_events):
            next_ps = min(self._next_ps(), until_ps)
            self._move_to(next_ps)
            if not self._happen() and next_ps == until_ps:
                self.tell()
                return True
        self.tell()
        return False

    def step(self, seconds: float) -> Generator[float, None, None]:
        """Step virtual time; steps of several sessions add up. Raises UsageError."""
        if self.mode == "REALTIME":
            raise UsageError("time runs by itself in real time; SYSTem:TIME:MODE STEP first")
        target = max(self.now_ps, self._step_to_ps) + seconds_to_ps(seconds)
        if target > seconds_to_ps(MAX_TIME):
            raise UsageError(f"the clock ends after {MAX_TIME:g} s")
        self._step_to_ps = target
        while not self.advance(target):
            yield 0.0

    def set_mode(self, mode: str) -> None:
        """STEP, FREE or REALTIME."""
        self.mode = mode
        self._real_from = (self._clock(), self.now_ps)

    def follow(self) -> Generator[float, None, None]:
        """In real time: catch up with the clock."""
        if self.mode != "REALTIME":
            return
        start, at_ps = self._real_from
        target = at_ps + seconds_to_ps(min(self._clock() - start, MAX_TIME / 2))
        while self.now_ps < target and not self.advance(target):
            yield 0.0

    def push(self, run: Run) -> float:
        """Go on one slice because somebody waits for `run`. Raises Stalled."""
        if self.mode == "REALTIME":
            for pause in self.follow():
                return pause
            return 0.0 if run.done else REAL_PAUSE
        for _ in range(SLICE_EVENTS):
            if run.done:
                break
            next_ps = self._next_ps()
            if next_ps == FOREVER_PS:
                raise Stalled(f"nothing can progress: {self._waits()}")
            self._move_to(next_ps)
            self._happen()
        self.tell()
        return 0.0

    def call_at(self, at_ps: int, call: Callable[[], None]) -> None:
        """Call something at a time to come."""
        self._count += 1
        heapq.heappush(self._timers, (max(at_ps, self.now_ps), self._count, call))

    # ---- work

    def start(self, work: Workload) -> Run:
        """Start a workload. Raises UsageError while another one runs."""
        if self.run is not None and not self.run.done:
            raise UsageError(f"{self.run.work.name} runs; ABORt it first")
        self.run = Run(self, work, self.now_ps)
        self.run.begin()
        self.tell()
        return self.run

    def compute(self, node: str, work: str, seconds: float, done: Callable[[], None]) -> None:
        """A board computes for `seconds` at full speed."""
        self.boards.start(node, work)
        speed = self.boards.all[node].speed(work)
        self._computing.append(Computing(node, work, seconds * 1e12, self.now_ps, speed, done,
                                          self.now_ps))
        if speed < 1 and not self.conditions[1] & (POWER | HOT):
            self.tell()  # now: it may be over before the slice is

    def stop_computing(self) -> None:
        """Drop all computations."""
        for one in self._computing:
            self._computed(one)
        self._computing.clear()

    def send(self, source: str, target: str, flow_id: int, nbytes: float, limit: float,
             done: Callable[[], None]) -> Stream:
        """A stream of `nbytes` (0: endless) at `limit` bytes/s (0: none)."""
        path = self.fabric.route(source, target, flow_id)
        return self.traffic.open(self.now_ps, f"{source} to {target}", path, nbytes, limit, done)

    def cut(self, stream: Stream) -> None:
        """Stop a stream."""
        self._close_segment(stream)
        self.traffic.close(self.now_ps, stream)

    def board_changed(self, node: str) -> None:
        """A board's limit or fault has changed: its work goes on at another speed."""
        self.boards.refresh(node)
        for one in self._computing:
            if one.node == node:
                one.change(self.now_ps, self.boards.all[node].speed(one.work))
        self.tell()

    def set_limit(self, node: str, watts: float) -> None:
        """A board's power limit in W."""
        self.boards.all[node].limit = watts
        self.board_changed(node)

    def changed(self) -> None:
        """Links have changed: share out again and tell everybody."""
        self._rates()
        self.tell()

    def reset(self) -> None:
        """Stop the work, repair what is broken, lift limits; time, counters and log go on."""
        if self.run is not None:
            self.run.stop()
            self.run = None
        self.faults.clear()
        for node, board in self.boards.all.items():
            if board.limit is not None:
                self.set_limit(node, board.most_watts)
        self.set_mode("STEP")

    # ---- what is seen

    def tell(self) -> None:
        """Something may have changed that conditions show: tell the sessions."""
        self.conditions = self._conditions()
        for listener in list(self.listeners):
            listener()

    def _conditions(self) -> tuple[int, int]:
        running = self.run is not None and not self.run.done
        boards = self.boards.all.values()
        questionable = POWER * any(board.limited for board in boards)
        questionable |= HOT * any(board.slow < 1 for board in boards)
        down, slow, errors = self.faults.seen()
        questionable |= LINK_DOWN * down | LINK_SLOW * slow | LINK_ERRORS * errors
        return MEASURING * running, questionable

    def board_watts(self, node: str) -> float:
        """What a board draws now."""
        self.settle()
        return float(self.boards.watts(self.traffic.rate)[self.boards.number[node]])

    def board(self, node: str) -> int:
        """A board's number. Raises UnknownName for one that is not metered."""
        if node not in self.boards.number:
            raise UnknownName("metered board", node, self.boards.names)
        return self.boards.number[node]

    def settle(self) -> None:
        """Make rates those of now, as every reading of them needs."""
        if self.traffic.stale:
            self._rates()

    def link_rate(self, link: int) -> float:
        """Bytes/s on a link now."""
        self.settle()
        return float(self.traffic.rate[link])

    # ---- inside

    def _next_ps(self) -> int:
        self._rates()
        found = self._flows_end_ps
        if self._timers:
            found = min(found, self._timers[0][0])
        if self._computing:
            found = min(found, min(one.end_ps for one in self._computing))
        return max(found, self.now_ps)

    def _rates(self) -> None:
        """Share out the links if anything has changed, and log streams of another rate."""
        self._flows_end_ps = self.traffic.next_ps(self.now_ps)
        if self.traffic.shared_anew():
            for stream in self.traffic.streams.values():
                rate = self.traffic.rate_of(stream)
                before = self._segments.get(stream)
                if before is None or before[1] != rate:
                    self._close_segment(stream)
                    self._segments[stream] = (self.now_ps, rate, stream.sent)

    def _close_segment(self, stream: Stream) -> None:
        since = self._segments.pop(stream, None)
        if since is not None:
            start_ps, rate, sent = since
            self.log.add(stream.name, format_bandwidth(rate), start_ps, self.now_ps,
                         stream.sent - sent)

    def _move_to(self, at_ps: int) -> None:
        passed = at_ps - self.now_ps
        if passed > 0:
            self.traffic.account(passed)
            self.boards.account(passed, self.traffic.rate)
            self.now_ps = at_ps

    def _happen(self) -> bool:
        """Handle all that is due now; whether there was anything."""
        ended = self.traffic.take(self.now_ps)
        for stream in ended:
            self._close_segment(stream)
            stream.done()
        due = [one for one in self._computing if one.end_ps <= self.now_ps]
        for one in due:
            if one in self._computing:
                self._computing.remove(one)
                self._computed(one)
                one.done()
        timers = 0
        while self._timers and self._timers[0][0] <= self.now_ps:
            heapq.heappop(self._timers)[2]()
            timers += 1
        return bool(ended or due or timers)

    def _computed(self, one: Computing) -> None:
        self.boards.start(one.node, "")
        self.log.add(one.node, one.work, one.start_ps, self.now_ps)

    def _waits(self) -> str:
        stuck = sorted(stream.name for stream in self.traffic.streams.values()
                       if self.traffic.rate_of(stream) == 0)
        dead = [self.fabric.link_names[link] for link in self.faults.dead()]
        more = " ..." if len(stuck) > 1 else ""
        return f"{stuck[0] if stuck else 'work'}{more} waits for {', '.join(dead[:3]) or 'nothing'}"
