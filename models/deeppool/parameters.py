"""The numbers of a replay that are no datasheet's and no profile's, and where they come from."""

from __future__ import annotations

from rackwright.models.deeppool.options import DeeppoolOptions, settings
from rackwright.models.outcome import Parameter

__all__ = ["parameters"]

_PLAN = {
    "amplification_limit": ("stand-in", "default of the published code; which limit the figures "
                                        "use is not known"),
}
_FLAT = {
    "bandwidth": ("stand-in", "constant of the published code for its A100 cluster"),
    "latency": ("stand-in", "constant of the newest published code; its artefact has 240 us"),
}
_NIC = {
    "nic_adders": ("assumed", "four keep up with 400 Gb/s; cycles are measured on the RTL"),
    "nic_clock": ("assumed", "what such blocks reach on the FPGAs of NICs"),
}
_BACKGROUND = {
    "bg_idle_share": ("stand-in", "launches and cuts of the background; not published"),
    "background_batch": ("stand-in", "8, 16 and 32 appear in the published code"),
    "policy": ("stand-in", "of the published versions, the newest; the order of its rules is "
                           "inferred"),
    "piece_time": ("stand-in", "published code: about half a millisecond"),
    "admission_time": ("assumed", "none: bg_idle_share stands for it"),
}
_STAND_IN = {
    "fg_slowdown": ("stand-in", "the bound that the gate holds, as if always reached"),
    "bg_busy_share": ("stand-in", "between 0.2 and 0.4; not published"),
}


def parameters(options: DeeppoolOptions, sharing: str) -> tuple[Parameter, ...]:
    """The parameters that this replay used; `sharing`: the name of what slows GPUs down."""
    chosen = settings(options.variant)
    used = dict(_PLAN) if chosen.plan == "burst" else {}
    used |= _FLAT if options.network == "flat" else {}
    used |= _NIC if options.gradients == "nic" else {}
    used |= _BACKGROUND if chosen.background else {}
    used |= _STAND_IN if chosen.background and chosen.gated and sharing == "stand-in" else {}
    values, defaults = options.plain(), DeeppoolOptions().plain()
    found = [Parameter(name, str(values[name]),
                       *(known if values[name] == defaults[name] else ("chosen", "by the user")))
             for name, known in used.items()]
    if chosen.background:
        found.append(_sharing(sharing))
    return tuple(found)


def _sharing(name: str) -> Parameter:
    if name == "stand-in":
        return Parameter("sharing", name, "stand-in", "no measured pair of this part is packaged")
    return Parameter("sharing", name, "fitted",
                     "five measured pairs of ResNet-50 trainings on an H100, all used")
