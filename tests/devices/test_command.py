"""`rackwright devices`."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from rackwright.cli.devices import devices
from rackwright.devices import catalog
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
    assert "costs: gemm: derived" in text and "math_share = 0.84" in text


def test_json_is_the_same_record():
    found = json.loads(run("h100-sxm", "--json"))
    assert found["datasheet"]["memory"] == {"value": 80, "unit": "GB", "inherited_from": "",
                                            "source": "NVIDIA H100 datasheet"}
    assert found["calibration"]["gemm"]["class"] == "calibrated"
    assert found["calibration"]["gemm"]["coefficients"]["math_share"] == pytest.approx(0.84, .01)
    assert len(json.loads(run("--json"))) == len(catalog.names())


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
