"""The instruments of a rack, and the `Panel` that holds them over one live `Rack`.

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

import dataclasses
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import rackwright
from rackwright.errors import RackwrightError, UnknownName
from rackwright.panel.commands import COMMANDS, help_text
from rackwright.panel.rack import MEASURING, Rack
from rackwright.panel.rackfile import RackFile, SystemReplay
from rackwright.panel.replays import ReplayRun
from rackwright.panel.scpi import Interpreter, ScpiError, Tree, Waiting, tree_of
from rackwright.panel.scpi.interpreter import Command
from rackwright.panel.workload import Run, Workload

__all__ = ["KINDS", "Instrument", "Panel"]

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
        replay = self.panel.replay
        running = replay is not None and not replay.done
        return operation | MEASURING * running, questionable

    def operations(self) -> Iterator[Any]:
        """What is pending: a workload that ends, a replay."""
        run, replay = self.rack.run, self.panel.replay
        if run is not None and not run.done and not run.work.endless:
            yield run
        if replay is not None and not replay.done:
            yield replay

    def before_command(self) -> Waiting:
        """Real time catches up; in FREE mode what is pending comes to its end."""
        if self.rack.mode == "REALTIME":
            yield from self.rack.follow()
        elif self.rack.mode == "FREE":
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

    def trigger(self) -> None:
        if self.kind != "rack":
            raise ScpiError(-213, "only the rack has something to start")
        self.panel.initiate()

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


class Panel:
    """A rack with its instruments. `select`, `initiate`, `abort` drive what it works on."""

    def __init__(self, file: RackFile, clock: Callable[[], float] | None = None) -> None:
        self.file = file
        self.rack = Rack(file, clock) if clock else Rack(file)
        self.version = rackwright.__version__
        self.selected = ""
        self.options: dict[str, str] = {}
        self.replay: ReplayRun | None = None
        self.latest: Run | ReplayRun | None = None
        self.instruments = {one.name: one for one in self._instruments()}
        self._trees: dict[str, Tree[Command]] = {kind: tree_of(COMMANDS, kind) for kind in KINDS}

    def _instruments(self) -> Iterator[Instrument]:
        names, metered = self.rack.boards.names, self.rack.boards.all
        yield Instrument(self, "rack", "rack", names)
        for host in self.rack.fabric.hosts():
            boards = tuple(name for name in names if metered[name].host == host)
            if boards:
                yield Instrument(self, f"pdu-{_plain(host)}", "pdu", boards)
        for board in self.file.meters:
            yield Instrument(self, _plain(board), "board", (board,))
        yield Instrument(self, "links", "links", ())
        yield Instrument(self, "faults", "faults", ())

    def open(self, name: str) -> Interpreter:
        """A session on an instrument. Raises UnknownName."""
        if name not in self.instruments:
            raise UnknownName("instrument", name, self.instruments)
        instrument = self.instruments[name]
        session = Interpreter(instrument, self._trees[instrument.kind])
        self.rack.listeners.append(session.refresh)
        return session

    def close(self, session: Interpreter) -> None:
        """Forget a session."""
        if session.refresh in self.rack.listeners:
            self.rack.listeners.remove(session.refresh)

    def select(self, name: str) -> None:
        """What `initiate` starts; options go back to the file's."""
        if name not in self.file.workloads and name not in self.file.systems:
            raise UnknownName("workload or system", name,
                              [*self.file.workloads, *self.file.systems])
        self.selected, self.options = name, {}

    def initiate(self) -> None:
        """Start what is selected. Raises ScpiError -221, -213."""
        if not self.selected:
            raise ScpiError(-221, "nothing is selected; SOURce:WORKload:SELect first")
        busy = [one for one in (self.rack.run, self.replay) if one is not None and not one.done]
        if busy:
            raise ScpiError(-213, "something runs; ABORt it or wait for *OPC?")
        if self.selected in self.file.workloads:
            self.latest = self.rack.start(self.workload())
        else:
            self.latest = self.replay = ReplayRun(self.system(), self.rack.fabric)

    def abort(self) -> Waiting:
        """Stop what runs and wait until it has stopped."""
        if self.rack.run is not None:
            self.rack.run.stop()
        if self.replay is not None:
            self.replay.stop()
            while not self.replay.done:
                yield self.replay.advance()

    def workload(self) -> Workload:
        """The selected workload with the options set."""
        from rackwright.panel.options import changed

        return changed(self.file.workloads[self.selected], self.options)

    def system(self) -> SystemReplay:
        """The selected system with the options set."""
        wanted = self.file.systems[self.selected]
        return dataclasses.replace(wanted, options={**wanted.options, **self._system_options()})

    def set_option(self, name: str, value: str) -> None:
        """Change one option of what is selected, checked at once. Raises as `initiate`."""
        if not self.selected:
            raise ScpiError(-221, "nothing is selected; SOURce:WORKload:SELect first")
        before = dict(self.options)
        self.options[name] = value
        try:
            if self.selected in self.file.workloads:
                self.workload()
            else:
                self._check_system()
        except RackwrightError:
            self.options = before
            raise

    def reset(self) -> None:
        """As after the start, but for time and counters."""
        if self.replay is not None:
            self.replay.stop()
        self.rack.reset()
        self.selected, self.options, self.latest = "", {}, None

    def close_all(self) -> None:
        """At shutdown: stop a replay and wait for it."""
        if self.replay is not None:
            self.replay.stop()
            self.replay.join()

    def _system_options(self) -> dict[str, Any]:
        from rackwright.models import registry

        model = registry.get(self.file.systems[self.selected].system)
        return model.options.read_settings(self.options)

    def _check_system(self) -> None:
        from rackwright.models import registry

        wanted = self.system()
        registry.get(wanted.system).options.checked(wanted.options)


def _plain(name: str) -> str:
    """A node's name as a VISA LAN device name."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", name)
