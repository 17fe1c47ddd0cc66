"""One session's interpreter: messages in, answers out, status in between (IEEE 488.2, SCPI-99).

Every session (a connection, an opened resource) has a status, an error queue and an output of its
own, so that nobody reads another's errors; what they command is shared. A message runs as a
generator that yields while it waits (`*OPC?`, `*WAI`, a step of the clock): the seconds after
which to go on. Who drives it decides how to sleep; `Interpreter` itself knows no clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from rackwright.errors import RackwrightError, UnitError, UsageError
from rackwright.panel.scpi.arguments import Kind, Number, read_arguments
from rackwright.panel.scpi.errors import ErrorQueue, ScpiError, event_bit
from rackwright.panel.scpi.headers import Tree
from rackwright.panel.scpi.message import Unit, block, units
from rackwright.panel.scpi.numbers import limit_of
from rackwright.panel.scpi.status import OPC_BIT, Status

__all__ = ["Command", "Instrument", "Interpreter", "Waiting", "answer_text", "tree_of"]

Waiting = Generator[float, None, Any]
"""Yields seconds to wait before going on; returns the answer."""

MOST_ANSWER = 64 << 20  # bytes of answers kept for one message; our own limit


@dataclass(frozen=True, eq=False)
class Command:
    """One row of a command table.

    `act` and `ask` take the interpreter and the arguments; either may be None, and both may be
    generators. `act_takes`, `ask_takes`: types of the arguments. `unit`: of the answer. `kinds`:
    instruments that have it; empty for all.
    """

    header: str
    text: str
    act: Callable[..., Any] | None = None
    ask: Callable[..., Any] | None = None
    act_takes: tuple[Kind, ...] = ()
    ask_takes: tuple[Kind, ...] = ()
    unit: str = ""
    kinds: tuple[str, ...] = ()


class Instrument(Protocol):
    """What an interpreter needs of an instrument."""

    kind: str

    def conditions(self) -> tuple[int, int]:
        """OPERation and QUEStionable conditions now."""

    def operations(self) -> Iterable[Any]:
        """Overlapped operations that are pending; each has `done` and `advance() -> seconds`."""

    def before_command(self) -> Waiting:
        """What has to happen before each command (clocks that run by themselves)."""


def tree_of(commands: Iterable[Command], kind: str) -> Tree[Command]:
    """The commands that an instrument of `kind` has."""
    tree: Tree[Command] = Tree()
    for command in commands:
        if not command.kinds or kind in command.kinds:
            tree.add(command.header, command)
    return tree


class Interpreter:
    """One session on one instrument. `reading` says that an answer waits to be read."""

    def __init__(self, instrument: Any, tree: Tree[Command]) -> None:
        self.instrument, self.tree = instrument, tree
        self.status, self.errors = Status(), ErrorQueue()
        self.reading = False
        self.power_on_clear = True
        self._opc_pending = False
        self.refresh()

    def refresh(self) -> None:
        """Take over the conditions; `*OPC` is answered when nothing is pending."""
        operation, questionable = self.instrument.conditions()
        self.status.operation.update(operation)
        self.status.questionable.update(questionable)
        if self._opc_pending and not any(True for _ in self.instrument.operations()):
            self._opc_pending = False
            self.status.standard.event |= OPC_BIT

    def status_byte(self) -> int:
        """For `*STB?` and serial polls; reading it clears nothing."""
        self.refresh()
        return self.status.byte(bool(self.errors), self.reading)

    def fail(self, problem: ScpiError) -> None:
        """Queue an error and set its bit."""
        self.errors.add(problem)
        self.status.standard.event |= event_bit(problem.number)

    def clear_device(self) -> None:
        """Device clear: what waits is forgotten; status and settings stay."""
        self.reading = self._opc_pending = False

    def request_opc(self) -> None:
        """`*OPC`: set the bit once nothing is pending."""
        self._opc_pending = True
        self.refresh()

    def clear_status(self) -> None:
        """`*CLS`."""
        self.status.clear()
        self.errors.clear()
        self._opc_pending = False

    def wait(self) -> Waiting:
        """Until nothing is pending."""
        for operation in list(self.instrument.operations()):
            while not operation.done:
                yield operation.advance()

    def run(self, message: bytes) -> Generator[float, None, bytes]:
        """Carry out one message; returns the answers joined by ; or nothing."""
        answers: list[bytes] = []
        path: tuple[str, ...] = ()
        for unit in units(message):
            try:
                if isinstance(unit, ScpiError):
                    raise unit
                path, command = self._look_up(unit, path)
            except ScpiError as problem:
                self.fail(problem)
                break
            try:
                answer = yield from self._one(command, unit)
                if answer is not None:
                    answers.append(answer_text(answer))
                if sum(map(len, answers)) > MOST_ANSWER:
                    answers.pop()
                    raise ScpiError(-223, "the answers of one message are too long")
            except ScpiError as problem:
                self.fail(problem)
            except Exception as problem:  # a fault of ours must not end the session
                self.fail(_translated(problem))
            self.refresh()
        return b";".join(answers)

    def _look_up(self, unit: Unit, path: tuple[str, ...]) -> tuple[tuple[str, ...], Command]:
        """The command, and the path that the next unit starts from."""
        words = unit.words if unit.common or unit.rooted else path + unit.words
        command = self.tree.find(words)
        if (command.ask if unit.query else command.act) is None:
            raise ScpiError(-113, f"{':'.join(words)} {'has no' if unit.query else 'is only a'} "
                                  "query")
        return (path if unit.common else words[:-1]), command

    def _one(self, command: Command, unit: Unit) -> Waiting:
        yield from self.instrument.before_command()
        self.refresh()  # replays end, and other sessions command, without telling this one
        if unit.query and (limit := self._limit(command, unit)) is not None:
            return limit
        act = command.ask if unit.query else command.act
        takes = command.ask_takes if unit.query else command.act_takes
        assert act is not None
        answer = act(self, *read_arguments(takes, unit.arguments, self))
        if isinstance(answer, Generator):
            answer = yield from answer
        return answer if unit.query else None


    def _limit(self, command: Command, unit: Unit) -> float | None:
        """The answer to ``SETting? MIN`` and its kind, where a setting has such limits."""
        takes = command.act_takes
        if command.ask_takes or len(unit.arguments) != 1 or not takes or not isinstance(
                takes[0], Number) or unit.arguments[0].kind != "word":
            return None
        return limit_of(unit.arguments[0].text, takes[0].limits(self))


def answer_text(value: Any) -> bytes:
    """A value as response data: NR1, NR3 (9.91E37 for not a number), 0|1, text, blocks, lists.

    >>> answer_text([True, 3, 0.25, "free text", float("nan")])
    b'1,3,2.5E-01,free text,9.91E+37'
    """
    if isinstance(value, bytes):
        return block(value)
    if isinstance(value, bool):
        return b"1" if value else b"0"
    if isinstance(value, float):
        return _nr3(value).encode()
    if isinstance(value, list | tuple):
        return b",".join(map(answer_text, value))
    return str(value).encode("ascii", "replace")


def _nr3(value: float) -> str:
    """The shortest text that reads back the same, with an exponent."""
    if not math.isfinite(value):
        return "9.91E+37" if math.isnan(value) else f"{'-' if value < 0 else ''}9.9E+37"
    digits = next(text for text in (f"{value:.{places}E}" for places in range(17))
                  if float(text) == value)
    return digits if "." in digits else digits.replace("E", ".0E")


def _translated(problem: Exception) -> ScpiError:
    if isinstance(problem, UnitError):
        return ScpiError(-131, str(problem))
    if isinstance(problem, UsageError):
        return ScpiError(-224, str(problem))
    if isinstance(problem, RackwrightError):
        return ScpiError(-200, str(problem))
    return ScpiError(-310, f"{type(problem).__name__}: {problem}")
