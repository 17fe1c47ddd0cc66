"""Whatever a file holds, a reader gives a graph or one of our errors, soon."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rackwright.errors import InputError, RackwrightError
from rackwright.topologies import compile
from rackwright.topologies.formats.detect import read_text

PLAIN = settings(deadline=None, max_examples=60,
                 suppress_health_check=[HealthCheck.function_scoped_fixture])
WORDS = st.sampled_from(["", "0", "-1", "x", "18", "1e999", "nan", "0000:11:00.0", "GPU0", "NV4",
                         "Bridge", "PCIDev", "[", "]", "{}", "\t", "\n", "é", "999999999999999",
                         "100Gbps", "<", "&amp;", ": ", "- ", "null"])


@pytest.mark.parametrize("name", ["nccl", "hwloc", "smi", "ns3", "astra", "lab", "graphml"])
@PLAIN
@given(data=st.data())
def test_a_damaged_file_is_one_error_or_a_graph(texts, name, data):
    text = texts[name]
    for _ in range(data.draw(st.integers(1, 3))):
        begin = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(begin, min(len(text), begin + 12)))
        text = text[:begin] + data.draw(WORDS) + text[end:]
    try:
        graph = read_text(text, "fuzzed", 1e9)
        compile(graph)
    except RackwrightError as problem:
        assert str(problem) and len(str(problem)) < 10_000


@PLAIN
@given(text=st.text(max_size=60) | st.from_regex(r"[<{a-z0-9: \n]{0,60}"))
def test_any_text(text):
    try:
        read_text(text, "fuzzed")
    except RackwrightError as problem:
        assert "fuzzed" in str(problem)


def test_too_many_elements_and_too_deep():
    with pytest.raises(InputError, match="nested more than 64 deep"):
        read_text("<a>" * 100_000, "r")
    with pytest.raises(InputError, match="more than 200000 elements"):
        read_text("<system>" + "<a/>" * 300_000, "r")
