"""The numbers of the model that are no datasheet's: stand-ins, assumptions, and one fitted rate."""

from __future__ import annotations

from rackwright.models.hyperrag.blocks import dequantiser, top_k_selector
from rackwright.models.hyperrag.costs import STRIDED_PER_CLOCK
from rackwright.models.hyperrag.options import HyperragOptions, settings
from rackwright.models.outcome import Parameter
from rackwright.units import format_bandwidth

__all__ = ["parameters"]

_ALWAYS = {
    "ann_time": ("stand-in", "no index is published; 5 ms a query"),
    "ann_workers": ("assumed", "cores of one server"),
    "batch_documents": ("stand-in", "no batch is published"),
    "batch_host_time": ("assumed", "none: a batch is one CUDA graph"),
    "prefill_layout": ("stand-in", "packed favours what computes everything"),
    "generator_time": ("stand-in", "off: the re-ranker alone is measured"),
}
_REUSE = {
    "model": ("stand-in", "the published re-rankers are not known"),
    "compression": ("stand-in", "named in the abstract, not specified"),
    "slot_tokens": ("stand-in", "chunks of 128 to 512 tokens"),
    "layout": ("stand-in", "the abstract's static layout, as we read it"),
    "depth": ("stand-in", "double buffering"),
    "hbm_cache": ("stand-in", "the generator shares the GPU"),
    "dram_cache": ("stand-in", "no size is published"),
    "nvme_cache": ("stand-in", "no size is published"),
    "remote_cache": ("stand-in", "no size is published"),
    "write_buffer": ("stand-in", "bounds writes that nobody waits for"),
    "dram_latency_time": ("assumed", "launch of an asynchronous copy"),
    "remote_latency_time": ("assumed", "a request over RDMA and the copies' launch"),
    "start": ("stand-in", "documents are known ahead, so their keys and values are there"),
}


def parameters(options: HyperragOptions, table_error: float) -> tuple[Parameter, ...]:
    """The parameters that this replay used, in the order of the tables above."""
    reuse = settings(options).reuse
    used = {**_ALWAYS, **(_REUSE if reuse else {})}
    values, defaults = options.plain(), HyperragOptions().plain()
    found = [Parameter(name, str(values[name]),
                       *(known if values[name] == defaults[name] else ("chosen", "by the user")))
             for name, known in used.items()]
    if reuse and options.dequantiser == "nic":
        block = dequantiser(options)
        found.append(Parameter("nic_dequantiser_bandwidth", format_bandwidth(block.per_second),
                               block.kind, block.basis))
    if options.topk == "nic":
        selector = top_k_selector(options.top_k)
        found.append(Parameter("topk_scores_per_s", f"{selector.per_second:.6g}", selector.kind,
                               selector.basis))
    found.append(Parameter("strided_per_clock", f"{STRIDED_PER_CLOCK}", "fitted",
                           "elements an SM passes in a clock in an eager kernel over halves of a "
                           "tensor: mean of 24 rotary embeddings and activations of gemma-2b and "
                           "llama-8b on an H100 (measured/pieces-h100-sxm.csv.gz)"))
    found.append(Parameter("cost_table_error", f"{table_error:.2e}", "measured",
                           "largest relative error of the step times' interpolation"))
    return tuple(found)
