"""Sensitivities against a closed form, and what they share with any study: store, seeds, errors."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from rackwright import study
from rackwright.errors import MissingTool, UnknownName, UsageError
from rackwright.study.axes import Axis, Draw, Range
from rackwright.study.trials import dimensions, zipped

Write = Callable[..., Path]
FILE = """
name = "closed form"
[base]
system = "ishigami"
""" + "".join(f"""
[[axis]]
path = "options.x{number}"
range = {{ start = -3.14159265359, stop = 3.14159265359, steps = 5 }}
""" for number in (1, 2, 3))


@pytest.fixture
def salib() -> None:
    pytest.importorskip("SALib", reason="needs the extra [analysis]")


@pytest.mark.parametrize(("samples", "off"), [
    (64, 0.2), pytest.param(512, 0.07, marks=pytest.mark.slow)])
def test_sobol_finds_the_closed_form(ishigami: ModuleType, write: Write, salib: None,
                                     samples: int, off: float) -> None:
    found = study.sensitivity(write(FILE), "y", samples=samples)
    assert len(found.result.rows) == samples * 5
    wanted = ishigami.indices()
    assert {effect.axis for effect in found.effects} == set(wanted)
    for effect in found.effects:
        first, total = wanted[effect.axis]
        assert effect.values["first"] == pytest.approx(first, abs=off)
        assert effect.values["total"] == pytest.approx(total, abs=off)
        assert abs(effect.values["first"] - first) < 2 * effect.values["first_half"] + 0.01
    assert [effect.axis for effect in found.effects] == ["x1", "x2", "x3"]


def test_morris_ranks_as_the_closed_form_does(ishigami: ModuleType, write: Write, salib: None
                                              ) -> None:
    found = study.sensitivity(write(FILE), "y", method="morris", samples=32)
    assert len(found.result.rows) == 32 * 4
    x3 = next(effect for effect in found.effects if effect.axis == "x3")
    assert x3.values["spread"] > x3.values["size"] / 2  # its effect hangs on x1
    assert set(x3.values) == {"size", "size_half", "mean", "spread"}


def test_one_axis_at_a_time_needs_no_library(ishigami: ModuleType, write: Write,
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "SALib.sample.sobol", None)
    found = study.sensitivity(write(FILE), "y", method="one", samples=5)
    assert len(found.result.rows) == 1 + 3 * 5
    x2, x1, x3 = found.effects
    assert (x2.axis, x2.values["range"]) == ("x2", pytest.approx(7.0))
    assert (x1.axis, x1.values["range"]) == ("x1", pytest.approx(2.0))
    assert abs(x1.at["at_high"]) == pytest.approx(np.pi / 2) == abs(x1.at["at_low"])
    assert (x3.axis, x3.values["range"]) == ("x3", pytest.approx(0.0))  # nothing while x1 is 0
    with pytest.raises(MissingTool, match=r"rackwright\[analysis\]"):
        study.sensitivity(write(FILE), "y")


@pytest.mark.parametrize("method", ["morris", "sobol"])
def test_equal_seeds_give_equal_bytes_and_leave_numpy_alone(ishigami: ModuleType, write: Write,
                                                            salib: None, method: str) -> None:
    before = np.random.get_state()[1].tolist()  # type: ignore[index,union-attr]
    found = [study.sensitivity(write(FILE), "y", method=method, samples=8, seed=seed)
             for seed in (0, 0, 1)]
    assert np.random.get_state()[1].tolist() == before  # type: ignore[index,union-attr]
    one, other, third = (entry.record() for entry in found)
    assert one == other
    assert one["hashes"] != third["hashes"] and one["effects"] != third["effects"]


def test_what_is_kept_is_used_again(toy: ModuleType, write: Write, tmp_path: Path, salib: None,
                                    monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_LOG", str(tmp_path / "log"))
    path = write('name = "kept"\n[base]\nsystem = "toy"\n[[axis]]\npath = "options.workers"\n'
                 'range = { start = 1, stop = 64, steps = 2, whole = true }\n[[axis]]\n'
                 'path = "options.policy"\nvalues = ["fast", "slow"]\n')
    first = study.sensitivity(path, "throughput", samples=16, out=tmp_path / "out")
    count = len((tmp_path / "log").read_text().splitlines())
    assert count == len({row.hash for row in first.result.rows}) <= 16 * 4
    again = study.sensitivity(path, "throughput", samples=16, out=tmp_path / "out", resume=True)
    assert len((tmp_path / "log").read_text().splitlines()) == count
    assert again.record() == first.record()
    with pytest.raises(UsageError, match="--resume"):
        study.sensitivity(path, "throughput", samples=16, out=tmp_path / "out")


def test_a_metric_that_does_not_move_has_no_effects(ishigami: ModuleType, write: Write,
                                                    salib: None) -> None:
    for method in ("sobol", "morris"):
        found = study.sensitivity(write(FILE), "0 * y", method=method, samples=4)
        assert all(value == 0 for effect in found.effects for value in effect.values.values())


def test_points_without_a_value_are_told(ishigami: ModuleType, write: Write) -> None:
    path = write(FILE.replace('"ishigami"', '"ishigami"\noptions = { bad = 2.0 }'))
    with pytest.raises(UsageError, match="no value at 1 of 7 points.*point 2: x1 is too large"):
        study.sensitivity(path, "y", method="one")
    with pytest.raises(UnknownName, match="'sobol'"):
        study.sensitivity(path, "y", method="sobel")
    with pytest.raises(UsageError, match="power of two, such as 64"):
        study.sensitivity(path, "y", samples=100)
    with pytest.raises(UsageError, match="0 axes"):
        study.sensitivity(write('name = "n"\n[base]\nsystem = "toy"\n'), "throughput")


def test_the_text_says_how_to_read_it(ishigami: ModuleType, write: Write) -> None:
    text = study.sensitivity(write(FILE), "y", method="one").text()
    assert "one axis, every other in its middle" in text and "\nx1  " in text


@pytest.mark.parametrize(("axis", "share", "value"), [
    (Axis(path="options.x", range=Range(start=1, stop=9, steps=3)), 0.25, 3.0),
    (Axis(path="options.x", range=Range(start=9, stop=1, steps=3)), 1.0, 1.0),
    (Axis(path="options.x", range=Range(start=1, stop=100, steps=3, scale="log")), 0.5, 10.0),
    (Axis(path="options.x", range=Range(start=1, stop=4, steps=3, whole=True)), 0.6, 3),
    (Axis(path="options.x", range=Range(start=100, stop=400, steps=3, unit="Gbps")), 0.5,
     "250.0Gbps"),
    (Axis(path="options.x", random=Draw(low=2, high=4, count=1)), 0.5, 3.0),
    (Axis(path="options.x", random=Draw(distribution="log-uniform", low=1, high=4, count=1)), 0.5,
     2.0),
    (Axis(path="options.x", random=Draw(distribution="normal", mean=5, deviation=1, count=1)), 0.5,
     5.0),
    (Axis(path="options.x", random=Draw(distribution="normal", mean=5, deviation=1, high=5.5,
                                        count=1)), 1.0, 5.5),
    (Axis(path="options.x", values=("a", "b", "c")), 0.34, "b"),
    (Axis(path="options.x", values=("a", "b", "c")), 1.0, "c")])
def test_shares_of_axes(axis: Axis, share: float, value: object) -> None:
    assert axis.at(share) == (value, {"options.x": value})


def test_places_become_points(toy: ModuleType, write: Write) -> None:
    loaded = study.load(write(
        'name = "z"\n[base]\nsystem = "toy"\n[[axis]]\npath = "seed"\nvalues = [4]\n[[axis]]\n'
        'name = "size"\n[[axis.case]]\nname = "small"\nset = { "options.workers" = 1 }\n'
        '[[axis.case]]\nname = "big"\nset = { "options.workers" = 9 }\n[[axis]]\n'
        'path = "options.load"\nrange = { start = 1.0, stop = 2.0, steps = 2 }\n'))
    assert [(one.name, one.choices) for one in dimensions(loaded)] == [("size", 2), ("load", None)]
    made = study.points(zipped(loaded, [(0.9, 0.5), (0.6, 0.0), (0.1, 1.0)]))
    assert [tuple(point.axes.values()) for point in made] == [
        (4, "big", 1.5), (4, "big", 1.0), (4, "small", 2.0)]
    assert made[0].scenario["options.workers"] == 9
