"""Jobs that are all known beforehand: checked arrays, one entry a job, in the order of arrival."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.errors import InputError
from rackwright.units import seconds_to_ps

__all__ = ["Batch", "new_batch", "numbers", "whole_numbers"]

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]


class Batch(NamedTuple):
    """When jobs come, what they need alone, and when they are through."""

    order: I64          # jobs by (arrival, number)
    arrival_ps: I64
    service_ps: I64
    finish_ps: I64      # -1 until it has finished
    begun: I64          # (1,): jobs that have arrived
    ended: I64          # (1,)


def new_batch(arrival_time: npt.ArrayLike, service_time: npt.ArrayLike,
              count: int | None = None,
              names: tuple[str, str] = ("arrival_time", "service_time")) -> Batch:
    """`count` jobs that arrive at `arrival_time` (s) and take `service_time` (s) alone.

    Each is a number or has shape (jobs,), which gives `count` if that is None. `names` are what
    errors call them. Raises `InputError` for shapes that do not fit and for times that are not
    finite numbers >= 0, `UnitError` for times beyond the engine's clock.
    """
    if count is None:
        shaped = [np.size(one) for one in (arrival_time, service_time) if np.ndim(one)]
        count = shaped[0] if shaped else 1
    arrival = numbers(arrival_time, count, names[0], 0.0, "0 or more seconds")
    service = numbers(service_time, count, names[1], 0.0, "0 or more seconds")
    arrival_ps = np.asarray(seconds_to_ps(arrival), np.int64)
    return Batch(np.argsort(arrival_ps, kind="stable"), arrival_ps,
                 np.asarray(seconds_to_ps(service), np.int64), np.full(count, -1, np.int64),
                 np.zeros(1, np.int64), np.zeros(1, np.int64))


def numbers(given: npt.ArrayLike, count: int, what: str, least: float, rule: str) -> F64:
    """`given`, a number or one for each of `count` jobs, as float64 of shape (count,).

    Raises `InputError`, naming the first job whose number is not finite or below `least`.
    """
    values = _shaped(given, count, what).astype(np.float64)
    good = np.isfinite(values) & (values >= least)
    if not good.all():
        bad = int(np.argmin(good))
        raise InputError(f"{what}[{bad}] is {values[bad]}; {rule} is needed")
    return values


def whole_numbers(given: npt.ArrayLike, count: int, what: str, least: int, most: int) -> I64:
    """As `numbers`, for whole numbers from `least` to `most`."""
    values = _shaped(given, count, what)
    if values.dtype.kind not in "iu":
        raise InputError(f"{what} holds {values.dtype}; whole numbers are needed")
    good = (values >= least) & (values <= most)
    if not good.all():
        bad = int(np.argmin(good))
        raise InputError(f"{what}[{bad}] is {values[bad]}; {least} to {most} is allowed")
    return values.astype(np.int64)


def _shaped(given: npt.ArrayLike, count: int, what: str) -> npt.NDArray[Any]:
    values: npt.NDArray[Any] = np.asarray(given)
    if values.dtype.kind not in "iuf":
        raise InputError(f"{what} holds {values.dtype}; numbers are needed")
    if values.ndim and values.shape != (count,):
        raise InputError(f"{what} has shape {values.shape}; there are {count} jobs, so ({count},) "
                         "or one number is needed")
    return np.array(np.broadcast_to(values, (count,)))
