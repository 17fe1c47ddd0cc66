"""FIFO ports: closed forms of one link and of paths, and an oracle in plain Python."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.engine import Ports, kernel, new_ports, port_cross
from rackwright.errors import InputError


@kernel
def cross_all(ports, messages, out):  # type: ignore[no-untyped-def]
    """Messages (link, head_ps, tail_ps, nbytes) in the order of their heads."""
    for at in range(messages.shape[0]):
        head_ps, tail_ps = port_cross(ports, messages[at, 0], messages[at, 1], messages[at, 2],
                                      messages[at, 3])
        out[at, 0] = head_ps
        out[at, 1] = tail_ps


def cross(ports: Ports, *messages: tuple[int, int, int, int]) -> list[list[int]]:
    out = np.zeros((len(messages), 2), np.int64)
    cross_all(ports, np.array(messages, np.int64).reshape(-1, 4), out)
    return out.tolist()


def ports_of(*links: tuple[float, int]) -> Ports:
    """Ports of (bandwidth in bytes/s, latency in ps)."""
    bandwidth, latency = zip(*links, strict=True)
    return new_ports(np.array(bandwidth), np.array(latency))


def test_one_message_takes_its_bytes_and_the_latency() -> None:
    ports = ports_of((1e9, 500))
    assert cross(ports, (0, 0, 0, 64)) == [[500, 64_000 + 500]]


def test_n_messages_at_once_take_n_s_over_c_plus_one_latency() -> None:
    count, size = 100, 1_500
    ports = ports_of((12.5e9, 600_000))
    tails = [tail for _, tail in cross(ports, *[(0, 0, 0, size)] * count)]
    assert tails == [(n + 1) * size * 80 + 600_000 for n in range(count)]
    assert ports.busy_ps[0] == count * size * 80
    assert ports.sent_bytes[0] == count * size and ports.messages[0] == count


def test_two_equal_hops_cost_one_serialisation_and_two_latencies() -> None:
    ports = ports_of((1e9, 10), (1e9, 20))
    (head, tail), = cross(ports, (0, 0, 0, 1_000))
    assert cross(ports, (1, head, tail, 1_000)) == [[30, 1_000_000 + 30]]


def test_slow_then_fast_is_paced_by_the_slow_link() -> None:
    """The fast link sends as bytes come in: its own serialisation is hidden."""
    ports = ports_of((1e9, 0), (4e9, 0))
    (head, tail), = cross(ports, (0, 0, 0, 1_000))
    assert cross(ports, (1, head, tail, 1_000)) == [[0, 1_000_000]]
    assert ports.busy_ps.tolist() == [1_000_000, 250_000]


def test_slow_then_fast_blocks_the_fast_port_until_the_tail_is_through() -> None:
    ports = ports_of((1e9, 0), (4e9, 0))
    (head, tail), = cross(ports, (0, 0, 0, 1_000))
    _, second = cross(ports, (1, head, tail, 1_000), (1, 5, 5, 1_000))
    assert second == [1_000_000, 1_250_000]


def test_fast_then_slow_is_paced_by_the_slow_link() -> None:
    ports = ports_of((4e9, 0), (1e9, 0))
    (head, tail), = cross(ports, (0, 0, 0, 1_000))
    assert tail == 250_000
    assert cross(ports, (1, head, tail, 1_000)) == [[0, 1_000_000]]


def test_a_port_is_idle_between_messages() -> None:
    ports = ports_of((1e9, 0))
    tails = [tail for _, tail in cross(ports, (0, 0, 0, 10), (0, 50_000, 50_000, 10))]
    assert tails == [10_000, 60_000]


def test_serialisation_is_rounded_up_to_the_clock() -> None:
    assert cross(ports_of((3e9, 0)), (0, 0, 0, 1)) == [[0, 334]]


MESSAGES = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6),
                              st.integers(0, 10**4)), max_size=20)


@settings(deadline=None, max_examples=100)
@given(messages=MESSAGES, bandwidth=st.integers(10**8, 10**11), latency=st.integers(0, 10**6))
def test_any_arrivals_equal_a_plain_fifo_server(messages: list[tuple[int, int, int]],
                                                bandwidth: int, latency: int) -> None:
    arrivals = sorted((head, head + late, size) for head, late, size in messages)
    free, expected = 0, []
    for head, tail, size in arrivals:
        start = max(head, free)
        free = max(start + math.ceil(Fraction(size * 10**12, bandwidth)), tail)
        expected.append([start + latency, free + latency])
    found = cross(ports_of((float(bandwidth), latency)), *[(0, *one) for one in arrivals])
    # 1e12 / bandwidth is rounded, so each serialisation may round up one step further
    steps = np.arange(len(arrivals)) + 1
    for column in (0, 1):
        late = [a[column] - b[column] for a, b in zip(found, expected, strict=True)]
        assert (np.abs(late) <= steps).all()


@settings(deadline=None, max_examples=50)
@given(messages=MESSAGES)
def test_first_come_first_served_and_never_faster_than_the_link(
        messages: list[tuple[int, int, int]]) -> None:
    arrivals = sorted((head, head + late, size) for head, late, size in messages)
    found = cross(ports_of((1e9, 7)), *[(0, *one) for one in arrivals])
    tails = [tail for _, tail in found]
    assert tails == sorted(tails)
    for (head, tail, size), (head_out, tail_out) in zip(arrivals, found, strict=True):
        assert head_out >= head + 7 and tail_out >= tail + 7
        assert tail_out - head_out >= size * 1_000


@pytest.mark.parametrize(("bandwidth", "latency", "words"), [
    ([1.0, 0.0], [0, 0], "port 1 has bandwidth 0.0 bytes/s"),
    ([float("nan")], [0], "port 0 has bandwidth nan bytes/s"),
    ([1.0], [-5], "port 0 has latency -5 ps; must be 0 or more"),
    ([1.0, 2.0], [0], "2 ports have (1,) latencies; one each is needed"),
])
def test_a_port_that_cannot_be_is_refused(bandwidth: Any, latency: Any, words: str) -> None:
    with pytest.raises(InputError) as problem:
        new_ports(np.array(bandwidth), np.array(latency))
    assert words in str(problem.value)
