"""Servers as compositions; power, energy and prices of every kind of part."""

from __future__ import annotations

import dataclasses

import pytest

from rackwright.devices import catalog
from rackwright.devices.power import energy_joules, power_of, power_watts
from rackwright.devices.price import bill, price_usd
from rackwright.errors import UnknownName, UsageError

SERVER = catalog.server("server-milan-2s")
CPU, MEMORY = catalog.cpu("epyc-7763"), catalog.memory("ddr4-3200-8ch")
NIC, DRIVE = catalog.nic("connectx-6"), catalog.nvme("samsung-pm9a3")


def test_a_server_is_the_sum_of_its_parts():
    assert [part.name for part in SERVER.parts()] == [
        "epyc-7763"] * 2 + ["ddr4-3200-8ch"] * 2 + ["connectx-6"] + ["samsung-pm9a3"] * 2
    assert SERVER.cores() == 128 and SERVER.memory_nbytes() == 2 * 512 * 10**9
    assert SERVER.memory_bandwidth() == 2 * MEMORY.stream_bandwidth
    assert SERVER.network_bps() == 200e9
    assert SERVER.storage_bandwidth() == 2 * DRIVE.read_bandwidth
    assert SERVER.free_lanes() == 2 * 128 - 16 - 2 * 4


def test_idle_power_at_the_wall():
    parts = 2 * CPU.idle_watts + 2 * MEMORY.idle_watts + NIC.idle_watts + 2 * DRIVE.idle_watts
    assert power_watts(SERVER) == pytest.approx((parts + SERVER.board_watts) / 0.94)


def test_every_core_busy_adds_what_the_sockets_add():
    power = power_of(SERVER)
    assert power.units["core"] == 128 and power.units["read"] == 2
    busy = energy_joules(SERVER, 10, {"core": 1280}) - energy_joules(SERVER, 10)
    assert busy == pytest.approx(10 * 2 * (CPU.tdp_watts - CPU.idle_watts) / 0.94)


def test_energy_is_idle_and_what_was_done_never_limits_times_time():
    assert energy_joules(CPU, 2.0) == 2 * CPU.idle_watts
    assert energy_joules(CPU, 2.0, {"core": 128.0}) == pytest.approx(2 * CPU.tdp_watts)
    half = energy_joules(CPU, 2.0, {"core": 64.0})
    assert half == pytest.approx((energy_joules(CPU, 2.0) + 2 * CPU.tdp_watts) / 2)
    assert energy_joules(MEMORY, 0, counts={"byte": 1e9}) == pytest.approx(
        8e9 * MEMORY.energy_per_bit)


@pytest.mark.parametrize("name", [
    *catalog.names("cpu"), *catalog.names("memory"), *catalog.names("nvme"),
    *catalog.names("smart-nic"), *catalog.names("server"), "connectx-6", "connectx-7"])
def test_every_part_says_what_it_draws(name):
    power = power_of(catalog.get(name))
    assert 0 < power.idle_watts <= power.busy_watts
    limit = getattr(catalog.get(name), "power_watts", None)
    assert not isinstance(limit, float) or power.busy_watts <= limit * (1 + 1e-9)


def test_gpus_and_switches_are_understood_too():
    gpu = catalog.gpu("h100-sxm")
    assert power_watts(gpu, "idle") == gpu.power_watts(0)
    assert power_watts(gpu, "gemm_bf16") == pytest.approx(gpu.power_watts(1))
    half = energy_joules(gpu, 10, {"gemm_bf16": 5})
    assert half == pytest.approx(10 * gpu.power_watts(0.5))
    assert power_watts(gpu, "all") == pytest.approx(max(
        gpu.power_watts(1, work) for work in ("copy", "decode", "gemm_bf16", "gemm_fp8")))
    switch = dataclasses.replace(catalog.switch("ethernet-switch"), power_watts=300.0)
    assert energy_joules(switch, 2) == 600


@pytest.mark.parametrize("call, error, says", [
    (lambda: power_watts(CPU, "gpu"), UnknownName, "unknown activity of epyc-7763 'gpu'"),
    (lambda: energy_joules(CPU, 1, {"core": 65}), UsageError, "has 64, so 64 s at most"),
    (lambda: energy_joules(catalog.gpu("l40s"), 10, {"copy": 6, "gemm_bf16": 6}), UsageError,
     "l40s does one thing at a time: 12 s of activities do not fit into 10 s"),
    (lambda: energy_joules(CPU, -1), UsageError, "seconds must be a finite number >= 0"),
    (lambda: energy_joules(CPU, 1, counts={"byte": 1}), UnknownName, "counted unit of epyc-7763"),
    (lambda: power_of(catalog.nic("efa-p5")), UsageError, "efa-p5 \\(nic\\) says no idle_power"),
    (lambda: power_of(catalog.switch("ethernet-switch")), UsageError, "says no power"),
    (lambda: price_usd(catalog.nic("efa-p5")), UsageError, "says no price; give prices="),
    (lambda: price_usd(CPU, {"epyc-7763": -1.0}), UsageError, "must be USD >= 0"),
])
def test_what_makes_no_sense_is_refused(call, error, says):
    with pytest.raises(error, match=says):
        call()


def test_a_servers_price_is_that_of_its_parts_and_chassis():
    parts = sum(price_usd(part) for part in SERVER.parts())
    assert price_usd(SERVER) == pytest.approx(parts + SERVER.chassis_usd)
    assert price_usd(dataclasses.replace(SERVER, own_price_usd=9e3)) == 9e3
    assert dataclasses.replace(SERVER, cpu="xeon-8480c").price_usd is None  # no list price


def test_the_bill_of_a_rack_names_what_it_leaves_out():
    found = bill([SERVER, SERVER, NIC, catalog.nic("efa-p5")], {"connectx-6": 100.0})
    assert [(line.name, line.count) for line in found.lines] == [
        ("connectx-6", 1), ("efa-p5", 1), ("server-milan-2s", 2)]
    assert found.unpriced == ("efa-p5",)
    assert found.usd == pytest.approx(100 + 2 * price_usd(SERVER))
    assert found.lines[0].source == "given by the caller"


def test_broken_compositions_are_refused():
    with pytest.raises(UnknownName, match="unknown cpu of server-milan-2s 'epyc'"):
        dataclasses.replace(SERVER, cpu="epyc").parts()
    with pytest.raises(UsageError, match="names no drive"):
        dataclasses.replace(SERVER, drive="").parts()
    with pytest.raises(UsageError, match="has 256 PCIe lanes, its adapters and drives need 328"):
        dataclasses.replace(SERVER, nics=20).free_lanes()
    with pytest.raises(UsageError, match="supply_efficiency"):
        dataclasses.replace(SERVER, supply_efficiency=0.0).power()
    assert dataclasses.replace(SERVER, drives=0, drive="").storage_bandwidth() == 0


def test_a_users_folder_serves_the_parts(tmp_path):
    (tmp_path / "connectx-6.toml").write_text(
        '[part]\nname = "connectx-6"\nkind = "nic"\nlike = "connectx-6"\n[datasheet]\n'
        'rate = { value = 50, unit = "Gbps", source = "test" }\n')
    assert SERVER.network_bps(folder=tmp_path) == 50e9
