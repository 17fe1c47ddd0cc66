"""Node-link JSON: what is saved comes back, and a bad file is one clear error."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import networkx as nx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rackwright.devices import Link, catalog
from rackwright.errors import InputError, RackwrightError, TopologyError
from rackwright.topologies import compile, dgx, leaf_spine, load, preset, preset_names, save, star
from rackwright.topologies.formats.nodelink import read
from rackwright.topologies.formats.nodelink_write import to_json

PLAIN = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def same(one: nx.DiGraph[Any], other: nx.DiGraph[Any]) -> bool:
    return (type(one) is type(other) and one.graph == other.graph
            and dict(one.nodes(data=True)) == dict(other.nodes(data=True))
            and dict(one.adjacency()) == dict(other.adjacency()))


@pytest.mark.parametrize("name", [*preset_names(), "dgx-h100:hosts=3,fabric=rails"])
def test_presets_come_back_equal(tmp_path, name):
    graph = preset(name)
    save(graph, tmp_path / "one.json")
    back = load(tmp_path / "one.json")
    assert same(graph, back)
    assert compile(back).content_hash == compile(graph).content_hash
    save(back, tmp_path / "two.json")
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()


@PLAIN
@given(data=st.data())
def test_any_graph_comes_back_equal(data):
    number = st.floats(1e3, 1e15) | st.integers(1000, 10**15)
    links = st.builds(Link, name=st.sampled_from(["nvlink3", "wire", "wire#2", "ü"]),
                      kind=st.sampled_from(["ethernet", "nvlink"]), rate_bps=number,
                      efficiency=st.sampled_from([1, 1.0, 0.1, 1 / 3]) | st.floats(0.01, 1.0),
                      latency_time=st.floats(0.0, 3600.0), source=st.sampled_from(["", "x", 'a"b']))
    extras = st.dictionaries(st.sampled_from(["rack", "key", "u_of_edge", "note"]),
                             st.none() | st.booleans() | st.integers() | st.text(max_size=5)
                             | st.lists(st.floats(allow_nan=False, allow_infinity=False)),
                             max_size=2)
    many = data.draw(st.booleans())
    graph: Any = (nx.MultiDiGraph if many else nx.DiGraph)(**data.draw(extras))
    for host in range(3):
        graph.add_node(f"h{host}", device=catalog.nic("connectx-6"))
        graph.nodes[f"h{host}"].update(data.draw(extras))
    graph.nodes["h1"]["forwards"] = data.draw(st.booleans())
    for one, other in ((0, 1), (1, 2), (0, 2)):
        for key in range(data.draw(st.integers(1, 2)) if many else 1):
            for ends in ((one, other), (other, one)):
                names = [f"h{end}" for end in ends]
                graph.add_edge(*names, *([key] if many else []))
                row = graph.get_edge_data(*names, *([key] if many else []))
                row.update(data.draw(extras), link=data.draw(links))
    back = read(to_json(graph), "file")
    assert same(graph, back)
    assert compile(back).content_hash == compile(graph).content_hash
    assert to_json(back) == to_json(graph)


def test_the_file_reads_well():
    text = to_json(star(hosts=1, link=Link("own", "ethernet", 25e9, 0.5, 1.5e-6, "measured")))
    assert text == """\
{"format": "rackwright-topology", "version": 1, "directed": true, "multigraph": false,
 "graph": {"name": "star, hosts: 1"},
 "link_types": {
  "own": {"kind": "ethernet", "rate": "25000000000bps", "efficiency": 0.5, "latency": "1.5e-06s", \
"source": "measured"}},
 "nodes": [
  {"id": "h0", "device": "connectx-6"},
  {"id": "s0", "device": "ethernet-switch"}],
 "edges": [
  {"source": "h0", "target": "s0", "link": "own"},
  {"source": "s0", "target": "h0", "link": "own"}]}
