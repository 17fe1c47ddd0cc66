"""What slows foreground and background down: the packaged measurements, and the stand-in."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest

import rackwright.devices
from rackwright.models.deeppool.sharing import H100_PAIRS, h100_sharing, stand_in_sharing

FILE = Path(rackwright.devices.__file__).parent / "measured" / "h100-sxm" / "streams.csv.gz"


def test_the_pairs_are_those_of_the_packaged_measurement() -> None:
    with gzip.open(FILE, "rt") as lines:
        rows = [row for row in csv.DictReader(line for line in lines if not line.startswith("#"))
                if row["first"] == "resnet50" and row["second"] in ("none", "resnet50")]
    alone = {int(row["first_size"]): float(row["time_us"]) for row in rows
             if row["priority"] == "alone"}
    both = {(row["priority"], int(row["first_size"])): (float(row["time_us"]),
                                                        float(row["second_us"]))
            for row in rows if row["priority"] != "alone"}
    assert {size: (alone[size], *both["high", size], *both["equal", size])
            for size in alone} == H100_PAIRS


def test_measured_speeds_are_met_at_their_points() -> None:
    sharing = h100_sharing()
    assert sharing.fullness[-1] == 1.0 and (np.diff(sharing.fullness) > 0).all()
    assert sharing.slowdowns(sharing.fullness[:1])[0] == pytest.approx(7069.73 / 4013.9)
    assert sharing.speeds(np.ones(1))[0] == pytest.approx(6298.34 / 18591.9)


def test_a_fuller_foreground_is_slowed_less_and_leaves_less() -> None:
    for sharing in (h100_sharing("high"), h100_sharing("equal")):
        assert (np.diff(sharing.slowdown) < 0).all() and (sharing.slowdown >= 1).all()
        assert (np.diff(sharing.speed) < 0).all() and (sharing.speed > 0).all()


def test_priority_helps_the_foreground() -> None:
    high, equal = h100_sharing("high"), h100_sharing("equal")
    assert (high.slowdown < equal.slowdown).all() and (high.speed < equal.speed).all()


def test_the_stand_in_is_the_same_everywhere() -> None:
    sharing = stand_in_sharing(1.1, 0.3)
    assert set(sharing.slowdowns(np.linspace(0, 1, 5))) == {1.1}
    assert set(sharing.speeds(np.linspace(0, 1, 5))) == {0.3}
