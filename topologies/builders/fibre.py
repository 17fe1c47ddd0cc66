"""Time of light in fibre between two places on the Earth.

A great circle on a sphere of the Earth's mean radius (6,371,008.8 m: IUGG), at the speed of
light over the group index of standard fibre (1.468 at 1,550 nm: ITU-T G.652 fibre, vendors' data
sheets), times a detour: cables follow coasts and borders. `DETOUR` is FITTED to a published matrix
of round-trip times between cloud regions; see `wan` for the points and the error.
"""

from __future__ import annotations

import math

from rackwright.errors import UsageError

__all__ = ["DETOUR", "FIXED_TIME", "distance_m", "fibre_time"]

EARTH_RADIUS = 6_371_008.8     # m
LIGHT_SPEED = 299_792_458.0    # m/s
GROUP_INDEX = 1.468
DETOUR = 1.684                 # fitted, see above
FIXED_TIME = 2.57e-3           # s one way; fitted, see above


def distance_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Metres along the great circle between two (latitude, longitude) in degrees.

    >>> round(distance_m((0.0, 0.0), (0.0, 180.0)) / 1000)  # half way round
    20015
    """
    for latitude, longitude in (one, other):
        if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
            raise UsageError(f"({latitude!r}, {longitude!r}) is no place; latitude is -90 to 90 "
                             "and longitude -180 to 180 degrees")
    (phi, east), (psi, west) = ([math.radians(angle) for angle in place] for place in (one, other))
    half = math.sin((phi - psi) / 2) ** 2 \
        + math.cos(phi) * math.cos(psi) * math.sin((east - west) / 2) ** 2
    return 2 * EARTH_RADIUS * math.asin(min(1.0, math.sqrt(half)))


def fibre_time(one: tuple[float, float], other: tuple[float, float],
               detour: float = DETOUR, fixed_time: float = FIXED_TIME) -> float:
    """Seconds one way between two places; ``detour=1, fixed_time=0`` is the bound of physics."""
    return fixed_time + detour * distance_m(one, other) * GROUP_INDEX / LIGHT_SPEED
