"""Rows of the command table: power, energy, temperature, limits; telemetry by DCGM's names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rackwright.panel.heat import AIR
from rackwright.panel.scpi.arguments import Channels, Number, Text
from rackwright.panel.scpi.errors import ScpiError
from rackwright.panel.scpi.headers import forms
from rackwright.panel.scpi.interpreter import Command, Interpreter
from rackwright.panel.scpi.message import quoted
from rackwright.panel.telemetry import FIELDS, field_value

__all__ = ["POWER"]

_METERS = ("rack", "board", "pdu")
_BOARD = Text("board", optional=True)
_BOARDS = Channels("board", optional=True)
_PS = 1e-12


def _each(measure: Callable[[Interpreter, str | None], float]
          ) -> Callable[[Interpreter, str | list[int] | None], Any]:
    """`measure` for a board, for all together, or for each of a channel list."""
    def asked(session: Interpreter, boards: str | list[int] | None) -> Any:
        if not isinstance(boards, list):
            return measure(session, boards)
        names = session.instrument.boards
        for number in boards:
            if not 1 <= number <= len(names):
                raise ScpiError(-222, f"channel {number}; 1 to {len(names)} are the boards of "
                                      "SYSTem:CATalog:BOARds?, in that order")
        return [measure(session, names[number - 1]) for number in boards]
    return asked


def _watts(session: Interpreter, board: str | None) -> float:
    meter = session.instrument
    meter.rack.settle()
    watts = meter.rack.boards.watts(meter.rack.traffic.rate)
    return float(np.sum(watts[meter.chosen(board)]))


def _joules(session: Interpreter, board: str | None) -> float:
    meter = session.instrument
    return float(np.sum((meter.rack.boards.joules - meter.energy_from)[meter.chosen(board)]))


def _average(session: Interpreter, board: str | None) -> float:
    meter = session.instrument
    passed = (meter.rack.now_ps - meter.energy_from_ps) * _PS
    return _joules(session, board) / passed if passed > 0 else _watts(session, board)


def _limited(session: Interpreter, board: str | None) -> Any:
    """The boards whose limit is meant; at least one must have one."""
    meter = session.instrument
    boards = [meter.rack.boards.all[name] for name in (meter.boards if board is None else (board,))
              if name in meter.boards]
    found = [one for one in boards if one.limit is not None]
    if not found:
        raise ScpiError(-241, f"{board or session.instrument.name} has no power limit")
    return found


def _range(session: Interpreter, board: str | None) -> tuple[float, float, float]:
    boards = _limited(session, board)
    most = min(one.most_watts for one in boards)
    return max(one.least_limit for one in boards), most, most


def _set_limit(session: Interpreter, watts: float, board: str | None) -> None:
    session.instrument.rack.refuse_boards()
    for one in _limited(session, board):
        if not one.least_limit <= watts <= one.most_watts:
            raise ScpiError(-222, f"{one.node}: {one.least_limit:g} to {one.most_watts:g} W")
        session.instrument.rack.set_limit(one.node, watts)


def _limit(session: Interpreter, first: str | None, second: str | None) -> float:
    words = [word for word in (first, second) if word is not None]
    ends = dict(zip(("MINimum", "MAXimum", "DEFault"), range(3), strict=True))
    asked = [place for name, place in ends.items() if words and words[0].upper() in forms(name)]
    board = next(iter(words[1:] if asked else words), None)
    if asked:
        return _range(session, board)[asked[0]]
    return float(min(one.limit for one in _limited(session, board)))


def _celsius(session: Interpreter, board: str | None) -> float:
    meter = session.instrument
    found = meter.rack.boards.heat.celsius[meter.chosen(board)]
    if np.isnan(found).all():
        raise ScpiError(-241, f"{board or meter.name} has no temperature here; GPUs have")
    return float(np.nanmax(found))


def _set_air(session: Interpreter, celsius: float) -> None:
    session.instrument.rack.boards.heat.air = celsius


def _boards(session: Interpreter) -> str:
    return quoted(",".join(session.instrument.boards))


def _field(session: Interpreter, name: str, board: str | None) -> float:
    meter = session.instrument
    if board is None and len(meter.boards) != 1:
        raise ScpiError(-109, "which board?")
    return field_value(meter.rack, name, meter.boards[int(meter.chosen(board)[0])
                       if meter.kind == "rack" else 0] if board is None else board)


def _checked_field(session: Interpreter, name: str, board: str | None) -> float:
    if board is not None:
        session.instrument.chosen(board)
    return _field(session, name, board)


_LIMIT = Number("watts", "power", lambda session: _range(session, None))

POWER: tuple[Command, ...] = (
    Command("MEASure[:SCALar]:POWer[:AC]", "What the board draws now; without one: the sum of all "
            "that this instrument meters.", ask=_each(_watts), ask_takes=(_BOARDS,), unit="W",
            kinds=_METERS),
    Command("MEASure[:SCALar]:POWer:AVERage", "The mean since SENSe:ENERgy:RESet.",
            ask=_each(_average), ask_takes=(_BOARDS,), unit="W", kinds=_METERS),
    Command("MEASure[:SCALar]:ENERgy", "Energy since SENSe:ENERgy:RESet.", ask=_each(_joules),
            ask_takes=(_BOARDS,), unit="J", kinds=_METERS),
    Command("SENSe:ENERgy:RESet", "Energy and mean start anew, for this instrument.",
            act=lambda session: session.instrument.reset_energy(), kinds=_METERS),
    Command("SOURce:POWer:LIMit", "The power limit of a board (without one: of all). Work that "
            "would draw more is slowed.", act=_set_limit, act_takes=(_LIMIT, _BOARD), ask=_limit,
            ask_takes=(Text("board or MIN|MAX|DEF", optional=True), _BOARD), unit="W",
            kinds=_METERS),
    Command("MEASure:TEMPerature", "A GPU's temperature; without a board: the hottest.",
            ask=_each(_celsius), ask_takes=(_BOARDS,), unit="CEL", kinds=_METERS),
    Command("SOURce:TEMPerature:AMBient", "The air at all boards.", act=_set_air,
            act_takes=(Number("air", "temperature", lambda _: (0.0, 100.0, AIR)),),
            ask=lambda session: float(session.instrument.rack.boards.heat.air), unit="CEL",
            kinds=("rack",)),
    Command("SYSTem:CATalog:BOARds", "Names of the boards that this instrument meters.",
            ask=_boards, kinds=_METERS),
    Command("DCGM:FIELd", "Telemetry of a GPU under the name of a DCGM field, in its unit.",
            ask=_checked_field, ask_takes=(Text("field"), _BOARD), kinds=("rack", "board")),
    Command("DCGM:CATalog", "Names of the DCGM fields that are modelled.",
            ask=lambda session: quoted(",".join(FIELDS)), kinds=("rack", "board")),
)
