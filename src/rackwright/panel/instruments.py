"""The instruments of a rack.

======== ================================ ==================================================
kind     names                            what it is
======== ================================ ==================================================
rack     rack                             everything: clock, work, meters, links, faults
board    h0-gpu0 ...                      power meter, power limit and telemetry of one board
pdu      pdu-h0 ...                       power meter of a host's boards together
links    links                            rates, widths and counters of the links
faults   faults                           the fault injector
======== ================================ ==================================================

What they command is shared by all sessions; errors and status belong to a session (`scpi`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from rackwright.panel.commands import help_text
from rackwright.panel.conditions import MEASURING
from rackwright.panel.scpi import ScpiError, Waiting

if TYPE_CHECKING:
    from rackwright.panel.panel import Panel

__all__ = ["KINDS", "Instrument"]

KINDS = ("rack", "board", "pdu", "links", "faults")


class Instrument:
    """One instrument: `boards` are those that it meters. Energy counts from its last reset."""

    def __init__(self, panel: Panel, name: str, kind: str, boards: tuple[str, ...]) -> None:
        self.panel, self.rack, self.name, self.kind = panel, panel.rack, name, kind
        self.boards = boards
        self.numbers = np.array([self.rack.boards.number[board] for board in boards], np.int64)
        self._kept: dict[int, dict[str, float]] = {}
        self.reset_energy()

    # ---- for the interpreter

    def conditions(self) -> tuple[int, int]:
        operation, questionable = self.rack.conditions
        replay = self.panel.replay  # one in a thread ends without telling the rack
        running = any(one is not None and not one.done for one in (self.rack.run, replay))
        return (operation & ~MEASURING) | MEASURING * running, questionable

    def operations(self) -> Iterator[Any]:
        """What is pending: a workload that ends, a replay."""
        run, replay = self.rack.run, self.panel.replay
        if run is not None and not run.done and not run.work.endless:
            yield run
        if replay is not None and not replay.done:
            yield replay

    def before_command(self) -> Waiting:
        """Real time catches up; in FREE mode what is pending comes to its end."""
        if self.rack.pace.mode == "REALTIME":
            yield from self.rack.pace.follow()
        elif self.rack.pace.mode == "FREE":
            for operation in list(self.operations()):
                while not operation.done:
                    yield operation.advance()

    def identity(self) -> str:
        return (f"RACKWRIGHT,{self.kind.upper()},{self.panel.file.name}/{self.name},"
                f"{self.panel.version}")

    def help_text(self) -> str:
        return help_text(self.kind)

    def reset(self) -> None:
        """`*RST`: the settings of this instrument."""
        if self.kind == "rack":
            self.panel.reset()
        elif self.kind == "faults":
            self.rack.faults.clear()
        elif self.kind in ("board", "pdu"):
            self.restore({board: self.rack.boards.all[board].most_watts for board in self.boards})
        self.reset_energy()

    def trigger(self) -> Waiting:
        if self.kind != "rack":
            raise ScpiError(-211, "only the rack has something to start")
        yield from self.panel.initiate()

    def save(self, slot: int) -> None:
        """Keep the power limits of its boards."""
        self._kept[slot] = {board: limit for board in self.boards
                            if (limit := self.rack.boards.all[board].limit) is not None}

    def recall(self, slot: int) -> None:
        if slot not in self._kept:
            raise ScpiError(-221, f"nothing is kept in {slot}")
        self.restore(self._kept[slot])

    # ---- power

    def restore(self, limits: dict[str, float]) -> None:
        """Set these power limits, on boards that can be limited."""
        for board, watts in limits.items():
            if self.rack.boards.all[board].limit is not None:
                self.rack.set_limit(board, watts)

    def reset_energy(self) -> None:
        self.energy_from = self.rack.boards.joules.copy()
        self.energy_from_ps = self.rack.now_ps

    def chosen(self, board: str | None) -> Any:
        """The numbers of one board, or of all that this instrument meters."""
        if board is None:
            return self.numbers
        if board not in self.boards:
            raise ScpiError(-224, f"board {board!r}; {', '.join(self.boards[:5])} ...")
        return np.array([self.rack.boards.number[board]])
