"""The live rack: virtual time, work, flows, faults and power, advanced in slices.

Time moves only in `advance`: from one event (a stream or a computation ends, a timer, a board
that is too hot) to the next, counting bytes and joules in between; a system that is replayed goes
along. What commands change between two slices, a fault or a power limit, holds from that moment
on. Equal commands give equal bytes: nothing here reads a clock (`pace` may follow one).

Left out: what `traffic`, `boards`, `workload` and `live` say.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rackwright.engine import FOREVER_PS
from rackwright.errors import Stalled, UnknownName, UsageError
from rackwright.panel.boards import Boards
from rackwright.panel.computing import Work
from rackwright.panel.conditions import HOT, POWER, conditions_of, waits_of
from rackwright.panel.faults import Faults
from rackwright.panel.heat import AIR
from rackwright.panel.pace import Pace, Timers
from rackwright.panel.scpi.errors import ScpiError
from rackwright.panel.timeline import Log, Segments
from rackwright.panel.traffic import Stream, Traffic
from rackwright.panel.workload import Run, Workload

if TYPE_CHECKING:
    from rackwright.panel.live import LiveReplay
    from rackwright.panel.rackfile import RackFile
    from rackwright.panel.replays import ReplayRun

__all__ = ["SLICE_EVENTS", "Rack"]

SLICE_EVENTS = 100   # events between two looks at other sessions; some 10 ms


class Rack:
    """See the module's text. `clock`: seconds that only go forward, for real time."""

    def __init__(self, file: RackFile, clock: Callable[[], float] = time.monotonic) -> None:
        self.file, self.fabric = file, file.fabric
        self.traffic = Traffic(self.fabric, file.replay_nbytes, file.most_streams)
        self.boards = Boards(self.fabric)
        self.log = Log()
        self.faults = Faults(self)
        self.pace = Pace(self, clock)
        self.now_ps = 0
        self.run: Run | None = None
        self.live: LiveReplay | ReplayRun | None = None
        self.listeners: list[Callable[[], None]] = []
        self._work = Work(self.boards, self.log)
        self._timers = Timers()
        self._segments = Segments(self.log)
        self.conditions = (0, 0)  # OPERation and QUEStionable, as of the last `tell`

    # ---- time

    def advance(self, until_ps: int, most_events: int = SLICE_EVENTS, waiting: Any = None) -> bool:
        """Go on to `until_ps`, or `most_events` events far; whether that time is reached.

        `waiting`: an operation at whose end to stop. Raises Stalled when it cannot end.
        """
        for _ in range(most_events):
            if waiting is not None and waiting.done:
                break
            next_ps = min(self._next_ps(), until_ps)
            reached = self._go_along(next_ps)
            if reached == FOREVER_PS:
                raise Stalled(f"nothing can progress: {waits_of(self)}")
            self._move_to(reached)
            if reached < next_ps:
                break
            if not self._happen() and next_ps == until_ps:
                self.tell()
                return True
        self.tell()
        return False

    def call_at(self, at_ps: int, call: Callable[[], None]) -> None:
        """Call something at a time to come."""
        self._timers.add(max(at_ps, self.now_ps), call)

    # ---- work

    def start(self, work: Workload) -> Run:
        """Start a workload. Raises UsageError while another one runs."""
        if self.run is not None and not self.run.done:
            raise UsageError(f"{self.run.work.name} runs; ABORt it first")
        self.run = Run(self, work, self.now_ps)
        self.run.begin()
        self.tell()
        return self.run

    def replay(self, live: LiveReplay | ReplayRun) -> None:
        """A system runs from now on. Raises ScpiError for faults that it cannot show."""
        self.faults.apply_to(live)
        live.begin(self.now_ps)
        self.live = live
        if live.now_ps >= 0:  # it goes by the rack's clock
            self.log.begin(live.wanted.name, f"replay of {live.wanted.system}", self.now_ps)
        self.tell()

    def replay_ended(self) -> None:
        """The system is done, or has been stopped."""
        if self.live is not None:
            self._count_moved()
            self.log.end(self.live.wanted.name, max(self.now_ps, self.live.now_ps))
            self.tell()

    def compute(self, node: str, work: str, seconds: float, done: Callable[[], None]) -> None:
        """A board computes for `seconds` at full speed."""
        speed = self._work.start(node, work, seconds, done, self.now_ps)
        if speed < 1 and not self.conditions[1] & (POWER | HOT):
            self.tell()  # now: it may be over before the slice is

    def stop_computing(self) -> None:
        """Drop all computations."""
        self._work.stop(self.now_ps)

    def send(self, source: str, target: str, flow_id: int, nbytes: float, limit: float,
             done: Callable[[], None]) -> Stream:
        """A stream of `nbytes` (0: endless) at `limit` bytes/s (0: none)."""
        path = self.fabric.route(source, target, flow_id)
        return self.traffic.open(self.now_ps, f"{source} to {target}", path, nbytes, limit, done)

    def cut(self, stream: Stream) -> None:
        """Stop a stream."""
        self._segments.close(stream, self.now_ps)
        self.traffic.close(self.now_ps, stream)

    def board_changed(self, node: str) -> None:
        """A board's limit or fault has changed: its work goes on at another speed."""
        self._work.refresh(node, self.now_ps)
        self.tell()

    def set_limit(self, node: str, watts: float) -> None:
        """A board's power limit in W."""
        self.boards.all[node].limit = watts
        self.board_changed(node)

    def refuse_boards(self) -> None:
        """Raises ScpiError -221 while a system is replayed: its steps have fixed costs."""
        if self.live is not None and not self.live.done:
            raise ScpiError(-221, f"{self.live.wanted.system} runs, and what its steps cost is "
                                  "computed before it starts: no board's speed reaches it")

    def changed(self) -> None:
        """Links have changed: share out again and tell everybody."""
        self._rates()
        self.tell()

    def reset(self) -> None:
        """Stop the work, repair what is broken, lift limits; time, counters and log go on."""
        if self.run is not None:
            self.run.stop()
            self.run = None
        if self.live is not None:
            self.live.stop()
            self.replay_ended()
            self.live = None
        self.faults.clear()
        self.boards.heat.air = AIR
        for node, board in self.boards.all.items():
            if board.limit is not None:
                self.set_limit(node, board.most_watts)
        self.pace.set_mode("STEP")

    # ---- what is seen

    def tell(self) -> None:
        """Something may have changed that conditions show: tell the sessions."""
        self.conditions = conditions_of(self)
        for listener in list(self.listeners):
            listener()

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
        """Make rates and counters those of now, as every reading of them needs."""
        if self.traffic.stale:
            self._rates()
        if self.live is not None and not self.live.done:
            self._count_moved()

    def link_rate(self, link: int) -> float:
        """Bytes/s on a link now."""
        self.settle()
        return float(self.traffic.rate[link])

    # ---- inside

    def _next_ps(self) -> int:
        self._rates()
        return max(self.now_ps, min(
            self._flows_end_ps, self._timers.next_ps(), self._work.next_ps(),
            self.boards.next_ps(self.now_ps, self.traffic.rate)))

    def _rates(self) -> None:
        """Share out the links if anything has changed, and log streams of another rate."""
        self._flows_end_ps = self.traffic.next_ps(self.now_ps)
        if self.traffic.shared_anew():
            for stream in self.traffic.streams.values():
                self._segments.at(stream, self.traffic.rate_of(stream), self.now_ps)

    def _go_along(self, until_ps: int) -> int:
        """The replayed system goes on for a slice; the time that all have reached."""
        if self.live is None or self.live.done:
            return until_ps
        reached = self.live.go_to(until_ps)
        if self.live.done:
            self.replay_ended()
        return reached

    def _count_moved(self) -> None:
        moved = self.live.moved() if self.live is not None else None
        if moved is not None:
            self.traffic.link_nbytes += moved

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
            self._segments.close(stream, self.now_ps)
            stream.done()
        computed = self._work.end_due(self.now_ps)
        called = self._timers.call_due(self.now_ps)
        throttled = self.boards.throttle()
        for node in throttled:
            self.log.end(f"{node} heat", self.now_ps)
            if self.boards.all[node].hot:
                self.log.begin(f"{node} heat", "thermal slowdown", self.now_ps)
            self.board_changed(node)
        return bool(ended or computed or called or throttled)
