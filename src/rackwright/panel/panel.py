"""The `Panel`: a rack file's live rack, its instruments, and what it works on.

Synthetic work and systems are started one at a time. A system that can be stepped goes by the
rack's clock and over its links (`live`); others are replayed apart from it (`replays`).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from typing import Any

import rackwright
from rackwright.errors import RackwrightError, UnknownName
from rackwright.panel.commands import COMMANDS
from rackwright.panel.instruments import KINDS, Instrument
from rackwright.panel.live import LiveReplay, unreached
from rackwright.panel.rack import Rack
from rackwright.panel.rackfile import RackFile, SystemReplay
from rackwright.panel.replays import ReplayRun
from rackwright.panel.scpi import Interpreter, ScpiError, Tree, Waiting, tree_of
from rackwright.panel.scpi.interpreter import Command
from rackwright.panel.workload import Run, Workload

__all__ = ["Panel"]


class Panel:
    """A rack with its instruments. `select`, `initiate`, `abort` drive what it works on."""

    def __init__(self, file: RackFile, clock: Callable[[], float] | None = None) -> None:
        self.file = file
        self.rack = Rack(file, clock) if clock else Rack(file)
        self.version = rackwright.__version__
        self.selected = ""
        self.options: dict[str, str] = {}
        self.replay: ReplayRun | LiveReplay | None = None
        self.latest: Run | ReplayRun | LiveReplay | None = None
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

    def initiate(self) -> Waiting:
        """Start what is selected; a system must be made ready first. Raises ScpiError."""
        if not self.selected:
            raise ScpiError(-221, "nothing is selected; SOURce:WORKload:SELect first")
        busy = [one for one in (self.rack.run, self.replay) if one is not None and not one.done]
        if busy:
            raise ScpiError(-213, "something runs; ABORt it or wait for *OPC?")
        if self.selected in self.file.workloads:
            self.latest = self.rack.start(self.workload())
            return
        wanted = self.system()
        stepped = wanted.topology is None and not unreached(wanted.system, wanted.options)
        replay = (LiveReplay(wanted, self.rack.fabric, self.rack.pace.push)
                  if stepped else ReplayRun(wanted, self.rack.fabric))
        self.latest = self.replay = replay
        try:
            while not replay.ready:
                yield 0.0
            if not replay.done:  # ABORt may have come first
                self.rack.replay(replay)
        except RackwrightError as problem:
            self.latest = self.replay = None
            raise ScpiError(-200, str(problem)) from None
        except BaseException:  # refused, or whoever asked for it has gone
            self.latest = self.replay = None
            raise

    def abort(self) -> Waiting:
        """Stop what runs and wait until it has stopped."""
        if self.rack.run is not None:
            self.rack.run.stop()
        if self.replay is not None and not self.replay.done:
            self.replay.stop()
            while not self.replay.done:
                yield self.replay.advance()
            self.rack.replay_ended()

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
