"""Profiler exports: what belongs to which layer, on made events and on packaged real ones."""

from __future__ import annotations

import gzip
import json
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.errors import InputError, TraceError, UsageError
from rackwright.traces.detect import read_trace
from rackwright.traces.profiles import LayerProfile
from rackwright.traces.pytorch_profiler import read_step
from rackwright.traces.pytorch_profiler_file import is_export


def _op(name, ts, dur, identity, tid=1, number=None, dims=None):
    args = {"External id": identity}
    if number is not None:
        args["Sequence number"] = number
    if dims is not None:
        args["Input Dims"] = dims
    return {"ph": "X", "cat": "cpu_op", "name": name, "pid": 9, "tid": tid, "ts": ts, "dur": dur,
            "args": args}


def _kernel(identity, ts, dur, name="k"):
    return {"ph": "X", "cat": "kernel", "name": name, "pid": 0, "tid": 7, "ts": ts, "dur": dur,
            "args": {"External id": identity}}


def _step():
    """Two layers; the second's backward runs on another thread, out of order of ids."""
    return [
        _op("aten::conv2d", 10, 10, 1, number=5, dims=[[4, 3, 8, 8], [6, 3, 3, 3], [6]]),
        _op("aten::to", 11, 2, 2, number=5), _op("aten::convolution", 14, 5, 3, number=6),
        _op("aten::relu_", 30, 5, 4, number=7, dims=[[4, 6, 8, 8]]),
        _op("autograd::engine::evaluate_function: ReluBackward0", 50, 5, 5, 2, 7),
        _op("autograd::engine::evaluate_function: ConvolutionBackward0", 60, 9, 6, 2, 6),
        _op("aten::mm", 61, 3, 7, 2),
        {"ph": "X", "cat": "user_annotation", "name": "Optimizer.step#SGD.step", "pid": 9,
         "tid": 1, "ts": 80, "dur": 20},
        _op("aten::_foreach_add_", 81, 5, 8),
        _kernel(2, 100, 1), _kernel(3, 101, 2), _kernel(4, 103, 4), _kernel(5, 107, 8),
        _kernel(7, 115, 16), _kernel(8, 131, 32), _kernel(6, 170, 64, "ncclDevKernel_AllReduce"),
        _kernel(99, 300, 128)]


def _write(path, events):
    path.write_text(json.dumps({"traceEvents": events}))
    return path


def test_kernels_belong_to_the_layers_that_launched_them(tmp_path):
    step = read_step(_write(tmp_path / "t.json", _step()))
    first, second = step.layers
    us = pytest.approx
    assert (first.kind, second.kind) == ("conv", "relu")
    assert (first.forward_time * 1e6, first.backward_time * 1e6) == (us(3), us(16))
    assert (second.forward_time * 1e6, second.backward_time * 1e6) == (us(4), us(8))
    assert step.update_time * 1e6 == us(32) and step.communication_time * 1e6 == us(64)
    assert step.other_time == 0 and step.span_time * 1e6 == us(134) and step.kernels == 7


def test_a_step_as_a_layer_profile(tmp_path):
    profile = read_step(_write(tmp_path / "t.json", _step())).layer_profile()
    assert profile.batches.tolist() == [4] and profile.parameters.tolist() == [168, 0]
    assert profile.output_elements.tolist() == [6 * 64, 0]
    assert profile.times[:, 0].tolist() == pytest.approx([19e-6, 12e-6])


def test_steps_are_told_apart(tmp_path):
    marks = [{"ph": "X", "cat": "user_annotation", "name": f"ProfilerStep#{n}", "pid": 9, "tid": 1,
              "ts": ts, "dur": dur} for n, ts, dur in ((3, 0, 25), (4, 25, 100))]
    path = _write(tmp_path / "t.json", _step() + marks)
    assert [layer.kind for layer in read_step(path, 0).layers] == ["conv"]
    assert [layer.kind for layer in read_step(path).layers] == ["relu"]
    with pytest.raises(UsageError, match="step 2 of a trace with 2 steps"):
        read_step(path, 2)


