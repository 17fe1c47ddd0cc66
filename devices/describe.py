"""Parts as tables and records: what `rackwright devices` prints.

Numbers are shown as their part files write them, with unit, source and the class of the source:
`stated` by who makes the part or its standard, `measured` by us, `computed` or `derived` from
such, `fitted` so that a model meets points, `reported` by others, `recalled` without being
checked, `assumed`. The class is read from the source's own words, the weakest that it uses.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from pathlib import Path
from typing import Any

from rackwright.devices import catalog
from rackwright.devices.part import Fit, Part

__all__ = ["SOURCE_CLASSES", "headlines", "headlines_of", "record", "source_class"]

SOURCE_CLASSES = ("stated", "measured", "computed", "derived", "fitted", "reported", "recalled",
                  "assumed")
_OTHERS = (r"third-party|\bread in|[Cc]overage|listing|github\.com|AnandTech|ComputerBase|heise|"
           r"Hardwareluxx|Linley|Tech(gage|Insights)|gpu\.blog|hpctech|servethehome|yobitel")
_WORDS = (("assumed", r"\bassum|stand-in"), ("recalled", r"\brecalled"), ("reported", _OTHERS),
          ("fitted", r"^fitted"), ("derived", r"^derived"), ("computed", r"^computed"),
          ("measured", r"\.csv|\bmeasured"))

_MOST = 5
# the numbers that tell parts of a kind apart, by the keys of their files
_HEADLINES: dict[str, tuple[str, ...]] = {
    "cpu": ("cores", "base_clock", "memory_bandwidth", "pcie_lanes", "tdp", "price"),
    "gpu": ("sms", "memory", "memory_bandwidth", "peak_fp16", "tdp"),
    "link": ("rate", "efficiency", "latency"),
    "memory": ("capacity", "bandwidth", "channels", "load_latency"),
    "nic": ("rate", "ports", "latency", "power"),
    "nvme": ("capacity", "read_bandwidth", "write_bandwidth", "read_iops", "read_latency"),
    "pcie": ("lane_rate", "lanes", "latency"),
    "pcie-switch": ("lanes", "latency", "power"),
    "server": ("sockets", "nics", "drives", "board_power", "chassis_price"),
    "smart-nic": ("rate", "cores", "memory_bandwidth", "pcie_lanes", "crypto", "power"),
    "switch": ("ports", "port_rate", "latency"),
}


def headlines(kind: str, folder: str | Path | None = None) -> tuple[str, ...]:
    """Keys of the numbers that a table of `kind` shows: those of its first part by default."""
    if kind in _HEADLINES:
        return _HEADLINES[kind]
    names = catalog.names(kind, folder=folder)
    return tuple(catalog.get(names[0], folder=folder).shown)[:_MOST] if names else ()


def headlines_of(kind: str, folder: str | Path | None = None) -> list[list[str]]:
    """A row for each part of `kind`: name, headline numbers, how many of its numbers are weak
    (recalled or assumed), its best band's class."""
    keys = headlines(kind, folder)
    return [[name, *(_number(part, key) for key in keys), _weak(part), _basis(part)]
            for name in catalog.names(kind, folder=folder)
            for part in [catalog.get(name, folder=folder)]]


def source_class(source: str) -> str:
    """One of `SOURCE_CLASSES`.

    >>> source_class("computed: 3 channels x 64 bit (assumed width)")
    'assumed'
    """
    return next((name for name, words in _WORDS if re.search(words, source)), "stated")


def record(part: Part) -> dict[str, Any]:
    """Everything a part's file says: numbers with unit and source, calibration with bands."""
    words = {field.name: getattr(part, field.name) for field in dataclasses.fields(part)
             if field.metadata.get("text")}
    numbers = {key: {**dataclasses.asdict(shown), "class": source_class(shown.source)}
               for key, shown in part.shown.items()}
    return {"name": part.name, "kind": part.kind, "title": part.title, **words,
            "content_hash": part.content_hash, "datasheet": numbers,
            "calibration": {name: _calibration(fit) for name, fit in _fits(part).items()}}


def _fits(part: Part) -> dict[str, Fit]:
    found = {field.name: getattr(part, field.name) for field in dataclasses.fields(part)}
    return {name: value for name, value in found.items() if isinstance(value, Fit)}


def _calibration(fit: Fit) -> dict[str, Any]:
    values = dataclasses.asdict(fit)
    about = {field.name: values.pop(field.name) for field in dataclasses.fields(Fit)}
    return {"class": about.pop("basis"), **about, "coefficients": values}


def _number(part: Part, key: str) -> str:
    shown = part.shown.get(key)
    if shown is None:
        return "-"
    if shown.unit == "flop/s":
        return f"{shown.value / 1e12:g} Tflop/s"
    value = f"{shown.value:.9g}" if shown.value < 1e5 else f"{shown.value:g}"
    return value if shown.unit in ("1", "1/s") else f"{value} {shown.unit}"


def _weak(part: Part) -> str:
    found = Counter(source_class(shown.source) for shown in part.shown.values())
    return f"{found['recalled'] + found['assumed']} of {found.total()}"


def _basis(part: Part) -> str:
    classes = {fit.basis for fit in _fits(part).values()}
    return next((basis for basis in ("calibrated", "derived", "assumed") if basis in classes), "-")
