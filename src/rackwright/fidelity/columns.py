"""What is held against what: a column of the report is a GPU model and rows that were measured.

Packaged rows come from `devices/measured/<machine>/`. A machine is held against the part that its
`machine.json` names (key `part`), or else against the part whose name its folder's name begins
with: `h100-sxm-x8` measures `h100-sxm`. All machines of a part make one column. A part that the
catalog has as `like` another measured one gets a second column: the other's coefficients, and
numbers whose source says "measured", on its own datasheet numbers.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rackwright.calibrate.packaged import measured_folder, measured_parts
from rackwright.calibrate.rows import Row, read_table, table_of
from rackwright.calibrate.tables import TABLES
from rackwright.devices import catalog
from rackwright.devices.gpu.part import Gpu
from rackwright.errors import CatalogError, UnknownName

__all__ = ["Column", "Machine", "own_column", "packaged_columns", "packaged_machines",
           "transferred"]

MEASURED = "measured"  # how the source of a number begins that no datasheet gives
AGAIN, AFTERWARDS = "repeat", "afterwards"  # folders in a machine's: see `Machine`


@dataclass(frozen=True)
class Machine:
    """Rows by table, as measured on one machine; `digest`: SHA-256 of its tables.

    `again`: some of its points, measured a second time. `afterwards`: points that nobody had
    looked at when the models were finished.
    """

    name: str
    part: str
    rows: Mapping[str, Sequence[Row]]
    digest: str
    again: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    afterwards: Mapping[str, Sequence[Row]] = field(default_factory=dict)


@dataclass(frozen=True)
class Column:
    """A model, the machines it is held against, and those that a roofline is fitted on.

    `gpu` is the model; `coefficients_of` names the part whose coefficients it has. A roofline is
    fitted to the set "fit" of `basis_machines` with the datasheet of `basis`.
    """

    name: str
    gpu: Gpu
    coefficients_of: str
    machines: tuple[Machine, ...]
    basis: Gpu
    basis_machines: tuple[Machine, ...]


def packaged_columns(parts: Sequence[str] = (), folder: Path | None = None) -> list[Column]:
    """Columns of the packaged measurements of `parts` (of all when empty).

    `folder`: part files of the user, which come before the packaged ones. Raises `UnknownName`
    for a part that nothing was measured of.
    """
    of = _by_part(packaged_machines(folder))
    for part in parts:
        if part not in of:
            raise UnknownName("part with packaged measurements", part, of)
    chosen = [part for part in of if not parts or part in parts]
    own = [_own(catalog.gpu(part, folder=folder), of[part]) for part in chosen]
    return own + [transferred(_own(catalog.gpu(one, folder=folder), of[one]), target)
                  for target in own for one in _sources(target.gpu, of)]


def own_column(gpu: Gpu, rows: Mapping[str, Sequence[Row]], digest: str,
               folder: Path | None = None) -> Column:
    """The user's own rows against `gpu`.

    A roofline is fitted to their set "fit", or to the packaged one of tables without such rows.
    """
    machine = Machine("data", gpu.name, rows, digest)
    lacking = [table for table, members in rows.items()
               if not any(row.point.set == "fit" for row in members)]
    packaged = packaged_machines(folder, lacking, gpu.name) if lacking else []
    return Column(gpu.name, gpu, gpu.name, (machine,), gpu, (machine, *packaged))


def transferred(source: Column, target: Column) -> Column:
    """`target` with all that is fitted or measured of `source`; its own are datasheet numbers."""
    taken = {field.name: getattr(source.gpu, field.name)
             for field in dataclasses.fields(target.gpu) if _from_measurements(target.gpu, field)}
    return Column(_short(target.gpu.name, source.gpu.name),
                  dataclasses.replace(target.gpu, **taken), source.gpu.name, target.machines,
                  source.basis, source.basis_machines)


def packaged_machines(folder: Path | None = None, tables: Iterable[str] = TABLES,
                      part: str = "") -> list[Machine]:
    """The packaged measurements of these tables (and this part), by the names of the folders."""
    homes = [(name, measured_folder(name)) for name in measured_parts()]
    found = [(name, home, _part_of(name, home, folder)) for name, home in homes]
    return [_machine(name, home, measures, tables) for name, home, measures in found
            if part in ("", measures)]


def _machine(name: str, home: Path, part: str, tables: Iterable[str]) -> Machine:
    digest, wanted = hashlib.sha256(), set(tables)
    for path in _files(home, wanted):
        digest.update(f"{path.name}\n".encode() + path.read_bytes())
    return Machine(name, part, _rows(home, wanted), digest.hexdigest(),
                   _rows(home / AGAIN, wanted), _rows(home / AFTERWARDS, wanted))


def _rows(home: Path, wanted: Container[str]) -> dict[str, list[Row]]:
    return {table_of(path).name: read_table(path) for path in _files(home, wanted)}


def _files(home: Path, wanted: Container[str]) -> list[Path]:
    return [path for path in sorted(home.glob("*.csv*")) if path.name.partition(".")[0] in wanted]


def _part_of(name: str, home: Path, folder: Path | None) -> str:
    path = home / "machine.json"
    try:
        told = json.loads(path.read_text(encoding="utf-8")).get("part")
    except (OSError, ValueError, AttributeError) as problem:
        raise CatalogError(f"cannot be read: {problem}", place=path) from None
    known = catalog.names("gpu", folder=folder)
    if told is None:
        told = max((part for part in known if f"{name}-".startswith(f"{part}-")), key=len,
                   default=name)
    if told not in known:
        raise CatalogError(f"measured on {told!r}, which is no GPU of the catalog; name one with "
                           f"the key 'part'. Known: {', '.join(known)}", place=path)
    return str(told)


def _by_part(machines: Sequence[Machine]) -> dict[str, tuple[Machine, ...]]:
    parts = sorted({machine.part for machine in machines})
    return {part: tuple(machine for machine in machines if machine.part == part)
            for part in parts}


def _own(gpu: Gpu, machines: tuple[Machine, ...]) -> Column:
    return Column(gpu.name, gpu, gpu.name, machines, gpu, machines)


def _sources(gpu: Gpu, of: Mapping[str, tuple[Machine, ...]]) -> list[str]:
    """Measured parts that `gpu` is `like`, in the catalog's sense."""
    return sorted({entry.inherited_from for entry in gpu.shown.values()} & set(of))


def _from_measurements(gpu: Gpu, field: dataclasses.Field[Any]) -> bool:
    """Whether a field holds what measuring that very part gave: a fit, or a measured number."""
    key = field.metadata.get("key") or field.name
    return "fit" in field.metadata or gpu.sources.get(key, "").startswith(MEASURED)


def _short(target: str, source: str) -> str:
    """"h200 from h100": without the ending that the two names have in common."""
    end = target.rpartition("-")[2]
    if "-" in target and source.endswith(f"-{end}"):
        target, source = target.removesuffix(f"-{end}"), source.removesuffix(f"-{end}")
    return f"{target} from {source}"
