"""An interpreter for SCPI: headers, messages, arguments, errors, status; nothing about racks.

`Command` rows make a tree, an `Interpreter` carries out messages for one session.
"""

from __future__ import annotations

from rackwright.panel.scpi.arguments import (
    Block,
    Channels,
    Choice,
    Integer,
    Number,
    Switch,
    Text,
)
from rackwright.panel.scpi.common import COMMON
from rackwright.panel.scpi.errors import ErrorQueue, ScpiError
from rackwright.panel.scpi.headers import Tree
from rackwright.panel.scpi.interpreter import Command, Interpreter, Waiting, answer_text, tree_of
from rackwright.panel.scpi.message import block, quoted, units
from rackwright.panel.scpi.status import Register, Status

__all__ = [
    "COMMON",
    "Block",
    "Channels",
    "Choice",
    "Command",
    "ErrorQueue",
    "Integer",
    "Interpreter",
    "Number",
    "Register",
    "ScpiError",
    "Status",
    "Switch",
    "Text",
    "Tree",
    "Waiting",
    "answer_text",
    "block",
    "quoted",
    "tree_of",
    "units",
]
