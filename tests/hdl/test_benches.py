"""Every bench of every packaged block; the slow geometries under -m slow."""

from __future__ import annotations

import pytest

from rackwright import hdl

RUNS = [pytest.param(name, shape.name, id=f"{name}-{shape.name}",
                     marks=[pytest.mark.slow] if shape.slow else [])
        for name in hdl.blocks() for shape in hdl.block(name).geometries]


@pytest.mark.usefixtures("icarus")
@pytest.mark.parametrize(("name", "geometry"), RUNS)
def test_bench(name: str, geometry: str) -> None:
    report = hdl.test_block(name, geometry=geometry)
    failed = [f"{test.name}: {test.message}" for test in report.tests if not test.passed]
    assert not failed, report.log
    assert report.coverage and all(report.coverage.values())
    print(report.log)


@pytest.mark.usefixtures("icarus")
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
def test_witness_table_under_other_seeds(seed: int) -> None:
    report = hdl.test_block("witness_table", geometry="8x2", seed=seed)
    assert report.passed, report.log
