"""Bandwidth as others keep it: Mahimahi link files and iperf series, one file or one a site.

Told by content: our CSV (`rackwright.traces.read_bandwidth_trace`); a list of files with the header
``site,up,down``, a row a site and paths relative to the list; or one file of numbers, a link that
every site has both ways, as the authors' emulation had it. Series of unequal length are cut to the
shortest. Units: bytes/s in steps of 1 s. Left out: the queue of the traced link.
"""

from __future__ import annotations

import gzip
from os import PathLike
from pathlib import Path

import numpy as np

from rackwright.errors import InputError, TraceError
from rackwright.topologies import read_bandwidth
from rackwright.traces.wan import BandwidthTrace
from rackwright.traces.wan_file import read_bandwidth_trace

__all__ = ["LIST_HEADER", "read_links"]

LIST_HEADER = "site,up,down"
STEP_TIME = 1.0      # s


def read_links(path: str | PathLike[str], limit: int | None = None) -> BandwidthTrace:
    """A trace of any of the kinds above, or its first `limit` rows (of our CSV) or steps.

    Raises InputError (cannot be opened, no number), TraceError (line, value), UsageError (limit).
    """
    path = Path(path)
    head = _first_line(path)
    if head == LIST_HEADER:
        found = _listed(path)
    elif _is_number(head):
        series = np.array(read_bandwidth(path, STEP_TIME))[:, np.newaxis]
        found = BandwidthTrace(("link",), STEP_TIME, series, series, path.stem, path.name)
    else:
        return read_bandwidth_trace(path, limit)
    return found if limit is None else found.first(limit)


def _listed(path: Path) -> BandwidthTrace:
    sites: list[str] = []
    ways: tuple[list[list[float]], list[list[float]]] = [], []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#") or line.strip() == LIST_HEADER:
            continue
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) != 3 or not all(cells):
            raise TraceError(f"{line.strip()[:60]!r}; expected a site, the file of its link out "
                             "and the file of its link in", place=path, line=number)
        sites.append(cells[0])
        for way, name in zip(ways, cells[1:], strict=True):
            try:
                way.append(read_bandwidth(path.parent / name, STEP_TIME))
            except InputError as problem:
                raise TraceError(f"site {cells[0]}: {problem}", place=path, line=number) from None
    if not sites:
        raise TraceError("no site is listed; at least 1 is expected", place=path)
    steps = min(len(series) for way in ways for series in way)
    up, down = (np.array([series[:steps] for series in way]).T for way in ways)
    return BandwidthTrace(tuple(sites), STEP_TIME, up, down, path.stem, path.name)


def _first_line(path: Path) -> str:
    """The first line that says something; empty where the file cannot be read as text."""
    try:
        with (gzip.open(path, "rt") if path.suffix == ".gz" else path.open()) as file:
            return next((line.strip() for line in file
                         if line.strip() and not line.startswith("#")), "")
    except (OSError, UnicodeDecodeError):
        return ""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
