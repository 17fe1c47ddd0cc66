"""What fits: weights, buffers and cache in a GPU's memory; caches in hosts, drives and servers."""

from __future__ import annotations

from rackwright.devices import Gpu
from rackwright.errors import DoesNotFit
from rackwright.models.hyperrag.formulas import kv_bytes, parameters
from rackwright.models.hyperrag.options import HyperragOptions, Settings
from rackwright.models.hyperrag.placement import HBM, Placement
from rackwright.models.llm import LlmShape
from rackwright.topologies.fabric import Fabric
from rackwright.units import format_bytes

__all__ = ["cache_bytes", "refuse_oversize"]


def cache_bytes(fabric: Fabric, placed: Placement, number: int, options: HyperragOptions) -> int:
    """Bytes of a cache: the option's, or what its units have when that is less."""
    tier, _ = placed.caches[number]
    if tier == HBM:
        return placed.capacity[number]
    first = placed.first_unit[number]
    units = placed.units[first:first + placed.unit_count[number]]
    have = sum(getattr(fabric.device(unit), "nbytes", 0) for unit in units)
    return min(placed.capacity[number], int(have * options.memory_share))


def refuse_oversize(gpu: Gpu, placed: Placement, model: LlmShape, layers: int,
                    options: HyperragOptions, chosen: Settings, longest: int) -> None:
    """Raise DoesNotFit with the sum when a GPU cannot hold what the options ask for."""
    batch = options.batch_documents
    slot = options.slot_tokens * kv_bytes(model, layers)
    tokens = batch * (options.slot_tokens + longest)
    needs = {
        "weights": parameters(model, layers) * model.dtype_bytes,
        "activations": tokens * (model.ffn_matrices * model.ffn + 4 * model.hidden)
        * model.dtype_bytes,
        "keys and values of a batch": batch * slot,
        f"{chosen.depth} landing buffers":
            int(chosen.depth * batch * slot * chosen.share) if chosen.reuse else 0,
        "hbm_cache": placed.capacity[0],
    }
    total, usable = sum(needs.values()), int(gpu.memory_nbytes * options.memory_share)
    if chosen.rerank and total > usable:
        terms = " + ".join(f"{format_bytes(nbytes)} {what}" for what, nbytes in needs.items())
        raise DoesNotFit(
            f"{model.name} does not fit {gpu.name}: {terms} = {format_bytes(total)}, but "
            f"{options.memory_share:.0%} of its memory is {format_bytes(usable)}; lower hbm_cache, "
            "batch_documents or depth, or use a GPU with more memory")
