"""What differs, told once."""

from __future__ import annotations

from rackwright.topologies import dgx, diff, scale, star


def test_equal_topologies_do_not_differ():
    assert diff(dgx(), dgx()) == []


def test_links_and_nodes():
    before, after = star(hosts=2), scale(star(hosts=3), "h0->s0", rate=0.5)
    rows = diff(before, after)
    assert [(row["what"], row["name"]) for row in rows] == [
        ("node", "h2"), ("edge", "h0<->s0"), ("edge", "h2<->s0")]
    assert rows[0] == {"what": "node", "name": "h2", "before": "", "after": "connectx-6"}
    assert "ethernet-200g*rate0.5" in rows[1]["after"]


def test_one_direction():
    rows = diff(star(hosts=1), scale(star(hosts=1), "h0=>s0", latency=2))
    assert [row["name"] for row in rows] == ["h0->s0"]


def test_forwarding_counts():
    graph = star(hosts=1)
    graph.nodes["h0"]["forwards"] = False
    assert diff(star(hosts=1), graph)[0]["after"] == "connectx-6, forwards nothing"
