"""Our own measurements, kept beside the device models: `devices/measured/<part>/`."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from rackwright.errors import UnknownName

__all__ = ["measured_folder", "measured_parts", "training_folder"]

TRAINING = "-training"  # ends the names of folders of training steps, which are no tables


def measured_parts() -> tuple[str, ...]:
    """Parts of the catalog that measurements are packaged for, sorted."""
    return tuple(sorted(entry.name for entry in _home().iterdir()
                        if entry.is_dir() and not entry.name.endswith(TRAINING)))


def training_folder(part: str) -> Path:
    """The folder of a part's measured training steps; raises `UnknownName`."""
    found = sorted(entry.name.removesuffix(TRAINING) for entry in _home().iterdir()
                   if entry.name.endswith(TRAINING))
    if part not in found:
        raise UnknownName("part with measured training steps", part, found)
    return _home() / f"{part}{TRAINING}"


def measured_folder(part: str) -> Path:
    """The folder of a part's measurements, for `read_folder`; raises `UnknownName`."""
    if part not in measured_parts():
        raise UnknownName("part with packaged measurements", part, measured_parts())
    return _home() / part


def _home() -> Path:
    return Path(str(resources.files("rackwright.devices"))) / "measured"
