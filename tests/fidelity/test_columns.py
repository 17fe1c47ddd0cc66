"""Which part a folder is held against, what a column from another part is, who beats a roofline."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from rackwright.calibrate import Point, Row
from rackwright.calibrate.predict import predictions
from rackwright.calibrate.rows import append
from rackwright.devices import catalog
from rackwright.errors import CatalogError, UnknownName
from rackwright.fidelity import assess, assess_columns, assess_own
from rackwright.fidelity import columns as module
from rackwright.fidelity.columns import packaged_columns, packaged_machines, transferred
from rackwright.fidelity.roofline import Roofline
from rackwright.fidelity.work import ideal_times


@pytest.fixture
def measured(tmp_path, monkeypatch, product, model):
    """Packaged folders of the test's making: name -> what its machine.json says."""
    def make(**machines):
        for name, told in machines.items():
            folder = tmp_path / name.replace("_", "-")
            folder.mkdir()
            (folder / "machine.json").write_text(told if isinstance(told, str)
                                                 else json.dumps(told))
            row = product(8, 0.2)
            append(folder, Row(row.point, dict(row.measured, spread=0, samples=1)))
        names = sorted(path.name for path in tmp_path.iterdir())
        monkeypatch.setattr(module, "measured_parts", lambda: tuple(names))
        monkeypatch.setattr(module, "measured_folder", lambda name: tmp_path / name)
    return make


def test_a_folder_is_held_against_the_part_it_is_named_after(measured):
    measured(h100_sxm={}, h100_sxm_x8={}, a100_sxm_40={})
    assert [(machine.name, machine.part) for machine in packaged_machines()] == [
        ("a100-sxm-40", "a100-sxm-40"), ("h100-sxm", "h100-sxm"), ("h100-sxm-x8", "h100-sxm")]
    of = {column.name: [machine.name for machine in column.machines]
          for column in packaged_columns()}
    assert of == {"a100-sxm-40": ["a100-sxm-40"], "h100-sxm": ["h100-sxm", "h100-sxm-x8"]}


def test_the_longest_name_counts(measured, monkeypatch):
    measured(h100_sxm_x8={}, h100={})
    monkeypatch.setattr(module.catalog, "names", lambda kind, folder: (
        "h100", "h100-sxm", "h100-s", "h100-sxm-x80"))
    assert [machine.part for machine in packaged_machines()] == ["h100", "h100-sxm"]


def test_a_machine_may_name_its_part(measured):
    measured(lab_7={"part": "l40s"})
    assert [machine.part for machine in packaged_machines()] == ["l40s"]


@pytest.mark.parametrize("told", [{}, {"part": "h101"}, {"part": 3}, "not json", "[]"])
def test_a_machine_of_no_known_part(measured, told):
    measured(lab_7=told)
    with pytest.raises(CatalogError, match="machine.json"):
        packaged_machines()


def test_machines_of_a_part_are_one_column_and_say_which(measured):
    measured(h100_sxm={}, h100_sxm_x8={})
    entry, = assess().of("h100-sxm")
    assert entry.errors.rows == 2 and entry.worst_point.machine == "h100-sxm"


def test_second_and_later_measurements_are_in_folders_of_their_own(measured, tmp_path, product):
    measured(h100_sxm={})
    for name, m in (("repeat", 8), ("afterwards", 9), ("earlier", 10)):
        (tmp_path / "h100-sxm" / name).mkdir()
        row = product(m)
        append(tmp_path / "h100-sxm" / name, Row(row.point, dict(row.measured, spread=0,
                                                                 samples=1)))
    machine, = packaged_machines()
    assert [row.point["m"] for row in machine.again["gemm"]] == [8]
    assert [row.point["m"] for row in machine.afterwards["gemm"]] == [9]
    entry, = assess().of("h100-sxm")
    assert (entry.errors.rows, entry.again.rows, entry.afterwards.rows) == (1, 1, 1)


def test_unmeasured_parts():
    with pytest.raises(UnknownName, match="part with packaged measurements 'l40s'"):
        assess(["l40s"])


def test_a_transferred_part_has_the_others_coefficients_and_its_own_datasheet():
    """Also a fit that the part grows tomorrow; a measured number is no datasheet number."""
    one, other, both = packaged_columns(["h100-sxm", "h200-sxm"])
    assert (one.name, other.name, both.name) == ("h100-sxm", "h200-sxm", "h200 from h100")
    assert both.machines == other.machines and both.basis is one.gpu
    assert both.gpu.memory_bandwidth == 4800e9 and both.gpu.gemm is one.gpu.gemm
    for field in dataclasses.fields(both.gpu):
        told = other.gpu.sources.get(field.metadata.get("key") or field.name, "")
        source = one if "fit" in field.metadata or told.startswith("measured") else other
        assert getattr(both.gpu, field.name) == getattr(source.gpu, field.name), field.name


