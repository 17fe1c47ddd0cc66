"""Where an iteration's time goes on the first GPU, what limits it, and how busy links are.

The first GPU runs in every layer of the trunk, so its compute stream is the critical path but for
branches on other GPUs. Links: the bytes that each GPU itself sends, over its first link; what
switches and other hops carry is not counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rackwright.models.deeppool.network import ELEMENT_BYTES
from rackwright.models.deeppool.timeline import LABELS, Timeline
from rackwright.models.outcome import Bottleneck
from rackwright.topologies.fabric import Fabric

if TYPE_CHECKING:
    from rackwright.models.deeppool.training import Trained
    from rackwright.models.deeppool.workload import Prepared

__all__ = ["breakdown_of", "limit_of", "port_shares"]

SATURATED = 0.9   # busy share above which we call the GPUs saturated
_TEXTS = {
    "compute": "the foreground's layers on the first GPU",
    "re-shard": "moving activations between degrees",
    "gradients": "adding gradients up",
    "background": "background work beside the foreground",
    "waiting": "waiting for other GPUs",
}


def breakdown_of(timeline: Timeline, trained: Trained) -> dict[str, float]:
    """Shares of an iteration on the first GPU."""
    whole = trained.shared.iteration_time
    own = [one for one in timeline.segments if one.gpus[0] == 0 and not one.beside]
    spent = {name: sum(one.time for one in own if LABELS[one.label] == name)
             for name in ("compute", "re-shard", "gradients")}
    spent["background"] = max(whole - trained.alone.iteration_time, 0.0)
    spent["waiting"] = max(whole - sum(spent.values()), 0.0)
    total = sum(spent.values())
    return {name: time / total for name, time in spent.items()} if total > 0 else {}


def limit_of(breakdown: Mapping[str, float], devices: Mapping[str, float]) -> Bottleneck:
    """The largest part of an iteration; saturated when the GPUs have no time left."""
    name = max(breakdown, key=lambda one: breakdown[one])
    busy = sum(devices.values()) / len(devices)
    kind = "link" if name in ("re-shard", "gradients") else "device"
    text = (f"{_TEXTS[name]} take{'' if name == 'compute' else 's'} most of an iteration "
            f"({breakdown[name]:.0%}); GPUs busy {busy:.0%}")
    return Bottleneck(name, kind, breakdown[name], busy >= SATURATED, text)


def port_shares(fabric: Fabric, made: Prepared, trained: Trained) -> dict[str, float]:
    """Busy share of the first link of every GPU that sends anything."""
    work, time = made.work, trained.shared.iteration_time
    sent = _sent_bytes(made)
    found: dict[str, float] = {}
    for rank, nbytes in enumerate(sent):
        if nbytes <= 0 or work.timeline.gpus < 2:
            continue
        other = made.gpus[(rank + 1) % work.timeline.gpus]
        link = fabric.route(made.gpus[rank], other)[0]
        share = nbytes / float(fabric.links.bandwidth[link]) / time
        found[fabric.link_names[link]] = min(share, 1.0)
    return found


def _sent_bytes(made: Prepared) -> list[float]:
    """Bytes that each GPU sends in an iteration: its ring's passes, and its share of moves."""
    plan, costs = made.work.plan, made.work.costs
    sent = [0.0] * made.work.timeline.gpus
    nic = made.adding_nics
    for layer, (first, gpus) in enumerate(zip(plan.first.tolist(), plan.gpus.tolist(),
                                              strict=True)):
        passes = 1.0 if nic else 2.0 * (gpus - 1) / gpus
        if gpus > 1:
            for rank in range(first, first + gpus):
                sent[rank] += passes * ELEMENT_BYTES * float(costs.elements[layer])
    outputs = made.work.profile.output_elements
    for before, after in costs.edges:
        few, many = sorted((int(plan.gpus[before]), int(plan.gpus[after])))
        moved = ELEMENT_BYTES * float(outputs[before]) * costs.batch * (1 - few / many)
        for rank in range(many):
            # one pass from few to many, one back
            sent[rank] += moved / few if rank < few else moved / max(many - few, 1)
    return sent

