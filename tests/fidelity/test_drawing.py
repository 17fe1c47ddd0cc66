"""The picture: what is in it, that it is the same twice, and what stops it."""

from __future__ import annotations

import builtins
import sys

import numpy as np
import pytest

from rackwright.errors import InputError, MissingTool, UsageError
from rackwright.fidelity import assess_columns, plot
from rackwright.fidelity import drawing as module

pytest.importorskip("matplotlib", reason="drawing is an extra: pip install rackwright[plot]")


@pytest.fixture
def made(model, product, column):
    rows = {"gemm": [product(4 ** i, i / 10) for i in range(9)]
            + [product(2, -0.9, "fit")] + [product(8, 0.25, dtype="fp8")]}
    return assess_columns([column(rows), column(rows, name="another")], fitted=True)


@pytest.fixture
def drawn(made, monkeypatch):
    """The figure that would be saved."""
    kept = []
    inner = module._figure
    monkeypatch.setattr(module, "_figure", lambda *given: kept.append(inner(*given)) or kept[0])

    def call(path, **chosen):
        plot(made, path, **chosen)
        return kept[-1]
    return call


def test_a_panel_for_each_operation_with_all_its_points(drawn, tmp_path):
    figure = drawn(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    first, second = figure.axes
    assert first.get_title().splitlines() == ["gemm bf16", "median error, %: 40.0 | 40.0"]
    assert second.get_title().splitlines() == ["gemm fp8", "median error, %: 25.0 | 25.0"]
    points = [line for line in first.lines if line.get_marker() not in ("None", "")]
    assert [len(line.get_xdata()) for line in points] == [9, 9]
    assert len({line.get_color() for line in points}) == 2
    assert {text.get_text() for text in figure.legends[0].get_texts()} == {"h100-sxm", "another"}


def test_points_are_where_they_were_measured_and_predicted(drawn, tmp_path, model):
    line = drawn(tmp_path / "a.png").axes[0].lines[0]
    expected = np.array([2 + 1e-3 * 4 ** i for i in range(9)])
    np.testing.assert_allclose(line.get_ydata(), expected)
    np.testing.assert_allclose(line.get_xdata(), expected / (1 + np.arange(9) / 10))


def test_the_band_is_ten_per_cent_and_the_axes_are_equal_and_logarithmic(drawn, tmp_path):
    axes = drawn(tmp_path / "a.png").axes[0]
    assert axes.get_xscale() == axes.get_yscale() == "log"
    assert axes.get_xlim() == axes.get_ylim()
    corners = axes.collections[0].get_paths()[0].vertices
    ratios = np.unique(np.round(corners[:, 1] / corners[:, 0], 6))
    assert set(ratios) == {0.9, 1.1}


def test_fitted_points_when_asked(drawn, tmp_path):
    figure = drawn(tmp_path / "a.svg", everything=True)
    points = [line for line in figure.axes[0].lines if line.get_marker() not in ("None", "")]
    assert sum(len(line.get_xdata()) for line in points) == 20


@pytest.mark.parametrize("name", ["a.png", "a.svg"])
def test_twice_the_same_bytes(made, tmp_path, name):
    plot(made, tmp_path / name)
    once = (tmp_path / name).read_bytes()
    plot(made, tmp_path / name)
    assert (tmp_path / name).read_bytes() == once


def test_another_ending(tmp_path):
    with pytest.raises(UsageError, match=r"--plot writes \.png or \.svg, not 'a\.pdf'"):
        module.check_target(tmp_path / "a.pdf")


def test_a_folder_that_is_not_there(made, tmp_path):
    with pytest.raises(InputError, match="cannot be written: No such file"):
        plot(made, tmp_path / "none" / "a.png")


def test_nothing_to_draw(model, product, column, tmp_path):
    with pytest.raises(InputError, match="no point to draw"):
        plot(assess_columns([column({"gemm": [product(1, set="fit")]})]), tmp_path / "a.png")


def test_without_matplotlib(monkeypatch, tmp_path):
    inner = builtins.__import__

    def refuse(name, *rest):
        if name.partition(".")[0] == "matplotlib":
            raise ModuleNotFoundError(name=name)
        return inner(name, *rest)
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingTool, match=r"pip install rackwright\[plot\]"):
        module.check_target(tmp_path / "a.png")
