"""The numbers of the AEP model that are no datasheet's: what each was fitted on or assumed from.

A value that the user changed is reported as such: the basis below holds for the default only.
"""

from __future__ import annotations

from rackwright.models.aep.offload import NicTimes
from rackwright.models.aep.options import BARRIER, FRAMEWORK, AepOptions
from rackwright.models.outcome import Parameter
from rackwright.units import format_time

__all__ = ["parameters"]

_ASYNC = {
    "attention_fixed_time": ("fitted", "aep-2: one attention step takes 2.7 ms at about 810 "
                                       "tokens (arXiv 2505.08944 Fig 13)"),
    "attention_token_time": ("fitted", "aep-15: about 46.9k tokens/s at most, top-1 (derived "
                                       "from arXiv 2505.08944 section 5)"),
    "expert_fixed_time": ("fitted", "stability at 250 requests/s of the medium workload, top-1; "
                                    "with the device's 211 us a small batch takes 271 us"),
    "sampler_fixed_time": ("stand-in", "as attention_fixed_time: no figure is published"),
    "sampler_token_time": ("stand-in", "as attention_token_time: no figure is published"),
    "message_time": ("assumed", "two-phase transfer set up over CPU sockets; 10 or 60 us make "
                                "no difference to the published rows"),
    "routing_skew": ("stand-in", "the paper's exponential fit has no published rate"),
    "memory_share": ("assumed", "share of memory left by a serving framework"),
    "attention_eager_time": ("assumed", "zero: inside the fitted host time"),
}
_NIC = {
    "nic_message_time": ("chosen", "by the user"),     # what is not chosen: see offload.py
    "nic_token_time": ("chosen", "by the user"),
    "nic_clock": ("assumed", "what such blocks reach on the FPGAs of NICs; none was placed"),
    "nic_host_share": ("assumed", "none: only announcing messages moves to the NIC"),
}
_SAME_HOST = {name: _ASYNC[name] for name in (
    "attention_fixed_time", "attention_token_time", "expert_fixed_time", "sampler_fixed_time",
    "sampler_token_time", "message_time", "routing_skew", "memory_share", "attention_eager_time")}
_BARRIER = {
    "ep_exchange_time": ("assumed", "8-GPU all-to-all at its smallest sizes, 12.6 to 15.9 us: "
                                    "A100, NCCL 2.27.3, tables of aiconfigurator-core 0.12.0"),
    "routing_skew": _ASYNC["routing_skew"],
    "memory_share": _ASYNC["memory_share"],
}
_FRAMEWORK = {
    "ep_step_time": ("stand-in", "scheduling and sampling, as AEP's sampler step; not hidden: the "
                                 "published baseline's code turns its overlapped scheduler off "
                                 "with data-parallel attention"),
    "ep_request_time": ("stand-in", "as AEP's sampler step"),
    "ep_layer_overhead_time": ("assumed", "off: only one parameter is fitted on aep-1"),
    "ep_host_attention_time": ("assumed", "none: an iteration is one CUDA graph (the published "
                                          "baseline's default is up to 96 requests a batch)"),
    "ep_host_expert_time": ("assumed", "none: as for attention"),
}
_CAP = {
    "ep_max_running": ("fitted", "aep-1 alone: defrag at its best is 2.3 times the baseline on 8 "
                                 "GPUs, top-1, medium workload (arXiv 2505.08944 Fig 9b)"),
}
_LOW_LATENCY = {
    "ep_low_latency_time": ("fitted", "DeepEP's published 77 us (dispatch) and 114 us (combine), "
                                      "8 H800, 128 tokens of 7168, top-8, less their bytes at "
                                      "160 GB/s"),
}


def parameters(options: AepOptions, table_error: float, nic: NicTimes) -> tuple[Parameter, ...]:
    """The parameters that this replay used, in the order of the tables above."""
    used = _used(options) | nic.basis
    # a baseline's own settings are part of its definition, not a user's change
    defaults = AepOptions().plain() | FRAMEWORK_SETTINGS
    values = options.plain()
    kept = {name for name in used if name in nic.basis or values[name] == defaults[name]}
    found = [Parameter(name, _readable(name, options, nic),
                       *(known if name in kept else ("chosen", "by the user")))
             for name, known in used.items()]
    found.append(Parameter("cost_table_error", f"{table_error:.2e}", "measured",
                           "largest relative error of the step times' interpolation"))
    return tuple(found)


def _used(options: AepOptions) -> dict[str, tuple[str, str]]:
    if options.policy == "ep_same_host":
        return _SAME_HOST
    if options.policy not in BARRIER:
        return _ASYNC | (_NIC if options.dispatch == "nic" else {})
    used = _BARRIER | (_FRAMEWORK if options.policy in FRAMEWORK else {})
    if options.policy == "ep_framework":
        used |= _CAP
    if options.policy == "ep_low_latency":
        del used["ep_exchange_time"]
        used |= _LOW_LATENCY
    return used


def _readable(name: str, options: AepOptions, nic: NicTimes) -> str:
    value = {"nic_message_time": nic.message, "nic_token_time": nic.part}.get(
        name, getattr(options, name))
    if name == "nic_clock":
        return f"{value / 1e6:g} MHz"
    return format_time(value) if name.endswith("_time") else str(value)


# the framework baseline: see _CAP
FRAMEWORK_SETTINGS: dict[str, object] = {"ep_max_running": 170}
