"""``rackwright replay --html`` and ``--catalog``: a report of its own, parts of one's own."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rackwright import run, topologies
from rackwright.devices import catalog
from rackwright.errors import UnknownName

PART = """[part]
name = "nvlink-wide"
kind = "link"
like = "nvlink4"

[datasheet]
rate = { value = 900, unit = "GB/s", source = "assumed: twice NVLink 4" }
"""


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    folder = tmp_path / "parts"
    folder.mkdir()
    (folder / "nvlink-wide.toml").write_text(PART)
    (folder / "nvlink4.toml").write_text(PART.replace('"nvlink-wide"', '"nvlink4"'))
    return folder


def test_a_report_stands_where_it_is_asked_for(rackwright: Any, tmp_path: Path) -> None:
    code, out, err = rackwright("replay", "fake", "--baseline", "--html", tmp_path / "a" / "r.html",
                                "--out", tmp_path / "o")
    page = (tmp_path / "a" / "r.html").read_text()
    assert code == 0 and f"to {tmp_path / 'a' / 'r.html'}" in err and "500 req/s" in out
    ET.fromstring(page)
    assert "500 req/s" in page and "250 req/s (2.00x)" in page
    assert (tmp_path / "o" / "report.html").read_text() == page
    assert run.load(tmp_path / "o").result.metrics  # what run.json lists agrees with the files


def test_an_older_report_does_not_outlive_its_results(fake: ModuleType, tmp_path: Path) -> None:
    found = run.replay("fake", fake.FABRIC, fake.TRACE)
    run.save(found, tmp_path, report="<p>old</p>")
    run.save(found, tmp_path)
    assert not (tmp_path / "report.html").exists()


def test_a_wrong_place_is_found_before_the_replay(rackwright: Any, tmp_path: Path,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(run, "replay_baselines", None)
    code, _, err = rackwright("replay", "fake", "--html", tmp_path / "file" / "r.html")
    assert code == 3 and "cannot write results here" in err
    assert rackwright("replay", "fake", "--html", tmp_path)[0] == 2


def test_own_parts_stand_beside_and_in_place_of_the_packaged(parts: Path) -> None:
    packaged = catalog.link("nvlink4").rate_bps
    with catalog.beside(parts):
        assert catalog.link("nvlink-wide").rate_bps == 2 * packaged
        assert catalog.link("nvlink4").rate_bps == 2 * packaged
        graph = topologies.resolve("dgx-h100")
        assert graph.edges["h0/gpu0", "h0/nvswitch"]["link"].rate_bps == 2 * packaged
        with catalog.beside(parts.parent):  # the innermost counts
            assert catalog.link("nvlink4").rate_bps == packaged
        assert "nvlink-wide" in catalog.names("link")
    assert catalog.link("nvlink4").rate_bps == packaged
    with pytest.raises(UnknownName):
        catalog.link("nvlink-wide")
    graph = topologies.resolve("dgx-h100")
    assert graph.edges["h0/gpu0", "h0/nvswitch"]["link"].rate_bps == packaged


def test_a_replay_takes_own_parts(command: Any, fake: ModuleType, parts: Path,
                                  monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    load_fabric = run.load_fabric
    monkeypatch.setattr(run, "load_trace", lambda model, trace=None, limit=None: fake.TRACE)
    monkeypatch.setattr(run, "load_fabric",
                        lambda fabric: seen.append(load_fabric(fabric)) or seen[-1])
    for more in ([], ["--catalog", parts]):
        assert command("replay", "fake", "--topology", "dgx-h100", "--quiet", *more)[0] == 0
    plain, own = seen[0], seen[2]  # the second time a fabric is given as it is
    assert plain.parts["nvlink4"] != own.parts["nvlink4"]


@pytest.mark.parametrize("wrong", ["nowhere", "parts/nvlink4.toml"])
def test_a_catalog_that_is_no_folder_is_told(command: Any, fake: ModuleType, parts: Path,
                                             wrong: str) -> None:
    code, _, err = command("replay", "fake", "--catalog", parts.parent / wrong)
    assert code == 3 and f"{parts.parent / wrong}: no such catalog folder" in err
