"""The command table: every command of every instrument, once.

The interpreter's tree, ``SYSTem:HELP:HEADers?`` and the reference page are made from it. Rows
stand in `scpi.common` (IEEE 488.2, SCPI-99) and in ``commands_*`` by subject.
"""

from __future__ import annotations

from rackwright.panel.commands_faults import FAULTS
from rackwright.panel.commands_links import LINKS
from rackwright.panel.commands_power import POWER
from rackwright.panel.commands_rack import RACK
from rackwright.panel.scpi.common import COMMON
from rackwright.panel.scpi.interpreter import Command

__all__ = ["COMMANDS", "help_text", "spellings"]

COMMANDS: tuple[Command, ...] = (*COMMON, *RACK, *POWER, *LINKS, *FAULTS)


def spellings(command: Command) -> list[str]:
    """How a command is written: as an action, as a query."""
    found = []
    if command.act is not None:
        found.append(" ".join([command.header, _listed(command.act_takes)]).strip())
    if command.ask is not None:
        found.append(" ".join([f"{command.header}?", _listed(command.ask_takes)]).strip())
    return found


def help_text(kind: str) -> str:
    """The headers that an instrument of `kind` has, one a line, as SCPI-99 21.4 lists them."""
    lines = []
    for command in COMMANDS:
        if not command.kinds or kind in command.kinds:
            forms = ("" if command.act else "/qonly/") if command.ask else "/nquery/"
            lines.append(f"{'' if command.header.startswith('*') else ':'}{command.header}{forms}")
    return "\n".join(sorted(lines)) + "\n"


def _listed(takes: tuple[object, ...]) -> str:
    """Arguments with commas, optional ones in brackets."""
    text = ""
    for kind in takes:
        shown = f"{', ' if text else ''}{kind.shown}"  # type: ignore[attr-defined]
        text += f"[{shown}]" if kind.optional else shown  # type: ignore[attr-defined]
    return text
