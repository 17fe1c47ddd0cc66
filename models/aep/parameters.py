"""The numbers of the AEP model that are no datasheet's: what each was fitted on or assumed from.

A value that the user changed is reported as such: the basis below holds for the default only.
"""

from __future__ import annotations

from rackwright.models.aep.options import BARRIER, AepOptions
from rackwright.models.outcome import Parameter
from rackwright.units import format_time

__all__ = ["parameters"]

_ASYNC = {
    "attention_fixed_time": ("fitted", "aep-2: one attention step takes 2.7 ms at about 810 "
                                       "tokens (arXiv 2505.08944 Fig 13)"),
    "attention_token_time": ("fitted", "aep-15: about 46.9k tokens/s at most, top-1 (derived "
                                       "from arXiv 2505.08944 section 5)"),
    "expert_fixed_time": ("fitted", "stability at 250 requests/s of the medium workload, top-1; "
                                    "with the device's 214 us a small batch takes 274 us"),
    "sampler_fixed_time": ("stand-in", "as attention_fixed_time: no figure is published"),
    "sampler_token_time": ("stand-in", "as attention_token_time: no figure is published"),
    "message_time": ("assumed", "two-phase transfer set up over CPU sockets; 10 or 60 us make "
                                "no difference to the published rows"),
    "routing_skew": ("stand-in", "the paper's exponential fit has no published rate"),
    "memory_share": ("assumed", "share of memory left by a serving framework"),
    "attention_eager_time": ("assumed", "zero: inside the fitted host time"),
}
_BARRIER = {
    "ep_exchange_time": ("assumed", "8-GPU all-to-all at its smallest sizes, 12.6 to 15.9 us: "
                                    "A100, NCCL 2.27.3, tables of aiconfigurator-core 0.12.0"),
    "routing_skew": _ASYNC["routing_skew"],
    "memory_share": _ASYNC["memory_share"],
}
_FRAMEWORK = {
    "ep_max_running": ("fitted", "aep-1: defrag at its best is 2.3 times the baseline on 8 GPUs, "
                                 "top-1, medium workload (arXiv 2505.08944 Fig 9b); with aep-15's "
                                 "46.9k tokens/s the baseline gets 20.4k"),
    "ep_layer_overhead_time": ("assumed", "off: only one parameter is fitted on aep-1"),
    "ep_host_attention_time": ("assumed", "none: the baseline's steps run as CUDA graphs"),
    "ep_host_expert_time": ("assumed", "none: the baseline's steps run as CUDA graphs"),
}


def parameters(options: AepOptions, table_error: float) -> tuple[Parameter, ...]:
    """The parameters that this replay used, in the order of the tables above."""
    used = dict(_BARRIER if options.policy in BARRIER else _ASYNC)
    if options.policy == "ep_framework":
        used |= _FRAMEWORK
    # a baseline's own settings are part of its definition, not a user's change
    defaults = AepOptions().plain() | FRAMEWORK_SETTINGS
    values = options.plain()
    found = [Parameter(name, _readable(name, options),
                       *(known if values[name] == defaults[name] else ("chosen", "by the user")))
             for name, known in used.items()]
    found.append(Parameter("cost_table_error", f"{table_error:.2e}", "measured",
                           "largest relative error of the step times' interpolation"))
    return tuple(found)


def _readable(name: str, options: AepOptions) -> str:
    value = getattr(options, name)
    return format_time(value) if name.endswith("_time") else str(value)


# the framework baseline: see _FRAMEWORK for what each is
FRAMEWORK_SETTINGS: dict[str, object] = {"ep_max_running": 203}
