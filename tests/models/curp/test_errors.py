"""What cannot run is one clear error."""

from __future__ import annotations

import pytest

from rackwright import run, topologies
from rackwright.errors import InputError, OptionsError, TopologyError
from rackwright.traces import OperationTrace, generate_documents

STAR = "star:hosts=16,link=infiniband-edr,switch=quantum-hdr"


def test_wrong_trace() -> None:
    with pytest.raises(InputError, match="is no operation trace; CURP needs"):
        run.replay("curp", STAR, generate_documents(10.0, 3, documents=50, per_query=2))


def test_too_few_hosts(writes: OperationTrace) -> None:
    small = topologies.compile(topologies.preset("star:hosts=4"))
    with pytest.raises(TopologyError, match=r"4 servers \(3 replicas.*there are 4 hosts"):
        run.replay("curp", small, writes)
    with pytest.raises(TopologyError, match="7 servers"):
        run.replay("curp", topologies.compile(topologies.preset("star:hosts=5")), writes,
                   witness_place="own")


def test_sets_must_be_a_power_of_two(writes: OperationTrace) -> None:
    with pytest.raises(OptionsError, match="witness_sets is 1000; a power of two"):
        run.replay("curp", STAR, writes, witness_sets=1000)


def test_what_does_not_go_together(writes: OperationTrace) -> None:
    with pytest.raises(OptionsError, match="group is consensus: replicas are servers"):
        run.replay("curp", STAR, writes, group="consensus", preset="redis")
    for more in ({"group": "consensus"}, {"witness_place": "own"}, {"replicas": 0}):
        with pytest.raises(OptionsError, match="reads is backup: a client asks the witness"):
            run.replay("curp", STAR, writes, reads="backup", **more)
    with pytest.raises(TopologyError, match="7 servers"):
        run.replay("curp", "star:hosts=7", writes, group="consensus")


def test_quantities_carry_units(writes: OperationTrace) -> None:
    with pytest.raises(OptionsError, match="send_time"):
        run.replay("curp", STAR, writes, send_time="300")
