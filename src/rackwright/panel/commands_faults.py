"""Rows of the command table: the fault injector.

``a->b`` means both directions of a link, ``a=>b`` one; names may be patterns (``h0/gpu*``).
"""

from __future__ import annotations

from typing import Any

from rackwright.panel.faults import MOST_ERROR_RATE
from rackwright.panel.scpi.arguments import Choice, Integer, Number, Text
from rackwright.panel.scpi.interpreter import Command, Interpreter
from rackwright.units import MAX_TIME, exact_time

__all__ = ["FAULTS"]

_KINDS = ("rack", "faults")
_WHAT = Text("links")
_SHARE = Number("share", "share", lambda _: (0.0, 1.0, 1.0))


def _faults(session: Interpreter) -> Any:
    return session.instrument.rack.faults


def _state(session: Interpreter, what: str, state: str) -> None:
    _faults(session).now(what, state.lower())


def _rate(session: Interpreter, what: str, share: float) -> None:
    _faults(session).now(what, f"rate {share * 100!r}%")


def _lanes(session: Interpreter, what: str, lanes: int) -> None:
    _faults(session).now(what, f"lanes x{lanes}")


def _late(session: Interpreter, what: str, time: float) -> None:
    _faults(session).now(what, f"latency {exact_time(time)}")


def _speed(session: Interpreter, board: str, share: float) -> None:
    session.instrument.rack.refuse_boards()
    _faults(session).slow(board, share)


def _cooling(session: Interpreter, board: str, share: float) -> None:
    _faults(session).cool(board, share)


FAULTS: tuple[Command, ...] = (
    Command("INJect:LINK:STATe", "Take links, or all links of a node, down or up again.",
            act=_state, act_takes=(_WHAT, Choice("state", ("UP", "DOWN"))), kinds=_KINDS),
    Command("INJect:LINK:RATE", "Links run at a share of their rate.", act=_rate,
            act_takes=(_WHAT, _SHARE), kinds=_KINDS),
    Command("INJect:LINK:WIDTh", "PCIe links have only so many lanes.", act=_lanes,
            act_takes=(_WHAT, Integer("lanes", 1, 16)), kinds=_KINDS),
    Command("INJect:LINK:LATency", "Links have this latency; the panel's own streams have none, "
            "replayed systems do.", act=_late,
            act_takes=(_WHAT, Number("time", "time", lambda _: (0.0, 1.0, 1e-6))), kinds=_KINDS),
    Command("INJect:LINK:BERate", "Links have this bit error rate; units with an error are sent "
            "again.", act=lambda session, what, rate: _faults(session).errors(what, rate),
            act_takes=(_WHAT, Number("errors a bit", "", lambda _: (0.0, MOST_ERROR_RATE, 0.0))),
            kinds=_KINDS),
    Command("INJect:LINK:GLITch", "Links are down for a time, then up.",
            act=lambda session, what, time: _faults(session).glitch(what, time),
            act_takes=(_WHAT, Number("time", "time", lambda _: (1e-12, MAX_TIME / 4, 1e-3))),
            kinds=_KINDS),
    Command("INJect:EVENt", 'A fault to come: "TIME WHAT ACTION [VALUE]", time from now on, as in '
            '"5ms h0/gpu0->h0/nvswitch rate 50%".',
            act=lambda session, text: _faults(session).event(text), act_takes=(Text("event"),),
            kinds=_KINDS),
    Command("INJect:BOARd:SPEed", "A board works at a share of its speed.",
            act=_speed,
            act_takes=(Text("board"), Number("share", "share", lambda _: (0.01, 1.0, 1.0))),
            kinds=_KINDS),
    Command("INJect:BOARd:COOLing", "A GPU is cooled at a share of what is usual, as with a failed "
            "fan.", act=_cooling,
            act_takes=(Text("board"), Number("share", "share", lambda _: (0.01, 1.0, 1.0))),
            kinds=_KINDS),
    Command("INJect:CLEar", "Repair everything; events to come still come.",
            act=lambda session: _faults(session).clear(), kinds=_KINDS),
    Command("INJect:COUNt", "How many link directions are faulty.", 
            ask=lambda session: _faults(session).count(), kinds=_KINDS),
)
