"""`LayerProfile`, its files, and the public .prof format, also on the published files."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright import traces
from rackwright.errors import TraceError, UsageError
from rackwright.traces.profiles import LayerProfile, chain_of

CONV = 'conv2d{"in_channels":3,"kernel_size":3,"out_channels":4,"padding":1,"stride":1}'
LINES = f"    {CONV}[2][3,8,8]   1.5   1000   500\n" + """\
    ReLU2d{"inplace":true,"kernel_size":1,"padding":0,"stride":1}[2][4,8,8]   0.25   100   150
    flatten{"kernel_size":1}[2][4,8,8]   0.0   0   0
    linear{"bias":true,"in_features":256,"out_features":10}[2]256   0.25   200   50
    SUM(avg)  2.0
""" + f"    {CONV}[1][3,8,8]   1.0   700   300\n" + """\
    ReLU2d{"inplace":true,"kernel_size":1,"padding":0,"stride":1}[1][4,8,8]   0.2   100   100
    flatten{"kernel_size":1}[1][4,8,8]   0.0   0   0
    linear{"bias":true,"in_features":256,"out_features":10}[1]256   0.2   150   50
    SUM(avg)  1.4
"""


def _data() -> Path:
    there = os.environ.get("RACKWRIGHT_DATA")
    home = Path(there) if there else Path(__file__).parents[2].parent / "shared" / "data"
    folder = home / "traces" / "deeppool_profiles"
    if not folder.is_dir():
        pytest.skip("the public A100 profiles (github.com/seojinpark/DeepPool, MIT) are not there")
    return folder


@pytest.fixture
def prof(tmp_path):
    path = tmp_path / "net.prof"
    path.write_text(LINES)
    return path


def test_a_public_profile(prof):
    profile = traces.read_trace(prof)
    assert isinstance(profile, LayerProfile) and profile.is_chain
    assert profile.kinds == ("conv", "relu", "flatten", "linear")
    assert profile.parameters.tolist() == [3 * 4 * 9 + 4, 0, 0, 2570]
    assert profile.output_elements.tolist() == [256, 256, 256, 10]
    assert profile.batches.tolist() == [2, 1]
    assert profile.column(2).tolist() == pytest.approx([1.5e-3, 2.5e-4, 0, 2.5e-4])
    assert profile.forward_times[0].tolist() == pytest.approx([1e-3, 7e-4])
    assert profile.configuration(0)[1]["out_channels"] == 4


@pytest.mark.parametrize(("old", "new", "says"), [
    ("1.5   1000", "1.5   x", "not a plain decimal"),
    ("[2][4,8,8]   0.25   100", "[2][4,8,8]   100", "2 numbers; expected"),
    ("SUM(avg)  2.0", "SUM(avg)  3.0", "is a row"),
    ("linear{", "lineer{", "unknown operator"),
    ('"in_features":256', '"in_features":255', "for 255 input channels"),
    ("]256   0.25   200   50", "]257   0.25   200   50", "stands where batch 2 has"),
    ("SUM(avg)  2.0\n", "", "among layers of batch 2"),
    ("[2][3,8,8]", "[0][3,8,8]", "out of range"),
    ("flatten{", "flatten{x", "are no JSON object"),
])
def test_faults_of_a_public_profile(tmp_path, old, new, says):
    path = tmp_path / "net.prof"
    path.write_text(LINES.replace(old, new))
    with pytest.raises(TraceError, match=says) as caught:
        traces.read_profile(path)
    assert "net.prof:" in str(caught.value)


def test_the_last_sum_may_be_missing(tmp_path):
    path = tmp_path / "net.prof"
    path.write_text(LINES.replace("    SUM(avg)  1.4\n", ""))
    assert len(traces.read_profile(path)) == 4


def test_a_batch_that_is_cut_off(tmp_path):
    path = tmp_path / "net.prof"
    path.write_text("\n".join(LINES.splitlines()[:-3]))
    with pytest.raises(TraceError, match="2 layers at batch 1, 4 at batch 2; is the file cut off"):
        traces.read_profile(path)


def _conv(inputs, outputs, side, time=1.0):
    config = (f'{{"in_channels":{inputs},"kernel_size":1,"out_channels":{outputs},"padding":0,'
              '"stride":1}')
    return f"conv2d{config}[1][{inputs},{side},{side}] {time} 1 1"


def test_branches_are_told_by_shapes(tmp_path):
    path = tmp_path / "net.prof"
    path.write_text("\n".join([_conv(3, 8, 4), _conv(8, 5, 4), _conv(8, 6, 4), _conv(6, 7, 4),
                               _conv(12, 2, 4)]))
    profile = traces.read_profile(path)
    assert profile.kinds == ("conv", "conv", "conv", "conv", "concat", "conv")
    assert profile.edges == ((0, 1), (0, 2), (1, 4), (2, 3), (3, 4), (4, 5))
    assert profile.times[4, 0] == 0 and profile.output_elements[4] == 12 * 16


def test_a_layer_that_nothing_feeds(tmp_path):
    path = tmp_path / "net.prof"
    path.write_text("\n".join([_conv(3, 8, 4), _conv(9, 5, 4)]))
    with pytest.raises(TraceError, match=r"net.prof:2: its input \[9, 4, 4\] is the output of no"):
        traces.read_profile(path)


@pytest.mark.parametrize(("name", "layers", "sums"), [
    ("A100_vgg.prof", 37, {32: 53.73, 16: 29.39, 8: 16.88, 4: 10.30, 2: 7.26, 1: 5.53}),
    ("A100_wrn.prof", 39, {32: 103.84, 16: 58.68, 8: 37.05, 4: 26.61, 2: 22.42, 1: 19.30}),
    ("A100_inception.prof", 118, {32: 40.86, 16: 23.02, 8: 14.21, 4: 10.10, 2: 7.96, 1: 6.91})])
def test_the_published_profiles(name, layers, sums):
    profile = traces.read_profile(_data() / name)
    assert len(profile) == layers
    for batch, total in sums.items():
        assert 1e3 * profile.column(batch).sum() == pytest.approx(total, abs=0.01)


def test_inception_joins_as_the_network_does():
    profile = traces.read_profile(_data() / "A100_inception.prof")
    joins = [place for place, kind in enumerate(profile.kinds) if kind == "concat"]
    widths = [int(profile.configuration(place)[2][0]) for place in joins]
    assert widths == [256, 288, 288, 768, 768, 768, 768, 768, 1280, 2048, 2048]
    assert [sum(end == place for _, end in profile.edges) for place in joins] == [
        4, 4, 4, 3, 4, 4, 4, 4, 3, 6, 6]


def test_our_inception_graph_has_the_same_joins():
    from rackwright.models.training import layers_of, network

    graph = network("inception_v3")
    joins = [(layer.shape_out[0], graph.in_degree(place)) for place, layer
             in enumerate(layers_of(graph)) if layer.kind == "concat"]
    profile = traces.read_profile(_data() / "A100_inception.prof")
    theirs = [(int(profile.configuration(place)[2][0]), sum(end == place for _, end in
                                                            profile.edges))
              for place, kind in enumerate(profile.kinds) if kind == "concat"]
    assert joins == theirs


times = st.floats(0, 1e3, allow_nan=False, width=64)


@st.composite
def profiles(draw):
    count, batches = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    matrix = np.array(draw(st.lists(st.lists(times, min_size=batches, max_size=batches),
                                    min_size=count, max_size=count)))
    whole = st.lists(st.integers(0, 1 << 40), min_size=count, max_size=count)
    kinds = draw(st.lists(st.sampled_from(["conv", "linear", "relu"]), min_size=count,
                          max_size=count))
    return LayerProfile(
        "made", draw(st.sampled_from(["", "net"])), tuple(f"{kind}{{}}[3]" for kind in kinds),
        tuple(kinds), np.array(draw(whole)), np.array(draw(whole)),
        np.array(sorted(draw(st.sets(st.integers(1, 99), min_size=batches, max_size=batches)),
                        reverse=True)),
        matrix, chain_of(count), draw(st.sampled_from([None, matrix / 2])))


@settings(max_examples=40, deadline=None)
@given(profiles())
def test_our_files_read_back_exactly(tmp_path_factory, profile):
    path = tmp_path_factory.mktemp("p") / "p.json"
    traces.write_profile(profile, path)
    again = traces.read_trace(path)
    assert isinstance(again, LayerProfile)
    assert again.content_hash == profile.content_hash and again.name == profile.name
    assert (again.times == profile.times).all()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_files_are_one_clear_error(tmp_path_factory, read_damaged, data):
    path = tmp_path_factory.mktemp("d") / "p.json"
    good = path.parent / "good.prof"
    good.write_text(LINES)
    traces.write_profile(traces.read_profile(good), path)
    raw = (good if data.draw(st.booleans()) else path).read_bytes()
    read_damaged(data, raw, path, traces.read_profile)


def test_edges_values_and_shapes_are_checked():
    good = dict(name="n", model="", layers=("a", "b"), kinds=("conv", "relu"),
                parameters=np.array([1, 0]), output_elements=np.array([4, 4]),
                batches=np.array([2, 1]), times=np.ones((2, 2)), edges=((0, 1),))
    LayerProfile(**good)
    for key, value, says in (("edges", ((1, 0),), "from a"), ("edges", ((0, 1), (0, 1)), "sorted"),
                             ("batches", np.array([1, 2]), "falling"),
                             ("times", np.full((2, 2), np.nan), "layer 0: times"),
                             ("times", np.ones((1, 2)), "shape"),
                             ("kinds", ("conv",), "1 kinds for 2 layers"),
                             ("parameters", np.array([-1, 0]), "layer 0: parameters -1")):
        with pytest.raises(TraceError, match=says):
            LayerProfile(**{**good, key: value})
    profile = LayerProfile(**good)
    assert len(profile.first(1)) == 1 and profile.first(1).edges == ()
    with pytest.raises(UsageError, match="it has 2, 1"):
        profile.column(3)
