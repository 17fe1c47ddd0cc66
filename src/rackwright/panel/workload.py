"""Synthetic work: rounds of computing and sending among devices, or steady streams.

In a round every device computes for `compute_time` (at the speed that its power limit leaves it),
then sends `nbytes` to each of its partners; when all bytes are there the next round starts. A
steady workload has no rounds: its streams send for `duration`, or for ever. This is a generator of
load with known sums, not a model of any program: for those see `rackwright.models`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rackwright.errors import UsageError
from rackwright.panel.traffic import Stream
from rackwright.units import seconds_to_ps

if TYPE_CHECKING:
    from rackwright.panel.rack import Rack

__all__ = ["PATTERNS", "Run", "Workload", "partners"]

PATTERNS = ("all-to-all", "incast", "none", "pairs", "ring")


@dataclass(frozen=True)
class Workload:
    """What a ``[workload.NAME]`` says. Seconds, bytes, bytes/s; 0 rounds or duration: endless.

    `pairs`: who sends to whom. `nbytes` 0: steady streams.
    """

    name: str
    devices: tuple[str, ...]
    activity: str
    compute_time: float
    pairs: tuple[tuple[str, str], ...]
    nbytes: float
    rounds: int
    limit: float
    duration: float

    @property
    def endless(self) -> bool:
        return not (self.rounds if self.in_rounds else self.duration)

    @property
    def in_rounds(self) -> bool:
        return self.nbytes > 0 or self.compute_time > 0


def partners(pattern: str, senders: list[str], receivers: list[str]) -> list[tuple[str, str]]:
    """(sender, receiver) pairs of a pattern. Raises UsageError.

    >>> partners("ring", ["a", "b", "c"], [])
    [('a', 'b'), ('b', 'c'), ('c', 'a')]
    """
    if pattern == "ring":
        found = list(zip(senders, senders[1:] + senders[:1], strict=True))
    elif pattern == "all-to-all":
        found = [(one, other) for one in senders for other in receivers or senders]
    elif pattern == "incast":
        found = [(one, other) for other in receivers[:1] for one in senders]
    elif pattern == "pairs":
        if len(senders) != len(receivers):
            raise UsageError(f"{len(senders)} devices and {len(receivers)} in `to` make no pairs; "
                             "name as many of each")
        found = list(zip(senders, receivers, strict=True))
    else:
        found = []
    found = [(one, other) for one, other in found if one != other]
    if pattern != "none" and not found:
        raise UsageError(f"the pattern {pattern} of {len(senders)} devices to {len(receivers)} "
                         "leaves nobody who sends; name more devices, or `to`")
    return found


@dataclass(eq=False)
class Run:
    """A workload under way; an overlapped operation for the interpreter."""

    rack: Rack
    work: Workload
    start_ps: int
    rounds: int = 0
    nbytes: float = 0.0
    end_ps: int = -1
    aborted: bool = False
    _open: int = 0
    _streams: dict[int, Stream] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        return self.end_ps >= 0

    def advance(self) -> float:
        """Let virtual time run on towards the end; seconds to wait before the next call."""
        return self.rack.pace.push(self)

    def begin(self) -> None:
        if self.work.in_rounds:
            self._round()
            return
        for place in range(len(self.work.pairs)):
            self._send(place, 0.0)
        if self.work.duration:
            self.rack.call_at(self.start_ps + seconds_to_ps(self.work.duration), self._finish)

    def sent(self) -> float:
        """Bytes so far, those of streams under way included."""
        return self.nbytes + sum(stream.sent for stream in self._streams.values())

    def elapsed_ps(self) -> int:
        return (self.end_ps if self.done else self.rack.now_ps) - self.start_ps

    def stop(self) -> None:
        """`ABORt`."""
        if not self.done:
            self.aborted = True
            self._finish()

    def _round(self) -> None:
        work = self.work
        self._open = len(work.devices) if work.compute_time else 1
        if not work.compute_time:
            self._computed()
            return
        for device in work.devices:
            self.rack.compute(device, work.activity, work.compute_time, self._computed)

    def _computed(self) -> None:
        self._open -= 1
        if self._open or self.done:
            return
        self._open = len(self.work.pairs) if self.work.nbytes else 0
        for place in range(self._open):
            self._send(place, self.work.nbytes)
        if not self._open:
            self._next()

    def _send(self, place: int, nbytes: float) -> None:
        source, target = self.work.pairs[place]
        self._streams[place] = self.rack.send(source, target, place, nbytes, self.work.limit,
                                              self._sent(place))

    def _sent(self, place: int) -> Callable[[], None]:
        def note() -> None:
            if self.done:
                return
            self.nbytes += self._streams.pop(place).sent
            if not self.work.in_rounds:
                self._send(place, 0.0)
                return
            self._open -= 1
            if not self._open:
                self._next()
        return note

    def _next(self) -> None:
        self.rounds += 1
        if self.rounds == self.work.rounds:
            self._finish()
        else:
            self._round()

    def _finish(self) -> None:
        if self.done:
            return
        self.end_ps = self.rack.now_ps
        for stream in list(self._streams.values()):
            self.nbytes += stream.sent
            self.rack.cut(stream)
        self._streams.clear()
        self.rack.stop_computing()
        self.rack.tell()
