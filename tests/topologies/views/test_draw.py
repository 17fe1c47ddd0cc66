"""Pictures: the same bytes each time, nothing overlaps, every label fits its box."""

from __future__ import annotations

import itertools
import sys
import xml.etree.ElementTree as ElementTree

import networkx as nx
import pytest

from rackwright.errors import InputError, MissingTool, TopologyError
from rackwright.topologies import dgx, leaf_spine, preset, star, to_png, to_svg
from rackwright.topologies.views.cells import cells
from rackwright.topologies.views.layout import _apart, arrange

mpl = pytest.importorskip("matplotlib", reason="pip install 'rackwright[plot]'")

SHOWN = ("dgx-a100", "dgx-a100:hosts=2", "dgx-h100:hosts=3,fabric=rails", "dgx-h100:hosts=8",
         "dgx-h100:hosts=32", "leaf-spine", "leaf-spine:leaves=8,spines=4,hosts_per_leaf=24",
         "p4d:hosts=2", "star", "star:hosts=1", "dgx-a100:gpus=1,nics=1", "dgx-a100:gpus=3,nics=5")


@pytest.mark.parametrize("name", ["dgx-a100:hosts=2", "leaf-spine"])
def test_an_svg_has_the_same_bytes_twice_and_under_other_settings(tmp_path, name):
    graph = preset(name)
    to_svg(graph, tmp_path / "one.svg")
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red", "svg.hashsalt": "other"}):
        to_svg(preset(name), tmp_path / "two.svg")
        assert mpl.rcParams["font.size"] == 30
    one = (tmp_path / "one.svg").read_bytes()
    assert one == (tmp_path / "two.svg").read_bytes()
    assert b"<dc:date>" not in one
    assert ElementTree.fromstring(one).tag.endswith("svg")


def test_a_png_has_the_same_bytes_twice(tmp_path):
    for name in ("one.png", "two.png"):
        to_png(star(), tmp_path / name)
    data = (tmp_path / "one.png").read_bytes()
    assert data == (tmp_path / "two.png").read_bytes() and data.startswith(b"\x89PNG")


@pytest.mark.parametrize("name", SHOWN)
def test_no_two_boxes_overlap(name):
    for level in cells(preset(name)):
        picture = arrange(level)
        for one, other in itertools.combinations(picture.boxes.values(), 2):
            apart = (one.right <= other.left or other.right <= one.left
                     or one.y + one.half_height <= other.y - other.half_height
                     or other.y + other.half_height <= one.y - one.half_height)
            assert apart, (one, other)
        for one, other in itertools.combinations(picture.frames, 2):
            assert one.right < other.left or other.right < one.left
        for box in picture.boxes.values():
            assert 0 <= box.left and box.right <= picture.width + 1e-9
        for line in picture.lines:
            assert {line.one, line.other} <= set(picture.boxes)


@pytest.mark.parametrize("name", SHOWN)
def test_every_label_fits_its_box(name):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from rackwright.topologies.views.draw import _figure

    with mpl.rc_context({"font.family": "DejaVu Sans"}):
        figure = _figure(preset(name), None)
        renderer = FigureCanvasAgg(figure).get_renderer()
        axes = figure.axes[0]
        rectangles = [patch.get_window_extent(renderer) for patch in axes.patches
                      if type(patch).__name__ == "FancyBboxPatch"]
        for text in axes.texts:
            extent = text.get_window_extent(renderer)
            assert any(box.x0 <= extent.x0 and extent.x1 <= box.x1 and box.y0 <= extent.y0
                       and extent.y1 <= box.y1 for box in rectangles), text.get_text()
        legends = [legend.get_window_extent(renderer) for legend in figure.legends]
        assert not legends[0].overlaps(legends[1])
        for legend in legends:
            assert legend.y1 <= axes.get_window_extent(renderer).y0 + 1
            assert legend.x0 >= 0 and legend.x1 <= figure.bbox.x1


def test_detail_goes_down_with_size():
    def boxes(name: str) -> list[int]:
        return [len(level.boxes) for level in cells(preset(name))]

    assert boxes("dgx-h100:hosts=2") == [57, 3, 2]
    assert boxes("leaf-spine:leaves=2,spines=2,hosts_per_leaf=9") == [22, 22, 6]


def test_links_of_merged_boxes_are_counted():
    lines = [level.lines for level in cells(dgx("h100-sxm", hosts=3))]
    assert [line.number for line in lines[1]] == [8, 8, 8]
    assert [line.number for line in lines[2]] == [24]


def test_alike_hosts_are_told_by_their_range():
    *_, coarse = cells(leaf_spine(leaves=2, spines=1, hosts_per_leaf=3))
    assert [cell.label for cell in coarse.boxes.values()] == [
        "h0..2\n3 hosts", "h3..5\n3 hosts", "leaf0", "leaf1", "spine0"]


@pytest.mark.parametrize("wish, placed", [
    ([], []), ([5.0], [5.0]), ([1.0, 3.0], [1.0, 3.0]), ([2.0, 2.0], [1.5, 2.5]),
    ([1.0, 1.0, 3.0, 3.0], [0.5, 1.5, 2.5, 3.5]), ([0.0, 0.0, 0.0, 9.0], [-1.0, 0.0, 1.0, 9.0])])
def test_boxes_stand_as_near_to_their_wish_as_they_can(wish, placed):
    assert _apart(wish, 1.0) == pytest.approx(placed)


def test_an_odd_graph_is_drawn_too(tmp_path, parts):
    wire, bus = parts.link("wire", "ring"), parts.link("bus", "pcie")
    graph = parts.graph(
        {"h0": parts.cpu, "h1": parts.cpu, "h2/cpu0": parts.cpu, "h2/gpu0": parts.gpu,
         "p0": parts.pcie_switch},
        [("h0", "h1", wire), ("h1", "h2/cpu0", wire), ("h2/cpu0", "h0", wire),
         ("h2/cpu0", "h2/gpu0", bus), ("h1", "p0", bus)])
    to_svg(nx.MultiDiGraph(graph), tmp_path / "odd.svg")
    assert (tmp_path / "odd.svg").stat().st_size > 1000


def test_without_matplotlib_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingTool, match=r"pip install 'rackwright\[plot\]'") as caught:
        to_svg(star(), tmp_path / "star.svg")
    assert caught.value.exit_code == 4


def test_an_unsound_graph_is_not_drawn(tmp_path):
    graph = star()
    graph.remove_edge("s0", "h0")
    with pytest.raises(TopologyError, match="cannot be drawn: edge h0->s0 has no reverse"):
        to_png(graph, tmp_path / "star.png")


def test_an_unwritable_path_is_an_error(tmp_path):
    with pytest.raises(InputError, match="star.svg: cannot be written: No such file or directory"):
        to_svg(star(), tmp_path / "none" / "star.svg")
