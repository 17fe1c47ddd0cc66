"""Which GPUs of a fabric train, of which part, and what is between them."""

from __future__ import annotations

from rackwright.devices import Gpu
from rackwright.errors import TopologyError
from rackwright.hdl.timing import timing
from rackwright.models.deeppool.network import (
    ELEMENT_BYTES,
    FabricNetwork,
    FlatNetwork,
    Network,
)
from rackwright.models.deeppool.options import DeeppoolOptions
from rackwright.topologies.fabric import Fabric

__all__ = ["adder_bandwidth", "block_tables", "gpus_of", "network_of", "one_part"]

_LANES = "fp32x16"   # geometry of hdl/reduce_add: 64 bytes a clock


def gpus_of(fabric: Fabric, wanted: int, name: str = "gpus") -> tuple[str, ...]:
    """The fabric's first `wanted` GPUs, all of them for 0. Raises OptionsError, TopologyError."""
    found = fabric.gpus()
    if not found:
        raise TopologyError("DeepPool needs GPUs", ["the topology has none; try dgx-a100"])
    if wanted > len(found):
        raise DeeppoolOptions.refused([
            f"{name} = {wanted}, but the topology has {len(found)} GPUs: write at most that, or "
            "take a larger one, such as dgx-a100:hosts=8"])
    return found[:wanted or len(found)]


def one_part(fabric: Fabric, names: tuple[str, ...]) -> Gpu:
    """The part of all these GPUs; raises TopologyError when they differ."""
    parts: dict[str, Gpu] = {}
    for name in names:
        part = fabric.device(name)
        assert isinstance(part, Gpu)
        parts.setdefault(part.name, part)
    if len(parts) > 1:
        raise TopologyError("DeepPool needs equal GPUs", [
            f"{names[0]} ... {names[-1]} are {', '.join(sorted(parts))}: a profile is of one"])
    return next(iter(parts.values()))


def network_of(fabric: Fabric, ranks: tuple[str, ...], options: DeeppoolOptions) -> Network:
    """The flat network of the options, or the fabric between `ranks`."""
    adders = adder_bandwidth(options) if options.gradients == "nic" else None
    if options.network == "flat":
        return FlatNetwork(options.bandwidth, options.latency, adders)
    return FabricNetwork(fabric, ranks, adders, "ring" if options.gradients == "ring" else None)


def block_tables(options: DeeppoolOptions) -> dict[str, str]:
    """NIC block -> hash of the RTL whose cycles, or whose golden, the options ask for."""
    asked = {"bg_gate": options.gate == "nic", "reduce_add": options.gradients == "nic"}
    return {f"{name}.v": timing(name).rtl_sha256 for name, wanted in asked.items() if wanted}


def adder_bandwidth(options: DeeppoolOptions) -> float:
    """Bytes/s of each stream that the NIC's adders take, by the measured cycles of their RTL."""
    found = timing("reduce_add", _LANES)
    beat = ELEMENT_BYTES * found.parameters["LANES"]
    return options.nic_adders * beat / found.interval_time("beat", options.nic_clock)
