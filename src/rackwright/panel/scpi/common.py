"""Commands that every instrument has: IEEE 488.2 and what SCPI-99 makes mandatory.

Rows of the command table. `*RST` leaves status registers and the error queue alone, as IEEE 488.2
10.32 has it. `*TST?` passes: there is no hardware to fail. `*PSC` is kept without effect: every
session begins as after power-on. Left out: `*LRN?`, `*DDT`, macros.
"""

from __future__ import annotations

from typing import Any

from rackwright.panel.scpi.arguments import Block, Integer, Switch
from rackwright.panel.scpi.interpreter import Command, Interpreter, Waiting
from rackwright.panel.scpi.status import MSS, Register

__all__ = ["COMMON"]

VERSION = "1999.0"
_BYTE = Integer("mask", 0, 255)
_MASK = Integer("mask", 0, 32767)
_SLOT = Integer("slot", 0, 9)


def _set_ese(session: Interpreter, mask: int) -> None:
    session.status.standard.enable = mask


def _set_sre(session: Interpreter, mask: int) -> None:
    session.status.service_enable = mask & ~MSS


def _set_psc(session: Interpreter, flag: bool) -> None:
    session.power_on_clear = flag


def _opc_query(session: Interpreter) -> Waiting:
    yield from session.wait()
    return 1


def _every_error(session: Interpreter) -> list[str]:
    return [session.errors.take() for _ in range(max(1, len(session.errors)))]


def _code(error: str) -> int:
    return int(error.partition(",")[0])


def _preset(session: Interpreter) -> None:
    session.status.operation.preset()
    session.status.questionable.preset()


def _headers(session: Interpreter) -> bytes:
    return bytes(session.instrument.help_text().encode())


def _rows_of(name: str, words: str) -> list[Command]:
    """The rows of one status register."""
    def register(session: Interpreter) -> Register:
        found: Register = getattr(session.status, name)
        return found

    def setter(field: str) -> Any:
        return lambda session, mask: setattr(register(session), field, mask)

    def getter(field: str) -> Any:
        return lambda session: getattr(register(session), field)

    head = f"STATus:{words}"
    return [
        Command(f"{head}[:EVENt]", "Events since the last reading, which clears them.",
                ask=lambda session: register(session).take_event()),
        Command(f"{head}:CONDition", "Conditions now.", ask=getter("condition")),
        *[Command(f"{head}:{node}", text, act=setter(field), act_takes=(_MASK,),
                  ask=getter(field)) for node, field, text in (
            ("ENABle", "enable", "Events that show in the status byte."),
            ("PTRansition", "ptr", "Conditions whose rise is an event."),
            ("NTRansition", "ntr", "Conditions whose fall is an event."))],
    ]


COMMON: tuple[Command, ...] = (
    Command("*CLS", "Clear events and the error queue.", act=Interpreter.clear_status),
    Command("*ESE", "Standard events that show in the status byte.", act=_set_ese,
            act_takes=(_BYTE,), ask=lambda session: session.status.standard.enable),
    Command("*ESR", "Standard events since the last reading, which clears them.",
            ask=lambda session: session.status.standard.take_event()),
    Command("*IDN", "Maker, model, serial number, version.",
            ask=lambda session: session.instrument.identity()),
    Command("*OPC", "Set bit 0 of the standard events, or answer 1, when nothing is pending.",
            act=Interpreter.request_opc, ask=_opc_query),
    Command("*OPT", "Options; 0, as there are none.", ask=lambda session: 0),
    Command("*PSC", "Power-on status clear; every session begins cleared, whatever it is.",
            act=_set_psc, act_takes=(Switch("flag"),),
            ask=lambda session: session.power_on_clear),
    Command("*RST", "Settings of this instrument back to their defaults.",
            act=lambda session: session.instrument.reset()),
    Command("*SRE", "Bits of the status byte that request service.", act=_set_sre,
            act_takes=(_BYTE,), ask=lambda session: session.status.service_enable),
    Command("*STB", "The status byte.", ask=Interpreter.status_byte),
    Command("*TRG", "Trigger: the same as INITiate.",
            act=lambda session: session.instrument.trigger()),
    Command("*TST", "Self-test; 0 is a pass.", ask=lambda session: 0),
    Command("*WAI", "Wait until nothing is pending.", act=Interpreter.wait),
    Command("*SAV", "Keep this instrument's settings.", act_takes=(_SLOT,),
            act=lambda session, slot: session.instrument.save(slot)),
    Command("*RCL", "Take back settings that were kept.", act_takes=(_SLOT,),
            act=lambda session, slot: session.instrument.recall(slot)),
    Command("SYSTem:ERRor[:NEXT]", "The oldest error, which leaves the queue.",
            ask=lambda session: session.errors.take()),
    Command("SYSTem:ERRor:ALL", "All errors, which leave the queue.", ask=_every_error),
    Command("SYSTem:ERRor:COUNt", "How many errors are queued.",
            ask=lambda session: len(session.errors)),
    Command("SYSTem:ERRor:CODE[:NEXT]", "The number of the oldest error, which leaves the queue.",
            ask=lambda session: _code(session.errors.take())),
    Command("SYSTem:ERRor:CODE:ALL", "The numbers of all errors, which leave the queue.",
            ask=lambda session: list(map(_code, _every_error(session)))),
    Command("SYSTem:VERSion", "The SCPI version.", ask=lambda session: VERSION),
    Command("SYSTem:HELP:HEADers", "Every header of this instrument, one a line.", ask=_headers),
    Command("DIAGnostic:ECHO", "The bytes that were sent, as a block.",
            ask=lambda session, content: content, ask_takes=(Block("content"),)),
    *_rows_of("operation", "OPERation"),
    *_rows_of("questionable", "QUEStionable"),
    Command("STATus:PRESet", "Enables and transition filters back to their defaults.",
            act=_preset),
)
