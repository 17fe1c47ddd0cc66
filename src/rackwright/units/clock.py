"""Seconds to the engine's clock and back: int64 picoseconds, 0 to 106 days.

Rounding is to the nearest picosecond, half to even. Seconds given as float64 are multiplied once
in float64, scalar and array alike, so that both give the same integer; text is converted exactly.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Unpack, overload

from rackwright.errors import UnitError
from rackwright.units.quantity import Quantity, Where, exact_value, refusal

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["MAX_TIME", "parse_time_ps", "ps_to_seconds", "seconds_to_ps"]

MAX_TIME = 106 * 86_400.0  # s; int64 picoseconds end 18 hours later, room for sums
_PS = 10**12
_RANGE = "the engine's clock goes from 0 to 106 days"


def parse_time_ps(value: str | Quantity, **where: Unpack[Where]) -> int:
    """The nearest whole picosecond of a time such as '2us'; at most MAX_TIME. Raises UnitError."""
    exact = exact_value(value, "time", where)
    if exact > Fraction(MAX_TIME):
        raise refusal(value, "time", _RANGE, where)
    return round(exact * _PS)


@overload
def seconds_to_ps(seconds: float) -> int: ...
@overload
def seconds_to_ps(seconds: npt.NDArray[Any]) -> npt.NDArray[np.int64]: ...
def seconds_to_ps(seconds: Any) -> Any:
    """Whole picoseconds (int, or int64 of the array's shape) nearest to `seconds`.

    Raises UnitError on nan, negative times and times above MAX_TIME, naming the first one.

    >>> seconds_to_ps(6e-05)
    60000000
    """
    if isinstance(seconds, (int, float)):
        if not 0 <= seconds <= MAX_TIME:
            raise UnitError(f"not a time in seconds: {seconds!r}; {_RANGE}")
        return round(seconds * 1e12)
    import numpy as np

    values = np.asarray(seconds, dtype=np.float64)
    good = (values >= 0) & (values <= MAX_TIME)
    if not good.all():
        first = int(np.argmin(good))
        raise UnitError(f"not a time in seconds: {float(values.flat[first])!r} at index {first}; "
                        f"{_RANGE}")
    whole = np.rint(values * 1e12).astype(np.int64)
    return whole if whole.ndim else int(whole)


@overload
def ps_to_seconds(ps: int) -> float: ...
@overload
def ps_to_seconds(ps: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]: ...
def ps_to_seconds(ps: Any) -> Any:
    """Seconds (float, or float64 of the array's shape) of whole picoseconds; any sign.

    >>> ps_to_seconds(60_000_000)
    6e-05
    """
    if isinstance(ps, int):
        return float(ps) / 1e12
    import numpy as np

    values = np.asarray(ps, dtype=np.int64).astype(np.float64) / 1e12
    return values if values.ndim else float(values)
