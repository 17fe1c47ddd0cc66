"""A live rack in a terminal: time, work, boards and links that something is up with, the busiest.

Boards that are held back come first, then those that draw most; links that are not as they should
be, then the fullest. Looking changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rackwright.panel.server import PanelServer
from rackwright.panel.workload import Run
from rackwright.units import format_bandwidth, format_power, format_time

if TYPE_CHECKING:
    import numpy.typing as npt
    from rich.console import RenderableType
    from rich.table import Table

    from rackwright.panel.rack import Rack

__all__ = ["view"]

_ROWS = 10  # of each table


def view(server: PanelServer) -> RenderableType:
    """What there is to see now."""
    from rich.columns import Columns
    from rich.console import Group
    from rich.text import Text

    rack = server.panel.rack
    rack.settle()
    watts = rack.boards.watts(rack.traffic.rate)
    head = Text.assemble(
        (server.panel.file.name, "bold"), f"  {format_time(rack.now_ps * 1e-12)} of virtual time "
        f"({rack.pace.mode.lower()})  {_work(server)}  {format_power(float(watts.sum()))}  "
        f"{server.clients} connection{'' if server.clients == 1 else 's'}")
    return Group(head, Columns([_boards(rack, watts), _links(rack)]))


def _work(server: PanelServer) -> str:
    """What runs, and how far it is."""
    latest = server.panel.latest
    if latest is None or latest.done:
        return "idle"
    if isinstance(latest, Run):
        return f"{latest.work.name}, round {latest.rounds + 1}"
    if latest.preparing:
        return f"{latest.wanted.name} is made ready"
    return f"{latest.wanted.name} ({latest.wanted.system}), {latest.done_share:.0%}"


def _boards(rack: Rack, watts: npt.NDArray[np.float64]) -> Table:
    table = _table("board", "work", "power", "limit", "°C", "held back by")
    held = [_held(rack, name) for name in rack.boards.names]
    order = np.lexsort((-watts, np.array([not words for words in held])))[:_ROWS]
    for place in order.tolist():
        board = rack.boards.all[rack.boards.names[place]]
        celsius = rack.boards.heat.celsius[place]
        table.add_row(board.node, board.work, format_power(float(watts[place])),
                      format_power(board.limit) if board.limit is not None else "",
                      "" if np.isnan(celsius) else f"{celsius:.0f}", held[place],
                      style="yellow" if held[place] else "")
    return _counted(table, "boards", len(rack.boards.names))


def _held(rack: Rack, node: str) -> str:
    board = rack.boards.all[node]
    found = (("power limit", board.limited), ("heat", board.hot), ("a fault", board.slow < 1),
             ("cooling", rack.boards.heat.cooling(rack.boards.number[node]) < 1))
    return ", ".join(name for name, is_so in found if is_so)


def _links(rack: Rack) -> Table:
    table = _table("link", "rate", "full", "state")
    traffic = rack.traffic
    share = traffic.rate / np.maximum(traffic.healthy, 1.0)
    states = [_state(rack, link) for link in range(len(share))]
    order = np.lexsort((-share, np.array([not state for state in states])))
    shown = [link for link in order.tolist() if states[link] or share[link] > 0]
    for link in shown[:_ROWS]:
        style = "red" if traffic.faulty[link] == 0 else "yellow" if states[link] else ""
        table.add_row(rack.fabric.link_names[link], format_bandwidth(float(traffic.rate[link])),
                      f"{100 * share[link]:.0f} %", states[link] or "ok", style=style)
    return _counted(table, "busy or faulty links", len(shown))


def _state(rack: Rack, link: int) -> str:
    traffic = rack.traffic
    if traffic.faulty[link] == 0:
        return "down"
    share = traffic.faulty[link] / traffic.healthy[link]
    found = (f"{share:.0%} rate" if share < 1 else "",
             f"BER {traffic.error_rate[link]:g}" if traffic.error_rate[link] else "",
             f"{format_time(rack.faults.late[link] * 1e-12)} latency" if link in rack.faults.late
             else "")
    return ", ".join(filter(None, found))


def _table(first: str, *columns: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(first, box=box.SIMPLE_HEAD, title_justify="left")
    for name in columns:
        table.add_column(name, justify="right" if name in ("power", "limit", "°C", "rate", "full")
                         else "left")
    return table


def _counted(table: Table, what: str, count: int) -> Table:
    table.title = f"{min(_ROWS, count)} of {count} {what}" if count > _ROWS else f"{count} {what}"
    return table
