"""A collective library's part: what its protocols cost on the GPUs it was measured on.

Holds the coefficients of the cost model (`topologies.collectives` prices the links and puts them
together) and the numbers by which the library itself chooses an algorithm and a protocol. A
protocol costs a base (the kernel's start and end), a time for every step, and its share of what
the links carry; LL and LL128 send flags with the data, Simple copies by chunks.

Leaves out: the host's launch (35 to 60 us where a collective is launched from PyTorch one by one;
fitted times are those of a node in a CUDA graph), several collectives at once, data types.

Units: seconds, bytes, bytes/s. Sources: the part files.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from rackwright.devices.part import Band, Fit, Part, fitted, quantity, text
from rackwright.errors import UnknownName

__all__ = ["ChainFit", "Collectives", "ExchangeFit", "RingFit", "SwitchFit", "TransferFit"]


@dataclass(frozen=True, kw_only=True)
class RingFit(Fit):
    """A protocol on a ring: every rank sends and receives one chunk, nbytes / ranks, a step.

    A step takes the path's latency + `hop_time` + `block_time` * chunk / (chunk + `block_nbytes`):
    large chunks keep whole thread blocks busy. `share`: of the links' bandwidth.
    `copy_bandwidth`: at which a rank handles the one chunk that it does not send on.
    `sharpness`: 1, steps and bytes add up; more, they overlap.
    """

    base_time: float
    hop_time: float
    block_time: float
    block_nbytes: float
    share: float
    copy_bandwidth: float
    sharpness: float


@dataclass(frozen=True, kw_only=True)
class ChainFit(Fit):
    """A protocol along a chain of ranks, chunk by chunk: `RingFit`, but the chunk is the message,
    up to what the links carry in `chunk_time` (as many channels as the bandwidth asks for, each
    with buffers of one size), and it fills the chain before the last rank gets any.

    `first_fill`: the chunks that even a chain of one link waits for.
    """

    base_time: float
    hop_time: float
    block_time: float
    block_nbytes: float
    share: float
    chunk_time: float
    first_fill: float
    sharpness: float


@dataclass(frozen=True, kw_only=True)
class ExchangeFit(Fit):
    """A protocol of direct transfers: all start at once.

    `peer_time`: for each transfer of a rank beyond its first; `block_*`, `share`, `sharpness`: as
    in `RingFit`. Long messages go by more channels: `long_time` + bytes at `long_share`, where
    that is faster. `world_bandwidth`: what one transfer of less than `whole_nbytes` gets times the
    ranks of the communicator, among whose peers channels are dealt out; 0: no limit was seen. Of
    that, `mixed_share` is left where a rank sends to one and receives from another.
    """

    base_time: float
    peer_time: float
    block_time: float
    block_nbytes: float
    share: float
    sharpness: float
    long_time: float
    long_share: float
    world_bandwidth: float
    mixed_share: float
    whole_nbytes: float


@dataclass(frozen=True, kw_only=True)
class TransferFit(ExchangeFit):
    """Transfers between pairs: `ExchangeFit`, and what a rank that sends and receives at once takes
    longer: `both_time` * n / (n + `both_nbytes`) for n bytes below `whole_nbytes` to and from one
    other (with several others it is `mixed_share`), `both_long_time` from there on.

    All three are fitted to what was measured; why both ways cost more than one is not known (see
    `docs/design/0017-routes-in-bulk.md`).
    """

    both_time: float
    both_nbytes: float
    both_long_time: float


@dataclass(frozen=True, kw_only=True)
class SwitchFit(Fit):
    """Reduction inside a switch: every rank sends its data once and gets the sum once."""

    base_time: float
    share: float


@dataclass(frozen=True, kw_only=True)
class Collectives(Part):
    """A library on a family of GPUs.

    `gpus`: the catalog's GPUs it is for, `reducing_switches`: switches that add up, both with
    commas between. The datasheet has the library's own figures: its choice is the least of
    base + steps * hop + bytes / bandwidth, rings taking `graph_share` of what the links carry.
    `transfer_ll_limit_nbytes`: largest direct transfer by LL. `batch_time`: what PyTorch's batches
    of transfers take more, in their own stream.
    """

    gpus: str = text()
    reducing_switches: str = text("")
    graph_share: float = quantity("ratio")
    ll_bandwidth: float = quantity("bandwidth")
    ll_hosts_bandwidth: float = quantity("bandwidth")
    ll_ratio: float = quantity("ratio")
    ll128_ratio: float = quantity("ratio")
    tree_ratio: float = quantity("ratio")
    tree_ll_ratio: float = quantity("ratio")
    tree_ll128_ratio: float = quantity("ratio")
    ring_ll_base: float = quantity("time")
    ring_ll128_base: float = quantity("time")
    ring_simple_base: float = quantity("time")
    tree_ll_base: float = quantity("time")
    tree_ll128_base: float = quantity("time")
    tree_simple_base: float = quantity("time")
    ring_ll_nvlink_hop: float = quantity("time")
    ring_ll128_nvlink_hop: float = quantity("time")
    ring_simple_nvlink_hop: float = quantity("time")
    tree_ll_nvlink_hop: float = quantity("time")
    tree_ll128_nvlink_hop: float = quantity("time")
    tree_simple_nvlink_hop: float = quantity("time")
    ring_ll_pcie_hop: float = quantity("time")
    ring_ll128_pcie_hop: float = quantity("time")
    ring_simple_pcie_hop: float = quantity("time")
    tree_ll_pcie_hop: float = quantity("time")
    tree_ll128_pcie_hop: float = quantity("time")
    tree_simple_pcie_hop: float = quantity("time")
    ring_ll_network_hop: float = quantity("time")
    ring_ll128_network_hop: float = quantity("time")
    ring_simple_network_hop: float = quantity("time")
    tree_ll_network_hop: float = quantity("time")
    tree_ll128_network_hop: float = quantity("time")
    tree_simple_network_hop: float = quantity("time")
    transfer_ll_limit_nbytes: int = quantity("bytes", "transfer_ll_limit")
    batch_time: float = quantity("time")
    all_reduce_ll: RingFit = fitted(RingFit)
    all_reduce_ll128: RingFit = fitted(RingFit)
    all_reduce_simple: RingFit = fitted(RingFit)
    all_gather_ll: RingFit = fitted(RingFit)
    all_gather_ll128: RingFit = fitted(RingFit)
    all_gather_simple: RingFit = fitted(RingFit)
    reduce_scatter_ll: RingFit = fitted(RingFit)
    reduce_scatter_ll128: RingFit = fitted(RingFit)
    reduce_scatter_simple: RingFit = fitted(RingFit)
    broadcast_ll: ChainFit = fitted(ChainFit)
    broadcast_ll128: ChainFit = fitted(ChainFit)
    broadcast_simple: ChainFit = fitted(ChainFit)
    reduce_ll: ChainFit = fitted(ChainFit)
    reduce_ll128: ChainFit = fitted(ChainFit)
    reduce_simple: ChainFit = fitted(ChainFit)
    all_to_all_ll: ExchangeFit = fitted(ExchangeFit)
    all_to_all_simple: ExchangeFit = fitted(ExchangeFit)
    send_recv_ll: TransferFit = fitted(TransferFit)
    send_recv_simple: TransferFit = fitted(TransferFit)
    in_switch: SwitchFit = fitted(SwitchFit)

    def switches(self) -> tuple[str, ...]:
        """Names of the switches that add up."""
        return tuple(name.strip() for name in self.reducing_switches.split(",") if name.strip())

    def band(self, operation: str, protocol: str = "") -> Band:
        """(class, median, p90) of the relative error of an operation with a protocol.

        Without one: of the protocol whose errors are largest. Raises UnknownName.
        """
        fits = {name.rpartition("_")[2]: fit for name, fit in vars(self).items()
                if isinstance(fit, Fit) and name.rpartition("_")[0] == operation}
        if not fits:
            raise UnknownName("collective", operation, sorted(
                {field.name.rpartition("_")[0] for field in fields(self)
                 if field.name.endswith("_ll")}))
        if protocol and protocol not in fits:
            raise UnknownName(f"protocol of {operation}", protocol, fits)
        chosen = [fits[protocol]] if protocol else list(fits.values())
        return max((fit.band for fit in chosen), key=lambda band: band[1])
