"""Capture from a made /sys: nesting by real path, sockets by NUMA node, switches as one node."""

from __future__ import annotations

from pathlib import Path

import pytest

from rackwright.errors import InputError
from rackwright.topologies import capture, compile, load, report_of, save

ROOT, UP, DOWN0, DOWN1 = "0000:00:01.0", "0000:01:00.0", "0000:02:00.0", "0000:02:01.0"
GPU, NIC, DRIVE, SWITCH = "0000:03:00.0", "0000:04:00.0", "0000:80:00.0", "0000:05:00.0"


def device(folder: Path, bus: str, inside: str, code: str, identity: str, numa: int = 0) -> Path:
    real = folder / "devices" / inside / bus
    real.mkdir(parents=True)
    vendor, _, number = identity.partition(":")
    for name, text in {"class": f"0x{code}00", "vendor": f"0x{vendor}", "device": f"0x{number}",
                       "current_link_speed": "16.0 GT/s PCIe", "current_link_width": "16",
                       "numa_node": str(numa)}.items():
        (real / name).write_text(text + "\n")
    (folder / "bus" / "pci" / "devices" / bus).symlink_to(real)
    return real


@pytest.fixture
def sys_folder(tmp_path: Path) -> Path:
    (tmp_path / "bus" / "pci" / "devices").mkdir(parents=True)
    path = "pci0000:00"
    for bus, code, identity in ((ROOT, "0604", "8086:1"), (UP, "0604", "1000:2"),
                                (DOWN0, "0604", "1000:2"), (GPU, "0302", "10de:20b2")):
        device(tmp_path, bus, path, code, identity)
        path += f"/{bus}"
    other = f"pci0000:00/{ROOT}/{UP}/{DOWN1}"
    device(tmp_path, DOWN1, f"pci0000:00/{ROOT}/{UP}", "0604", "1000:2")
    nic = device(tmp_path, NIC, other, "0207", "15b3:1021")
    (nic / "net" / "eth7").mkdir(parents=True)
    (nic / "net" / "eth7" / "speed").write_text("400000\n")
    device(tmp_path, DRIVE, "pci0000:80", "0108", "144d:1", numa=1)
    return tmp_path


def test_the_tree_becomes_a_graph(sys_folder):
    graph = capture(sys_folder, sys_folder / "none")
    assert sorted(graph) == ["h0/cpu0", "h0/cpu1", "h0/gpu0", "h0/nic0", "h0/nvme0", "h0/pcie0"]
    assert set(graph.successors("h0/pcie0")) == {"h0/cpu0", "h0/gpu0", "h0/nic0"}
    assert graph.has_edge("h0/nvme0", "h0/cpu1")
    assert graph.nodes["h0/gpu0"]["device"].name == "a100-sxm-80"
    assert graph.nodes["h0/nic0"]["device"].name == "connectx-7"
    assert graph.nodes["h0/nic0"]["rate_bps"] == 400e9
    assert graph.edges["h0/gpu0", "h0/pcie0"]["link"].name == "gen4-x16"
    compile(graph)


def test_nvswitches_mean_nvlinks(sys_folder):
    device(sys_folder, SWITCH, "pci0000:00", "0680", "10de:1af1")
    graph = capture(sys_folder, sys_folder / "none")
    assert graph.edges["h0/gpu0", "h0/nvswitch"]["link"].name == "nvlink3"
    assert "each GPU has all its NVLinks to the NVSwitches, as /sys does not tell" in \
        report_of(graph)["assumed"]


def test_it_saves_and_loads(sys_folder, tmp_path):
    graph = capture(sys_folder, sys_folder / "none")
    save(graph, tmp_path / "me.json")
    assert compile(load(tmp_path / "me.json")).content_hash == compile(graph).content_hash


def test_no_sys(tmp_path):
    with pytest.raises(InputError, match="capture reads /sys of a Linux machine"):
        capture(tmp_path / "nothing")
