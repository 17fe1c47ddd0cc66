"""Rack files: which topology, which instruments, what work (TOML, read strictly).

``[rack]`` has `name`, `topology` (a preset or a file beside the rack file) and `replay_unit`;
``[instruments]`` has `boards`, patterns of the nodes that get a meter of their own;
``[workload.NAME]`` is synthetic work (`workload`); ``[system.NAME]`` a replay of a registered
system, with `system`, `topology` (else the rack's), `trace`, `limit`, `seed` and a table `options`.
Anything else is an error with its line.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rackwright.errors import RackwrightError
from rackwright.panel.boards import Boards
from rackwright.panel.tables import Table, read_tables
from rackwright.panel.workload import PATTERNS, Workload, partners
from rackwright.topologies import Fabric, compile, preset_names, resolve
from rackwright.units import parse_bandwidth, parse_bytes, parse_time

__all__ = ["REPLAY_NBYTES", "RackFile", "SystemReplay", "rack_file_of", "read_rack"]

REPLAY_NBYTES = 256  # stand-in: payload of one unit that is sent again after a bit error
MOST_PAIRS = 4096    # of one workload; our own limit
MOST_METERS = 256
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")


@dataclass(frozen=True)
class SystemReplay:
    """A ``[system.NAME]``: what `rackwright.run.replay` is called with."""

    name: str
    system: str
    topology: str | None
    trace: str | None
    limit: int | None
    seed: int
    options: Mapping[str, Any]


@dataclass(frozen=True)
class RackFile:
    """What a rack file says, checked."""

    name: str
    fabric: Fabric
    replay_nbytes: float
    meters: tuple[str, ...]
    workloads: Mapping[str, Workload]
    systems: Mapping[str, SystemReplay]

    @property
    def most_streams(self) -> int:
        """Streams that may have a limit at once."""
        return max((len(work.pairs) for work in self.workloads.values()), default=0) + 1


def read_rack(path: str | Path) -> RackFile:
    """Read a rack file. Raises InputError with file and line."""
    root = read_tables(path)
    head = root.table("rack")
    name = _named(head, "name", "rack")
    fabric = _fabric(head, Path(path).parent)
    replay_nbytes = float(head.quantity("replay_unit", parse_bytes, REPLAY_NBYTES))
    if not 1 <= replay_nbytes <= 1 << 20:
        raise head.error("replay_unit", f"is {replay_nbytes:g} bytes; 1B to 1MiB is needed")
    head.done()
    boards = Boards(fabric)
    meters = _meters(root.table("instruments"), boards)
    workloads = {work.name: work for table in root.tables("workload")
                 for work in [_workload(table, fabric, boards)]}
    systems = {one.name: one for table in root.tables("system") for one in [_system(table)]}
    for twice in sorted(workloads.keys() & systems.keys()):
        raise root.error("system", f"{twice} names a workload and a system; one name, one thing")
    root.done()
    return RackFile(name, fabric, replay_nbytes, meters, workloads, systems)


def rack_file_of(topology: str) -> RackFile:
    """A rack without a file: a topology's name, one meter a GPU, no work."""
    fabric = compile(resolve(topology))
    return RackFile("rack", fabric, float(REPLAY_NBYTES),
                    tuple(node for node in fabric.gpus() if node in Boards(fabric).all), {}, {})


def _named(table: Table, key: str, default: str) -> str:
    name = table.text(key, default)
    if not _NAME.fullmatch(name):
        raise table.error(key, f"is {name!r}; a letter, then up to 39 letters, digits, - and _")
    return name


def _fabric(head: Table, folder: Path) -> Fabric:
    text = head.text("topology")
    if text.partition(":")[0].strip() not in preset_names() and (folder / text).is_file():
        text = str(folder / text)
    try:
        return compile(resolve(text))
    except RackwrightError as problem:
        raise head.error("topology", str(problem)) from None


