"""Regions: light as the bound, the fitted detour as documented, measured matrices in its place."""

from __future__ import annotations

import csv
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from rackwright.errors import InputError, UnknownName, UsageError
from rackwright.topologies import compile, read_round_trips, wan
from rackwright.topologies.builders.fibre import distance_m, fibre_time
from rackwright.topologies.builders.wan import REGIONS

MATRIX = Path(__file__).parents[3].parent / "shared" / "papers" / "aws_rtt_ms.csv"


def test_distances_on_the_sphere():
    assert distance_m((90, 0), (-90, 0)) == pytest.approx(np.pi * 6_371_008.8)
    assert distance_m((0, 179), (0, -179)) == pytest.approx(np.pi * 6_371_008.8 / 90)
    assert distance_m((51.5, -0.1), (51.5, -0.1)) == 0
    with pytest.raises(UsageError, match="is no place"):
        distance_m((91, 0), (0, 0))


def test_every_pair_of_regions_is_one_hop_of_light_apart():
    fabric = compile(wan("all", rate="2Gbps"))
    assert fabric.hosts() == tuple(sorted(REGIONS))
    for one, other in [("us-east-1", "eu-west-1"), ("sa-east-1", "ap-northeast-3")]:
        route = fabric.route(one, other)
        time = sum(int(fabric.links.latency_ps[link]) for link in route) / 1e12
        assert len(route) == 3
        assert time >= fibre_time(REGIONS[one], REGIONS[other])
        assert time == pytest.approx(fibre_time(REGIONS[one], REGIONS[other]), rel=1e-3)
        assert min(fabric.links.bandwidth[list(route)]) == 2e9 / 8


@pytest.mark.skipif(not MATRIX.exists(), reason="no matrix of round trips beside the repository")
def test_the_detour_is_as_good_as_said():
    measured = read_round_trips(MATRIX)
    assert set(measured) == set(REGIONS)
    pairs = list(permutations(REGIONS, 2))
    times = np.array([measured[one][other] for one, other in pairs])
    light = np.array([2 * fibre_time(REGIONS[one], REGIONS[other], 1.0, 0.0)
                      for one, other in pairs])
    ours = np.array([2 * fibre_time(REGIONS[one], REGIONS[other]) for one, other in pairs])
    assert (times / light).min() == pytest.approx(1.14, abs=0.01)
    error = np.abs(ours / times - 1)
    assert np.median(error) < 0.17 and np.percentile(error, 90) < 0.36
    assert error.max() > 0.5  # and it is no better than that


def test_a_measured_matrix_replaces_light(tmp_path):
    path = tmp_path / "rtt.csv"
    path.write_text("region,a,b\na,1,20\nb,24,1\n")
    graph = wan("all", round_trips=path)
    assert sorted(graph) == ["a", "b", "gw-a", "gw-b"]
    assert graph.edges["gw-a", "gw-b"]["link"].latency_time == pytest.approx(10e-3)
    assert graph.edges["gw-b", "gw-a"]["link"].latency_time == pytest.approx(12e-3)
    compile(graph)


@pytest.mark.parametrize("text, message", [
    ("region,a,b\na,1,x\nb,1,1\n", ":2: 'x' is no round-trip time"),
    ("region,a,b\na,1,20000\nb,1,1\n", ":2: '20000' is no round-trip time; 0 to 10000 ms"),
    ("region,a,b\na,1,2\n", ":1: 2 rows and 2 names"),
    ("region,a,b\na,1,2\nc,1,1\n", ":3: 3 cells, the first 'c'"),
    ("region,a,b\na,1,2\na,1,2\n", "a region has two rows"),
    ("", ":1: 0 rows and 0 names"),
])
def test_a_broken_matrix(tmp_path, text, message):
    path = tmp_path / "rtt.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_round_trips(path)


def test_unknown_and_lonely_regions():
    with pytest.raises(UnknownName, match="region 'us-east-9'"):
        wan("us-east-1,us-east-9")
    with pytest.raises(UsageError, match="two or more different ones"):
        wan("us-east-1")


def test_the_matrix_reader_takes_what_csv_writes(tmp_path):
    path = tmp_path / "rtt.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["region", "x", "y"], ["x", 0, 1.5], ["y", 2.5, 0]])
    assert read_round_trips(path) == {"x": {"x": 0.0, "y": 0.0015}, "y": {"x": 0.0025, "y": 0.0}}
