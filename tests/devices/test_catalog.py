"""The packaged catalog, and a user's own folder beside it."""

from __future__ import annotations

import dataclasses

import pytest

from rackwright.devices import Gpu, Link, Pcie, SmartNic, catalog
from rackwright.errors import CatalogError, UnknownName

EVERY = catalog.names()


def test_the_promised_gpus_are_there():
    assert set(catalog.names("gpu")) >= {"h100-sxm", "h200-sxm", "a100-sxm-40", "a100-sxm-80",
                                         "v100-sxm", "l40s", "b200", "h100-pcie", "h100-nvl",
                                         "a100-pcie-80", "v100-sxm-16", "l4", "t4", "a10",
                                         "mi300x", "mi250x-gcd"}


@pytest.mark.parametrize("name", EVERY)
def test_every_number_has_a_source(name):
    part = catalog.get(name)
    assert part.name == name and part.title
    assert part.shown and all(shown.source.strip() for shown in part.shown.values())
    assert set(part.shown) <= set(part.sources)


@pytest.mark.parametrize("name", EVERY)
def test_names_of_other_parts_exist(name):
    part = catalog.get(name)
    for key, kind in (("nvlink", "link"), ("nvswitch", "switch"), ("pcie", "pcie")):
        other = getattr(part, key, "")
        assert not other or (isinstance(other, str) and other in catalog.names(kind)), key


def test_parts_are_one_object_each_and_frozen():
    gpu = catalog.gpu("h100-sxm")
    assert gpu is catalog.gpu("h100-sxm") is catalog.get("h100-sxm")
    with pytest.raises(dataclasses.FrozenInstanceError):
        gpu.sms = 1  # type: ignore[misc]
    assert hash(gpu) == hash(dataclasses.replace(gpu))


def test_content_hashes_differ():
    assert len({catalog.get(name).content_hash for name in EVERY}) == len(EVERY)


def test_units_are_converted():
    gpu = catalog.gpu("h100-sxm")
    assert (gpu.memory_nbytes, gpu.memory_bandwidth, gpu.clock_hz, gpu.peak_bf16) == (
        80_000_000_000, 3.352e12, 1.98e9, 989.4e12)
    assert catalog.nic("connectx-6").rate_bps == 200e9
    assert catalog.nic("connectx-6").latency_time == 6e-7
    assert catalog.memory("ddr4-3200-8ch").bandwidth == 204.8e9


def test_like_takes_what_the_file_does_not_say():
    small, large = catalog.gpu("a100-sxm-40"), catalog.gpu("a100-sxm-80")
    assert (small.memory_bandwidth, large.memory_bandwidth) == (1.555e12, 2.039e12)
    assert (small.sms, small.nvlink, small.peak_bf16) == (large.sms, large.nvlink,
                                                          large.peak_bf16)
    assert small.shown["sms"].inherited_from == "a100-sxm-80"
    assert small.shown["memory"].inherited_from == ""


def test_only_measured_parts_are_calibrated():
    for name in catalog.names("gpu"):
        bases = {catalog.gpu(name).band(op)[0] for op in ("gemm", "attention", "expert", "copy")}
        measured = name in ("h100-sxm", "h200-sxm")
        assert bases == {"calibrated"} if measured else "calibrated" not in bases


def test_nothing_of_another_vendor_or_a_low_power_card_claims_a_narrow_band():
    for name in ("mi300x", "mi250x-gcd", "l4", "t4"):
        basis, median, p90 = catalog.gpu(name).band("gemm")
        assert basis == "assumed" and median >= 0.3 and p90 >= 0.6


@pytest.mark.parametrize("name, best", [
    ("mi300x", 781.9e12), ("mi250x-gcd", 147.0e12), ("a100-pcie-80", 252.9e12)])
def test_large_products_are_near_the_best_that_was_published(name, best):
    """Maximum Achievable Matmul FLOPS comparison table, github.com/stas00/ml-engineering."""
    rate = 2 * 8192.0 ** 3 / catalog.gpu(name).gemm_time(8192, 8192, 8192)
    assert 0.85 * best < rate < 1.05 * best


