"""Mahimahi and iperf files become bandwidth traces; the command line takes them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from rackwright.cli import main
from rackwright.errors import InputError, TraceError
from rackwright.models.dispersedledger.link_files import read_links
from rackwright.traces import generate_bandwidth, write_bandwidth_trace


def _mahimahi(path: Path, packets_a_second: int, seconds: int) -> Path:
    stamps = np.arange(packets_a_second * seconds) * 1000 // packets_a_second
    path.write_text("\n".join(map(str, stamps + 1)) + "\n")
    return path


def test_a_mahimahi_file_is_every_sites_link(tmp_path: Path) -> None:
    found = read_links(_mahimahi(tmp_path / "cable.mahi", 4000, 10))
    assert found.sites == ("link",)
    assert found.down[1:9] == pytest.approx(6e6, rel=1e-3)      # 4,000 packets of 1,500 B
    assert found.up.tobytes() == found.down.tobytes()


def test_a_list_names_a_file_each_way(tmp_path: Path) -> None:
    _mahimahi(tmp_path / "a", 400, 5)
    (tmp_path / "b.trace").write_text("8.0\n16.5\n24.0\n")
    listing = tmp_path / "links.csv"
    listing.write_text("# ours\nsite,up,down\nx,a,b.trace\ny,b.trace,a\n")
    found = read_links(listing)
    assert found.sites == ("x", "y")
    assert found.up.shape == (3, 2)
    assert found.down[:, 0] == pytest.approx([1e6, 2.0625e6, 3e6])
    assert read_links(listing, 2).span_time == 2


def test_our_own_file_still_is_one(tmp_path: Path) -> None:
    trace = generate_bandwidth({"a": 1e6, "b": 2e6}, 3)
    for name in ("t.csv", "t.csv.gz"):
        write_bandwidth_trace(trace, tmp_path / name)
        assert read_links(tmp_path / name).down.tobytes() == trace.down.tobytes()


@pytest.mark.parametrize(("text", "words"), [
    ("site,up,down\nx,a\n", "expected a site, the file"),
    ("site,up,down\nx,missing,missing\n", "site x: .*missing.* cannot be read"),
    ("site,up,down\n", "at least 1"),
    ("hello\n", "unknown header"),
])
def test_refusals(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(TraceError, match=words):
        read_links(path)
    with pytest.raises(InputError):
        read_links(tmp_path / "nothing")


def test_recorded_series_by_the_command_line(
        tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = os.environ.get("RACKWRIGHT_DATA")
    folder = (Path(data) if data else Path(__file__).parents[3].parent / "shared" / "data"
              ) / "traces" / "wan_iperf"
    if not folder.is_dir():
        pytest.skip(f"no recorded bandwidths in {folder}")
    names = ("uk", "dutch", "brazil", "indonesia", "singapore")
    rows = [f"{name},{folder / name}.trace,{folder / name}.trace" for name in names]
    listing = tmp_path / "iperf.csv"
    listing.write_text("site,up,down\n" + "\n".join(rows) + "\n")
    with pytest.raises(SystemExit) as done:
        main([
        "replay", "dispersedledger", "--trace", str(listing), "--topology",
        "wan:regions=eu-west-2+eu-central-1+sa-east-1+ap-southeast-2+ap-southeast-1,rate=1Gbps",
        "--set", "duration=10s", "--set", "block=100kB", "--set", "propose_time=1s"])
    assert not done.value.code
    assert "dealt out" in capsys.readouterr().out
