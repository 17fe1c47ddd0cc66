"""Execution traces: messages against bytes made by hand, round trips, damaged files, checks."""

from __future__ import annotations

import json
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright import traces
from rackwright.errors import InputError, TraceError
from rackwright.traces.chakra import ExecutionNode, ExecutionTrace
from rackwright.traces.chakra_proto import messages_of


def _hand() -> bytes:
    """Written out by hand from the encoding guide: metadata "0.0.4"; node 1 "All-Reduce",
    COMM_COLL, is_cpu_op false, comm_type 0 and comm_size 2**20 as int64.
    """
    def part(tag: str, body: bytes) -> bytes:
        return bytes.fromhex(tag) + bytes([len(body)]) + body
    attributes = [
        part("0a", b"is_cpu_op") + bytes.fromhex("d80100"),
        part("0a", b"comm_type") + bytes.fromhex("4800"),
        part("0a", b"comm_size") + bytes.fromhex("48808040")]
    node = bytes.fromhex("0801") + part("12", b"All-Reduce") + bytes.fromhex("1807") \
        + b"".join(part("52", one) for one in attributes)
    head = part("0a", b"0.0.4")
    return bytes([len(head)]) + head + bytes([len(node)]) + node


def _node(number, kind="COMP", after=(), time=0.0, **attributes):
    return ExecutionNode(number, f"n{number}", kind, tuple(after), time, attributes)


def test_bytes_made_by_hand(tmp_path):
    path = tmp_path / "t.0.et"
    path.write_bytes(_hand())
    trace = traces.read_execution(path)
    (node,), = trace.ranks
    assert (node.id, node.name, node.type) == (1, "All-Reduce", "COMM_COLL")
    assert node.attributes == {"is_cpu_op": False, "comm_type": 0, "comm_size": 1 << 20}
    assert trace.version == "0.0.4" and node.collective == "ALL_REDUCE"


def test_the_writer_makes_those_bytes():
    node = ExecutionNode(1, "All-Reduce", "COMM_COLL", (), 0.0,
                         {"comm_size": 1 << 20, "comm_type": 0, "is_cpu_op": False})
    ours = messages_of([node], "0.0.4")
    assert sorted(ours) == sorted(_hand()) and len(ours) == len(_hand())  # attributes are sorted


def test_all_types_of_values(tmp_path):
    def value(number, kind, body):
        tag, head = number << 3 | kind, b""
        while tag > 127:
            head, tag = head + bytes([tag & 127 | 128]), tag >> 7
        return head + bytes([tag]) + body
    cases = {3: (value(3, 1, struct.pack("<d", 0.5)), 0.5),
             5: (value(5, 5, struct.pack("<f", 0.25)), 0.25),
             7: (value(7, 0, b"\xff" * 9 + b"\x01"), -1), 13: (value(13, 0, b"\x07"), 7),
             17: (value(17, 0, b"\x03"), -2), 19: (value(19, 5, struct.pack("<I", 9)), 9),
             25: (value(25, 1, struct.pack("<q", -9)), -9), 27: (value(27, 0, b"\x01"), True),
             29: (value(29, 2, b"\x02hi"), "hi"), 31: (value(31, 2, b"\x01\x00"), b"\x00"),
             10: (value(10, 2, b"\x04\x0a\x02\x01\x02"), (1, 2)),
             28: (value(28, 2, b"\x04\x0a\x02\x01\x00"), (True, False)),
             30: (value(30, 2, b"\x06\x0a\x01a\x0a\x01b"), ("a", "b"))}
    for raw, expected in cases.values():
        attribute = b"\x0a\x01k" + raw
        node = b"\x08\x05\x18\x04R" + bytes([len(attribute)]) + attribute
        path = tmp_path / "t.0.et"
        path.write_bytes(b"\x00" + bytes([len(node)]) + node)
        assert traces.read_execution(path).ranks[0][0].attributes == {"k": expected}


