"""The panel: an emulated rack as instruments that answer SCPI, through PyVISA or a network.

In a script: ``pyvisa.ResourceManager("rack.toml@rackwright")``. For other programs:
``rackwright panel rack.toml --hislip 4880``. SCPI for a GPU is this project's convention; no real
GPU, NIC or switch speaks it. Names are imported when they are first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rackwright.panel.commands import COMMANDS
    from rackwright.panel.instruments import Instrument
    from rackwright.panel.panel import Panel
    from rackwright.panel.rack import Rack
    from rackwright.panel.rackfile import RackFile, rack_file_of, read_rack
    from rackwright.panel.server import PanelServer
    from rackwright.panel.session import Session

__all__ = [
    "COMMANDS",
    "Instrument",
    "Panel",
    "PanelServer",
    "Rack",
    "RackFile",
    "Session",
    "rack_file_of",
    "read_rack",
]

_HOMES = {"COMMANDS": "commands", "Instrument": "instruments", "Panel": "panel",
          "PanelServer": "server", "Rack": "rack", "RackFile": "rackfile", "Session": "session",
          "rack_file_of": "rackfile", "read_rack": "rackfile"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
