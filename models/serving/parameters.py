"""The numbers of the serving engine that are no datasheet's: what each was assumed from.

No version of vLLM was measured for this model. A value that the user changed is reported as such.
"""

from __future__ import annotations

from collections.abc import Mapping

from rackwright.models.outcome import Parameter
from rackwright.models.serving.options import ServingOptions
from rackwright.units import format_bytes, format_time

__all__ = ["parameters"]

_KNOWN = {
    "step_host_time": ("assumed", "between 0.18 ms a step (inference-sim pull request 487, a fit "
                                  "over 16 runs of vLLM 0.15.1), 0.54 ms (openfabric-systems/"
                                  "simllm pull request 204, vLLM 0.27.1 without a GPU, declared "
                                  "void by its authors) and 1.5 ms and more (inference-sim issue "
                                  "482)"),
    "sequence_host_time": ("assumed", "below 12.7 us for each running request (simllm pull request "
                                      "204, declared void)"),
    "async_gap_time": ("assumed", "150 to 170 us between decode steps of a batch of 256 "
                                  "(vllm-project/vllm pull request 11133)"),
    "frontend_time": ("fitted", "tokenising, HTTP and the way to the engine's process, on one "
                                "point: 13.98 ms to the first token of a short prompt (serving-8); "
                                "moves time to first token and latency by itself, nothing else"),
    "activation_memory": ("assumed", "found by a profiling run in vLLM; 512 rows of logits and "
                                     "8,192 of a wide layer take about 1 GB"),
    "routing_skew": ("stand-in", "1: experts alike but for chance; no routing of the model is at "
                                 "hand"),
    "gpu_memory_utilization": ("chosen", "vLLM's default"),
}


def parameters(options: ServingOptions, errors: Mapping[str, float]) -> tuple[Parameter, ...]:
    """What this replay used, and how far its tables are off."""
    defaults, values = ServingOptions().plain(), options.plain()
    found = [Parameter(name, _readable(name, options),
                       *(known if values[name] == defaults[name] else ("chosen", "by the user")))
             for name, known in _KNOWN.items()]
    found += [Parameter(f"table_error_{name}", f"{error:.2e}", "measured",
                        "largest relative error of this table's interpolation")
              for name, error in sorted(errors.items()) if error > 0]
    return tuple(found)


def _readable(name: str, options: ServingOptions) -> str:
    value = getattr(options, name)
    if name.endswith("_time"):
        return format_time(value)
    return format_bytes(value) if name.endswith("_memory") else str(value)
