"""Checks of derived parts against data of others, when it is there."""

from __future__ import annotations

import csv

import pytest

from rackwright.devices import catalog


@pytest.fixture(scope="module")
def vgg(foreign):
    """Forward microseconds of VGG-16's layers on an A100, 32-bit floats, by (layer, batch)."""
    path = foreign.parent / "papers" / "deeppool_profile_a100.csv"
    if not path.is_file():
        pytest.skip(f"no {path}")
    with path.open(newline="", encoding="utf-8") as file:
        return {(row["layer_index"], int(row["batch"])): row for row in csv.DictReader(file)
                if row["model"] == "vgg"}


def test_an_activation_streams_at_the_a100s_bandwidth(vgg):
    row = vgg["1", 64]
    assert row["layer"] == "ReLU2d" and row["input_dims"] == "64x224x224"
    time = catalog.gpu("a100-sxm-40").in_place_time(64 * 64 * 224 * 224 * 4)
    assert time == pytest.approx(float(row["fw_us"]) * 1e-6, rel=0.05)
