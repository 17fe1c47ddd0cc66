"""Conditions of a rack, as the bits of OPERation and QUEStionable show them, and in words.

Bits 3 and 4 are those of SCPI-99 (power, temperature; measuring); 9 to 11 are ours to define.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rackwright.panel.rack import Rack

__all__ = ["HOT", "MEASURING", "POWER", "conditions_of", "waits_of"]

MEASURING, POWER, HOT = 1 << 4, 1 << 3, 1 << 4
LINK_DOWN, LINK_SLOW, LINK_ERRORS = 1 << 9, 1 << 10, 1 << 11


def conditions_of(rack: Rack) -> tuple[int, int]:
    """OPERation and QUEStionable conditions now."""
    running = any(one is not None and not one.done for one in (rack.run, rack.live))
    boards = rack.boards.all.values()
    questionable = POWER * any(board.limited for board in boards)
    questionable |= HOT * any(board.free < 1 for board in boards)
    down, slow, errors = rack.faults.seen()
    questionable |= LINK_DOWN * down | LINK_SLOW * slow | LINK_ERRORS * errors
    return MEASURING * running, questionable


def waits_of(rack: Rack) -> str:
    """What waits for what, when nothing moves any more."""
    stuck = sorted(stream.name for stream in rack.traffic.streams.values()
                   if rack.traffic.rate_of(stream) == 0)
    if rack.live is not None and rack.live.stalled:
        stuck.insert(0, rack.live.stalled)
    dead = [rack.fabric.link_names[link] for link in rack.faults.dead()]
    more = " ..." if len(stuck) > 1 else ""
    return f"{stuck[0] if stuck else 'work'}{more} waits for {', '.join(dead[:3]) or 'nothing'}"
