"""Topologies by a short text: `dgx-a100`, `dgx-a100:hosts=2,nics=4`, `leaf-spine:spines=4`.

A preset is a builder with some arguments set; the others may follow a colon. `resolve` takes a
preset or a file, as the command line does.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rackwright.errors import UnknownName, UsageError
from rackwright.topologies.builders.boxes import hybrid_cube_mesh, pcie_box
from rackwright.topologies.builders.clos import dragonfly, fat_tree, torus
from rackwright.topologies.builders.dgx import dgx
from rackwright.topologies.builders.networks import leaf_spine, star
from rackwright.topologies.builders.pods import lovelock
from rackwright.topologies.builders.wan import wan

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["preset", "preset_arguments", "preset_names", "resolve"]

_FILE_ENDINGS = (".json", ".xml", ".yaml", ".yml", ".graphml", ".topo", ".txt")


@dataclass(frozen=True)
class _Preset:
    build: Callable[..., nx.DiGraph[Any]]
    given: Mapping[str, Any] = field(default_factory=dict)


_PRESETS = {
    "dgx-1": _Preset(hybrid_cube_mesh),
    "dgx-a100": _Preset(dgx, {"gpu": "a100-sxm-80"}),
    "dgx-h100": _Preset(dgx, {"gpu": "h100-sxm"}),
    "dgx-h200": _Preset(dgx, {"gpu": "h200-sxm"}),
    "dragonfly": _Preset(dragonfly),
    "fat-tree": _Preset(fat_tree),
    "leaf-spine": _Preset(leaf_spine),
    "lovelock": _Preset(lovelock),
    # EC2 p4d: sources in dgx's text. Stand-ins: the CPU, and ConnectX-6 for the EFA adapter.
    "p4d": _Preset(dgx, {"gpu": "a100-sxm-40", "nics": 4, "network": "ethernet-100g",
                         "pcie": "gen3-x16"}),
    "pcie-box": _Preset(pcie_box),
    "star": _Preset(star),
    "torus": _Preset(torus),
    "wan": _Preset(wan),
}


def preset_names() -> tuple[str, ...]:
    """Names of the presets, sorted."""
    return tuple(sorted(_PRESETS))


def preset_arguments(name: str) -> dict[str, Any]:
    """The arguments that the preset takes, with its defaults. Raises UnknownName."""
    if name not in _PRESETS:
        raise UnknownName("topology", name, _PRESETS)
    chosen = _PRESETS[name]
    defaults = {argument.name: argument.default
                for argument in inspect.signature(chosen.build).parameters.values()}
    return defaults | dict(chosen.given)


def preset(text: str) -> nx.DiGraph[Any]:
    """The graph of a preset such as ``dgx-a100:hosts=2``. Raises UnknownName, UsageError.

    >>> preset("dgx-a100:hosts=2,nics=4").graph["name"]
    'dgx-a100:hosts=2,nics=4'
    """
    name, _, arguments = text.partition(":")
    allowed = preset_arguments(name.strip())
    values = {}
    for pair in filter(None, (part.strip() for part in arguments.split(","))):
        key, value = _argument(name, pair, allowed)
        if key in values:
            raise UsageError(f"topology {text!r}: {key} is given twice")
        values[key] = value
    graph = _PRESETS[name.strip()].build(**(dict(_PRESETS[name.strip()].given) | values))
    graph.graph["name"] = text.strip()
    return graph


def resolve(text: str | os.PathLike[str], default_rate: str | None = None) -> nx.DiGraph[Any]:
    """A preset's graph, or the graph in a file (`default_rate`: see `load`).

    Anything with a path separator or a known ending, and any existing file, is a file; a preset
    of the same name comes first. Raises UnknownName, UsageError, and what `load` raises.
    """
    from rackwright.topologies.formats.files import load

    name = os.fspath(text)
    if name.partition(":")[0].strip() in _PRESETS and not isinstance(text, os.PathLike):
        return preset(name)
    looks_like_a_file = any(mark in name for mark in ("/", "\\")) or name.endswith(_FILE_ENDINGS)
    if looks_like_a_file or isinstance(text, os.PathLike) or Path(name).is_file():
        return load(name, default_rate)
    raise UnknownName("topology (no preset, and no file of that name)", name, _PRESETS)


def _argument(name: str, pair: str, allowed: Mapping[str, Any]) -> tuple[str, Any]:
    """Key and value of one ``key=value``, the value as whole number where one is meant."""
    key, equals, value = (part.strip() for part in pair.partition("="))
    if not equals or not value:
        write = f"{key}=..." if key in allowed else "KEY=VALUE, with + between parts of a list"
        raise UsageError(f"topology {name!r}: argument {pair!r} has no value; write {write}, "
                         f"as in {name}:{_example(allowed)}")
    if key not in allowed:
        raise UnknownName(f"argument of topology {name!r}:", key, allowed)
    if not isinstance(allowed[key], int):
        return key, value
    if not value.isdecimal() or len(value) > 9:
        raise UsageError(f"topology {name!r}: {key} is {value!r}; it must be a whole number, "
                         f"as in {key}={allowed[key]}")
    return key, int(value)


def _example(allowed: Mapping[str, Any]) -> str:
    """An argument with a whole number, if there is one, else the first; lists with + for commas."""
    key, value = min(allowed.items(), key=lambda pair: not isinstance(pair[1], int))
    return f"{key}={value}".replace(",", "+")
