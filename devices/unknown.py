"""A part whose numbers are not known: what an imported machine has and the catalog lacks.

It stands on a node like any other part, so that the graph can be checked, routed and drawn.
Whoever asks it for a number or a cost gets one clear error. Leaves out: guesses. Give the part
numbers with a part file of your own, or put a catalog part in its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

from rackwright.devices.part import Part
from rackwright.errors import CatalogError

__all__ = ["NoNumbers", "UnknownPart"]


class NoNumbers(CatalogError, AttributeError):
    """A number was asked of a part that has none."""


@dataclass(frozen=True, kw_only=True)
class UnknownPart(Part):
    """A part of which only the kind and the name are known.

    `kind`: "gpu", "nic", "smart-nic", "cpu", "memory", "nvme", "switch" or "pcie-switch".

    >>> UnknownPart(name="gfx908", kind="gpu").gemm_time(1, 1, 1)
    Traceback (most recent call last):
        ...
    rackwright.devices.unknown.NoNumbers: gfx908 (gpu) has no gemm_time: its numbers are not \
known; put a part into its place, as topologies.replace does, or write a part file for it
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        self._refuse(name)

    def _refuse(self, name: str) -> NoReturn:
        raise NoNumbers(f"{self.name} ({self.kind}) has no {name}: its numbers are not known; put "
                        "a part into its place, as topologies.replace does, or write a part file "
                        "for it")
