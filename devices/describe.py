"""Parts as tables and records: what `rackwright devices` prints.

Numbers are shown as their part files write them, with unit and source. Nothing is computed here.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from rackwright.devices import catalog
from rackwright.devices.part import Fit, Part

__all__ = ["headlines", "headlines_of", "record"]

# the numbers that tell parts of a kind apart, by the keys of their files
_HEADLINES: dict[str, tuple[str, ...]] = {
    "cpu": ("cores", "base_clock", "memory_bandwidth", "pcie_lanes", "tdp"),
    "gpu": ("sms", "memory", "memory_bandwidth", "peak_fp16", "tdp"),
    "link": ("rate", "efficiency", "latency"),
    "memory": ("capacity", "bandwidth", "channels"),
    "nic": ("rate", "ports", "latency"),
    "nvme": ("capacity", "read_bandwidth", "write_bandwidth", "read_latency"),
    "pcie": ("lane_rate", "lanes", "latency"),
    "pcie-switch": ("lanes", "latency", "power"),
    "smart-nic": ("rate", "cores", "memory_bandwidth", "pcie_lanes", "latency"),
    "switch": ("ports", "port_rate", "latency"),
}


def headlines(kind: str) -> tuple[str, ...]:
    """Keys of the numbers that a table of `kind` shows."""
    return _HEADLINES[kind]


def headlines_of(kind: str, folder: str | Path | None = None) -> list[list[str]]:
    """A row for each part of `kind`: its name, its headline numbers, its best band's class."""
    return [[name, *(_number(part, key) for key in _HEADLINES[kind]), _basis(part)]
            for name in catalog.names(kind, folder=folder)
            for part in [catalog.get(name, folder=folder)]]


def record(part: Part) -> dict[str, Any]:
    """Everything a part's file says: numbers with unit and source, calibration with bands."""
    words = {field.name: getattr(part, field.name) for field in dataclasses.fields(part)
             if field.metadata.get("text")}
    numbers = {key: dataclasses.asdict(shown) for key, shown in part.shown.items()}
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
    return f"{shown.value:g}" if shown.unit == "1" else f"{shown.value:g} {shown.unit}"


def _basis(part: Part) -> str:
    classes = {fit.basis for fit in _fits(part).values()}
    return next((basis for basis in ("calibrated", "derived", "assumed") if basis in classes), "-")
