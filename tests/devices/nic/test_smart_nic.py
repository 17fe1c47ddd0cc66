"""A smart NIC as a host: lanes, accelerators, hardware blocks, storage."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from rackwright.devices import catalog
from rackwright.devices.nic import md1_wait, offload, offload_stage, pipeline_of, run_pipeline
from rackwright.errors import UnknownName, UsageError
from rackwright.hdl import timing

NIC = catalog.smart_nic("e2000")
SSD = catalog.nvme("samsung-pm9a3")
GPU = catalog.gpu("a100-sxm-80")


def test_memory_ratios_against_a_milan_server():
    """R_mem of a Milan socket over each smart NIC."""
    server = catalog.memory("ddr4-3200-8ch").peak_bandwidth
    ratios = [server / catalog.smart_nic(name).memory_bandwidth
              for name in ("e2000", "e2200", "bluefield-3")]
    assert ratios == pytest.approx([2.0, 1.0, 2.46], rel=0.01)


def test_lanes_are_counted():
    budget = NIC.lane_budget([SSD, SSD, (GPU, "gen4-x8")])
    assert (budget.lanes, budget.used, budget.left) == (16, 16, 0)
    assert budget.taken == (("samsung-pm9a3", 4), ("samsung-pm9a3", 4), ("a100-sxm-80", 8))
    assert catalog.smart_nic("e2200").lane_budget([GPU]).left == 16
    assert catalog.smart_nic("bluefield-3").lane_budget([GPU, GPU]).left == 0


def test_more_devices_than_lanes_is_refused_with_the_sum():
    with pytest.raises(UsageError, match=r"e2000 has 16 PCIe lanes .* 1 x a100-sxm-80 \(x16\) \+ "
                                         r"2 x samsung-pm9a3 \(x4\) need 24"):
        NIC.lane_budget([GPU, SSD, SSD])
    with pytest.raises(UnknownName, match="unknown PCIe part 'gen9-x16'"):
        NIC.lane_budget([(GPU, "gen9-x16")])
    with pytest.raises(UsageError, match="names no PCIe part"):
        NIC.lane_budget([catalog.memory("ddr4-3200-8ch")])


def test_a_storage_node_is_as_fast_as_its_slowest_resource():
    one = NIC.storage_bandwidth(SSD, 1)
    assert one == min(SSD.read_bandwidth, catalog.pcie(SSD.pcie).bandwidth)
    assert NIC.storage_bandwidth(SSD, 3) == pytest.approx(3 * one)
    assert NIC.storage_bandwidth(SSD, 4) == pytest.approx(min(4 * one, 25e9))
    slow = dataclasses.replace(NIC, memory_bandwidth=10e9)
    assert slow.storage_bandwidth(SSD, 4) == 10e9 * NIC.stream_share / 2
    assert NIC.storage_bandwidth(SSD, 0) == 0
    with pytest.raises(UsageError, match="need 20"):
        NIC.storage_bandwidth(SSD, 5)


def test_accelerators_are_rate_and_latency():
    crypto = NIC.accelerator("crypto")
    assert crypto.request_time(25_000) == pytest.approx(2e-6 + 1e-6)
    assert NIC.accelerator("storage").service_time([512, 4096]) == pytest.approx([2e-7, 2e-7])
    assert catalog.smart_nic("bluefield-2").accelerators == ("checksum", "crypto")
    with pytest.raises(UnknownName, match="accelerator of bluefield-2 'compression'.*Known: check"):
        catalog.smart_nic("bluefield-2").accelerator("compression")
    with pytest.raises(UsageError, match="nbytes"):
        crypto.service_time(-1)


@pytest.mark.parametrize("load", [0.4, 0.8])
def test_an_accelerator_is_one_queue(load):
    crypto = NIC.accelerator("crypto")
    service = crypto.service_time(4096)
    when = np.cumsum(np.random.default_rng(8).exponential(service / load, 100_000))
    spent = np.mean(crypto.finish_time(when, 4096) - when)
    assert crypto.wait_time(4096, load) == md1_wait(service, load)
    assert spent == pytest.approx(crypto.request_time(4096) + md1_wait(service, load), rel=0.02)


def test_a_block_has_its_measured_cycles():
    table, found = timing("witness_table"), offload("witness_table", "record", 250e6)
    assert found.latency_time == table.latency_time("record", 250e6)
    assert 1 / found.rate == table.interval_time("record", 250e6)
    assert found.batch_time([0, 1, 100]) == pytest.approx([0, 3 / 250e6, 102 / 250e6])
    assert "assumed" in found.source and found.source.startswith("cycles: Icarus")
    assert NIC.offload("witness_table", "record", 250e6) == found
    for call, error in ((lambda: offload("witness", "record", 1e9), UnknownName),
                        (lambda: offload("witness_table", "write", 1e9), UnknownName),
                        (lambda: offload("witness_table", "record", 0.0), UsageError)):
        with pytest.raises(error):
            call()


def test_a_block_in_the_pipeline_bounds_it():
    """32-byte records, one a clock at 250 MHz: 8 GB/s, less than the line."""
    stage = offload_stage(offload("witness_table", "record", 250e6), nbytes_each=32)
    pipeline = pipeline_of(NIC, offload=stage, slots=4096)
    assert pipeline.bottleneck(1024) == "offload witness_table"
    assert pipeline.bandwidth(1024) == pytest.approx(8e9)
    run = run_pipeline(pipeline, np.zeros(4000), np.full(4000, 1024))
    assert run.packet_rate == pytest.approx(pipeline.packet_rate(1024), rel=1e-3)
    plain = pipeline_of(NIC, slots=4096)
    passes = plain.stages[2].depth_cycles  # the stage that the block replaces
    assert pipeline.latency_time(32) - plain.latency_time(32) == pytest.approx(
        (stage.depth_cycles - passes) * 1e-9, abs=4e-9)


def test_twice_the_operations_take_twice_as_long():
    found = offload("witness_table", "record", 250e6)
    once, twice = (offload_stage(found, operations=n) for n in (1, 2))
    assert (once.interval_cycles, twice.interval_cycles) == (4, 8)
    with pytest.raises(UsageError, match="one operation at least"):
        offload_stage(found, operations=0)
