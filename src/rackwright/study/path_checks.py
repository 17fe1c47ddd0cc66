"""Whether a path of a study can have the value that it is given, before anything runs.

Options are checked with their system (`checks`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rackwright.errors import UnknownName, UsageError
from rackwright.study.paths import Target
from rackwright.study.settings import settings
from rackwright.study.study import Study
from rackwright.study.traces import GENERATE, check_generator

__all__ = ["check_path"]


def check_path(study: Study, target: Target, value: Any, folder: Path) -> None:
    """Raises UsageError, UnknownName, or what reading the value raises."""
    if target.kind in _CHECKS:
        _CHECKS[target.kind](study, target, value, folder)


def _seed(_study: Study, target: Target, value: Any, _folder: Path) -> None:
    least, most = (1, 2**62) if target.kind == "limit" else (0, 2**31 - 1)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise UsageError(f"{target.kind} is {value!r}; it must be a whole number from {least}")


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or not value:
        raise UsageError(f"{what} is {value!r}; it must be text in quotes")
    return value


def _topology(_study: Study, _target: Target, value: Any, folder: Path) -> None:
    from rackwright import topologies

    name = _text(value, "topology").partition(":")[0].strip()
    if name in topologies.preset_names():
        allowed = topologies.preset_arguments(name)
        for pair in filter(None, value.partition(":")[2].split(",")):
            key = pair.partition("=")[0].strip()
            if key not in allowed:
                raise UnknownName(f"argument of topology {name!r}:", key, allowed)
    elif not (folder / value).is_file():
        raise UnknownName(f"topology (no preset, and no file of that name in {folder})", value,
                          topologies.preset_names())


def _topology_argument(study: Study, target: Target, _value: Any, _folder: Path) -> None:
    from rackwright import topologies

    presets = {str(value).partition(":")[0] for _, path, value in settings(study)
               if path == "topology"}
    known = [name for name in presets if name in topologies.preset_names()]
    allowed = {key for name in known for key in topologies.preset_arguments(name)}
    if known and target.field not in allowed:
        raise UnknownName(f"argument of topology {', '.join(sorted(known))}:", target.field,
                          allowed)


def _trace(_study: Study, _target: Target, value: Any, folder: Path) -> None:
    from rackwright import traces

    name = _text(value, "trace")
    if name.startswith(GENERATE):
        check_generator(name)
    elif name not in traces.sample_names() and not (folder / name).is_file():
        raise UnknownName(f"trace (none is packaged, and no file of that name in {folder})", name,
                          traces.sample_names())


def _trace_argument(study: Study, target: Target, _value: Any, _folder: Path) -> None:
    kinds = [str(value) for _, path, value in settings(study)
             if path == "trace" and str(value).startswith(GENERATE)]
    if not kinds:
        raise UsageError(f"trace.args.{target.field} needs a trace that is generated: "
                         'trace = "generate:requests"')
    for kind in kinds:
        check_generator(kind, target.field)


def _part(_study: Study, target: Target, value: Any, _folder: Path) -> None:
    from rackwright.devices import catalog
    from rackwright.study.parts import check_field

    if target.kind == "device":
        check_field(target.selector, target.field, value)
    elif _text(value, "a part") not in catalog.names():
        raise UnknownName("part", value, catalog.names())


def _catalog(_study: Study, _target: Target, value: Any, folder: Path) -> None:
    if not (folder / _text(value, "catalog")).is_dir():
        raise UsageError(f"catalog is {value!r}; it must be a folder with part files, in {folder}")


def _link(_study: Study, target: Target, value: Any, _folder: Path) -> None:
    from rackwright.study.parts import link_change

    link_change(target.field, value)


_CHECKS: Mapping[str, Any] = {
    "catalog": _catalog, "seed": _seed, "limit": _seed, "topology": _topology,
    "topology.args": _topology_argument, "trace": _trace, "trace.args": _trace_argument,
    "device": _part, "replace": _part, "link": _link}
