"""Launches: what the catalog says, and what it does not."""

from __future__ import annotations

import dataclasses

import pytest

from rackwright.devices import catalog
from rackwright.errors import UnknownName, UsageError

GPU = catalog.gpu("h100-sxm")


@pytest.mark.parametrize("name", catalog.names("gpu"))
def test_every_part_has_launches_and_a_node_is_the_least(name):
    gpu = catalog.gpu(name)
    kinds = ("graph_node", "eager_back_to_back", "launch_and_sync")
    times = [gpu.launch_time(kind) for kind in kinds]
    assert times == sorted(times) and 5e-7 < times[0] and times[2] < 1e-4
    assert gpu.launch_time() == times[0]


def test_the_cost_methods_hold_a_graph_node():
    assert GPU.copy_time(1) == pytest.approx(GPU.launch_time("graph_node"), rel=0.1)


def test_kinds_have_names():
    with pytest.raises(UnknownName, match=r"kind of launch 'graph'.*graph_node"):
        GPU.launch_time("graph")


def test_a_part_without_a_figure_says_what_to_write():
    bare = dataclasses.replace(GPU, sync_launch_time=None)
    with pytest.raises(UsageError, match=r"h100-sxm has no time .* launch_and_sync: add sync_lau"):
        bare.launch_time("launch_and_sync")
