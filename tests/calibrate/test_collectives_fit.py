"""Fits of a library's coefficients: what is known is found again, and what is held is not seen."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from rackwright.calibrate import Row, measured_folder, plan, read_folder
from rackwright.calibrate.crew import possible
from rackwright.calibrate.fit_collectives import library_errors, part_text, refit_collectives
from rackwright.calibrate.predict_collectives import for_library, host_of
from rackwright.devices import catalog
from rackwright.errors import InputError

PART = catalog.collectives("nccl-h100")


def rows_of(library, ops):
    """Rows whose times are exactly what `library` says, for four GPUs."""
    found = []
    for op in ops:
        points = [point for point in possible(plan(["collectives"]), 4)
                  if point["op"] == op and point["launch"] == "graph"]
        times = for_library(library, host_of("h100-sxm"), points)
        found += [Row(point, {"time_us": time * 1e6, "spread": 0.0, "samples": 9.0})
                  for point, time in zip(points, times, strict=True)]
    return {"collectives": found}


def test_known_coefficients_are_found_again():
    other = dataclasses.replace(
        PART, reduce_scatter_simple=dataclasses.replace(
            PART.reduce_scatter_simple, base_time=3e-5, share=0.8, copy_bandwidth=3e11),
        reduce_scatter_ll=dataclasses.replace(PART.reduce_scatter_ll, base_time=9e-6))
    rows = rows_of(other, ["reduce_scatter"])
    new, found = refit_collectives(PART, "h100-sxm", rows)
    assert {one.table for one in found} >= {"reduce_scatter_ll", "reduce_scatter_simple"}
    assert new.reduce_scatter_simple.share == pytest.approx(0.8, rel=0.02)
    assert new.all_reduce_ll == PART.all_reduce_ll
    for one in found:
        assert one.errors["fit"][1] < 0.01, one


def test_held_rows_do_not_pull():
    rows = read_folder(measured_folder("h100-sxm-x4"))
    spoilt = {table: [dataclasses.replace(row, measured={**row.measured, "time_us": 1e6})
                      if row.point.set == "held" else row for row in members]
              for table, members in rows.items()}
    _, found = refit_collectives(PART, "h100-sxm", rows)
    _, again = refit_collectives(PART, "h100-sxm", spoilt)
    assert [one.coefficients for one in found] == [one.coefficients for one in again]


def test_the_catalog_is_what_a_fit_gives():
    """The packaged coefficients come from the packaged rows; a fit starts from them."""
    rows = {"collectives": read_folder(measured_folder("h100-sxm-x8"))["collectives"]}
    new, found = refit_collectives(PART, "h100-sxm", rows)
    for one in found:
        for name, value in one.coefficients.items():
            assert value == pytest.approx(getattr(getattr(PART, one.table), name), rel=0.3,
                                          abs=3e-7), (one.table, name)


def test_a_part_file_of_ones_own(tmp_path):
    rows = rows_of(PART, ["broadcast"])
    new, found = refit_collectives(PART, "h100-sxm", rows)
    path = tmp_path / "mine.toml"
    path.write_text(part_text("mine", PART, new, found, "our rack", "2026-11-22"))
    mine = catalog.load_part(path)
    assert mine.broadcast_simple.share == new.broadcast_simple.share
    assert mine.broadcast_simple.basis == "calibrated" and mine.gpus == PART.gpus
    assert mine.broadcast_simple.source == "measured by the authors: our rack"
    assert mine.all_reduce_simple.share == PART.all_reduce_simple.share


def test_nothing_to_fit():
    with pytest.raises(InputError, match="nothing to fit"):
        refit_collectives(PART, "h100-sxm", {})
    with pytest.raises(InputError, match="nothing to hold the library against"):
        library_errors(PART, "h100-sxm", {})


@pytest.mark.parametrize(("host", "gpu", "library"), [
    ("h100-sxm-x8", "h100-sxm", "nccl-h100"), ("h100-sxm-x4", "h100-sxm", "nccl-h100"),
    ("h200-sxm-x8", "h200-sxm", "nccl-h200")])
def test_errors_on_rows_held_back(host, gpu, library):
    """x4 and H200 are other machines, of which only some transfers of x4 were fitted to."""
    found = library_errors(catalog.collectives(library), gpu, read_folder(measured_folder(host)))
    held = {one["operation"]: one for one in found if one["set"] == "held"}
    for op in ("all_reduce", "all_gather", "reduce_scatter", "all_to_all", "broadcast", "reduce"):
        assert held[op]["median"] < 0.05 and held[op]["p90"] < 0.15, held[op]
    assert np.median([one["median"] for one in found]) < 0.06