@st.composite
def jobs(draw):
    ranks = draw(st.integers(1, 3))
    plain = st.one_of(st.booleans(), st.integers(-(1 << 63), (1 << 63) - 1),
                      st.floats(allow_nan=False), st.text(max_size=5),
                      st.lists(st.integers(-9, 9), min_size=1, max_size=3).map(tuple),
                      st.lists(st.text(max_size=3), min_size=1, max_size=3).map(tuple))
    found = []
    for _ in range(ranks):
        ids = draw(st.lists(st.integers(0, 1 << 62), unique=True, max_size=5))
        found.append(tuple(
            ExecutionNode(number, draw(st.text(max_size=4)),
                          draw(st.sampled_from(["COMP", "MEM_LOAD", "METADATA"])),
                          tuple(sorted(draw(st.sets(st.sampled_from(ids[:place]), max_size=2))
                                       if place else ())),
                          draw(st.floats(0, 1e6)),
                          draw(st.dictionaries(st.sampled_from(["num_ops", "x", "y"]), plain)))
            for place, number in enumerate(ids)))
    groups = draw(st.sampled_from([{}, {"1": (0,)}]))
    return ExecutionTrace(tuple(found), groups, "job")


@settings(max_examples=30, deadline=None)
@given(jobs(), st.sampled_from(["et", "json", "zip"]))
def test_files_read_back_exactly(tmp_path_factory, trace, form):
    folder = tmp_path_factory.mktemp("j")
    target = folder / "job.zip" if form == "zip" else folder
    traces.write_execution(trace, target, "json" if form == "json" else "et")
    again = traces.read_execution(target)
    assert again.content_hash == trace.content_hash and again.ranks == trace.ranks


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_files_are_one_clear_error(tmp_path_factory, read_damaged, data):
    path = tmp_path_factory.mktemp("d") / "t.0.et"
    read_damaged(data, _hand(), path, traces.read_execution)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_trace_or_one_error(tmp_path_factory, raw):
    for name in ("t.0.et", "t.0.json", "t.zip"):
        path = tmp_path_factory.mktemp("d") / name
        path.write_bytes(raw)
        try:
            traces.read_execution(path)
        except (TraceError, InputError) as problem:
            assert str(path) in str(problem)


def test_json_as_protobuf_prints_it(tmp_path):
    path = tmp_path / "t.0.json"
    path.write_text(json.dumps({"version": "0.0.4"}) + ",\n" + json.dumps(
        {"id": "7", "name": "a", "type": "COMP_NODE", "durationMicros": "12",
         "attr": [{"name": "num_ops", "int64Val": "5"}, {"name": "f", "boolVal": False}]}) + "\n"
        + json.dumps({"id": "8", "type": "COMP_NODE", "dataDeps": ["7"], "ctrlDeps": ["7"]}))
    first, second = traces.read_execution(path).ranks[0]
    assert first.duration_time == pytest.approx(12e-6) and first.attributes["num_ops"] == 5
    assert second.after == (7,)


@pytest.mark.parametrize(("nodes", "says"), [
    ((_node(1), _node(1)), "rank 0: node id 1 comes twice"),
    ((_node(1, after=[2]),), "waits for node 2, which is not there"),
    ((_node(1, after=[2]), _node(2, after=[3]), _node(3, after=[1])),
     "node 1 waits for 2 waits for 3 waits for 1"),
    ((_node(1, "COMM_COLL", comm_type=77, comm_size=1),), "comm_type is 77; expected 0 to 9"),
    ((_node(1, "COMM_COLL", comm_type=0),), "comm_size is -1"),
    ((_node(1, "COMM_COLL", comm_type=0, comm_size=1, pg_name="x"),), "'x' is not described"),
    ((_node(1, "COMM_SEND", comm_size=1, comm_dst=0),), "its peer is rank 0"),
    ((_node(1, time=float("nan")),), "nan s; expected"), ((_node(1, "INVALID"),), "type INVALID"),
])
def test_what_a_trace_may_not_hold(nodes, says):
    with pytest.raises(TraceError, match=says):
        ExecutionTrace((nodes,))


def test_files_of_ranks_belong_together(tmp_path):
    trace = ExecutionTrace(((_node(1),), (_node(1),), (_node(1),)), name="job")
    traces.write_execution(trace, tmp_path)
    (tmp_path / "job.1.et").unlink()
    with pytest.raises(InputError, match="job has 2 files and none of rank 1"):
        traces.read_execution(tmp_path)
    traces.write_execution(ExecutionTrace(((_node(1),),), name="other"), tmp_path)
    with pytest.raises(InputError, match="several jobs: job .*, other"):
        traces.read_trace(tmp_path)
    assert len(traces.read_execution(tmp_path / "other")) == 1
    with pytest.raises(InputError, match="no execution traces here"):
        traces.read_execution(tmp_path / "none")


def test_the_first_nodes_wait_for_none_that_are_cut_off():
    trace = ExecutionTrace(((_node(1, after=[3]), _node(2), _node(3)),))
    assert [node.id for node in trace.first(2).ranks[0]] == [2]