def _packaged(name):
    return resources.files("rackwright.devices") / "measured" / "h100-sxm-training" / "profiles" \
        / f"{name}.json.gz"


@pytest.mark.parametrize(("name", "kernels", "parameters", "batch"), [
    ("vgg16_bf16_1gpu_b16", 278, 138_357_544, 16), ("resnet50_bf16_1gpu_b16", 871, 25_557_032, 16)])
def test_profiles_of_real_steps(name, kernels, parameters, batch):
    step = read_step(str(_packaged(name)))
    assert step.kernels == kernels and step.communication_time == 0
    assert step.other_time < 1e-3 * step.kernel_time
    profile = step.layer_profile()
    assert int(profile.parameters.sum()) == parameters and profile.batches.tolist() == [batch]


def test_nothing_is_dropped():
    path = str(_packaged("vgg16_bf16_2gpu_b16"))
    step = read_step(path)
    events = json.loads(gzip.open(path).read())["traceEvents"]
    all_of = sum(event["dur"] for event in events
                 if event.get("cat") in ("kernel", "gpu_memcpy", "gpu_memset"))
    assert (step.kernel_time + step.communication_time) * 1e6 == pytest.approx(all_of)
    assert step.communication_time > 0 and step.other_time > 0  # buckets


@pytest.mark.parametrize(("text", "says"), [
    ("", "no JSON"), ("{", "no JSON"), ("[1]", "traceEvents"),
    ('{"traceEvents": 3}', "traceEvents"),
    ('{"traceEvents": []}', "no kernel of a GPU"),
    ('{"traceEvents": [{"ph": "X", "cat": "kernel", "name": "k", "ts": "a", "dur": 1}]}',
     "event 0 .k.: ts is 'a'"),
    ('{"traceEvents": [{"ph": "X", "cat": "kernel", "name": "k", "ts": 1, "dur": -1}]}',
     "dur is -1"),
    ('{"traceEvents": [{"ph": "X", "cat": "cpu_op", "name": "k", "ts": 1, "dur": 1, '
     '"args": {"Sequence number": "x"}}]}', "Sequence number is 'x'; expected a whole")])
def test_faults(tmp_path, text, says):
    path = tmp_path / "t.json"
    path.write_text(text)
    with pytest.raises(TraceError, match=says) as caught:
        read_step(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_step(tmp_path / "none.json")


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_damaged_files_are_one_clear_error(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("d") / "t.json"
    raw = bytearray(json.dumps({"traceEvents": _step()}).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at:at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    path.write_bytes(bytes(raw))
    try:
        read_step(path).layer_profile()
    except TraceError as problem:
        assert "\n" not in str(problem)


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("zipped", [False, True])
def test_any_trace_reader_takes_exports(tmp_path, indent, zipped):
    text = json.dumps({"schemaVersion": 1, "deviceProperties": [], "traceEvents": _step()},
                      indent=indent)
    path = tmp_path / ("step.json.gz" if zipped else "step.json")
    path.write_bytes(gzip.compress(text.encode()) if zipped else text.encode())
    found = read_trace(path)
    assert isinstance(found, LayerProfile) and found.kinds == ("conv", "relu")
    assert found.content_hash == read_step(path).layer_profile().content_hash
    assert len(read_trace(path, 1)) == 1
    with pytest.raises(UsageError, match="at least 1 layer"):
        read_trace(path, 0)


def test_an_export_without_shapes_is_told_with_its_file(tmp_path):
    events = _step()
    events[0]["args"].pop("Input Dims")
    path = _write(tmp_path / "bare.json", events)
    with pytest.raises(TraceError, match="bare.json: the first layer, aten::conv2d, has no sh"):
        read_trace(path)


@pytest.mark.parametrize("text", ["{}", "{\"x\": 1}\n", "a,b\n1,2\n"])
def test_other_files_are_no_exports(tmp_path, text):
    path = tmp_path / "t.json"
    path.write_text(text)
    assert not is_export(path)
    assert not is_export(tmp_path) and not is_export(tmp_path / "absent")
