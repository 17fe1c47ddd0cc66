"""What cannot be replayed is one clear error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import rackwright
from rackwright import topologies, traces
from rackwright.errors import InputError, OptionsError, RackwrightError, TopologyError, UnknownName
from rackwright.models.lovelock import MODEL
from rackwright.models.lovelock.sweep import pod as pod_of
from rackwright.topologies.fabric import Fabric
from rackwright.traces import QueryTrace

SMALL = "lovelock:accelerators=0,storage=2,compute=4"


@pytest.mark.parametrize(("topology", "options", "kind", "message"), [
    ("dgx-a100", {}, TopologyError, "hosts of one smart NIC each.*h0: h0/cpu0"),
    ("lovelock:accelerators=0,storage=2,compute=3", {}, OptionsError,
     "phi = 2: expected 1; the pod has 3 compute and 2 storage nodes"),
    ("lovelock:accelerators=0,storage=8,compute=12", {"phi": 3}, OptionsError,
     "phi = 3: expected 1, 2, 4; the pod has 12 compute and 8 storage nodes"),
    ("lovelock:accelerators=0,storage=0,compute=4", {}, TopologyError, "there is no drive"),
    (SMALL, {"server": "e2000"}, UnknownName, "server"),
    (SMALL, {"server_network": "gen4-x4"}, OptionsError, "of kind pcie; expected a cable"),
    (SMALL, {"phi": 0}, OptionsError, "phi = 0"),
    (SMALL, {"offload": "all"}, OptionsError, "offload = 'all'"),
    (SMALL, {"nic_board_price": 200}, OptionsError, "nic_board_price"),
    ("lovelock:accelerators=0,storage=32,compute=32", {"phi": 16}, TopologyError,
     "PCIe lanes; server-milan-1s has 128"),
])
def test_refused(topology: str, options: dict[str, Any], kind: type[RackwrightError],
                 message: str) -> None:
    with pytest.raises(kind, match=message):
        rackwright.replay("lovelock", topology, **options)


def test_phi_is_refused_before_any_trace_is_at_hand() -> None:
    options = MODEL.options.checked({"phi": 3})
    assert MODEL.check is not None
    with pytest.raises(OptionsError, match="phi = 3: expected 1, 2, 4; .* 4 compute and 4 storage"):
        MODEL.check(topologies.compile(topologies.preset("lovelock:accelerators=0,storage=4,"
                                                         "compute=4")), options)


def test_a_trace_of_another_system() -> None:
    with pytest.raises(InputError, match="is no query trace"):
        rackwright.replay("lovelock", SMALL, traces.sample("requests_medium"))


def test_training_needs_accelerators(pod: Fabric) -> None:
    with pytest.raises(TopologyError, match="of class accel or net: there is no accelerator"):
        rackwright.replay("lovelock", pod, traces.generate_training(steps=1))


def test_mixed_nics_are_refused() -> None:
    from rackwright.devices import catalog

    graph = topologies.preset(SMALL)
    graph.nodes["h3/nic0"]["device"] = catalog.smart_nic("e2200")
    with pytest.raises(TopologyError, match="equal smart NICs.*e2000, e2200"):
        rackwright.replay("lovelock", graph)


def test_a_core_that_nobody_knows(pod: Fabric, queries: QueryTrace, play: Callable[..., Any],
                                  monkeypatch: pytest.MonkeyPatch) -> None:
    from rackwright.models.lovelock import options

    monkeypatch.delitem(options.CORE_PERFORMANCE, "e2000")
    with pytest.raises(OptionsError, match="core_performance of e2000 is not known"):
        play(pod, queries)
    assert play(pod, queries, core_performance=0.79).metrics["slowdown"] > 0


def test_a_query_that_outlasts_the_clock(pod: Fabric, jobs: Callable[..., QueryTrace],
                                         play: Callable[..., Any]) -> None:
    rows = [(0, "io", 2**53 - 1, 0, 9e6)] * 100
    with pytest.raises(InputError, match=r"query 0 \(job0\) of jobs takes .* days on"):
        play(pod, jobs((0.0, rows)))


def test_drives_that_do_not_divide() -> None:
    with pytest.raises(RackwrightError, match="drives = 4 of a server cannot be spread over"):
        pod_of(3, drives=4)