def test_a_measured_number_is_not_kept(gpu):
    target = dataclasses.replace(
        gpu, name="h200-sxm", idle_watts=7.0, tdp_watts=8.0,
        sources=dict(gpu.sources) | {"idle_power": "measured: x", "tdp": "a datasheet"})
    columns = [module.Column(one.name, one, one.name, (), one, ()) for one in (gpu, target)]
    moved = transferred(*columns).gpu
    assert (moved.idle_watts, moved.tdp_watts) == (gpu.idle_watts, 8.0)


def test_a_transferred_prediction_is_that_of_the_replaced_part(product):
    one, other, both = packaged_columns()
    points = [Point("gemm", ("bf16", "linear", 16, 8192, 8192))]
    by_hand = dataclasses.replace(one.gpu, memory_bandwidth=4800e9)
    assert predictions(both.gpu, points) == predictions(by_hand, points)


def test_a_transferred_roofline_is_fitted_on_the_other_part():
    """Fitted on made H100 times, and drawn with H200's memory: exact on made H200 times."""
    one, other, _ = packaged_columns()
    made = Roofline(3e-6, 0.7, 0.9, 0)
    points = [Point("gemm", ("bf16", "linear", m, 4096, k), set)
              for set in ("fit", "held") for m in (1, 64, 512, 4096) for k in (1024, 4096, 16384)]
    columns = []
    for column in (one, other):
        times = made.times(ideal_times(column.gpu, points)) * 1e6
        rows = {"gemm": [Row(point, {"time_us": float(time)})
                         for point, time in zip(points, times, strict=True)]}
        machine = dataclasses.replace(column.machines[0], rows=rows, again={})
        columns.append(dataclasses.replace(column, machines=(machine,),
                                           basis_machines=(machine,)))
    moved = transferred(*columns)
    entry, = assess_columns([moved]).of(moved.name)
    assert entry.roofline.worst == pytest.approx(0, abs=1e-3)
    assert entry.fitted.data_share == pytest.approx(0.9, rel=1e-3)


def test_a_part_that_is_made_wrong_shows_it(few_tables):
    """A third of the memory bandwidth: decode and copies get three times as long."""
    column = few_tables(packaged_columns(["h100-sxm"])[0])
    wrong = dataclasses.replace(column.gpu, memory_bandwidth=column.gpu.memory_bandwidth / 3)
    bad = dataclasses.replace(column, name="wrong", gpu=wrong)
    found = assess_columns([column, bad])
    before, after = ({entry.errors.operation: entry.errors for entry in found.of(name)}
                     for name in ("h100-sxm", "wrong"))
    for name in ("attention decode cold", "gemm bf16"):
        assert after[name].median > 2 * before[name].median, name
        assert after[name].bias > 0.2 and after[name].inside < before[name].inside, name


@pytest.mark.parametrize(("model_is", "verdict"), [
    (1.0, "better"), (1.5, "worse")])
def test_the_verdict(column, monkeypatch, model_is, verdict):
    """Times with a step that no roofline has: the model that knows it wins, one 50 % off loses."""
    points = [Point("gemm", ("bf16", "linear", m, 4096, 4096), set)
              for set in ("fit", "held") for m in range(64, 4096, 100)]
    times = np.array([1e-5 + 1e-6 * -(-point.number("m") // 512) for point in points])
    rows = [Row(point, {"time_us": time * 1e6}) for point, time in zip(points, times,
                                                                       strict=True)]
    truth = dict(zip(points, times * model_is, strict=True))
    monkeypatch.setattr("rackwright.fidelity.compare.predicted_values",
                        lambda gpu, asked: np.array([truth[point] for point in asked]))
    entry, = assess_columns([column({"gemm": rows})]).of("h100-sxm")
    assert entry.verdict == verdict and entry.roofline.rows == len(points) // 2


def test_own_rows_with_a_fit_set_have_a_roofline_of_their_own(tmp_path):
    """Times that are 100 times too long: the packaged roofline would be 99 % off."""
    made = Roofline(3e-4, 0.007, 0.009, 0)
    points = [Point("gemm", ("bf16", "linear", m + (set == "held"), 4096, k), set)
              for set in ("fit", "held") for m in (1, 64, 512, 4096) for k in (1024, 4096, 16384)]
    times = made.times(ideal_times(catalog.gpu("h100-sxm"), points)) * 1e6
    lines = [f"{point.set},bf16,linear,{','.join(map(str, point.numbers()))},{time}"
             for point, time in zip(points, times, strict=True)]
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(["set,dtype,layout,m,n,k,time_us", *lines]))
    entry, = assess_own("h100-sxm", path).of("h100-sxm")
    assert entry.roofline.p90 < 1e-3 and entry.errors.median > 0.9
    path.write_text("\n".join(["set,dtype,layout,m,n,k,time_us", *lines[12:]]))  # held ones
    entry, = assess_own("h100-sxm", path).of("h100-sxm")
    assert entry.roofline.median > 0.9


def test_a_part_that_nobody_measured_has_no_roofline(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("dtype,layout,m,n,k,time_us\nbf16,linear,1,4096,4096,70\n")
    entry, = assess_own("l40s", path).of("l40s")
    assert entry.roofline is None and entry.verdict == "" and entry.errors.predicted == 1
