"""`rackwright devices`."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from rackwright.cli.devices import devices
from rackwright.devices import catalog
from rackwright.devices.describe import source_class
from rackwright.errors import UnknownName, UsageError


def run(*args):
    return CliRunner().invoke(devices, args, catch_exceptions=False).output


def test_every_part_is_in_the_table():
    text = run()
    assert all(f"\n{name} " in f"\n{text}" for name in catalog.names())
    assert max(map(len, text.splitlines())) <= 100


def test_one_kind():
    text = run("--kind", "gpu")
    assert "h100-sxm" in text and "calibrated" in text and "connectx-6" not in text


def test_one_part_shows_every_number_with_its_source():
    text = run("h200-sxm")
    flat = " ".join(text.split())
    for shown in catalog.gpu("h200-sxm").shown.values():
        assert shown.source in flat
    assert "memory_bandwidth = 4800 GB/s" in text and "(from h100-sxm)" in flat
    assert "costs: moe: derived" in text and "math_share = " in text


def test_json_is_the_same_record():
    found = json.loads(run("h100-sxm", "--json"))
    assert found["datasheet"]["memory"] == {"value": 80, "unit": "GB", "inherited_from": "",
                                            "source": "NVIDIA H100 datasheet", "class": "stated"}
    assert found["calibration"]["gemm"]["class"] == "calibrated"
    share = catalog.gpu("h100-sxm").gemm.math_share
    assert found["calibration"]["gemm"]["coefficients"]["math_share"] == share
    assert len(json.loads(run("--json"))) == len(catalog.names())


@pytest.mark.parametrize("kind", catalog.kinds())
def test_every_kind_has_a_table_and_every_part_its_page(kind):
    if not catalog.names(kind):
        pytest.skip(f"no packaged part is a {kind}")
    table = run("--kind", kind)
    assert all(f"\n{name} " in table for name in catalog.names(kind)) and "weak numbers" in table
    page = " ".join(run(catalog.names(kind)[0]).split())
    part = catalog.get(catalog.names(kind)[0])
    assert part.title in page
    for shown in part.shown.values():
        assert f"{source_class(shown.source)} {' '.join(shown.source.split())}" in page


@pytest.mark.parametrize("source, expected", [
    ("NVIDIA H100 datasheet", "stated"), ("h100_x1/power.csv: idle", "measured"),
    ("computed: 8 channels x 3200 MT/s x 8 B", "computed"),
    ("derived: 250 of 307 GB/s", "derived"), ("a page (recalled, not checked)", "recalled"),
    ("fitted to 376 GB/s", "fitted"),
    ("computed: 3 channels x 64 bit (assumed width)", "assumed"),
    ("Hot Chips 2025 coverage of the Intel IPU E2200", "reported"),
    ("stand-in: the usual sequential read", "assumed")])
def test_a_source_is_as_good_as_its_weakest_word(source, expected):
    assert source_class(source) == expected


def test_prices_in_full():
    assert "price = 11805 USD" in run("epyc-9654")


def test_a_folder_of_ones_own(tmp_path):
    (tmp_path / "mine.toml").write_text(
        '[part]\nname = "mine"\nkind = "link"\nlike = "nvlink4"\n')
    assert "mine" in run("--kind", "link", "--catalog", str(tmp_path))


@pytest.mark.parametrize("args, error, says", [
    (("h100",), UnknownName, "Did you mean"), (("--kind", "gpus"), UnknownName, "kind of part"),
    (("h100-sxm", "--kind", "gpu"), UsageError, "not both")])
def test_mistakes(args, error, says):
    with pytest.raises(error, match=says):
        run(*args)
