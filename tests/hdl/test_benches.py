"""Every bench of every packaged block; the slow geometries under -m slow."""

from __future__ import annotations

import pytest

from rackwright import hdl
from rackwright.hdl.measure import differences

# the geometry that is tested in every run; the others under -m slow
QUICK = {"crc32_stream": "64", "rss_toeplitz": "64", "sha256_merkle": "64"}


def quick(name: str) -> str:
    """The last of the geometries that are not slow, the smaller one of most blocks."""
    fast = [shape.name for shape in hdl.block(name).geometries if not shape.slow]
    return QUICK.get(name, fast[-1])


# of the four combinations of pauses, a run without -m slow takes those with none and with both
FAST = r"^(?!.*(pause_in=0\.0/pause_out=0\.5|pause_in=0\.3/pause_out=0\.0))"
RUNS = [pytest.param(name, shape.name, tests, id=f"{name}-{shape.name}{'-fast' if tests else ''}",
                     marks=[] if tests else [pytest.mark.slow])
        for name in hdl.blocks() for shape in hdl.block(name).geometries
        for tests in (FAST, None) if not tests or shape.name == quick(name)]


@pytest.mark.usefixtures("icarus")
@pytest.mark.parametrize(("name", "geometry", "tests"), RUNS)
def test_bench(name: str, geometry: str, tests: str | None) -> None:
    """It passes, meets all its bins, and measures what timing.toml says."""
    report = hdl.test_block(name, geometry=geometry, tests=tests)
    failed = [f"{test.name}: {test.message}" for test in report.tests if not test.passed]
    assert not failed, report.log
    assert report.coverage and all(report.coverage.values())
    what = hdl.block(name)
    assert differences(what, what.geometry(geometry), report.cycles) == []
    print(report.log)


@pytest.mark.usefixtures("icarus")
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 4))
@pytest.mark.parametrize("name", hdl.blocks())
def test_other_seeds(name: str, seed: int) -> None:
    report = hdl.test_block(name, geometry=quick(name), seed=seed)
    assert report.passed, report.log