def test_parts_that_differ_in_one_number_inherit_the_rest():
    small, large = catalog.gpu("v100-sxm-16"), catalog.gpu("v100-sxm")
    assert small.memory_nbytes == 16e9 and small.peak_fp16 == large.peak_fp16
    assert catalog.gpu("h100-pcie").nvlink == catalog.gpu("mi300x").nvlink == ""
    assert catalog.gpu("h100-pcie").power_watts(1) <= catalog.gpu("h100-pcie").tdp_watts


def test_bands_widen_from_calibrated_to_assumed():
    gemm = [catalog.gpu(name).band("gemm") for name in ("h100-sxm", "a100-sxm-80", "l40s",
                                                        "mi300x")]
    assert [band[1] for band in gemm] == sorted(band[1] for band in gemm)
    assert all(median < p90 for _, median, p90 in gemm)


@pytest.mark.parametrize("call, text", [
    (lambda: catalog.gpu("h100"), "unknown GPU 'h100'. Did you mean 'h100-sxm'? Known: a10,"),
    (lambda: catalog.gpu("connectx-6"), "unknown GPU 'connectx-6'"),
    (lambda: catalog.nic("bluefield-3"), "unknown NIC 'bluefield-3'"),
    (lambda: catalog.link("h100-sxm"), "unknown link 'h100-sxm'"),
    (lambda: catalog.get("nothing"), "unknown part 'nothing'"),
    (lambda: catalog.names("gpus"), "unknown kind of part 'gpus'. Did you mean 'gpu'?"),
    (lambda: catalog.cpu("epyc-7763", fidelity="cycle"),
     "unknown fidelity of epyc-7763 'cycle'. Known: analytic"),
    (lambda: catalog.gpu("h100-sxm").band("gem"), "unknown operation 'gem'"),
])
def test_unknown_names_say_what_there_is(call, text):
    with pytest.raises(UnknownName) as caught:
        call()
    assert str(caught.value).startswith(text)


def test_typed_calls_give_their_types():
    assert isinstance(catalog.get("h100-sxm"), Gpu)
    assert isinstance(catalog.pcie("gen4-x16"), Pcie)
    assert isinstance(catalog.smart_nic("e2000"), SmartNic)
    assert isinstance(catalog.link("nvlink4"), Link)
    assert isinstance(catalog.link("gen4-x16"), Link)


SUPER = """
[part]
name = "NAME"
kind = "link"
title = "A faster cable"
like = "ethernet-400g"

[datasheet]
rate = { value = 3200, unit = "Gbps", source = "test" }
"""


def test_a_users_folder_adds_parts(tmp_path):
    (tmp_path / "ethernet-3200g.toml").write_text(SUPER.replace("NAME", "ethernet-3200g"))
    link = catalog.link("ethernet-3200g", folder=tmp_path)
    assert (link.rate_bps, link.efficiency) == (3200e9, catalog.link("ethernet-400g").efficiency)
    assert "ethernet-3200g" in catalog.names("link", folder=tmp_path)
    assert "ethernet-3200g" not in catalog.names("link")
    assert catalog.gpu("h100-sxm", folder=tmp_path) == catalog.gpu("h100-sxm")


def test_a_users_part_may_refine_the_packaged_one_of_its_name(tmp_path):
    (tmp_path / "ethernet-400g.toml").write_text(SUPER.replace("NAME", "ethernet-400g"))
    assert catalog.link("ethernet-400g", folder=tmp_path).rate_bps == 3200e9
    assert catalog.link("ethernet-400g").rate_bps == 400e9


def test_load_part_reads_one_file(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text(SUPER.replace("NAME", "x"))
    assert catalog.load_part(path).name == "x"


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(CatalogError, match="no such catalog folder"):
        catalog.names(folder=tmp_path / "nowhere")
