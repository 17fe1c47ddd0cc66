"""A live rack in a terminal: time, work, the boards that draw most, the fullest links."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rackwright.panel.server import PanelServer
from rackwright.units import format_bandwidth, format_power, format_time

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["view"]

_ROWS = 8


def view(server: PanelServer) -> RenderableType:
    """What there is to see now; reading it changes nothing."""
    from rich.columns import Columns
    from rich.console import Group
    from rich.table import Table

    rack = server.panel.rack
    run = rack.run
    work = f"{run.work.name}, round {run.rounds}" if run and not run.done else "idle"
    head = (f"{server.panel.file.name}: {format_time(rack.now_ps * 1e-12)} of virtual time "
            f"({rack.mode}), {work}, {server.clients} connections")
    boards = Table("board", "power", title="most power")
    watts = rack.boards.watts(rack.traffic.rate)
    for place in np.argsort(-watts, kind="stable")[:_ROWS]:
        boards.add_row(rack.boards.names[place], format_power(float(watts[place])))
    links = Table("link", "rate", "share", "state", title="fullest links")
    share = rack.traffic.rate / np.maximum(rack.traffic.healthy, 1.0)
    down = rack.traffic.faulty < rack.traffic.healthy
    for place in np.lexsort((-share, ~down))[:_ROWS]:  # faulty ones first
        links.add_row(rack.fabric.link_names[place],
                      format_bandwidth(float(rack.traffic.rate[place])),
                      f"{100 * share[place]:.0f} %",
                      "ok" if not down[place] else "faulty" if rack.traffic.faulty[place]
                      else "down")
    return Group(head, Columns([boards, links]))
