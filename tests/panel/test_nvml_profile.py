"""The nvml-mock profile against the types and checks of the program that reads it.

There is no schema file: nvml-mock unmarshals into Go structs and then checks a few rules. Keys and
types below are those of ``pkg/gpu/mocknvml/engine/config_types.go`` and the rules those of
``validateYAMLConfig`` in ``config.go`` (NVIDIA/k8s-test-infra, read in November 2026), as far as
our profiles use them; other keys would be dropped in silence there. ``infiniband`` is read by
another of its programs: its keys are those of the shipped profiles.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from rackwright.panel import Panel, rack_file_of
from rackwright.topologies import export, resolve

DEVICE: dict[str, Any] = {
    "name": str, "brand": str, "serial": str, "architecture": str,
    "memory": {"total_bytes": int, "free_bytes": int, "used_bytes": int, "memory_bus_width": int},
    "pci": {"device_id": int, "subsystem_id": int, "bus_id": str},
    "pcie": {"max_link_gen": int, "current_link_gen": int, "max_link_width": int,
             "current_link_width": int, "replay_counter": int},
    "power": {"management_supported": bool, "management_mode": str, "default_limit_mw": int,
              "enforced_limit_mw": int, "min_limit_mw": int, "max_limit_mw": int,
              "current_draw_mw": int, "power_state": str},
    "clocks": {"graphics_current": int, "graphics_max": int, "sm_current": int, "sm_max": int,
               "memory_current": int, "memory_max": int},
}
PROFILE: dict[str, Any] = {
    "version": str,
    "system": {"driver_version": str, "nvml_version": str, "cuda_version": str,
               "cuda_version_major": int, "cuda_version_minor": int, "num_devices": int},
    "device_defaults": DEVICE,
    "devices": [{**DEVICE, "index": int, "uuid": str, "minor_number": int}],
    "nvlink": {"version": int, "links_per_gpu": int, "bandwidth_per_link_mbps": int},
    "infiniband": {"enabled": bool, "hca_type": str, "rate_gbps": int, "hcas_per_gpu": int},
}


def faults(value: Any, schema: Any, place: str = "") -> list[str]:
    """What in `value` the schema does not know, as "place: what"."""
    if isinstance(schema, dict):
        if not isinstance(value, dict):
            return [f"{place}: {value!r} is no table"]
        unknown = [f"{place}.{key}: unknown" for key in value.keys() - schema.keys()]
        return unknown + [found for key in value.keys() & schema.keys()
                          for found in faults(value[key], schema[key], f"{place}.{key}")]
    if isinstance(schema, list):
        return [found for number, entry in enumerate(value)
                for found in faults(entry, schema[0], f"{place}[{number}]")]
    return [] if type(value) is schema else [f"{place}: {value!r} is no {schema.__name__}"]


def accepted(profile: dict[str, Any]) -> bool:
    """The reader's own rules."""
    devices = profile["devices"]
    return bool(profile.get("version") and profile["system"].get("driver_version")
                and all(len({device[key] for device in devices}) == len(devices)
                        for key in ("index", "uuid", "minor_number")))


@pytest.mark.parametrize("topology", ["dgx-h100:hosts=2,fabric=rails", "dgx-a100", "dgx-1", "p4d",
                                      "pcie-box"])
def test_a_profile_has_known_keys_and_is_accepted(topology: str) -> None:
    profile = yaml.safe_load(export(resolve(topology), "nvml-mock")[0])
    assert faults(profile, PROFILE) == []
    assert accepted(profile)


def test_the_check_finds_what_is_wrong() -> None:
    profile = yaml.safe_load(export(resolve("dgx-h100"), "nvml-mock")[0])
    profile["device_defaults"]["power"]["watts"] = 700
    profile["devices"][1]["index"] = "1"
    assert sorted(faults(profile, PROFILE)) == [
        ".device_defaults.power.watts: unknown", ".devices[1].index: '1' is no int"]
    profile["devices"][1]["index"] = 0
    assert not accepted(profile)


def test_the_panel_exports_it(client_of: Callable[..., Any]) -> None:
    client = client_of(Panel(rack_file_of("dgx-h100")))
    text = client.ask("MMEM:EXP:NVML?")
    profile = yaml.safe_load(text[2 + int(text[1]):])
    assert faults(profile, PROFILE) == [] and accepted(profile)
    # MB/s a link, as `nvidia-smi nvlink -s` shows it: 18 links of 25 GB/s, the nominal rate
    assert profile["nvlink"] == {"version": 4, "links_per_gpu": 18,
                                 "bandwidth_per_link_mbps": 25000}
