"""What must hold after every event of the PCI Express model; checked in debug mode and by tests.

Bytes: a flow's bytes are where they were to go, in a TLP, in a read's tag, or not asked for.
Credits: those that a sender has, that TLPs hold, that are owed and that are on the way back are
those that the receiver gave. TLPs: every entry of the pool is free or belongs to one place; none
is lost. Order: posted writes of a flow arrive as they were made (a fault of the kernel itself).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rackwright.devices.pcie.cycle_state import CycleState
from rackwright.devices.pcie.wire import COMPLETION, NON_POSTED, POSTED
from rackwright.errors import ModelFault

__all__ = ["check_state"]


def check_state(state: CycleState) -> None:
    """Raises `ModelFault` naming the first invariant that does not hold."""
    _credits(state)
    _tlps(state)
    _bytes(state)


def _credits(state: CycleState) -> None:
    channels = state.channels
    for what, given, have, held, owed, away in (
            ("header", channels.headers, channels.have_headers, channels.held_headers,
             channels.owed_headers, channels.away_headers),
            ("data", channels.data, channels.have_data, channels.held_data, channels.owed_data,
             channels.away_data)):
        _all(have + held + owed + away == given, f"{what} credits of a channel add up")
        _all((held >= 0) & (owed >= 0) & (away >= 0), f"no {what} credits below zero")
        _all((have >= 0) | (given == 0), f"no {what} credit is used twice")
    _all((channels.acked <= channels.told) & (channels.told <= channels.good)
         & (channels.good <= channels.ends) & (channels.sent <= channels.ends),
         "sequence numbers are in order")
    _all(channels.ends - channels.acked <= channels.room, "the replay buffer holds")


def _tlps(state: CycleState) -> None:
    tlps, channels = state.tlps, state.channels
    used = tlps.kind >= 0
    _all(used.sum() + tlps.free[1] == len(used), "every TLP is in use or free")
    leaving = (channels.sending == 1) & (channels.leaving >= 0)  # these are in two buffers
    for kind in (POSTED, NON_POSTED, COMPLETION):
        there = (tlps.kind == kind).sum() + (leaving & (channels.leaving_class == kind)).sum()
        _all(channels.held_headers[:, kind].sum() == there, "every TLP holds one credit")
    tags = state.tags
    _all((tags.flow >= 0).sum() + tags.spare.sum() == len(tags.flow),
         "every read tag is in use or free")


def _bytes(state: CycleState) -> None:
    flows, tlps, tags = state.flows, state.tlps, state.tags
    moving = np.zeros(len(flows.nbytes), np.int64)
    posted = tlps.kind == POSTED
    np.add.at(moving, tlps.flow[posted], tlps.nbytes[posted])
    reading = tags.flow >= 0
    np.add.at(moving, tags.flow[reading], tags.missing[reading])
    _all(flows.done + moving == flows.asked, "bytes asked for arrived or are on the way")
    _all(flows.asked <= flows.nbytes, "no more bytes are asked for than there are")
    answers = np.zeros(len(tags.flow), np.int64)
    back = tlps.kind == COMPLETION
    np.add.at(answers, tlps.tag[back], tlps.nbytes[back])
    _all((answers + tags.left == tags.missing) | ~reading, "no byte of a read is lost")


def _all(holds: Any, what: str) -> None:
    if not np.all(holds):
        bad = np.argwhere(~np.atleast_1d(np.asarray(holds)))[0]
        raise ModelFault(f"broken invariant of the PCIe model at {[int(i) for i in bad]}: {what}")
