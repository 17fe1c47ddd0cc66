"""The numbers of the model that are no datasheet's: all stand-ins or assumptions, none fitted."""

from __future__ import annotations

from rackwright.models.hyperrag.options import HyperragOptions, settings
from rackwright.models.outcome import Parameter

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
_NIC = {
    "nic_dequantiser_bandwidth": ("assumed", "32 elements of bf16 a beat at 250 MHz"),
}


def parameters(options: HyperragOptions, table_error: float) -> tuple[Parameter, ...]:
    """The parameters that this replay used, in the order of the tables above."""
    reuse = settings(options).reuse
    used = {**_ALWAYS, **(_REUSE if reuse else {}),
            **(_NIC if reuse and options.dequantiser == "nic" else {})}
    values, defaults = options.plain(), HyperragOptions().plain()
    found = [Parameter(name, str(values[name]),
                       *(known if values[name] == defaults[name] else ("chosen", "by the user")))
             for name, known in used.items()]
    found.append(Parameter("cost_table_error", f"{table_error:.2e}", "measured",
                           "largest relative error of the step times' interpolation"))
    return tuple(found)