def _meters(table: Table, boards: Boards) -> tuple[str, ...]:
    patterns = table.texts("boards") if table.has("boards") else ["*gpu*"]
    table.done()
    found = []
    for pattern in patterns:
        matched = fnmatch.filter(boards.names, pattern)
        if not matched and table.has("boards"):
            some = ", ".join(boards.names[:6])
            raise table.error("boards", f"no metered board is named {pattern!r}; there are {some}")
        found += matched
    if len(found) > MOST_METERS:
        raise table.error("boards", f"name {len(found)} boards; at most {MOST_METERS} get a meter")
    return tuple(dict.fromkeys(found))


def _workload(table: Table, fabric: Fabric, boards: Boards) -> Workload:
    name = _checked_name(table)
    devices = _nodes(table, "devices", fabric)
    receivers = _nodes(table, "to", fabric) if table.has("to") else []
    pattern = table.choice("pattern", PATTERNS, "none")
    if receivers and pattern in ("none", "ring"):
        raise table.error("to", f"means nothing for the pattern {pattern}")
    compute = table.quantity("compute", parse_time, 0.0)
    activity = table.text("activity", "gemm_bf16") if compute or table.has("activity") else ""
    nbytes = float(table.quantity("nbytes", parse_bytes, 0))
    pairs = table.checked("pattern", lambda: _routed(partners(pattern, devices, receivers), fabric))
    if len(pairs) > MOST_PAIRS:
        raise table.error("pattern", f"has {len(pairs)} pairs; at most {MOST_PAIRS}")
    work = Workload(name, tuple(devices), activity, compute, tuple(pairs), nbytes,
                    table.whole("rounds", 0, 1 << 30, 0),
                    table.quantity("limit", parse_bandwidth, 0.0),
                    table.quantity("duration", parse_time, 0.0))
    _refuse_contradictions(table, work, boards)
    table.done()
    return work


def _checked_name(table: Table) -> str:
    name = table.name.rpartition(".")[2]
    if not _NAME.fullmatch(name):
        raise table.error("", f"{name!r} is no name; a letter, then letters, digits, - and _")
    return name


def _refuse_contradictions(table: Table, work: Workload, boards: Boards) -> None:
    if not work.pairs and not work.compute_time:
        raise table.error("", "does nothing: give `compute`, or `pattern` and `nbytes`")
    if work.nbytes and not work.pairs:
        raise table.error("nbytes", "nobody sends: give a `pattern`")
    if work.compute_time and work.pairs and not work.nbytes:
        raise table.error("pattern", "rounds need `nbytes`; a steady workload computes nothing")
    if table.has("duration") and work.in_rounds:
        raise table.error("duration", "is for steady streams; give `rounds`")
    if table.has("rounds") and not work.in_rounds:
        raise table.error("rounds", "steady streams have no rounds; give `duration`")
    for device in work.devices if work.compute_time else ():
        if device not in boards.all:
            raise table.error("devices", f"{device} computes and its part file says no power")
        table.checked("activity", lambda node=device: boards.all[node].added(work.activity))  # type: ignore[misc]


def _routed(pairs: list[tuple[str, str]], fabric: Fabric) -> list[tuple[str, str]]:
    for source, target in pairs:
        fabric.route(source, target)
    return pairs


def _nodes(table: Table, key: str, fabric: Fabric) -> list[str]:
    found: list[str] = []
    for pattern in table.texts(key):
        matched = fnmatch.filter(fabric.nodes, pattern)
        if not matched:
            some = ", ".join(fabric.nodes[:6])
            raise table.error(key, f"no node is named {pattern!r}; there are {some} ...")
        found += matched
    return list(dict.fromkeys(found))


def _system(table: Table) -> SystemReplay:
    from rackwright.models import registry

    system = table.choice("system", registry.names(), "")
    options = table.table_below("options")
    model = registry.get(system)
    read = model.options.read_settings(options)
    table.checked("options", lambda: model.options.checked(read))
    found = SystemReplay(_checked_name(table), system,
                         table.text("topology") if table.has("topology") else None,
                         table.text("trace") if table.has("trace") else None,
                         table.whole("limit", 1, 1 << 40, 1) if table.has("limit") else None,
                         table.whole("seed", 0, (1 << 31) - 1, 0), read)
    table.done()
    return found
