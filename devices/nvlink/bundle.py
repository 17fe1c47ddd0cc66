"""The NVLinks of one GPU in closed form: point to point, and patterns of flows through NVSwitches.

A message goes round all links of its GPU in packets of `format`, so one link with its share of
the packets stands for the bundle. The time is that of the busiest port: the flits of its data,
plus the response flits that packets received there send back, at the link's flit time; plus the
way of the last flit. A window of credits that is shorter than the loop leaves gaps between
packets. `cycle` is the same machine flit by flit.

Against the flit model: within 2 %; all-to-all within 3 %, and short last packets of several flows
that share room for one packet within 7 %.

Left out: contention beyond the pattern's own flows, head-of-line blocking between flows of unequal
length, the memory at both ends, software (`launch`), address-extension flits, replays.
Units: seconds, bytes, flits. Sources: `format`; the part files for rates and what is fitted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from rackwright.devices.arguments import Floats, Seconds, Sizes, bare, sizes
from rackwright.devices.nvlink.format import COPY_ENGINE, FLIT_NBYTES, PacketFormat
from rackwright.devices.nvlink.patterns import Pairs, Pattern, pairs_of
from rackwright.errors import UsageError

__all__ = ["Bundle"]


@dataclass(frozen=True)
class Bundle:
    """`links` equal NVLinks from each GPU, to NVSwitches or straight to the one other GPU.

    `link_bandwidth`: bytes/s of one link and direction, after line coding, before packets.
    `link_share`: the share of flit slots that packets get (fitted). `response_flits`: flits sent
    back a packet received (fitted; 0 to 1). `latency_time`: one wire, end to end.
    `switch_latency_time`: through an NVSwitch; None: no switch. `credit_flits`: buffer of each
    link's receiver, for requests and for responses each; None: as long as the loop and two packets.
    """

    links: int
    link_bandwidth: float
    link_share: float = 1.0
    response_flits: float = 0.0
    latency_time: float = 0.0
    switch_latency_time: float | None = None
    credit_flits: int | None = None
    format: PacketFormat = COPY_ENGINE

    def __post_init__(self) -> None:
        rules = (("links", self.links >= 1 and self.links == int(self.links), "1 or more"),
                 ("link_bandwidth", 0 < self.link_bandwidth < np.inf, "above 0"),
                 ("link_share", 0 < self.link_share <= 1, "above 0, at most 1"),
                 ("response_flits", 0 <= self.response_flits <= 1, "0 to 1"),
                 ("latency_time", 0 <= self.latency_time < 1, "0 to 1 s"),
                 ("switch_latency_time", 0 <= (self.switch_latency_time or 0) < 1, "0 to 1 s"))
        for name, good, rule in rules:
            if not good:
                raise UsageError(f"{name} of an NVLink bundle is {getattr(self, name)!r}; {rule} "
                                 "is allowed")
        flits, credits = self.format.packet_flits, self.credit_flits
        if credits is not None and not flits <= credits <= 1 << 20:
            raise UsageError(f"credit_flits is {credits!r}; a whole packet ({flits} flits) to "
                             "1048576 flits is allowed")

    @property
    def bandwidth(self) -> float:
        """Payload bytes/s of all links, one way, alone."""
        return self.links * self.link_bandwidth * self.link_share * self.format.efficiency

    @property
    def flit_time(self) -> float:
        """Seconds between two flits of one link."""
        return FLIT_NBYTES / (self.link_bandwidth * self.link_share)

    @property
    def credits(self) -> int:
        """Flits that a link's receiver can hold."""
        if self.credit_flits is not None:
            return self.credit_flits
        loop = 2 * self.latency_time + (self.switch_latency_time or 0.0) + 2 * self.flit_time
        return int(np.ceil(loop / self.flit_time)) + 3 * self.format.packet_flits

    def transfer_time(self, nbytes: Sizes) -> Seconds:
        """Seconds from the first flit's start to the last one's arrival, one flow alone.

        No bytes take no time. Raises `UsageError`.
        """
        return self.p2p_time("single", nbytes)

    def p2p_time(self, pattern: Pattern, nbytes: Sizes) -> Seconds:
        """Seconds until the last of the pattern's flows, of `nbytes` each, has arrived.

        Patterns: see `patterns`. Without a switch only the two GPUs 0 and 1 exist. Raises
        `UsageError`, `UnknownName`.
        """
        pairs = self.pairs(pattern)
        n, = sizes(nbytes=nbytes)
        rounds, last = self.format.busiest(n, self.links)
        responses = self.response_flits * np.maximum(rounds - self._quiet_packets(), 0.0)
        seconds = self._way_time() + self._busiest_port(pairs, rounds, last, responses)
        return bare(np.where(n > 0, seconds, 0.0))

    def pairs(self, pattern: Pattern) -> Pairs:
        """The pattern's flows, checked against what this bundle joins."""
        pairs = pairs_of(pattern)
        if self.switch_latency_time is None and max(max(pair) for pair in pairs) > 1:
            raise UsageError(f"pattern {pattern!r} needs more than the two GPUs that a bundle "
                             "without a switch joins; give switch_latency_time")
        return pairs

    def _way_time(self) -> float:
        """From a flit's leaving its source to its arrival: wires, switch, one flit more a hop."""
        if self.switch_latency_time is None:
            return self.latency_time
        return 2 * self.latency_time + self.switch_latency_time + self.flit_time

    def _quiet_packets(self) -> float:
        """Packets at the end of a flow whose responses come when its reverse has ended."""
        flits = self.format.packet_flits + self.response_flits
        return self._way_time() / (flits * self.flit_time)

    def _busiest_port(self, pairs: Pairs, rounds: Floats, last: Floats, responses: Floats
                      ) -> Floats:
        longest = np.zeros_like(rounds)
        for side, loop in self._sides():
            out, into = (Counter(pair[end] for pair in pairs) for end in (side, 1 - side))
            for data, answers in sorted({(out[gpu], into[gpu]) for gpu in out | into}):
                flits = data * ((rounds - 1) * self.format.packet_flits + last)
                gaps = self._gaps(flits, last, loop)
                busy = np.maximum(gaps, answers * responses * self.flit_time)
                longest = np.maximum(longest, flits * self.flit_time + busy)
        return longest

    def _sides(self) -> tuple[tuple[int, float], ...]:
        """(which end of a flow, a credit's way back) of the ports that a flow crosses."""
        wires = 2 * self.latency_time
        if self.switch_latency_time is None:
            return ((0, wires),)
        return ((0, wires + self.switch_latency_time + self.flit_time), (1, wires))

    def _gaps(self, total: Floats, last: Floats, loop: float) -> Floats:
        """Seconds in which a port lacks credits until its last packet, of `last` flits, begins.

        The packet after a window of whole packets waits for the credits that the first one of the
        window lets go, less those to spare; so windows follow each other at equal distances. The
        last packet waits until all flits but a buffer's worth have been let go.
        """
        flit, flits = self.flit_time, self.format.packet_flits
        window, spare = divmod(self.credits, flits)
        gap = max(0.0, (flits - spare) * flit + loop - window * flits * flit)
        needed = np.maximum(total - self.credits, 0.0)
        packet = np.maximum(np.ceil(needed / flits) - 1, 0.0)
        allowed = np.floor(packet / window) * gap + needed * flit + loop
        earlier = np.maximum(np.ceil((total - last) / flits) - 1, 0.0)
        waited = np.maximum(allowed - (total - last) * flit, np.floor(earlier / window) * gap)
        return np.where(needed > 0, waited, 0.0)
