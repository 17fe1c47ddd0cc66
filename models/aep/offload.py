"""Blocks in a GPU's NIC: `token_dispatch` announces messages, `uqueue_score` picks queues.

Cycles are those measured on the RTL (`rackwright.hdl.timing`), by size where there are sizes; the
clock is an assumption. What a message or a pick takes besides the block is the fabric's and its
NICs' own: PCIe between GPU and NIC, and what a message spends in an adapter, at both ends. Room for
payloads is promised ahead (the block's credits), so an announcement waits for no answer.

Leaves out: queues of the block that are full, credits on the wire, the scorer's whole numbers
(scores are cut to 256ths there; the replay picks in floating point), its count of arrivals (one
clock each, beside everything else). Units: seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from rackwright.devices import Nic, SmartNic
from rackwright.errors import OptionsError, TopologyError
from rackwright.hdl.timing import Timing, timing
from rackwright.models.aep.options import BARRIER, AepOptions
from rackwright.models.aep.placement import Placement
from rackwright.models.llm import LlmShape
from rackwright.topologies.fabric import Fabric

__all__ = ["HOST_ONLY", "NicTimes", "nic_times"]

# geometries that a NIC may have, smallest first
_DISPATCHERS = ("2x1", "8x2", "64x4")
_SCORERS = ("32x2", "33x1", "64x8")
MOST_LOOK_AHEAD = 8    # at which the scorer's picks were measured: fewer blocks ahead take less
_PICKS = {"defrag": "pick_defrag", "mtfs": "pick_most", "flfs": "pick_first"}


@dataclass(frozen=True)
class NicTimes:
    """What the NIC's blocks take; zeros where the host does the work. `basis`: parameter ->
    (kind, where from); `tables`: block -> hash of its RTL."""

    part: float = 0.0
    message: float = 0.0
    attention_pick: float = 0.0
    expert_pick: float = 0.0
    basis: dict[str, tuple[str, str]] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)


HOST_ONLY = NicTimes()


def nic_times(fabric: Fabric, placed: Placement, shape: LlmShape, options: AepOptions) -> NicTimes:
    """Raises TopologyError for a host without NIC, OptionsError where no measured block fits."""
    if options.policy in BARRIER:
        return HOST_ONLY
    if options.dispatch != "nic":
        if options.scoring == "nic":
            raise _refusal("scoring=nic needs dispatch=nic: a NIC knows the queues of its GPU from "
                           "the messages that it announces; add dispatch=nic, or use scoring=host")
        return HOST_ONLY
    pcie, adapter = max(_ways_to_nics(fabric, placed))
    times = _dispatching(pcie, adapter, shape, options)
    if options.scoring != "nic":
        return times
    return _scoring(times, pcie, shape.blocks, int(placed.hosted.max()), options)


def _dispatching(pcie: float, adapter: float, shape: LlmShape, options: AepOptions) -> NicTimes:
    part, message = options.nic_token_time, options.nic_message_time
    if part is not None and message is not None:
        return NicTimes(part, message)
    found = _fitting("token_dispatch", _DISPATCHERS, {"EXPERTS": shape.experts, "K": options.top_k},
                     "set nic_token_time and nic_message_time")
    where = f"token_dispatch {found.geometry}, cycles of its RTL"
    basis: dict[str, tuple[str, str]] = {}
    if part is None:
        cycles = found.cycles_for("token", options.top_k) / options.top_k  # nonzero: at least 1
        part = cycles / options.nic_clock  # nonzero: above 0
        basis["nic_token_time"] = ("measured", f"{where}: {cycles:g} a part; the clock is assumed")
    if message is None:
        message = found.latency_time("part", options.nic_clock) + 2 * (pcie + adapter)
        basis["nic_message_time"] = (
            "measured", f"{where}: {found.latency_cycles['part']}; by their parts, at both ends, "
                        f"PCIe {pcie * 1e9:.0f} ns and adapter {adapter * 1e9:.0f} ns")
    return NicTimes(part, message, basis=basis, tables={"token_dispatch.v": found.rtl_sha256})


def _scoring(times: NicTimes, pcie: float, blocks: int, slots: int, options: AepOptions
             ) -> NicTimes:
    """With picks: PCIe to ask and to answer, and the block's scan between."""
    if options.policy not in _PICKS:
        raise _refusal(f"scoring=nic: the block uqueue_score picks by {', '.join(_PICKS)}, not by "
                       f"{options.policy}; choose such a policy, or scoring=host")
    if options.policy == "defrag" and options.look_ahead > MOST_LOOK_AHEAD:
        raise _refusal(f"scoring=nic: uqueue_score was measured with {MOST_LOOK_AHEAD} blocks "
                       f"looked ahead, not {options.look_ahead}; set look_ahead to "
                       f"{MOST_LOOK_AHEAD} at most, or scoring=host")
    sides = [_fitting("uqueue_score", _SCORERS, {"BLOCKS": rows, "SLOTS": columns},
                      "use scoring=host") for rows, columns in ((blocks + 1, 1), (blocks, slots))]
    picks = [2 * pcie + side.latency_time(_PICKS[options.policy], options.nic_clock)
             for side in sides]
    words = (f"uqueue_score {sides[0].geometry} and {sides[1].geometry}, cycles of its RTL, and "
             f"PCIe there and back: {picks[0] * 1e9:.0f} and {picks[1] * 1e9:.0f} ns a step")
    return replace(times, attention_pick=picks[0], expert_pick=picks[1],
                   basis=times.basis | {"scoring": ("measured", words)},
                   tables=times.tables | {"uqueue_score.v": sides[0].rtl_sha256})


def _fitting(block: str, geometries: tuple[str, ...], needs: dict[str, int], otherwise: str
             ) -> Timing:
    """The first geometry with all parameters at least as large."""
    tables = [timing(block, name) for name in geometries]
    for found in tables:
        if all(found.parameters[name] >= least for name, least in needs.items()):
            return found
    wanted = " and ".join(f"{name} {least}" for name, least in needs.items())
    raise _refusal(f"no measured geometry of {block} has {wanted}; there are "
                   f"{', '.join(found.geometry for found in tables)}; {otherwise}")


def _refusal(text: str) -> OptionsError:
    return AepOptions.refused([text])


def _ways_to_nics(fabric: Fabric, placed: Placement) -> list[tuple[float, float]]:
    """Of each GPU: latency of PCIe to its nearest NIC, latency of that adapter."""
    nics: dict[str, list[str]] = {}
    for node in fabric.nodes:
        if isinstance(fabric.device(node), Nic | SmartNic):
            nics.setdefault(str(fabric.host_of(node)), []).append(node)
    bare = sorted({str(fabric.host_of(gpu)) for gpu in placed.gpus} - nics.keys())
    if bare:
        raise TopologyError("dispatch=nic needs a NIC", [
            f"{host} has GPUs and no NIC; add one, or use dispatch=host" for host in bare])
    return [min(_way(fabric, gpu, nic) for nic in nics[str(fabric.host_of(gpu))])
            for gpu in placed.gpus]


def _way(fabric: Fabric, gpu: str, nic: str) -> tuple[float, float]:
    device = fabric.device(nic)
    assert isinstance(device, Nic | SmartNic)  # picked by its kind
    latency = fabric.links.latency_ps[list(fabric.route(gpu, nic))]
    return float(latency.sum()) * 1e-12, device.latency_time
