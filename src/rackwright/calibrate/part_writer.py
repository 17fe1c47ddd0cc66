"""A refitted GPU as a part file of the catalog, which `catalog.load_part` reads back.

The file is `like` the part that was refitted. Each calibration that was fitted says so, with its
fit set, its date and the errors on rows of set "held" (of set "fit" where none are held: it says
which); the others keep the numbers and the class that they have, and "calibrated" ones of the
other part become "derived".

Leaves out: the datasheet, which is the other part's; edit the file where yours differs.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from rackwright.calibrate.refit import FITTED, chosen_rows
from rackwright.calibrate.report import row_errors
from rackwright.calibrate.rows import Row
from rackwright.devices import catalog
from rackwright.devices.gpu.part import Gpu
from rackwright.devices.part import Fit
from rackwright.errors import UsageError
from rackwright.writing import write_text

__all__ = ["check_target", "part_text", "write_part"]


def check_target(path: Path) -> None:
    """Raises `UsageError` unless `path` can be a new part file of the user's own."""
    if path.suffix != ".toml" or path.exists() or path.stem in catalog.names():
        raise UsageError(f"--write takes a new .toml file, named after its part; {path} "
                         + ("is there" if path.exists() else "has another ending"
                            if path.suffix != ".toml" else "has the name of a catalog part"))


def write_part(path: Path, part: Gpu, fitted: Gpu, found: Mapping[str, Mapping[str, float]],
               rows: Mapping[str, Sequence[Row]], origin: str, day: datetime.date) -> None:
    """Write `part_text` to the new file `path`, whose name is the part's; else `UsageError`."""
    check_target(path)
    write_text(path, part_text(path.stem, part, fitted, found, rows, origin, day))


def part_text(name: str, part: Gpu, fitted: Gpu, found: Mapping[str, Mapping[str, float]],
              rows: Mapping[str, Sequence[Row]], origin: str, day: datetime.date) -> str:
    """The part file of `fitted`, called `name`; `origin`: where the `rows` come from."""
    blocks = [_block("part", {"name": name, "kind": part.kind, "like": part.name,
                              "title": f"{part.title}, fitted to {origin}"})]
    for table, fit in _fits(part):
        entries = _own(table, fitted, found[table], rows, origin, day) if table in found else \
            _kept(part, fit)
        blocks.append(_block(f"calibration.{table}", entries))
    return "\n".join(blocks)


def _fits(part: Gpu) -> Iterator[tuple[str, Fit]]:
    for name in part.__dataclass_fields__:
        value = getattr(part, name)
        if isinstance(value, Fit):
            yield name, value


def _own(table: str, fitted: Gpu, values: Mapping[str, float], rows: Mapping[str, Sequence[Row]],
         origin: str, day: datetime.date) -> dict[str, object]:
    used, held = (chosen_rows(FITTED[table].rows, rows, one) for one in ("fit", "held"))
    one = "held" if any(held.values()) else "fit"
    errors = np.abs(np.concatenate([row_errors(fitted, members) for members in
                                    (held if one == "held" else used).values() if members]))
    errors = errors[~np.isnan(errors)]
    count = sum(map(len, used.values()))
    return {"class": "calibrated",
            "fit_set": f"{origin}: {count} rows of set fit in {', '.join(used)}", "date": day,
            "source": f"measured: {origin}; median and p90 of {len(errors)} rows of set {one}",
            "median": _short(np.median(errors)), "p90": _short(np.percentile(errors, 90)), **values}


def _kept(part: Gpu, fit: Fit) -> dict[str, object]:
    return {"class": "derived" if fit.basis == "calibrated" else fit.basis,
            "fit_set": f"none: {part.name} has {fit.fit_set}", "source": f"as {part.name}",
            "median": fit.median, "p90": fit.p90}


def _block(section: str, entries: Mapping[str, object]) -> str:
    lines = [f"{key} = {_toml(value)}" for key, value in entries.items()]
    return "\n".join([f"[{section}]", *lines]) + "\n"


def _toml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)


def _short(share: float) -> float:
    return round(float(share), 4)
