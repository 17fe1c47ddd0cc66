"""Which models a kind of part has beside its closed form, and how a part is given one.

``catalog.pcie("gen5-x16", fidelity="cycle")`` is the same part under another class: a subclass of
the analytic one, so that it has every cost method, of the same arguments and units.

To add one, write the subclass (no new required fields) and put ONE line into `MODELS`: the kind of
part, or "kind/medium" where only some parts of a kind have it; the fidelity; "module:Class". The
module is imported when a part of it is first asked for.
"""

from __future__ import annotations

import dataclasses
import importlib
from typing import TypeVar

from rackwright.canonical import content_hash
from rackwright.devices.part import Part
from rackwright.errors import UnknownName

__all__ = ["ANALYTIC", "MODELS", "allowed", "recast", "under"]

ANALYTIC = "analytic"
MODELS: dict[str, dict[str, str]] = {
    "link/ethernet": {"cycle": "rackwright.devices.ethernet.cycle_part:CycleLink"},
    "link/infiniband": {"cycle": "rackwright.devices.ethernet.cycle_part:CycleLink"},
    "link/nvlink": {"cycle": "rackwright.devices.nvlink.cycle_part:CycleNvlink"},
    "gpu": {"cycle": "rackwright.devices.gpu.cycle.part:CycleGpu"},
    "memory": {"cycle": "rackwright.devices.host.cycle_part:CycleMemory"},
    "nic": {"cycle": "rackwright.devices.nic.cycle_part:CycleNic"},
    "nvme": {"cycle": "rackwright.devices.host.cycle_part:CycleNvme"},
    "pcie": {"cycle": "rackwright.devices.pcie.cycle_part:CyclePcie"},
    "smart-nic": {"cycle": "rackwright.devices.nic.cycle_part:CycleSmartNic"},
    "switch/ethernet": {"cycle": "rackwright.devices.ethernet.cycle_part:CycleSwitch"},
    "switch/infiniband": {"cycle": "rackwright.devices.ethernet.cycle_part:CycleSwitch"},
    "switch/nvlink": {"cycle": "rackwright.devices.nvlink.cycle_part:CycleNvSwitch"},
}
P = TypeVar("P", bound=Part)


def allowed(part: Part) -> tuple[str, ...]:
    """The fidelities of `part`, sorted; "analytic" is always one."""
    return tuple(sorted({ANALYTIC, *_models(part)}))


def under(part: Part, fidelity: str) -> Part:
    """`part` under the class that models it in `fidelity`. Raises `UnknownName`."""
    if fidelity == ANALYTIC:
        return part
    models = _models(part)
    if fidelity not in models:
        raise UnknownName(f"fidelity of {part.name}", fidelity, allowed(part))
    module, _, name = models[fidelity].partition(":")
    cls: type[Part] = getattr(importlib.import_module(module), name)
    return recast(cls, part, fidelity)


def recast(cls: type[P], part: Part, fidelity: str) -> P:
    """The numbers of `part` in `cls`; another content hash, since its times are others."""
    values = {field.name: getattr(part, field.name) for field in dataclasses.fields(part)}
    values["content_hash"] = content_hash({"part": part.content_hash, "fidelity": fidelity})
    return cls(**values)


def _models(part: Part) -> dict[str, str]:
    medium = getattr(part, "medium", "")
    return {**MODELS.get(part.kind, {}), **MODELS.get(f"{part.kind}/{medium}", {})}
