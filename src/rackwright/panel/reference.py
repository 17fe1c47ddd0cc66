"""The reference page of the commands, made from the command table."""

from __future__ import annotations

from rackwright.panel.commands import COMMANDS, spellings
from rackwright.panel.scpi.interpreter import Command
from rackwright.panel.telemetry import FIELDS

__all__ = ["reference"]

_HEAD = """# Commands of the panel

Made by `rackwright panel RACK --commands`; do not edit. Capitals are the short form; what stands in
`[...]` may be left out. Numbers take a unit (`5ms`, `400 W`, `50 PCT`); a bare one is in SI units.
MIN, MAX and DEF stand for limits and default. Not a number is `9.91E+37`.

| command | instruments | answer in | what it does |
| --- | --- | --- | --- |
"""


def reference() -> str:
    """Markdown, one row a command."""
    rows = "".join(_row(command) for command in COMMANDS)
    fields = "".join(f"| `{name}` | {field.number or ''} | {field.unit} | {field.text} |\n"
                     for name, field in FIELDS.items())
    return (f"{_HEAD}{rows}\n## Fields of `DCGM:FIELd?`\n\n| field | number | unit | what it is |\n"
            f"| --- | --- | --- | --- |\n{fields}")


def _row(command: Command) -> str:
    forms = "<br>".join(f"`{_escaped(text)}`" for text in spellings(command))
    return (f"| {forms} | {', '.join(command.kinds) or 'all'} | {command.unit} | "
            f"{_escaped(command.text)} |\n")


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
