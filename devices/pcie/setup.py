"""`PcieSetup`: how one link is set, and what follows from it per TLP. Both models start here.

Checks every argument. Gives wire bytes and times of requests, completions and DLLPs, the windows
that credits, tags and the replay buffer open, and the chance that a TLP must be sent again.
Leaves out: virtual channels beyond the first, prefixes, poisoned or unsupported requests.

Units: seconds, bytes. `wire_share` is the part of its time that a link carries what it could: 1
for the protocol alone; what devices reach is fitted (`PcieFit`).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rackwright.devices.pcie.wire import (
    COMPLETION,
    CREDIT_NBYTES,
    FLIT_NBYTES,
    FLIT_TLP_NBYTES,
    GENERATIONS,
    NON_POSTED,
    POSTED,
    WIDTHS,
    Generation,
    header_nbytes,
    latency_symbols,
)
from rackwright.errors import UsageError

__all__ = ["PcieSetup"]

_SIZES = (128, 256, 512, 1024, 2048, 4096)  # of payloads and read requests [base 7.5.3.4]


@dataclass(frozen=True, kw_only=True)
class PcieSetup:
    """One link and the two ports at its ends; both ends receive with the same credits.

    `completion_nbytes`: what a completer puts into one completion, a multiple of the read
    completion boundary (64); completions end at multiples of it; None for a whole payload.
    Credits: headers, and data in units of 16 bytes; 0 is unlimited (as every endpoint and root
    must advertise for completions). `link_time`: from the last bit out of one port's logic to the
    other's; `host_time`: from the host's port to its memory, one way; `host_bandwidth`: bytes/s of
    that memory, 0 unlimited; `device_time`: as `host_time`, at the device. `replay_tlps`: room of
    the replay buffer.
    `bit_error_rate`: of the lanes (in flit mode: `flit_error_rate`, after correction).
    """

    generation: int
    lanes: int
    max_payload_nbytes: int = 256
    max_read_request_nbytes: int = 512
    completion_nbytes: int | None = None
    tags: int = 256
    posted_headers: int = 64
    posted_data: int = 320
    nonposted_headers: int = 72
    completion_headers: int = 0
    completion_data: int = 0
    link_time: float = 100e-9
    host_time: float = 150e-9
    device_time: float = 0.0
    host_bandwidth: float = 0.0
    address_bits: int = 64
    ecrc: bool = False
    wire_share: float = 1.0
    bit_error_rate: float = 0.0
    flit_error_rate: float = 0.0
    replay_tlps: int = 512

    def __post_init__(self) -> None:
        for fault in (_choice(self), _credits(self), _numbers(self)):
            if fault:
                raise UsageError(fault)

    @property
    def wire(self) -> Generation:
        return GENERATIONS[self.generation]

    @property
    def chunk_nbytes(self) -> int:
        """Payload of a completion."""
        return self.completion_nbytes or self.max_payload_nbytes

    @cached_property
    def byte_time(self) -> float:
        """Seconds a byte between framing takes, with encoding, skips, flits and `wire_share`."""
        wire = self.wire
        useful = wire.encoding * (1 - wire.skip_share) * self.wire_share
        flits = FLIT_NBYTES / FLIT_TLP_NBYTES if wire.flits else 1.0
        return 8 * flits / (wire.lane_rate * self.lanes * useful)

    @property
    def flit_time(self) -> float:
        """Seconds of a flit; 0 where there are none."""
        return FLIT_TLP_NBYTES * self.byte_time if self.wire.flits else 0.0

    @property
    def dllp_time(self) -> float:
        """Seconds that a DLLP keeps the link busy."""
        return self.wire.dllp_nbytes * self.byte_time

    @cached_property
    def return_time(self) -> float:
        """Seconds that a receiver holds back an acknowledgement or freed credits."""
        if self.wire.flits:
            return 0.0  # every flit carries them
        symbol = self.byte_time * self.lanes * self.wire_share
        return latency_symbols(self.generation, self.lanes, self.max_payload_nbytes) * symbol

    def overhead_nbytes(self, kind: int) -> int:
        """Bytes around the payload of a TLP of class `kind`."""
        return self.wire.framing_nbytes + header_nbytes(kind, self.address_bits, self.ecrc)

    def tlp_time(self, kind: int, nbytes: Any = 0) -> Any:
        """Seconds that a TLP with a payload of `nbytes` keeps the link busy."""
        return (nbytes + self.overhead_nbytes(kind)) * self.byte_time

    @property
    def byte_error(self) -> float:
        """Chance, for each byte of a TLP on the wire, that it costs a replay (to first order)."""
        if self.wire.flits:
            return self.flit_error_rate / FLIT_TLP_NBYTES
        return 8 * self.bit_error_rate

    def credits(self, kind: int) -> tuple[int, int]:
        """(headers, data) of a class; a read request carries no data."""
        return {POSTED: (self.posted_headers, self.posted_data),
                NON_POSTED: (self.nonposted_headers, 0),
                COMPLETION: (self.completion_headers, self.completion_data)}[kind]

    def replace(self, **changes: Any) -> PcieSetup:
        """This setup with other values; raises `UsageError` for a wrong one or an unknown name."""
        known = [field.name for field in dataclasses.fields(self)]
        for name in changes:
            if name not in known:
                raise UsageError(f"a PCIe setup has no {name!r}; it has {', '.join(known)}")
        return dataclasses.replace(self, **changes)


def _choice(setup: PcieSetup) -> str:
    allowed: dict[str, tuple[object, ...]] = {
        "generation": tuple(GENERATIONS), "lanes": WIDTHS, "max_payload_nbytes": _SIZES,
        "max_read_request_nbytes": _SIZES, "address_bits": (32, 64)}
    for name, values in allowed.items():
        if getattr(setup, name) not in values:
            return f"{name} is {getattr(setup, name)!r}; PCI Express has {_listed(values)}"
    chunks = tuple(size for size in (64, *_SIZES) if size <= setup.max_payload_nbytes)
    if setup.chunk_nbytes not in chunks:
        return (f"completion_nbytes is {setup.completion_nbytes!r}; with payloads of "
                f"{setup.max_payload_nbytes} it can be {_listed(chunks)}")
    return ""


def _credits(setup: PcieSetup) -> str:
    for name in ("tags", "replay_tlps"):
        if not _whole(getattr(setup, name), 1):
            return f"{name} is {getattr(setup, name)!r}; a whole number of 1 or more is needed"
    least = setup.max_payload_nbytes // CREDIT_NBYTES
    for name in ("posted_headers", "posted_data", "nonposted_headers", "completion_headers",
                 "completion_data"):
        value = getattr(setup, name)
        need = least if name.endswith("data") else 1
        if value != 0 and not _whole(value, need):
            return (f"{name} is {value!r}; {need} or more are needed for one TLP of "
                    f"{setup.max_payload_nbytes} bytes, or 0 for unlimited")
    return ""


def _numbers(setup: PcieSetup) -> str:
    for name in ("link_time", "host_time", "device_time"):
        if not 0 <= getattr(setup, name) < 1e-3:
            return f"{name} is {getattr(setup, name)!r} s; 0 to 1 ms is needed"
    if not 0 <= setup.host_bandwidth < 1e16:
        return (f"host_bandwidth is {setup.host_bandwidth!r} bytes/s; 0 (unlimited) or more is "
                "needed")
    if not 0.01 <= setup.wire_share <= 1:
        return f"wire_share is {setup.wire_share!r}; 0.01 to 1 is needed"
    for name, most in (("bit_error_rate", 1e-5), ("flit_error_rate", 1e-2)):
        if not 0 <= getattr(setup, name) <= most:
            return f"{name} is {getattr(setup, name)!r}; 0 to {most:g} is needed"
    return ""


def _whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value < 1 << 20


def _listed(values: tuple[object, ...]) -> str:
    return ", ".join(map(str, values))
