"""Arguments that describe links and routes: one clear error for each that is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from rackwright.errors import InputError

__all__ = ["checked_bandwidths", "checked_routes"]

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]


def checked_bandwidths(given: npt.ArrayLike) -> F64:
    values = np.array(given, np.float64)
    if values.ndim != 1:
        raise InputError(f"link_bandwidth has shape {values.shape}; one number a link is needed")
    good = np.isfinite(values) & (values >= 0)
    if not good.all():
        bad = int(np.argmin(good))
        raise InputError(f"link_bandwidth[{bad}] is {values[bad]}; a finite number of bytes/s, "
                         "0 or more, is needed")
    return values


def checked_routes(offsets: npt.ArrayLike, links: npt.ArrayLike, count: int) -> tuple[I64, I32]:
    start = _whole(offsets, "path_offsets")
    crossed = _whole(links, "path_links")
    if len(start) == 0 or start[0] != 0 or start[-1] != len(crossed):
        ends = f"{start[0]} .. {start[-1]}" if len(start) else "empty"
        raise InputError(f"path_offsets is {ends}; it must start at 0 and end at the length of "
                         f"path_links, {len(crossed)}")
    falls = np.flatnonzero(np.diff(start) < 0)
    if len(falls):
        at = int(falls[0]) + 1
        raise InputError(f"path_offsets[{at}] is {start[at]}, less than the {start[at - 1]} "
                         "before it; offsets never fall")
    wrong = np.flatnonzero((crossed < 0) | (crossed >= count))
    if len(wrong):
        at = int(wrong[0])
        flow = int(np.searchsorted(start, at, side="right")) - 1
        raise InputError(f"path_links[{at}] is {crossed[at]} (path {flow}); there are {count} "
                         f"links, so 0 to {count - 1} is allowed")
    return start.astype(np.int64), crossed.astype(np.int32, copy=False)


def _whole(given: npt.ArrayLike, what: str) -> npt.NDArray[Any]:
    values: npt.NDArray[Any] = np.asarray(given)
    if values.ndim != 1:
        raise InputError(f"{what} has shape {values.shape}; one dimension is needed")
    if values.size and values.dtype.kind not in "iu":
        raise InputError(f"{what} holds {values.dtype}; whole numbers are needed")
    return values.astype(np.int64, copy=False) if values.dtype != np.int32 else values