"""


WRITTEN_BY_HAND = """{
 "format": "rackwright-topology", "version": 1, "directed": false,
 "link_types": {"cable": {"kind": "ethernet", "rate": "25Gbps", "efficiency": 0.95,
                          "latency": "1us"}},
 "nodes": [{"id": "h0", "device": "connectx-6"}, {"id": "h1", "device": "connectx-6"},
           {"id": "s0", "device": "ethernet-switch"}],
 "edges": [{"source": "h0", "target": "s0", "link": "cable"},
           {"source": "h1", "target": "s0", "link": "ethernet-100g"}]
}"""


def test_a_file_written_by_hand(tmp_path):
    path = tmp_path / "hand.json"
    path.write_bytes(b"\xef\xbb\xbf" + WRITTEN_BY_HAND.encode())  # with a byte order mark
    graph = load(path)
    assert graph.edges["h0", "s0"]["link"] == graph.edges["s0", "h0"]["link"]
    assert graph.edges["h0", "s0"]["link"].bandwidth == 25e9 * 0.95 / 8
    assert graph.edges["s0", "h1"]["link"] == catalog.link("ethernet-100g")
    assert len(compile(graph).route("h0", "h1")) == 2


def changed(**rows: Any) -> str:
    return json.dumps(json.loads(WRITTEN_BY_HAND) | rows)


NODES = json.loads(WRITTEN_BY_HAND)["nodes"]
EDGES = json.loads(WRITTEN_BY_HAND)["edges"]
CABLE = json.loads(WRITTEN_BY_HAND)["link_types"]["cable"]


@pytest.mark.parametrize("text, message", [
    (changed(format="networkx"), '"format" is "networkx"; it must be "rackwright-topology"'),
    (changed(version=2), '"version" is 2; this release reads version 1'),
    (changed(version=True), "'version' is true; it must be a whole number"),
    (changed(links=[]), "the file has an unknown key 'links'; allowed: format, version,"),
    (changed(nodes={}), "the file: 'nodes' is {}; it must be a list"),
    ('{"format": "rackwright-topology", "version": 1, "nodes": []}', "the file has no 'edges'"),
    (changed(nodes=[*NODES, {"id": "h0", "device": "connectx-6"}]), "node 'h0' stands twice"),
    (changed(nodes=[*NODES, {"id": "h9"}]), "node 'h9' has no 'device'"),
    (changed(nodes=[*NODES, 7]), "node number 4 is 7; it must be an object {...}"),
    (changed(nodes=[*NODES, {"id": 7, "device": "connectx-6"}]),
     "node number 4: 'id' is 7; it must be text"),
    (changed(nodes=[*NODES, {"id": "h 9", "device": "connectx-6"}]), "node 'h 9' is no name"),
    (changed(nodes=[*NODES, {"id": "h9", "device": "connectx-66"}]),
     "node 'h9': unknown device 'connectx-66'. Did you mean 'connectx-6'?"),
    (changed(nodes=[*NODES, {"id": "h9", "device": "nvlink3"}]), "unknown device 'nvlink3'"),
    (changed(nodes=[*NODES, {"id": "h9", "device": "connectx-6", "forwards": 1}]),
     "node 'h9': 'forwards' is 1; it must be true or false"),
    (changed(nodes=[*NODES, {"id": "h9", "device": "connectx-6", "rack": "r1"}]),
     "node 'h9' has an unknown key 'rack'; allowed: id, device, forwards, attributes"),
    (changed(nodes=[*NODES, {"id": "h9", "device": "connectx-6", "attributes": {"device": 1}}]),
     "node 'h9': 'device' stands beside attributes, not among them"),
    (changed(edges=[*EDGES, EDGES[0]]), "edge h0->s0 stands twice; parallel links need"),
    (changed(edges=[*EDGES, {"source": "h0", "target": "h7", "link": "cable"}]),
     "edge h0->h7: there is no node 'h7'"),
    (changed(edges=[*EDGES, {"source": "h0", "target": "h1", "link": "cabel"}]),
     "edge h0->h1: unknown link 'cabel'. Did you mean 'cable'?"),
    (changed(edges=[*EDGES, {"source": "h0", "target": "h1"}]), "edge h0->h1 has no 'link'"),
    (changed(link_types={"cable": CABLE | {"rate": 25}}),
     "link type 'cable': 'rate' is 25; it must be text"),
    (changed(link_types={"cable": CABLE | {"rate": "25"}}), "link type 'cable': rate"),
    (changed(link_types={"cable": CABLE | {"rate": "25us"}}), "link type 'cable': rate"),
    (changed(link_types={"cable": CABLE | {"efficiency": 2}}),
     "link type 'cable': efficiency is 2; it must be above 0 and at most 1"),
    (changed(link_types={"cable": {"kind": "ethernet"}}), "link type 'cable' has no 'rate'"),
])
def test_faults_of_content(tmp_path, text, message):
    path = tmp_path / "rack.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TopologyError) as caught:
        load(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{path}: not a topology")


def test_all_faults_of_a_file_come_at_once():
    text = changed(nodes=[*NODES, {"id": "h9"}, {"id": "h8", "device": "x"}],
                   edges=[*EDGES, {"source": "h0", "target": "h7", "link": "y"}])
    with pytest.raises(TopologyError) as caught:
        read(text, "rack.json")
    assert len(caught.value.faults) == 4


@pytest.mark.parametrize("content, message", [
    (b'{"format":\n "x",\n\n oops}', r"rack.json:4: broken JSON: .*column 2"),
    (b'{"a": 1, "a": 2}', "the key 'a' stands twice in one object"),
    (b'{"a": NaN}', "NaN is no number"),
    (b"[1]", "this is no topology that is read, it begins .*Read are: node-link JSON, NCCL"),
    (b"<system version='1'/>", "not a usable NCCL topology XML: there is no <cpu>"),
    (b"", "the file is empty"),
    (b'{"a"\n: "\x00"}', "rack.json:2: it holds a NUL byte"),
    (b"{" + b'"a":{' * 100_000, "nested too deeply|broken JSON"),
    (b'{"a": "\xff"}', "not a text in UTF-8 .byte 7"),
    (b'{"a": ' + b"9" * 5000 + b"}", "not a topology: .*digits"),
])
def test_broken_files(tmp_path, content, message):
    path = tmp_path / "rack.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        load(path)
    assert str(path) in str(caught.value) and caught.value.exit_code == 3


def test_files_that_cannot_be_read(tmp_path):
    for path in (tmp_path / "none.json", tmp_path, "a\0b"):
        with pytest.raises(InputError, match="cannot be read"):
            load(path)


def test_a_huge_file_is_refused_unread(tmp_path):
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(InputError, match="1099511627776 bytes; at most"):
        load(path)


@PLAIN
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_never_a_crash(data):
    text = data.draw(st.sampled_from([WRITTEN_BY_HAND, to_json(leaf_spine(1, 1, 1))]))
    for _ in range(data.draw(st.integers(1, 3))):
        begin = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(begin, min(len(text), begin + 20)))
        text = text[:begin] + data.draw(st.sampled_from(
            ["", "0", '"', "{}", "[]", "null", "-1", "1e999", '"h0"', "true", ","])) + text[end:]
    try:
        compile(read(text, "rack.json"))
    except RackwrightError as problem:
        assert problem.exit_code == 3


def test_what_a_file_cannot_hold(parts):
    graph = star(hosts=2)
    graph.nodes["h0"]["device"] = dataclasses.replace(catalog.nic("connectx-6"), ports=2,
                                                      name="mine")
    graph.nodes["h1"]["note"] = {1, 2}
    graph.edges["h0", "s0"]["note"] = float("nan")
    graph.graph["when"] = object()
    with pytest.raises(TopologyError) as caught:
        to_json(graph)
    text = str(caught.value)
    assert text.startswith("this topology cannot be saved (4 faults)")
    assert "node 'h0': 'mine' is not the catalog's part of that name" in text
    assert "node 'h1': attribute 'note' is {1, 2}, which JSON cannot hold" in text
    assert "edge h0->s0: attribute 'note' is nan" in text
    assert "graph: attribute 'when'" in text


def test_an_unsound_graph_is_not_saved(tmp_path):
    graph = star(hosts=2)
    graph.remove_edge("s0", "h1")
    with pytest.raises(TopologyError, match="edge h1->s0 has no reverse"):
        save(graph, tmp_path / "rack.json")
    assert not (tmp_path / "rack.json").exists()


def test_an_unwritable_path_is_an_error(tmp_path):
    with pytest.raises(InputError, match="rack.json: cannot be written: No such file or dir"):
        save(star(), tmp_path / "none" / "rack.json")


def test_a_thousand_nodes_keep_their_hash(tmp_path):
    graph = dgx("h100-sxm", hosts=40)
    save(graph, tmp_path / "rack.json")
    assert compile(load(tmp_path / "rack.json")).content_hash == compile(graph).content_hash


@pytest.mark.parametrize(("name", "text", "place"), [
    ("twice.json", '{"nodes": [{"id": "h0", "device": "connectx-6"}, {"id": "s0"}, {"id": "h0"}],'
                   ' "links": [{"source": "h0", "target": "s0"}]}', ""),
    ("twice.graphml", '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n<graph '
                      'edgedefault="directed">\n<node id="s0"/>\n<node id="h0"/>\n<node id="h0"/>'
                      "</graph></graphml>", ":5")])
def test_names_stand_once_in_files_of_others(tmp_path, name, text, place):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=f"{name}{place}: .* node 'h0' stands twice"):
        load(tmp_path / name)
